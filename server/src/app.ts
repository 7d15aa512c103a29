/**
 * The composition root: builds the whole server from a configuration, starts it in order and stops
 * it in reverse.
 *
 * ```
 *  main thread      HTTP, reads                     ──▶ PostgreSQL
 *  intake threads   send requests, small and large  ──▶ PostgreSQL
 *  dispatch thread  carriers, receipts              ◀─▶ PostgreSQL
 *  events thread    subscribers                     ◀── PostgreSQL
 * ```
 * Threads share rows only, except that the main thread passes send requests to intake and carrier
 * callbacks to dispatch. Reads therefore stay fast while a megabyte is parsed and thousands of
 * messages are sent.
 */
import { buildReceiptParsers } from './build-carriers.ts';
import { buildSinks, checkSinkPackages } from './build-sinks.ts';
import type { Config } from './config/config.ts';
import { readLocalAccess, removeLocalAccess, writeLocalAccess } from './config/local-access.ts';
import { readTls } from './config/tls.ts';
import { SCOPES } from './domain/api-key.ts';
import type { Channel } from './domain/message.ts';
import { normaliseSenderAddress } from './domain/sender.ts';
import { defaultUnit } from './domain/rate-limit.ts';
import type { DispatchThreadApi, DispatchThreadData } from './dispatch-thread.ts';
import type { EventsThreadApi, EventsThreadData } from './events-thread.ts';
import { createAddressGuard } from './net/address-guard.ts';
import { createStreamHub } from './events/stream.ts';
import { createTester } from './events/tester.ts';
import { createWebhookSink } from './events/webhook-sink.ts';
import { createServer } from './http/server.ts';
import type { SubscriptionDeps } from './http/subscriptions/handlers.ts';
import type { IntakeThreadApi, IntakeThreadData } from './intake-thread.ts';
import type { Logger } from './lib/log.ts';
import { createApiMetrics } from './lib/metrics.ts';
import { hashSecret, newAccountSid, newAuthToken, newKeySecret, newKeySid } from './lib/secrets.ts';
import { createSealer } from './lib/sealer.ts';
import { startThread } from './lib/thread.ts';
import { startOnDemand, startThreads, type Stoppable } from './lib/threads.ts';
import { measureThreads, NodeThreads } from './node-threads.ts';
import { openAudit, type Audit, type AuditScope, type Finding } from './store/audit/audit.ts';
import { EmbeddedError, findEmbedded, hasCluster, startEmbedded } from './engine/embedded.ts';
import { openStore, QuotaExceeded, waitForDatabase, type Store } from './store/store.ts';

export { describeApi } from './http/public/openapi.ts';
export type { Account, ApiKey } from './store/store.ts';
export type { Scope } from './domain/api-key.ts';
export { decodeTypeId } from './domain/ids.ts';
export type { Finding } from './store/audit/audit.ts';
export { MissingPackageError } from './events/optional-packages.ts';
export { EmbeddedError } from './engine/embedded.ts';
export { QuotaExceeded, SchemaError } from './store/store.ts';

export interface App {
  /** Base URL, `http://host:port`, with the port that was really taken. */
  readonly url: string;
  /** The first account. `token` only when it was made or set at this start: it is stored hashed. */
  readonly account: {
    readonly sid: string;
    readonly token: string | null;
    /** Whether the token was generated now and must be shown. */
    readonly isNew: boolean;
  };
  /** Refuses new work, waits for carriers' answers, writes them, and stops everything that it started. */
  stop(): Promise<void>;
}

/** The store alone, for command line tools, beside a running server or without one. */
export interface Admin {
  readonly accounts: Store['accounts'];
  /** Migrations that were applied when it was opened. */
  readonly migrated: readonly string[];
  close(): Promise<void>;
}

/** Opens the store of a configuration; without a database that runs, the embedded one runs for as long as this. */
export async function openAdmin(config: Config, log: Logger): Promise<Admin> {
  const stops: (() => Promise<void>)[] = [];
  const url = await findDatabase(config, log, stops);
  const store = await openStore({ url, connectionsMax: 1, name: 'fanfare-admin' });
  return {
    accounts: store.accounts,
    migrated: store.migrated,
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

/** Finds errors in a database, and does not change it. */
export interface Doctor {
  look(scope: Pick<AuditScope, 'since' | 'operationId' | 'patienceMs'>): Promise<Finding[]>;
  markRestoredInDoubt: Audit['markRestoredInDoubt'];
  close(): Promise<void>;
}

/** Opens the database of a configuration without changing it. Rejects if it does not exist yet. */
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
        carriers: Object.keys(config.carriers),
        senders: config.senders.map(nameSender),
        folder: isEmbedded ? config.dataDir : null,
      }),
    markRestoredInDoubt: audit.markRestoredInDoubt,
    async close() {
      await audit.close();
      for (const stop of stops) await stop();
    },
  };
}

/** Starts a server. If a part cannot start, it rejects and leaves nothing running. */
export async function startApp(config: Config, log: Logger): Promise<App> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    return await buildApp(config, log, stops, stop);
  } catch (error) {
    await stop().catch((reason: unknown) => log.error({ err: reason }, 'The stop failed'));
    throw error;
  }
}

async function buildApp(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<App> {
  checkSinkPackages(config);
  const onDeath = (error: Error) => {
    // The next start recovers the work in progress, as after any crash.
    log.fatal({ err: error }, 'A thread died; the server cannot continue');
    process.exit(1);
  };
  const opening = openDatabase(config, log, stops);
  const data = opening.then(
    ({ databaseUrl }) =>
      ({ databaseUrl, config }) satisfies DispatchThreadData & IntakeThreadData & EventsThreadData,
  );
  const start = <Api extends Stoppable>(name: string) =>
    startThread<Api>(`${name}-thread`, { data, youngMemoryMb: YOUNG_MEMORY_MB, onDeath });
  const load = <Api extends Stoppable>(role: Config['roles'][number], name: string) =>
    config.roles.includes(role) && start<Api>(name);
  // Threads load their code while the engine starts, and begin when the database is ready.
  const [events, dispatch, intake] = await startThreads(
    stops,
    load<EventsThreadApi>('events', 'events'),
    load<DispatchThreadApi>('dispatch', 'dispatch'),
    load<IntakeThreadApi>('api', 'intake'),
  );
  const bulkIntake = startOnDemand(
    () => start<IntakeThreadApi>('intake'),
    (error) => log.warn({ err: error }, 'The thread for large requests did not start'),
  );
  stops.push(() => bulkIntake.stop());
  const { store, account, secrets } = await opening;

  const hub = createStreamHub({ store, log });
  stops.push(() => hub.stop());
  const server = await createServer({
    options: { ...config, carriers: listCarriers(config), tls: await readTls(config.tls) },
    log,
    store,
    metrics: createApiMetrics(),
    measureThreads: () => measureThreads(dispatch, events),
    api: intake && {
      threads: new NodeThreads(intake, bulkIntake, dispatch),
      streamSource: hub,
      sealer: createSealer(secrets.emailLinks),
      credentialSealer: createSealer(secrets.credentials),
      node: { roles: config.roles, embedded: config.databaseUrl === null },
      receiptParsers: await buildReceiptParsers(config),
      subscriptions: buildSubscriptionDeps(config, log, stops),
    },
  });
  stops.push(() => server.close());
  const url = await server.listen(config.host, config.port);
  if (config.databaseUrl === null && config.roles.includes('api'))
    await keepLocalAccess(store, config.dataDir, account.sid, url).catch((error: unknown) => {
      log.warn({ err: error }, 'The API key for the CLI could not be saved');
    });
  return { url, account, stop };
}

/** Starts the engine where there is one, and brings schema, account and senders up to date. */
async function openDatabase(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
): Promise<{
  databaseUrl: string;
  store: Store;
  account: App['account'];
  secrets: { readonly emailLinks: Buffer; readonly credentials: Buffer };
}> {
  const databaseUrl = config.databaseUrl ?? (await startEngine(config, log, stops));
  const wait = <Result>(work: () => Promise<Result>) =>
    waitForDatabase(config.databaseWaitMs, log, work);
  const options = {
    url: databaseUrl,
    connectionsMax: READ_CONNECTIONS_MAX,
    name: 'fanfare-api',
    isForReaders: true,
    onIdleError: (error: Error) =>
      log.warn({ reason: error.message }, 'A database connection broke'),
  };
  const store = await wait(() => openStore(options));
  stops.push(() => store.close());
  // Generated once: if the answer is lost, the repetition writes the same values.
  const fresh = { sid: newAccountSid(), token: newAuthToken() };
  const account = await wait(() => ensureAccount(store, config, fresh, log));
  await wait(() => syncSenders(store, config, log));
  const secrets = {
    emailLinks: await wait(() => store.installation.fetchSecret('email-links')),
    credentials: await wait(() => store.installation.fetchSecret('credentials')),
  };
  return { databaseUrl, store, account, secrets };
}

/** Leaves the command line of this machine the address, and a key of its own, in the data folder. */
async function keepLocalAccess(
  store: Store,
  dataDir: string,
  accountSid: string,
  baseUrl: string,
): Promise<void> {
  const known = readLocalAccess(dataDir);
  if (known?.baseUrl === baseUrl) return;
  const { apiKey, apiKeySecret } = known ?? { apiKey: newKeySid(), apiKeySecret: newKeySecret() };
  // The file first: a folder that cannot be written to does not get the account a key at each start.
  await writeLocalAccess(dataDir, { baseUrl, apiKey, apiKeySecret });
  if (known !== null) return;
  const key = {
    accountSid,
    sid: apiKey,
    secretHash: hashSecret(apiKeySecret),
    name: 'command line of this machine',
    scopes: SCOPES,
    expiresAt: null,
  };
  await store.accounts.createApiKey(key).catch(async (error: unknown) => {
    if (error instanceof QuotaExceeded) await removeLocalAccess(dataDir);
    throw error;
  });
}

/** Brings the senders of the configuration into the database: no account may keep the server from starting, and none loses an address. */
async function syncSenders(store: Store, { senders }: Config, log: Logger): Promise<void> {
  const leftOut = await store.senders.syncConfiguredSenders(
    senders.map((each) => ({
      ...nameSender(each),
      isDefault: each.default,
      throughput: each.throughput ?? null,
      throughputUnit: each.throughputUnit ?? defaultUnit(each.channel),
      dailyCap: each.dailyCap ?? null,
      quietHours: each.quietHours ?? null,
    })),
  );
  if (leftOut.length > 0)
    log.error(
      { senders: leftOut.map((position) => `senders[${position}]`) },
      'Some configured senders are ignored: accounts own their addresses on the same carriers. "fanfare doctor" lists them and the action to take',
    );
}

/** The fields of a configured sender that have one owner among the accounts. */
function nameSender({ channel, address, carrier }: Config['senders'][number]) {
  return { channel, address: normaliseSenderAddress(channel, address), carrier };
}

/** Calls subscribers for a test, as the events thread of any node would. */
function buildSubscriptionDeps(
  config: Config,
  log: Logger,
  stops: (() => Promise<void>)[],
): SubscriptionDeps {
  const { allowTargets, timeoutMs } = config.events;
  const webhook = createWebhookSink({ allowTargets, timeoutMs });
  // Brokers are connected to when one of them is tried out, which may be never.
  let brokers: ReturnType<typeof buildSinks> | null = null;
  const findSink = async (name: string) => {
    brokers ??= buildSinks(config, log);
    return (await brokers)[name];
  };
  stops.push(async () => {
    const sinks = [webhook, ...Object.values((await brokers) ?? {})];
    await Promise.all(sinks.map((each) => each.stop()));
  });
  return {
    test: createTester({ webhook, findSink, log }),
    findUrlProblem: createAddressGuard(allowTargets).findTargetProblem,
    sinks: Object.keys(config.sinks),
  };
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

/** Creates the configured account, or a generated one if there is none. */
async function ensureAccount(
  store: Store,
  config: Config,
  fresh: { readonly sid: string; readonly token: string },
  log: Logger,
): Promise<App['account']> {
  if (config.accountSid !== null && config.authToken !== null) {
    const configured = hashSecret(config.authToken);
    const known = (await store.accounts.findCredentials([config.accountSid])).get(
      config.accountSid,
    );
    if (known !== undefined && !known.secretHash.equals(configured))
      log.warn(
        { account: config.accountSid },
        'FANFARE_AUTH_TOKEN replaces the token of the account. To keep a token that was reset, change the setting too',
      );
    await store.accounts.putAccount(config.accountSid, configured);
    return { sid: config.accountSid, token: config.authToken, isNew: false };
  }
  const [first] = await store.accounts.listAccounts();
  if (first !== undefined && first.sid !== fresh.sid)
    return { sid: first.sid, token: null, isNew: false };
  await store.accounts.putAccount(fresh.sid, hashSecret(fresh.token));
  return { ...fresh, isNew: true };
}
