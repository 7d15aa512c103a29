/**
 * The composition root: builds the whole server from a configuration, starts it in order and stops it in reverse.
 *
 * ```
 *  main thread      HTTP, reads              ──▶ PostgreSQL
 *  intake thread    send requests            ──▶ PostgreSQL
 *  dispatch thread  carriers, receipts       ◀─▶ PostgreSQL
 * ```
 * The three meet in rows only (and a send request is handed from the first to the second), so that reading stays
 * quick while a megabyte is parsed and thousands of messages are sent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { buildReceiptParsers } from './build-carriers.ts';
import type { Config } from './config/config.ts';
import { readTls } from './config/tls.ts';
import type { Channel } from './domain/message.ts';
import { normaliseSenderAddress } from './domain/sender.ts';
import { defaultUnit } from './domain/pace.ts';
import type { DispatchThreadApi, DispatchThreadData } from './dispatch-thread.ts';
import { createServer } from './http/server.ts';
import type { IntakeThreadApi, IntakeThreadData } from './intake-thread.ts';
import type { Logger } from './lib/log.ts';
import { createApiMetrics } from './lib/metrics.ts';
import { hashSecret, newAccountSid, newAuthToken } from './lib/secrets.ts';
import { createSealer } from './lib/sealer.ts';
import { startThread, type Thread, type ThreadApi } from './lib/thread.ts';
import { openAudit, type Audit, type AuditScope, type Finding } from './store/audit/audit.ts';
import { EmbeddedError, findEmbedded, hasCluster, startEmbedded } from './store/embedded.ts';
import { DatabaseUnavailable, openStore, type Store } from './store/store.ts';

export { renderErrorsMarkdown } from './http/docs.ts';
export type { Account } from './store/store.ts';
export { decodeTypeId, encodeTypeId } from './domain/ids.ts';
export { CHANNELS, type Channel } from './domain/message.ts';
export {
  DAILY_CAP_MAX,
  defaultUnit,
  PACE_UNITS,
  THROUGHPUT_MAX,
  THROUGHPUT_MIN,
  type PaceUnit,
  type SenderLimits,
} from './domain/pace.ts';
export { findQuietProblem, TIME_OF_DAY, type QuietHours } from './domain/quiet-hours.ts';
export { findSenderAddressProblem, normaliseSenderAddress, type Sender } from './domain/sender.ts';
export type { Finding } from './store/audit/audit.ts';
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
  readonly senders: Store['senders'];
  close(): Promise<void>;
}

/** Opens the store of a configuration; without a database that runs, the embedded one runs for as long as this. */
export async function openAdmin(config: Config, log: Logger): Promise<Admin> {
  const stops: (() => Promise<void>)[] = [];
  const url = await findDatabase(config, log, stops);
  const store = await openStore({ url, connectionsMax: 1, name: 'fanfare-admin' });
  return {
    accounts: store.accounts,
    senders: store.senders,
    async close() {
      await store.close();
      for (const stop of stops) await stop();
    },
  };
}

async function findDatabase(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<string> {
  return (
    config.databaseUrl ??
    (await findEmbedded(config.dataDir)) ??
    (await startEngine(config, log, stops))
  );
}

/** Looks for what is wrong in a database, as it is. */
export interface Doctor {
  look(scope: Pick<AuditScope, 'since' | 'operationId' | 'patienceMs'>): Promise<Finding[]>;
  doubtRestored: Audit['doubtRestored'];
  close(): Promise<void>;
}

/** Opens the database of a configuration without changing it. Rejects when there is none yet. */
export async function openDoctor(config: Config, log: Logger): Promise<Doctor> {
  const stops: (() => Promise<void>)[] = [];
  const isEmbedded = config.databaseUrl === null;
  if (isEmbedded && !(await hasCluster(config.dataDir)))
    throw new EmbeddedError(
      `There is no database in ${config.dataDir} yet. Check FANFARE_DATA_DIR and DATABASE_URL.`,
    );
  const audit = openAudit(await findDatabase(config, log, stops));
  return {
    look: (scope) =>
      audit.look({
        ...scope,
        lanes: Object.keys(config.carriers),
        folder: isEmbedded ? config.dataDir : null,
      }),
    doubtRestored: audit.doubtRestored,
    async close() {
      await audit.close();
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
  const databaseUrl = config.databaseUrl ?? (await startEngine(config, log, stops));
  const store = await openStoreInTime(config.databaseWaitMs, log, {
    url: databaseUrl,
    connectionsMax: READ_CONNECTIONS_MAX,
    name: 'fanfare-api',
    onIdleError: (error) => log.warn({ reason: error.message }, 'A database connection broke'),
  });
  stops.push(() => store.close());
  const account = await ensureAccount(store, config);
  await store.senders.syncConfiguredSenders(
    config.senders.map((each) => ({
      channel: each.channel,
      address: normaliseSenderAddress(each.channel, each.address),
      carrier: each.carrier,
      isDefault: each.default,
      throughput: each.throughput ?? null,
      throughputUnit: each.throughputUnit ?? defaultUnit(each.channel),
      dailyCap: each.dailyCap ?? null,
      quietHours: each.quietHours ?? null,
    })),
  );

  const onDeath = (error: Error) => {
    // What was under way is recovered by the next start, as after any crash.
    log.fatal({ err: error }, 'A thread died; the server cannot go on');
    process.exit(1);
  };
  const start = { youngMemoryMb: YOUNG_MEMORY_MB, onDeath };
  const data = { databaseUrl, config } satisfies DispatchThreadData & IntakeThreadData;
  const [dispatch, intake] = await startThreads(
    stops,
    config.roles.includes('dispatch') &&
      startThread<DispatchThreadApi>(new URL('./dispatch-thread.js', import.meta.url), {
        data,
        ...start,
      }),
    config.roles.includes('api') &&
      startThread<IntakeThreadApi>(new URL('./intake-thread.js', import.meta.url), {
        data,
        ...start,
      }),
  );

  const server = await createServer({
    options: { ...config, carriers: listCarriers(config), tls: await readTls(config.tls) },
    log,
    store,
    metrics: createApiMetrics(),
    measureDispatch: () => dispatch?.call('measure', []) ?? Promise.resolve(''),
    api: intake && {
      send: (question, transfer) => intake.call('send', [question], transfer),
      sealer: createSealer(await store.installation.fetchSecret('email-links')),
      carrierCalls: {
        readers: buildReceiptParsers(config),
        // Where this node sends, receipts wait for the outcomes that it knows.
        report: (...report) => dispatch?.call('report', report) ?? intake.call('report', report),
      },
    },
  });
  stops.push(() => server.close());
  return { url: await server.listen(config.host, config.port), account, stop };
}

const DATABASE_RETRY_MS = 1_000;

/** Opens the store; a database that is away, perhaps because it is starting too, is waited for. */
async function openStoreInTime(
  waitMs: number,
  log: Logger,
  options: Parameters<typeof openStore>[0],
): Promise<Store> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      return await openStore(options);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() >= until) throw error;
      log.warn({ reason: error.message }, 'The database is away; waiting for it');
      await sleep(DATABASE_RETRY_MS);
    }
  }
}

/** Channels of each carrier. */
function listCarriers(config: Config): Record<string, readonly Channel[]> {
  return Object.fromEntries(
    Object.entries(config.carriers).map(([name, { channels }]) => [name, channels]),
  );
}

/** Connections for reading; the other threads have their own. */
const READ_CONNECTIONS_MAX = 4;
const YOUNG_MEMORY_MB = 32;

type Stoppable = ThreadApi & { readonly stop: () => Promise<void> };

/** Waits for threads that load at the same time. They stop in reverse order; where one fails, the other is stopped too. */
async function startThreads<First extends Stoppable, Second extends Stoppable>(
  stops: (() => Promise<void>)[],
  first: Promise<Thread<First>> | false,
  second: Promise<Thread<Second>> | false,
): Promise<[Thread<First> | null, Thread<Second> | null]> {
  const [one, two] = await Promise.allSettled([first, second]);
  for (const each of [one, two])
    if (each.status === 'fulfilled' && each.value !== false) {
      const thread = each.value;
      stops.push(() => stopThread(thread as Thread<Stoppable>));
    }
  if (one.status === 'rejected') throw one.reason;
  if (two.status === 'rejected') throw two.reason;
  return [one.value || null, two.value || null];
}

async function stopThread(thread: Thread<{ readonly stop: () => Promise<void> }>): Promise<void> {
  await thread.call('stop', []);
  await thread.terminate();
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
