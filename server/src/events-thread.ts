/**
 * The composition root of the events thread: router, deliverer and sinks. `app.ts` starts it. It
 * meets the rest of the server in the database only.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSinks } from './build-sinks.ts';
import type { Config } from './config/config.ts';
import { createDeliverer } from './events/deliverer.ts';
import { createRouter } from './events/router.ts';
import { createWebhookSink } from './events/webhook-sink.ts';
import { createLogger } from './lib/log.ts';
import { createEventsMetrics } from './lib/metrics.ts';
import { serveThread } from './lib/thread.ts';
import { openStore, waitForDatabase } from './store/store.ts';

export interface EventsThreadData {
  readonly databaseUrl: string;
  readonly config: Config;
}

export type EventsThreadApi = {
  /** Its metrics in Prometheus' text format. */
  readonly measure: () => Promise<string>;
  /** Waits for the answers to running deliveries, and writes the results. */
  readonly stop: () => Promise<void>;
};

/** More than the time limit of any sink plus the writes before and after. */
const LEASE_MARGIN_MS = 15_000;

void serveThread<EventsThreadData, EventsThreadApi>(async ({ databaseUrl, config }) => {
  const log = createLogger(config.logLevel);
  const { events } = config;
  const metrics = createEventsMetrics();
  const options = {
    url: databaseUrl,
    connectionsMax: events.databaseConnections,
    name: 'fanfare-events',
    onIdleError: (error: Error) =>
      log.warn({ reason: error.message }, 'A database connection broke'),
  };
  const store = await waitForDatabase(config.databaseWaitMs, log, () => openStore(options));
  const node = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const webhook = createWebhookSink({
    allowTargets: events.allowTargets,
    timeoutMs: events.timeoutMs,
  });
  const sinks = await buildSinks(config, log);
  const deliverer = createDeliverer({
    store,
    log,
    node,
    webhook,
    findSink: async (name) => sinks[name],
    subscriptionsMax: events.subscriptionsAtOnceMax,
    leaseMs: events.timeoutMs + LEASE_MARGIN_MS,
    retryDelaysMs: events.retryDelaysMs,
    onAttempt(result, count, seconds) {
      metrics.attempts.inc({ result });
      metrics.attemptSeconds.observe(seconds);
      if (result === 'delivered') metrics.events.inc(count);
    },
  });
  const router = createRouter({ store, log, node, onRouted: () => deliverer.nudge() });
  await deliverer.start();
  await router.start();

  return {
    measure: () => metrics.read(),
    async stop() {
      await router.stop();
      // A delivery that hangs longer is repeated under the next lease.
      await Promise.race([
        deliverer.stop(),
        sleep(config.drainTimeoutMs, undefined, { ref: false }),
      ]);
      await Promise.all([webhook, ...Object.values(sinks)].map((each) => each.stop()));
      await store.close();
    },
  };
});
