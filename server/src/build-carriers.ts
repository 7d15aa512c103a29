/** Builds carriers, and what reads the calls of their far sides, from the configuration. */
import type { Carrier } from './carriers/carrier.ts';
import { createHttpCarrier } from './carriers/http/http-carrier.ts';
import { createReceiptParser } from './carriers/http/receipt-parser.ts';
import type { ReceiptParser } from './carriers/receipt-call.ts';
import { createSimulator } from './carriers/simulator.ts';
import { createSmppCarrier } from './carriers/smpp/smpp.ts';
import { createBounceReader } from './carriers/smtp/bounce-calls.ts';
import { createSmtpCarrier } from './carriers/smtp/smtp.ts';
import type { Config } from './config/config.ts';
import type { Logger } from './lib/log.ts';

/** One carrier for each entry of the configuration, in its order, not started. */
export function buildCarriers(config: Config, log: Logger): Carrier[] {
  return Object.entries(config.carriers).map(([name, options]) => {
    switch (options.kind) {
      case 'simulator':
        return createSimulator({ ...options, name });
      case 'smpp':
        return createSmppCarrier({ ...options, name, logger: log, random: Math.random });
      case 'smtp':
        return createSmtpCarrier({
          ...options,
          // What may still come back has not been delivered.
          deliveredOn:
            options.deliveredOn ?? (options.bounceAddress === null ? 'accept' : 'report'),
          name,
          logger: log,
        });
      case 'http':
        return createHttpCarrier({ ...options, name, receiptsUrl: receiptsUrlOf(config, name) });
    }
  });
}

/** Parsers of calls to `/carriers/{name}/receipts`, by name, of the carriers that are called. */
export function buildReceiptParsers(config: Config): ReadonlyMap<string, ReceiptParser> {
  const parsers = new Map<string, ReceiptParser>();
  for (const [name, options] of Object.entries(config.carriers)) {
    if (options.kind === 'http' && options.description.receipts !== undefined)
      parsers.set(name, createReceiptParser(options.description));
    if (options.kind === 'smtp' && options.bounceSecret !== null)
      parsers.set(name, createBounceReader(options.bounceSecret, options.bounceAddress));
  }
  return parsers;
}

/** Where a provider calls; null while nobody knows what this server is called outside. */
function receiptsUrlOf(config: Config, name: string): string | null {
  return config.publicUrl && `${config.publicUrl}/carriers/${name}/receipts`;
}
