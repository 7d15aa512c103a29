/** Metrics in the Prometheus format. Labels never contain an address, a name or an account. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Metrics of the HTTP thread and of the process. */
export function createApiMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    accepted: new Counter({
      name: 'fanfare_recipients_accepted_total',
      help: 'Recipients of accepted requests.',
      registers,
    }),
    acceptSeconds: new Histogram({
      name: 'fanfare_accept_seconds',
      help: 'Time from a send request parsed to its operation durable.',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    queueMessages: new Gauge({
      name: 'fanfare_queue_messages',
      help: 'Messages due and not yet settled, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    queueAgeSeconds: new Gauge({
      name: 'fanfare_queue_age_seconds',
      help: 'How long the longest due batch has waited, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    unreadableCalls: new Counter({
      name: 'fanfare_carrier_callbacks_unreadable_total',
      help: 'Carrier callbacks that could not be read completely, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'fanfare_http_request_seconds',
      help: 'Time of HTTP requests by route and status.',
      labelNames: ['route', 'status'] as const,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    }),
  };
}

export type ApiMetrics = ReturnType<typeof createApiMetrics>;

/** A gauge that is evaluated whenever the metrics are read. */
export function addReading(
  { registry }: { readonly registry: Registry },
  name: string,
  help: string,
  read: () => number,
): void {
  const gauge = new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
  registry.registerMetric(gauge);
}

/** Metrics of the dispatch thread. */
export function createDispatchMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    submitted: new Counter({
      name: 'fanfare_submissions_total',
      help: 'Answers of carriers to submissions.',
      registers,
    }),
    submitSeconds: new Histogram({
      name: 'fanfare_submit_seconds',
      help: 'Time from a submission to the answer of its carrier.',
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
      registers,
    }),
    settled: new Counter({
      name: 'fanfare_attempts_settled_total',
      help: 'Outcomes of attempts written.',
      registers,
    }),
    refused: new Counter({
      name: 'fanfare_refused_by_database_total',
      help: 'Outcomes of attempts, receipts and inbound messages that PostgreSQL refused to store unchanged.',
      labelNames: ['what'] as const,
      registers,
    }),
    receipts: new Counter({
      name: 'fanfare_receipts_total',
      help: 'Receipts, by result.',
      labelNames: ['result'] as const,
      registers,
    }),
    connections: new Gauge({
      name: 'fanfare_carrier_connections',
      help: 'Configured connections, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    connected: new Gauge({
      name: 'fanfare_carrier_connected',
      help: 'Usable connections, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    maintenanceRuns: new Counter({
      name: 'fanfare_maintenance_runs_total',
      help: 'Runs of maintenance tasks, by task.',
      labelNames: ['task'] as const,
      registers,
    }),
    maintenanceFailures: new Counter({
      name: 'fanfare_maintenance_failures_total',
      help: 'Failed runs of maintenance tasks, by task. Other tasks go on.',
      labelNames: ['task'] as const,
      registers,
    }),
    damaged: new Counter({
      name: 'fanfare_carrier_damaged_total',
      help: 'Units from carriers that could not be read, by carrier.',
      labelNames: ['carrier'] as const,
      registers,
    }),
    /** All of them in Prometheus' text format. */
    read: () => registry.metrics(),
  };
}

/** Metrics of the events thread. */
export function createEventsMetrics() {
  const registry = new Registry();
  const registers = [registry];
  return {
    attempts: new Counter({
      name: 'fanfare_event_attempts_total',
      help: 'Requests to subscribers, by result.',
      labelNames: ['result'] as const,
      registers,
    }),
    events: new Counter({
      name: 'fanfare_events_delivered_total',
      help: 'Events that subscribers have accepted.',
      registers,
    }),
    attemptSeconds: new Histogram({
      name: 'fanfare_event_attempt_seconds',
      help: 'Time of requests to subscribers.',
      buckets: [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 15],
      registers,
    }),
    /** All of them in Prometheus' text format. */
    read: () => registry.metrics(),
  };
}
