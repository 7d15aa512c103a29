/**
 * The composition root: builds the whole server from a configuration, starts it in order and stops it in reverse.
 * The only place that knows every part.
 */
import { createSimulator } from './carriers/simulator.ts';
import type { Carrier } from './carriers/carrier.ts';
import type { Config } from './config.ts';
import { createDispatcher } from './dispatch/dispatcher.ts';
import { createSettler } from './dispatch/settle.ts';
import { createUpkeep } from './dispatch/upkeep.ts';
import { createServer } from './http/server.ts';
import { createReceiptIntake } from './intake/receipts.ts';
import { createSubmitter } from './intake/submit.ts';
import type { Logger } from './lib/log.ts';
import { createMetrics } from './lib/metrics.ts';
import { hashSecret, newAccountSid, newAuthToken } from './lib/secrets.ts';
import { findEmbedded, startEmbedded } from './store/embedded.ts';
import { openStore, type ReceiptTally, type Store } from './store/store.ts';

export { renderErrorsMarkdown } from './http/docs.ts';
export { EmbeddedError } from './store/embedded.ts';
export { SchemaError } from './store/store.ts';

export interface App {
  /** Base URL, `http://host:port`, with the port that was really taken. */
  readonly url: string;
  /** The first account. `token` only when it was made or set at this start: it is stored hashed. */
  readonly account: {
    readonly sid: string;
    readonly token: string | null;
    readonly created: boolean;
  };
  /** Takes no more, lets carriers answer, writes what they said, and stops everything it started. */
  stop(): Promise<void>;
}

/** The store alone, for command line tools, beside a running server or without one. */
export interface Admin {
  readonly accounts: Store['accounts'];
  close(): Promise<void>;
}

/** Opens the store of a configuration; without a database that runs, the embedded one runs for as long as this. */
export async function openAdmin(config: Config, log: Logger): Promise<Admin> {
  const stops: (() => Promise<void>)[] = [];
  const url =
    config.databaseUrl ??
    (await findEmbedded(config.dataDir)) ??
    (await startEngine(config, log, stops));
  const store = await openStore({ url, connectionsMax: 1, name: 'fanfare-admin' });
  return {
    accounts: store.accounts,
    async close() {
      await store.close();
      for (const stop of stops) await stop();
    },
  };
}

/** Starts a server. Rejects, with nothing left running, when a part cannot start. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    return await buildApp(config, log, stops, stop);
  } catch (error) {
    await stop().catch((reason: unknown) => log.error({ err: reason }, 'Stopping failed'));
    throw error;
  }
}

async function buildApp(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<App> {
  const url = config.databaseUrl ?? (await startEngine(config, log, stops));
  const store = await openStore({
    url,
    connectionsMax: config.dispatch.databaseConnections,
    name: 'fanfare',
    onIdleError: (error) => log.warn({ reason: error.message }, 'A database connection broke'),
  });
  stops.push(() => store.close());
  const account = await ensureAccount(store, config);
  const metrics = createMetrics();

  const settler = createSettler({
    store,
    log,
    delayMs: config.dispatch.settleDelayMs,
    onSettled: (count) => metrics.settled.inc(count),
  });
  const countReceipts = (tally: ReceiptTally) => {
    for (const [result, count] of Object.entries(tally)) metrics.receipts.inc({ result }, count);
  };
  const receipts = createReceiptIntake({
    store,
    log,
    delayMs: config.receipts.flushDelayMs,
    batchMax: config.receipts.batchMax,
    waitingMax: config.receipts.bufferMax,
    outcomesWritten: () => settler.flushed(),
    onApplied: countReceipts,
  });
  stops.push(() => receipts.drain());

  const carriers: Carrier[] = [];
  for (const [name, options] of Object.entries(config.carriers)) {
    const carrier = createSimulator({ ...options, name });
    await carrier.start((some) => receipts.take(some));
    stops.push(() => carrier.stop());
    carriers.push(carrier);
  }

  const dispatcher = createDispatcher({
    store,
    settler,
    carriers,
    log,
    retry: config.retry,
    leaseMs: config.dispatch.leaseMs,
    batchesPerLaneMax: config.dispatch.batchesPerLaneMax,
    drainTimeoutMs: config.drainTimeoutMs,
    onSubmitted: (seconds) => {
      metrics.submitted.inc();
      metrics.submitSeconds.observe(seconds);
    },
  });
  const upkeep = createUpkeep({
    store,
    log,
    retentionDays: config.retentionDays,
    onWoken: () => dispatcher.nudge(),
  });
  await dispatcher.start();
  stops.push(() => dispatcher.stop());
  await upkeep.start();
  stops.push(() => upkeep.stop());
  stops.push(await keepListening(store, log, () => dispatcher.nudge()));

  const senders = {
    senders: config.senders.map((each) => ({ ...each, default: each.default ?? false })),
  };
  const now = () => new Date();
  const server = await createServer({
    options: config,
    log,
    store,
    senders,
    metrics,
    submitter: createSubmitter({ store, senders, requireVariables: config.requireVariables, now }),
  });
  stops.push(() => server.close());
  return { url: await server.listen(config.host, config.port), account, stop };
}

async function startEngine(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<string> {
  const engine = await startEmbedded({
    dataDir: config.dataDir,
    log: (message, details) => log.debug({ ...details }, message),
  });
  stops.push(() => engine.stop());
  return engine.url;
}

/** Makes the configured account, or a new one when there is none. */
async function ensureAccount(store: Store, config: Config): Promise<App['account']> {
  if (config.accountSid !== null && config.authToken !== null) {
    const known = (await store.accounts.listAccounts()).some(
      (each) => each.sid === config.accountSid,
    );
    await store.accounts.putAccount(config.accountSid, hashSecret(config.authToken));
    return { sid: config.accountSid, token: config.authToken, created: !known };
  }
  const [first] = await store.accounts.listAccounts();
  if (first !== undefined) return { sid: first.sid, token: null, created: false };
  const made = { sid: newAccountSid(), token: newAuthToken() };
  await store.accounts.putAccount(made.sid, hashSecret(made.token));
  return { ...made, created: true };
}

const LISTEN_RETRY_MS = 5_000;

/** Listens for wake-ups, again whenever the connection breaks; polling bridges the time between. */
async function keepListening(
  store: Store,
  log: Logger,
  wake: () => void,
): Promise<() => Promise<void>> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let end: (() => Promise<void>) | null = null;
  const again = (error: unknown) => {
    if (stopped) return;
    log.warn({ err: error }, 'Listening for wake-ups broke off; trying again');
    end = null;
    timer = setTimeout(() => void begin(), LISTEN_RETRY_MS);
  };
  async function begin(): Promise<void> {
    try {
      end = await store.upkeep.listenForWork(wake, again);
    } catch (error) {
      again(error);
    }
  }
  await begin();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await end?.().catch(() => undefined);
  };
}
