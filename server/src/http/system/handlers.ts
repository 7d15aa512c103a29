/** Handlers for operators: carriers, queue and database of the installation. They return no personal data. */
import { hostname } from 'node:os';
import type { Channel } from '../../domain/message.ts';
import type { Store } from '../../store/store.ts';
import type { RequestThreads } from '../edge/request-threads.ts';

export function createSystemHandlers(deps: {
  readonly store: Store;
  /** Channels of each configured carrier. */
  readonly carriers: Readonly<Record<string, readonly Channel[]>>;
  readonly threads: Pick<RequestThreads, 'describeCarriers'>;
  readonly node: { readonly roles: readonly string[]; readonly embedded: boolean };
}) {
  const { store, carriers, node } = deps;
  return {
    /** Queues are of all nodes together; connections and windows of the one that answers, null where it does not send. */
    async listCarriers() {
      const [states, queues] = await Promise.all([
        deps.threads.describeCarriers(),
        store.batches.measureQueue(),
      ]);
      return {
        carriers: Object.entries(carriers).map(([name, channels]) => {
          const queue = queues.find(({ carrier }) => carrier === name);
          const found = states.find(({ carrier }) => carrier === name);
          const { carrier: _name, ...state } = found ?? { carrier: name };
          return {
            name,
            channels,
            queueMessages: queue?.messages ?? 0,
            queueAgeSeconds: queue?.ageSeconds ?? 0,
            state: found === undefined ? null : state,
          };
        }),
      };
    },

    async fetch() {
      const [{ dispatchNodes, waitingBatches, readyBatches, outboxPending, ...database }, queues] =
        await Promise.all([store.system.fetchDatabaseState(), store.batches.measureQueue()]);
      return {
        node: {
          host: hostname(),
          roles: node.roles,
          nodeVersion: process.version,
          startedAt: new Date(Date.now() - process.uptime() * 1_000),
          memoryBytes: process.memoryUsage.rss(),
        },
        dispatchNodes,
        queue: {
          messages: queues.reduce((sum, each) => sum + each.messages, 0),
          ageSeconds: Math.max(0, ...queues.map((each) => each.ageSeconds)),
          readyBatches,
          waitingBatches,
        },
        outboxPending,
        database: { ...database, embedded: node.embedded },
      };
    },
  };
}
