/**
 * The SMPP carrier: submits over SMPP 3.4 to an SMSC, as an ESME. Its parts, from the wire up:
 *
 * ```
 *  commands, statuses, pdu ◀─ reader, frames, writer ◀─ session ◀─ link ◀─ pool ◀─ submit ──┐
 *  alphabet, addresses ◀──── messages ◀──────────────────────────────────────────────┘      ├── this
 *                          receipts, reassembly ◀─ deliveries ◀───────────────────────────────┘
 * ```
 */
import type { Carrier, CarrierState } from '../carrier.ts';
import { createDeliveries, type Deliveries } from './deliveries.ts';
import { createLink, type Link } from './link.ts';
import type { SmppOptions } from './options.ts';
import type { BindName } from './pdu.ts';
import { createPool } from './pool.ts';
import type { Delivery } from './session.ts';
import { STATUS } from './statuses.ts';
import { createSubmitter } from './submit.ts';

/**
 * A carrier that is connected from `start` to `stop`. `start` does not wait for the SMSC: while it is away, submissions
 * are answered `throttled`, and `state` says why.
 */
export function createSmppCarrier(options: SmppOptions): Carrier {
  const log = options.logger.child({ carrier: options.name });
  const stopping = new AbortController();
  let deliveries: Deliveries | null = null;
  const links: Link[] = [];
  const transmitters: Link[] = [];
  const pool = createPool(transmitters, options.unboundWaitMs);
  const submit = createSubmitter(options, pool, stopping.signal);

  const events = {
    onBound: pool.onRoom,
    onRoom: pool.onRoom,
    onDown: pool.onDown,
    onDelivery(delivery: Delivery, answer: (status: number) => void): void {
      if (deliveries === null) answer(STATUS.temporary);
      else deliveries.take(delivery, answer);
    },
  };
  const binds: readonly BindName[] =
    options.bindMode === 'pair' ? ['bind_transmitter', 'bind_receiver'] : ['bind_transceiver'];
  for (let i = 0; i < options.binds; i += 1)
    for (const bind of binds) {
      const link = createLink(options, bind, events, log);
      links.push(link);
      if (bind !== 'bind_receiver') transmitters.push(link);
    }

  return {
    name: options.name,
    channels: new Set(['SMS'] as const),
    ambiguous: options.ambiguous,
    quotesOwnIds: true,
    windowMax: options.binds * options.windowPerBind,
    async start(receive, inbound) {
      deliveries = createDeliveries({
        alphabet: options.alphabet,
        receive,
        inbound: inbound ?? null,
        log,
      });
      for (const link of links) link.start();
    },
    send: submit,
    async stop() {
      stopping.abort();
      pool.stop();
      await Promise.all(links.map((link) => link.stop(options.stopTimeoutMs)));
      await deliveries?.stop();
      deliveries = null;
    },
    state(): CarrierState {
      const connected = links.filter((link) => link.isBound).length;
      return {
        connections: links.length,
        connected,
        detail: links.find((link) => link.detail !== null)?.detail ?? null,
      };
    },
  };
}
