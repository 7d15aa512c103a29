/** Options of an SMPP carrier under test: a short window and short time-outs. */
import { pino } from 'pino';
import { SMPP_DEFAULTS, type SmppOptions } from '../../src/carriers/smpp/options.ts';

/** For an SMSC on a port of 127.0.0.1. */
export function optionsFor(port: number, fields: Partial<SmppOptions> = {}): SmppOptions {
  return {
    ...SMPP_DEFAULTS,
    name: 'smsc',
    host: '127.0.0.1',
    port,
    systemId: 'fanfare',
    password: 'secret',
    windowPerBind: 10,
    responseTimeoutMs: 1_000,
    reconnectMinMs: 5,
    reconnectMaxMs: 20,
    logger: pino({ level: 'silent' }),
    random: Math.random,
    onDamage: () => undefined,
    ...fields,
  };
}
