/**
 * The composition root of the dispatch thread: carriers, dispatcher, settlements, receipts and
 * maintenance. `app.ts` starts it. It shares rows with the rest of the server, and the main thread
 * passes it carrier callbacks.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { buildCarriers } from './build-carriers.ts';
import type { Config } from './config/config.ts';
import { groupBySmsc } from './config/receipt-groups.ts';
import { createConnectionShares } from './dispatch/connection-shares.ts';
import { createDispatcher } from './dispatch/dispatcher.ts';
import { createDueWatch } from './dispatch/due-watch.ts';
import { createSettler } from './dispatch/settle.ts';
import { createMaintenance } from './dispatch/maintenance.ts';
import { createReports, type Reported } from './intake/reports.ts';
import type { CarrierState } from './domain/carrier-state.ts';
import { createEmailLinks } from './domain/email-links.ts';
import { keepListening } from './lib/keep-listening.ts';
import { createLogger } from './lib/log.ts';
import { createDispatchMetrics } from './lib/metrics.ts';
import { createSealer } from './lib/sealer.ts';
import { serveThread } from './lib/thread.ts';
import { openStore, waitForDatabase, type ReceiptTally } from './store/store.ts';

export interface DispatchThreadData {
  readonly databaseUrl: string;
  readonly config: Config;
}

export type DispatchThreadApi = {
  /** Stores the reports of a carrier; resolves with false if there is no room for them. */
  readonly report: (carrier: string, reported: Reported) => Promise<boolean>;
  /** The state of its carriers at this moment. */
  readonly describeCarriers: () => Promise<readonly CarrierState[]>;
  /** Its metrics in Prometheus' text format. */
  readonly measure: () => Promise<string>;
  /** Stops leasing, waits for carriers' answers, and writes them. */
  readonly stop: () => Promise<void>;
};

void serveThread<DispatchThreadData, DispatchThreadApi>(async ({ databaseUrl, config }) => {
  const log = createLogger(config.logLevel);
  const stops: (() => Promise<void>)[] = [];
  const metrics = createDispatchMetrics();
  const options = {
    url: databaseUrl,
    connectionsMax: config.dispatch.databaseConnections,
    name: 'fanfare-dispatch',
    onIdleError: (error: Error) =>
      log.warn({ reason: error.message }, 'A database connection broke'),
  };
  const store = await waitForDatabase(config.databaseWaitMs, log, () => openStore(options));
  stops.push(() => store.close());

  const dueWatch = createDueWatch({
    store,
    carriers: Object.keys(config.carriers),
    onDue(due) {
      dispatcher.nudge(due?.carriers);
      maintenance.nudge(due);
    },
  });
  const settler = createSettler({
    store,
    log,
    delayMs: config.dispatch.settleDelayMs,
    waitingMax: config.dispatch.unsettledMax,
    onSettled(count) {
      metrics.settled.inc(count);
      // Retries may be due soon.
      dueWatch.expectMore();
    },
    onRefused: () => metrics.refused.inc({ what: 'outcome' }),
  });
  const reports = createReports({
    ...config,
    store,
    log,
    outcomesWritten: () => settler.flushed(),
    carriersOf: groupBySmsc(config.carriers),
    onApplied(tally: ReceiptTally) {
      dueWatch.expectMore();
      for (const [result, count] of Object.entries(tally)) metrics.receipts.inc({ result }, count);
    },
    onRefused: (what: 'receipt' | 'inbound') => metrics.refused.inc({ what }),
  });
  const { receipts, inbound } = reports;
  stops.push(() => receipts.drain());

  const node = `${hostname()}/${process.pid}/${randomUUID().slice(0, 8)}`;
  const { leaseMs } = config.dispatch;
  const carriers = await buildCarriers(config, log, (carrier) => metrics.damaged.inc({ carrier }));
  const shares = createConnectionShares({ store, log, node, carriers, leaseMs });
  // Stopped after the carriers, so that shares of open connections are not given away.
  stops.push(() => shares.stop());
  for (const carrier of carriers) {
    await carrier.start(
      (some) => receipts.take(carrier.name, some),
      (some) => inbound.take(carrier.name, some),
    );
    stops.push(() => carrier.stop());
  }

  await shares.start();

  const { publicUrl } = config;
  const secret = await waitForDatabase(config.databaseWaitMs, log, () =>
    store.installation.fetchSecret('email-links'),
  );

  // Starts before the first lease and stops after the last: a node with leases is present.
  stops.push(
    await keepListening(
      (_, lost) => store.nodes.appear(node, lost),
      // Before another node can take it for gone.
      { log, what: 'The presence of this node', retryMs: 100 },
    ),
  );
  const dispatcher = createDispatcher({
    store,
    emailLinks: publicUrl === null ? null : createEmailLinks(publicUrl, createSealer(secret)),
    settler,
    carriers,
    log,
    retry: config.retry,
    node,
    leaseMs,
    batchesPerCarrierMax: config.dispatch.batchesPerCarrierMax,
    drainTimeoutMs: config.drainTimeoutMs,
    onSubmitted(seconds) {
      metrics.submitted.inc();
      metrics.submitSeconds.observe(seconds);
    },
  });
  await dispatcher.start();
  stops.push(() => dispatcher.stop());
  const maintenance = createMaintenance({
    store,
    log,
    retentionDays: config.retentionDays,
    applyParked: () => receipts.applyParked(),
    retryReceipts: () => receipts.retryParked(),
    answerInbound: () => inbound.answerAll(),
    node,
    resending: carriers.flatMap(({ name, ambiguous }) => (ambiguous === 'resend' ? name : [])),
    onWoken: () => dispatcher.nudge(),
    onRun(task, failed) {
      metrics.maintenanceRuns.inc({ task });
      if (failed) metrics.maintenanceFailures.inc({ task });
    },
  });
  await maintenance.start();
  stops.push(() => maintenance.stop());
  await dueWatch.start();
  stops.push(() => dueWatch.stop());
  stops.push(
    await keepListening((...how) => store.maintenance.listen('work', ...how), {
      log,
      what: 'Listening for work',
      wake() {
        dispatcher.nudge();
        dueWatch.expectMore();
      },
    }),
  );

  return {
    measure() {
      for (const { carrier, connections, connected } of dispatcher.describeCarriers()) {
        if (connections !== null) metrics.connections.set({ carrier }, connections);
        if (connected !== null) metrics.connected.set({ carrier }, connected);
      }
      return metrics.read();
    },
    describeCarriers: async () => dispatcher.describeCarriers(),
    report: reports.take,
    async stop() {
      for (const each of stops.splice(0).toReversed()) await each();
    },
  };
});
