/**
 * The SMPP carrier: submits over SMPP 3.4 to an SMSC, as an ESME. Its parts, from the wire up:
 *
 * ```
 *  commands, statuses, pdu ◀─ reader, frames, outlet ◀─ session ◀─ link ◀─ pool ◀─ submit ──┐
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
import type { Delivery } from './session-events.ts';
import { STATUS } from './statuses.ts';
import { createSubmitter } from './submit.ts';

/**
 * A carrier that is connected from `start` to `stop`. `start` does not wait for the SMSC. While the SMSC is unreachable,
 * submissions are answered with `throttled`, and `state` has the reason.
 */
export function createSmppCarrier(options: SmppOptions): Carrier {
  const log = options.logger.child({ carrier: options.name });
  const stopping = new AbortController();
  let deliveries: Deliveries | null = null;
  /** The links of each bind: one, or a pair. */
  const binds: Link[][] = [];
  const transmitters: Link[] = [];
  const pool = createPool(transmitters, options.unboundWaitMs);
  const submit = createSubmitter(options, pool, stopping.signal);

  const events = {
    onBound: pool.onRoom,
    onRoom: pool.onRoom,
    onDown: pool.onDown,
    onDamage: options.onDamage,
    onDelivery(delivery: Delivery, answer: (status: number) => void): boolean {
      if (deliveries !== null) return deliveries.take(delivery, answer);
      answer(STATUS.temporary);
      return true;
    },
  };
  const kinds: readonly BindName[] =
    options.bindMode === 'pair' ? ['bind_transmitter', 'bind_receiver'] : ['bind_transceiver'];
  for (let i = 0; i < options.binds; i += 1)
    binds.push(
      kinds.map((kind) => {
        const link = createLink(options, kind, events, log);
        if (kind !== 'bind_receiver') transmitters.push(link);
        return link;
      }),
    );
  let started = false;
  let allowed = options.bindsMax === null ? options.binds : 0;

  /** Closing links are drained; their states show the progress. */
  function allow(count: number): void {
    if (!started || count === allowed) return;
    log.info({ binds: count }, 'The number of binds for this node changed');
    for (const link of binds.slice(0, count).flat()) link.start();
    for (const link of binds.slice(count).flat()) void link.stop(options.stopTimeoutMs);
    allowed = count;
  }

  return {
    name: options.name,
    channels: new Set(['SMS'] as const),
    ambiguous: options.ambiguous,
    quotesOwnIds: true,
    ...(options.bindsMax === null
      ? {}
      : {
          shared: {
            max: options.bindsMax,
            wanted: options.binds,
            get inUse() {
              return Math.max(
                allowed,
                binds.filter((bind) => bind.some((link) => link.isOpen)).length,
              );
            },
            get allowed() {
              return allowed;
            },
            allow,
          },
        }),
    windowMax: options.binds * options.windowPerBind,
    async start(receive, inbound) {
      deliveries = createDeliveries({
        rules: {
          alphabet: options.alphabet,
          source: options.receiptSource,
          unmarked: options.unmarkedReceipts,
        },
        home:
          options.inboundCountryCode === null
            ? null
            : { code: options.inboundCountryCode, trunk: options.inboundTrunkPrefix },
        receive,
        inbound: inbound ?? null,
        log,
        onRoom() {
          for (const link of binds.flat()) link.resume();
        },
        onDamage: options.onDamage,
      });
      started = true;
      for (const link of binds.slice(0, allowed).flat()) link.start();
    },
    canTake: () => transmitters.some((link) => link.isBound),
    send: submit,
    async stop() {
      stopping.abort();
      pool.stop();
      started = false;
      await Promise.all(binds.flat().map((link) => link.stop(options.stopTimeoutMs)));
      await deliveries?.stop();
      deliveries = null;
    },
    state(): CarrierState {
      const links = binds.slice(0, allowed).flat();
      const connected = links.filter((link) => link.isBound).length;
      return {
        connections: links.length,
        connected,
        detail: links.find((link) => link.detail !== null)?.detail ?? null,
      };
    },
  };
}
