/**
 * Endpoints for operators: liveness, readiness and metrics. They need no credentials and contain
 * no personal data.
 */
import type { FastifyInstance } from 'fastify';
import type { ApiMetrics } from '../../lib/metrics.ts';
import type { Store } from '../../store/store.ts';
import { refuseForNow } from '../../shapes/refusal.ts';

/** The state of the server while it stops: first it is not ready, then it refuses requests. */
export interface ServerState {
  isReady: boolean;
  isDraining: boolean;
}

export function registerHealth(
  app: FastifyInstance,
  state: Readonly<ServerState>,
  deps: {
    readonly store: Store;
    readonly metrics: ApiMetrics;
    readonly measureThreads: () => Promise<string>;
  },
): void {
  const { store, metrics } = deps;
  const hidden = { schema: { hide: true } };

  app.get('/healthz', hidden, async () => ({ status: 'ok' }));

  app.get('/readyz', hidden, async () => {
    if (!state.isReady) throw refuseForNow('The server is stopping.');
    await store.maintenance.ping();
    return { status: 'ready' };
  });

  app.get('/metrics', hidden, async (_request, reply) => {
    metrics.queueMessages.reset();
    metrics.queueAgeSeconds.reset();
    // Without the database the other numbers still count.
    for (const each of await store.batches.measureQueue().catch(() => [])) {
      metrics.queueMessages.set({ carrier: each.carrier }, each.messages);
      metrics.queueAgeSeconds.set({ carrier: each.carrier }, each.ageSeconds);
    }
    return reply
      .type(metrics.registry.contentType)
      .send(`${await metrics.registry.metrics()}\n${await deps.measureThreads()}`);
  });
}
