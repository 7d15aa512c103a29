/** The real program in a process of its own on a real database, and a client that talks HTTP to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, inject, onTestFinished } from 'vitest';
import { hashSecret, newAccountSid, newAuthToken } from '../../src/lib/secrets.ts';

export const PROGRAM = fileURLToPath(new URL('../../bin/fanfare.cjs', import.meta.url));
export const SID = `AC${'0'.repeat(31)}1`;
export const TOKEN = 'token-for-tests-0123456789';

/** A simulator that is quick, as most tests want it. */
export const QUICK = { answerDelayMs: { min: 0, max: 2 }, receiptDelayMs: { min: 0, max: 5 } };

/** Those of a node that has all; servers here deliver no events unless a test asks for it. */
export const ALL_ROLES = ['api', 'dispatch', 'events'];

export type Json = Record<string, any>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** A server, seen by one account. */
export interface FanfareClient {
  readonly url: string;
  readonly databaseUrl: string;
  readonly database: pg.Pool;
  readonly folder: string;
  /** Credentials of the account. */
  readonly sid: string;
  readonly token: string;
  /** Standard error so far. */
  readonly errors: () => string;
  /** Standard output so far. */
  readonly output: () => string;
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  get(path: string): Promise<Answer>;
  /** Posts a send request and expects a 202. */
  send(body: unknown, headers?: Record<string, string>): Promise<string>;
  operation(id: string): Promise<Json>;
  /** Reads an operation until `done` says so, checking the sum of its counters each time. */
  watch(id: string, done: (operation: Json) => boolean): Promise<Json>;
}

/** A server that the test may stop and start. */
export interface Fanfare extends FanfareClient {
  stop(): Promise<number | null>;
  kill(): Promise<void>;
  /** Ends it in order, to be started again. */
  terminate(): Promise<void>;
  /** Starts it again on the same database. */
  restart(config?: object): Promise<void>;
}

export interface FanfareOptions {
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
}

const sums = [
  'scheduled',
  'queued',
  'sent',
  'delivered',
  'read',
  'undelivered',
  'failed',
  'canceled',
];

/** Invariants of every operation. */
export function expectExact({ stats }: Json): void {
  expect(sums.reduce((sum, name) => sum + stats[name], 0)).toBe(stats.total);
  expect(stats.recipients).toBe(stats.total + stats.unaddressable);
}

/** Does something on the server of databases. */
async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('databaseUrl') });
  await client.connect();
  await client.query(statement);
  await client.end();
}

/** A migrated database of its own; `empty` for one without a schema. */
export async function createDatabase(kind: 'migrated' | 'empty' = 'migrated'): Promise<string> {
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  const template = kind === 'empty' ? 'template1' : inject('templateDatabase');
  // Copied as files, a tenth of the time: without fsync the checkpoints of this strategy cost nothing.
  await onServer(`create database ${name} template ${template} strategy file_copy`);
  return Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href;
}

/** Drops it with all its connections. */
export const dropDatabase = (url: string) =>
  onServer(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);

/** Polls quickly at first and more slowly later, so that a slow condition is not slowed down by the polls. */
const PAUSE_MIN_MS = 4;
const PAUSE_MAX_MS = 50;

/** Polls until `probe` gives something; the deadline is for hangs, not a measure. */
export async function until<Value>(
  probe: () => Promise<Value | null | undefined | false>,
  timeoutMs = 25_000,
): Promise<Value> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MAX_MS)) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error('It did not come to pass in time.');
    await sleep(pauseMs);
  }
}

/** Runs the program to its end. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<{ code: number | null; out: string; err: string }> {
  const child = watchOver(
    spawn(process.execPath, [PROGRAM, ...args], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      ...(cwd === undefined ? {} : { cwd }),
    }),
  );
  const [out, err] = [collect(child, 'stdout'), collect(child, 'stderr')];
  await once(child, 'close');
  return { code: child.exitCode, out: out(), err: err() };
}

function collect(child: ChildProcess, stream: 'stdout' | 'stderr'): () => string {
  let text = '';
  child[stream]?.on('data', (data: Buffer) => (text += data.toString('utf8')));
  return () => text;
}

/** Starts a server, with a database of its own, that ends with the test. See `useFanfare` first. */
export async function startFanfare(options: FanfareOptions = {}): Promise<Fanfare> {
  const starting = launchFanfare(options);
  // Registered before it has started: a test that gives up meanwhile leaves nothing running.
  onTestFinished(async () => {
    const fanfare = await starting.catch(() => null);
    await fanfare?.stop();
  });
  return starting;
}

/** Processes that a test file has started end with its own process, however that ended. */
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function watchOver(child: ChildProcess): ChildProcess {
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/** As `startFanfare`, but the caller stops it. */
export async function launchFanfare(options: FanfareOptions = {}): Promise<Fanfare> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-test-'));
  const given = options.env?.['DATABASE_URL'];
  const ownsDatabase = given === undefined;
  const databaseUrl = given ?? (await createDatabase());
  const database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  database.on('error', () => undefined);
  const configFile = join(folder, 'config.json');
  let child: ChildProcess;
  let url = '';
  let errors = () => '';
  let output = () => '';

  async function start(config: object): Promise<void> {
    await writeFile(
      configFile,
      JSON.stringify({
        port: 0,
        logLevel: 'warn',
        // A thread less to load, thousands of times; tests of events name all roles.
        roles: ['api', 'dispatch'],
        limits: { requestsPerSecond: 100_000 },
        carriers: { simulator: QUICK },
        ...config,
      }),
    );
    child = watchOver(
      spawn(process.execPath, [PROGRAM, 'start', '--config', configFile], {
        env: {
          PATH: process.env['PATH'] ?? '',
          DATABASE_URL: databaseUrl,
          FANFARE_ACCOUNT_SID: SID,
          FANFARE_AUTH_TOKEN: TOKEN,
          ...options.env,
        },
      }),
    );
    output = collect(child, 'stdout');
    errors = collect(child, 'stderr');
    url = await until(async () => {
      if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${errors()}`);
      return /ready at (\S+)/.exec(output())?.[1];
    }).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
  }

  await start(options.config ?? {});

  const server = {
    get url() {
      return url;
    },
    databaseUrl,
    database,
    folder,
    errors: () => errors(),
    output: () => output(),
  };
  const client = createClient(server, { sid: SID, token: TOKEN });
  return Object.assign(client, {
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      await database.end().catch(() => undefined);
      if (ownsDatabase) await dropDatabase(databaseUrl);
      await rm(folder, { recursive: true, force: true });
      return child.exitCode;
    },
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async terminate() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
    restart: (config?: object) => start(config ?? options.config ?? {}),
  });
}

type Server = Pick<
  FanfareClient,
  'url' | 'databaseUrl' | 'database' | 'folder' | 'errors' | 'output'
>;

/** Servers of this test file, by their options: they end with the file. */
const shared = new Map<string, Promise<Fanfare>>();

/** Files share this module where their processes do: `shared-servers.ts` calls this at the end of each. */
export async function stopSharedServers(): Promise<void> {
  const servers = [...shared.values()];
  shared.clear();
  await Promise.all(servers.map(async (each) => (await each.catch(() => null))?.stop()));
}

/**
 * The server of this file with these options, started at the first call, and a new account in it. For tests that leave
 * the server unchanged and read no data of other accounts; senders of the configuration are shared.
 */
export async function useFanfare(options: FanfareOptions = {}): Promise<FanfareClient> {
  const key = JSON.stringify([options.config, options.env]);
  const starting = shared.get(key) ?? launchFanfare(options);
  shared.set(key, starting);
  return openAccount(await starting);
}

/** A new account of a server. */
export async function openAccount(fanfare: Fanfare): Promise<FanfareClient> {
  return createClient(fanfare, await createAccount(fanfare.database));
}

/** Makes another account, as `fanfare accounts create` does. */
async function createAccount(database: pg.Pool): Promise<Credentials> {
  const credentials = { sid: newAccountSid(), token: newAuthToken() };
  await database.query('insert into account (sid, token_hash) values ($1, $2)', [
    credentials.sid,
    hashSecret(credentials.token),
  ]);
  return credentials;
}

interface Credentials {
  readonly sid: string;
  readonly token: string;
}

/** Delegates other properties to the server, whose URL may change. */
function createClient(server: Server, { sid, token }: Credentials): FanfareClient {
  const request: FanfareClient['request'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }).catch((error: unknown) => {
      // The server's last output explains more than a broken connection.
      throw new Error(`${method} ${path} broke: ${server.errors().slice(-2_000)}`, {
        cause: error,
      });
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') ?? false;
    return {
      status: answer.status,
      headers: answer.headers,
      body: isJson ? JSON.parse(text) : { text },
    };
  };

  const operation = async (id: string) => {
    const { status, body } = await request('GET', `/v1/Messages/Operations/${id}`);
    expect(status).toBe(200);
    expectExact(body);
    return body;
  };

  return {
    get url() {
      return server.url;
    },
    databaseUrl: server.databaseUrl,
    database: server.database,
    folder: server.folder,
    sid,
    token,
    errors: server.errors,
    output: server.output,
    request,
    get: (path) => request('GET', path),
    async send(body, headers) {
      const answer = await request('POST', '/v1/Messages', body, headers);
      expect(answer.body).toHaveProperty('operationId');
      expect(answer.status).toBe(202);
      return answer.body['operationId'];
    },
    operation,
    watch: (id, done) =>
      until(async () => {
        const now = await operation(id);
        return done(now) ? now : null;
      }),
  };
}

/** `count` recipients whose numbers the simulator treats like any other. */
export function recipients(count: number, first = 0): Json[] {
  return Array.from({ length: count }, (_, i) => ({
    address: `+1500556${String(first + i).padStart(4, '0')}`,
    channel: 'PHONE',
  }));
}

/** One recipient with a number that the simulator treats specially. */
export function special(number: number): Json {
  return { address: `+1500555${String(number).padStart(4, '0')}`, channel: 'PHONE' };
}

export const text = (words: string) => ({ text: words });

/** A sender that leaves no fallback. */
export const smsOnly = { from: { address: '+15005550100', channel: 'SMS' } };
