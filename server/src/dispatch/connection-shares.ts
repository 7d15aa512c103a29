/**
 * Connection shares, for carriers that allow fewer connections than all nodes would open. This
 * node claims its share, renews the claim, and closes connections when its share shrinks or a
 * renewal is late.
 */
import type { Carrier } from '../carriers/carrier.ts';
import type { Logger } from '../lib/log.ts';
import { createLoop, type Service } from '../lib/service.ts';
import type { Store } from '../store/store.ts';

export function createConnectionShares(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly node: string;
  readonly carriers: readonly Carrier[];
  readonly leaseMs: number;
}): Service {
  const { store, log, node, leaseMs } = options;
  const expiries = new Map<string, NodeJS.Timeout>();
  const loops = options.carriers.flatMap(({ name: carrier, shared }) => {
    if (shared === undefined) return [];
    const everyMs = leaseMs / 3;
    return createLoop({
      idleMs: everyMs,
      backoffMsMax: everyMs,
      onError: (error) => log.warn({ err: error, carrier }, 'Connections could not be claimed'),
      async work() {
        const askedAt = performance.now();
        const { max, wanted, inUse } = shared;
        const allowed = await store.connectionShares.claimConnections({
          carrier,
          node,
          max,
          wanted,
          inUse,
          leaseMs,
        });
        clearTimeout(expiries.get(carrier));
        // From then on the state of the other nodes is unknown: they may have been given all connections.
        expiries.set(
          carrier,
          setTimeout(() => shared.allow(0), askedAt + leaseMs - performance.now()),
        );
        shared.allow(allowed);
        return false;
      },
    });
  });

  return {
    async start() {
      for (const loop of loops) await loop.start();
    },
    /** To be called when the carriers have closed their connections. */
    async stop() {
      for (const loop of loops) await loop.stop();
      for (const timer of expiries.values()) clearTimeout(timer);
      if (loops.length > 0)
        await store.connectionShares
          .releaseConnections(node)
          .catch((error: unknown) => log.warn({ err: error }, 'Connections could not be released'));
    },
  };
}
