/**
 * The embedded engine: a real PostgreSQL in the data directory, started, supervised and stopped by the server.
 *
 * ```
 *  lock ─▶ stop an orphan ─▶ initdb when new ─▶ start on a free port ─▶ ready ─▶ stop ─▶ unlock
 *                                                   ▲                    │ died unasked
 *                                                   └────────────────────┘ same port, with growing pauses
 * ```
 * As root, the engine runs as an unprivileged user, who may not have access to the path of the data directory (below a
 * home of mode 700). On Linux the engine therefore gets the open directory and uses it as `/proc/self/fd/3`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  chmod,
  chown,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { acquireLock, startOf } from '../lib/lock-file.ts';
import {
  chooseUser,
  EmbeddedError,
  findPrograms,
  type EnginePrograms,
  type EngineUser,
} from './files.ts';

export { EmbeddedError } from './files.ts';

export interface EmbeddedPostgres {
  /** For programs of this machine: over a Unix socket if the platform and the path allow one. */
  readonly url: string;
  /** `postgres://fanfare:…@127.0.0.1:port/fanfare` */
  readonly tcpUrl: string;
  /** Stops PostgreSQL and unlocks the data directory. May be called again. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log?: (message: string, details?: object) => void;
  /** PostgreSQL's settings in addition to ours, for disposable databases. */
  readonly settings?: Readonly<Record<string, string>>;
}

const MAJOR_VERSION = '18';
const LOOPBACK = '127.0.0.1';
/** Bytes of a socket's path, at most: macOS has the fewest, with a NUL at the end. */
const SOCKET_PATH_MAX = 103;
const READY_TIMEOUT_MS = 60_000;
const FAST_STOP_MS = 10_000;
const ORPHAN_STOP_MS = 15_000;
const PORT_TRIES_MAX = 5;
const LINGER_PAUSE_MS = 500;
const RESTART_PAUSE_MAX_MS = 10_000;
const OUTPUT_LINES_MAX = 50;

/** Settings that differ from PostgreSQL's defaults. Durability keeps its defaults: fsync and synchronous commit on. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  // Four threads and their listeners are some 25; the options allow more, and each costs little until it is used.
  max_connections: '200',
  shared_buffers: '256MB',
  // Checkpoints by time, not by volume: a full-page image after each costs more than the change itself.
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  // Short statements gain nothing from compiled plans.
  jit: 'off',
  // The queue's table churns; its dead rows must go soon.
  autovacuum_naptime: '10s',
  log_checkpoints: 'off',
} as const;

/** The content of `postgres.json`, which only the owner can read. */
interface EngineRecord {
  readonly password: string;
  /** False until the cluster is complete: a half-made one is made again. */
  readonly complete: boolean;
  readonly port: number | null;
}

/** Starts the engine of a data directory, and creates the database if it is new. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  await makeDirectory(dataDir);
  const lock = await acquireLock(join(dataDir, 'fanfare.lock'));
  if (!lock.acquired)
    throw new EmbeddedError(
      `The data directory ${dataDir} is in use by another Fanfare (process ${lock.pid}). Stop it, or set FANFARE_DATA_DIR to another directory.`,
    );
  try {
    const user = await chooseUser();
    const engine = new Engine(dataDir, user, await findPrograms(user), options);
    await engine.start();
    return {
      url: engine.url,
      tcpUrl: engine.tcpUrl,
      async stop() {
        await engine.stop();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The URL of the running engine of a data directory, or null. For command line tools. */
export async function findEmbedded(dataDir: string): Promise<string | null> {
  const record = await readRecord(dataDir);
  const running = await findPostmaster(clusterFolder(dataDir));
  if (record?.port == null || running === null) return null;
  const host = await access(join(clusterFolder(dataDir), socketFile(record.port))).then(
    () => clusterFolder(dataDir),
    () => LOOPBACK,
  );
  return urlOf(record.password, host, record.port, 'fanfare');
}

/** Whether the data directory contains a database. */
export function hasCluster(dataDir: string): Promise<boolean> {
  return access(join(clusterFolder(dataDir), 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

async function makeDirectory(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, '.write-test'), '');
    await rm(join(dataDir, '.write-test'));
  } catch (error) {
    throw new EmbeddedError(
      `The data directory ${dataDir} cannot be written (${(error as Error).message}). Allow this user to write there, or set FANFARE_DATA_DIR to another directory.`,
    );
  }
}

/** @param host the loopback address, or the folder of a Unix socket */
function urlOf(password: string, host: string, port: number, database: string): string {
  return `postgres://fanfare:${password}@${encodeURIComponent(host)}:${port}/${database}`;
}

/** The name that PostgreSQL gives its socket, and its lock file begins with. */
const SOCKET_PREFIX = '.s.PGSQL.';
const socketFile = (port: number) => `${SOCKET_PREFIX}${port}`;

/** PostgreSQL's own folder in a data directory. */
export function clusterFolder(dataDir: string): string {
  return join(resolve(dataDir), 'postgres');
}

/** The stored password and port of a cluster. */
export function recordFile(dataDir: string): string {
  return join(resolve(dataDir), 'postgres.json');
}

async function readRecord(dataDir: string): Promise<EngineRecord | null> {
  const text = await readFile(recordFile(dataDir), 'utf8').catch(() => null);
  try {
    return text === null ? null : (JSON.parse(text) as EngineRecord);
  } catch {
    return null;
  }
}

/** The live postmaster of a cluster, from its pid file; null if the file is stale or missing. */
export async function findPostmaster(cluster: string): Promise<number | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pidText, , startedText] = text.split('\n');
  const pid = Number(pidText);
  if (!(pid > 0) || (await startOf(pid)) === null) return null;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  // Elsewhere than on Linux the pid file's start time must do: it is younger than the machine's start.
  if (command === null) return process.platform === 'linux' || !startedText ? null : pid;
  return command.split('\0')[0]?.endsWith('postgres') ? pid : null;
}

class Engine {
  readonly #dataDir: string;
  readonly #cluster: string;
  readonly #user: EngineUser | null;
  readonly #programs: EnginePrograms;
  readonly #log: (message: string, details?: object) => void;
  readonly #settings: Readonly<Record<string, string>>;
  #password = '';
  #port = 0;
  #hasSocket: boolean;
  #process: ChildProcess | null = null;
  #directory: FileHandle | null = null;
  #output: string[] = [];
  #stopping = false;
  #exited: Promise<void> = Promise.resolve();

  constructor(
    dataDir: string,
    user: EngineUser | null,
    programs: EnginePrograms,
    { log = () => undefined, settings = {} }: EmbeddedOptions,
  ) {
    this.#dataDir = dataDir;
    this.#cluster = clusterFolder(dataDir);
    this.#user = user;
    this.#programs = programs;
    this.#log = log;
    this.#settings = { ...SETTINGS, ...settings };
    this.#hasSocket =
      process.platform !== 'win32' &&
      Buffer.byteLength(join(this.#cluster, socketFile(65_535))) <= SOCKET_PATH_MAX;
  }

  get url(): string {
    return this.#urlOf('fanfare');
  }

  get tcpUrl(): string {
    return urlOf(this.#password, LOOPBACK, this.#port, 'fanfare');
  }

  #urlOf(database: string): string {
    const host = this.#hasSocket ? this.#cluster : LOOPBACK;
    return urlOf(this.#password, host, this.#port, database);
  }

  async start(): Promise<void> {
    await this.#stopOrphan();
    const record = await readRecord(this.#dataDir);
    if (record?.complete) await this.#checkVersion();
    this.#password = record?.password ?? randomBytes(24).toString('hex');
    if (!record?.complete) await this.#create();
    await this.#openDirectory();
    await this.#launchOnFreePort();
    await this.#ensureDatabase();
  }

  /** A server killed with SIGKILL leaves its PostgreSQL behind; it is ours by the directory's lock. */
  async #stopOrphan(): Promise<void> {
    const pid = await findPostmaster(this.#cluster);
    if (pid === null) return;
    this.#log('Stopping the PostgreSQL that a killed server left behind', { pid });
    process.kill(pid, 'SIGINT');
    const deadline = performance.now() + ORPHAN_STOP_MS;
    while ((await startOf(pid)) !== null) {
      if (performance.now() > deadline) {
        process.kill(pid, 'SIGQUIT');
        await sleep(500);
        if ((await startOf(pid)) !== null)
          throw new EmbeddedError(
            `PostgreSQL (process ${pid}) on ${this.#cluster} does not stop. Stop it manually.`,
          );
        return;
      }
      await sleep(20);
    }
  }

  async #checkVersion(): Promise<void> {
    const version = (
      await readFile(join(this.#cluster, 'PG_VERSION'), 'utf8').catch(() => '')
    ).trim();
    if (version !== MAJOR_VERSION)
      throw new EmbeddedError(
        `${this.#cluster} belongs to PostgreSQL ${version || '(unknown)'}, but this Fanfare includes ${MAJOR_VERSION}. Dump it with its own version and restore it into a new data directory, or set DATABASE_URL.`,
      );
  }

  async #create(): Promise<void> {
    await rm(this.#cluster, { recursive: true, force: true });
    await this.#writeRecord(false);
    await mkdir(this.#cluster, { mode: 0o700 });
    if (this.#user !== null) await chown(this.#cluster, this.#user.uid, this.#user.gid);
    await this.#openDirectory();
    const passwordFile = join(this.#dataDir, 'postgres.password');
    await writeFile(passwordFile, `${this.#password}\n`, { mode: 0o600 });
    if (this.#user !== null) await chown(passwordFile, this.#user.uid, this.#user.gid);
    const password = await open(passwordFile, 'r');
    const args = [
      ['-D', this.#directoryPath],
      ['-U', 'fanfare', `--pwfile=${this.#user === null ? passwordFile : '/proc/self/fd/4'}`],
      ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-instructions'],
    ].flat();
    const initdb = this.#spawn(this.#programs.initdb, args, password.fd);
    const code = await new Promise<number | null>((done, fail) => {
      initdb.once('error', fail);
      initdb.once('exit', done);
    });
    await password.close();
    await rm(passwordFile);
    if (code !== 0)
      throw new EmbeddedError(`initdb failed in ${this.#cluster}:\n${this.#output.join('\n')}`);
    await this.#writeRecord(true);
  }

  async #writeRecord(complete: boolean): Promise<void> {
    const record: EngineRecord = { password: this.#password, complete, port: this.#port || null };
    const file = recordFile(this.#dataDir);
    await writeFile(file, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
  }

  async #openDirectory(): Promise<void> {
    await this.#directory?.close();
    this.#directory = this.#user === null ? null : await open(this.#cluster, constants.O_RDONLY);
  }

  get #directoryPath(): string {
    return this.#directory === null ? this.#cluster : '/proc/self/fd/3';
  }

  /** In a process group of its own, so that Ctrl-C reaches the server alone, which then stops it in order. */
  #spawn(program: string, args: readonly string[], fourth?: number): ChildProcess {
    const child = spawn(program, args, {
      cwd: '/',
      detached: true,
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe', this.#directory?.fd ?? 'ignore', fourth ?? 'ignore'],
      ...this.#user,
    });
    this.#output = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        const lines = data.toString('utf8').trimEnd().split('\n');
        this.#output = [...this.#output, ...lines].slice(-OUTPUT_LINES_MAX);
        for (const line of lines) this.#log(line);
      });
    return child;
  }

  async #launchOnFreePort(): Promise<void> {
    await this.#removeSockets();
    const patience = performance.now() + ORPHAN_STOP_MS;
    for (let tries = 1; ; tries += 1) {
      this.#port = await findFreePort();
      try {
        await this.#launch();
        await this.#writeRecord(true);
        return;
      } catch (error) {
        // Some file systems have no sockets.
        if (
          this.#hasSocket &&
          this.#output.some((line) => /Unix-domain socket|Unix address/.test(line))
        ) {
          this.#hasSocket = false;
          continue;
        }
        const taken = this.#output.some((line) =>
          /could not bind|could not create any TCP/.test(line),
        );
        if (taken && tries < PORT_TRIES_MAX) continue;
        // An earlier one was killed, and has not gone yet with all its processes.
        const lingers = this.#output.some((line) =>
          /pre-existing shared memory|lock file .* already exists/.test(line),
        );
        if (!lingers || performance.now() > patience) throw error;
        this.#log('Waiting for the remaining processes of a killed PostgreSQL');
        await sleep(LINGER_PAUSE_MS);
      }
    }
  }

  /** Ports change with each start, so a killed PostgreSQL leaves a socket that no other one removes. */
  async #removeSockets(): Promise<void> {
    const files = await readdir(this.#cluster);
    for (const file of files)
      if (file.startsWith(SOCKET_PREFIX)) await rm(join(this.#cluster, file), { force: true });
  }

  /** Starts the process and resolves when it takes connections. */
  async #launch(): Promise<void> {
    const own = {
      port: this.#port,
      unix_socket_directories: this.#hasSocket ? this.#directoryPath : '',
    };
    const settings = Object.entries({ ...this.#settings, ...own }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    const child = this.#spawn(this.#programs.postgres, ['-D', this.#directoryPath, ...settings]);
    this.#process = child;
    let ended = false;
    this.#exited = new Promise((done) => {
      const end = () => {
        ended = true;
        done();
      };
      child.once('exit', end);
      child.once('error', end);
    });
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (ended || performance.now() > deadline) {
        if (!ended) child.kill('SIGQUIT');
        await this.#exited;
        throw new EmbeddedError(
          `PostgreSQL did not start in ${this.#cluster}:\n${this.#output.join('\n')}`,
        );
      }
      await sleep(20);
    }
    void this.#exited.then(() => this.#restart());
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client({
      connectionString: this.#urlOf('postgres'),
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  async #restart(): Promise<void> {
    for (
      let pauseMs = 100;
      !this.#stopping;
      pauseMs = Math.min(pauseMs * 2, RESTART_PAUSE_MAX_MS)
    ) {
      this.#log('PostgreSQL ended unexpectedly; starting it again', { pauseMs });
      await sleep(pauseMs);
      if (this.#stopping) return;
      try {
        await this.#launch();
        return;
      } catch (error) {
        this.#log((error as Error).message);
      }
    }
  }

  async #ensureDatabase(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#urlOf('postgres'),
    });
    await client.connect();
    try {
      const { rowCount } = await client.query(
        `select 1 from pg_database where datname = 'fanfare'`,
      );
      if (rowCount === 0) await client.query('create database fanfare');
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGQUIT'), FAST_STOP_MS);
      await this.#exited;
      clearTimeout(timer);
    }
    await this.#directory?.close();
    this.#directory = null;
  }
}

/** A port that was free just now. */
function findFreePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => done(port));
    });
  });
}
