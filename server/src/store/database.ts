/**
 * The connection to PostgreSQL: a bounded pool, transactions and deadlines. With these deadlines,
 * a network that drops packets looks like an unavailable database. Knows no tables.
 */
import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { DatabaseUnavailable, isAnswer, translate } from './database-error.ts';
import { nameTls, PostgresClient } from './postgres-client.ts';
import { SilenceWatch } from './silence-watch.ts';

/** A connection inside a transaction, or the pool for a single statement. */
export interface Querier {
  query<Row extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

export interface Database extends Querier {
  /** Runs `work` in one transaction: commits when it resolves, rolls back when it rejects. */
  transact<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result>;
  /** A connection of its own for LISTEN; the caller closes it. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly connectionsMax: number;
  /** Reported as application_name, for the operator who looks at pg_stat_activity. */
  readonly name: string;
  /** No statement takes longer, in milliseconds; 30 seconds unless said otherwise. */
  readonly statementTimeoutMs?: number;
  /** Waiting longer than this for a connection counts as unavailable, in milliseconds; 5 seconds unless said otherwise. */
  readonly connectTimeoutMs?: number;
  /** Called when an idle connection breaks; the pool replaces it. */
  readonly onIdleError?: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * If this thread was busy for most of that time, the server did not fail to answer: the wait is repeated, this often at
 * most.
 */
const LATE_TRIES_MAX = 6;
/** No statement of Fanfare is meant to take longer; a runaway ends instead of blocking others. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** So long after PostgreSQL has ended the statement, an answer that has not come was lost. */
const ANSWER_DELAY_MS_MAX = 5_000;
/** A transaction that idles has lost its client and must not keep its locks. */
const IDLE_TRANSACTION_MS = 15_000;
const ROLLBACK_TIMEOUT_MS = 5_000;
/** A silent peer is looked for after this. */
const KEEP_ALIVE_MS = 10_000;

/** A statement with a deadline of its own for its answer, in milliseconds. */
export function answeredIn(timeoutMs: number, text: string): pg.QueryConfig {
  return { text, query_timeout: timeoutMs } as pg.QueryConfig;
}

function settingsOf(options: DatabaseOptions): pg.ClientConfig {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, connectTimeoutMs = CONNECT_TIMEOUT_MS } =
    options;
  return {
    connectionString: nameTls(options.url),
    application_name: options.name,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + ANSWER_DELAY_MS_MAX,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // Plans are made for the values at hand: partitions are pruned while planning, and no plan for an empty table outlives
    // the growth of the table. Planning costs about 0.1 ms of statements that carry hundreds of rows. Statements that join
    // rows with arrays name the ids twice, once for the index. A hash join costs the same whatever the planner estimates
    // for a table that is minutes old; a nested loop may cost the square. (Before version 18, an unavoidable loop then
    // seems so costly that it would be compiled, for 0.1 s.) A connection whose client is gone is closed after a minute,
    // not after two hours.
    options:
      '-c plan_cache_mode=force_custom_plan -c enable_nestloop=off -c jit=off -c timezone=UTC ' +
      '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
  };
}

/** Opens a pool. Connections are made when needed, so this succeeds while the database is unavailable. */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = settingsOf(options);
  const pool = new pg.Pool({ ...settings, max: options.connectionsMax, Client: PostgresClient });
  // A connection that breaks while it is in use says so twice: to its statement, which handles it, and here.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => {
    // The end of the pool does not wait for its sockets; their later errors do not matter.
    if (!pool.ending) options.onIdleError?.(error);
  });

  const watch = new SilenceWatch(settings);

  const checkOut = () => patiently(settings, () => pool.connect());

  async function query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) {
    const client = await checkOut();
    try {
      const result = await watch.over(client, client.query<Row>(text, values as unknown[]));
      client.release();
      return result;
    } catch (error) {
      client.release(!isAnswer(error));
      throw translate(error);
    }
  }

  async function transact<Result>(work: (client: pg.PoolClient) => Promise<Result>) {
    const client = await checkOut();
    try {
      const guarded = guard(client, watch);
      await guarded.query('begin');
      const result = await work(guarded);
      const { command } = await guarded.query('commit');
      // PostgreSQL's answer to the commit of a transaction in which a statement has failed.
      if (command !== 'COMMIT') throw new Error('A transaction went on after it had failed.');
      client.release();
      return result;
    } catch (error) {
      client.release(!(await rollBack(client, error)));
      throw error;
    }
  }

  const connect = () =>
    patiently(settings, async () => {
      const client = new PostgresClient(settings);
      // It may break before the caller listens for errors; the next statement reports that.
      client.on('error', () => undefined);
      await client.connect();
      return client;
    });

  async function close() {
    watch.stop();
    await pool.end();
  }

  return { query, transact, connect, close };
}

/** Connects, and does not take its own lateness for the database's: after a long computation timers are looked at before sockets. */
async function patiently<Client>(
  { connectionTimeoutMillis = 0 }: pg.ClientConfig,
  connect: () => Promise<Client>,
): Promise<Client> {
  for (let tries = 1; ; tries += 1) {
    const before = performance.eventLoopUtilization();
    try {
      return await connect();
    } catch (error) {
      const waitedMs = performance.eventLoopUtilization(before).idle;
      const isLate =
        error instanceof Error &&
        /timeout/.test(error.message) &&
        waitedMs < connectionTimeoutMillis / 2;
      if (!isLate || tries === LATE_TRIES_MAX) throw translate(error);
    }
  }
}

/** The same connection, with errors of statements converted. A COPY is a stream and converts its own errors. */
function guard(client: pg.PoolClient, watch: SilenceWatch): pg.PoolClient {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const guarded = (...args: unknown[]) => {
    const answer = query(...args);
    return answer instanceof Promise
      ? watch.over(client, answer).catch((error: unknown) => {
          throw translate(error);
        })
      : answer;
  };
  return Object.create(client, { query: { value: guarded } }) as pg.PoolClient;
}

/** Whether the connection can be used again. One whose last answer was not PostgreSQL's would keep its caller waiting for another. */
async function rollBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (error instanceof DatabaseUnavailable && !isAnswer(error.cause)) return false;
  return client.query(answeredIn(ROLLBACK_TIMEOUT_MS, 'rollback')).then(
    () => true,
    () => false,
  );
}
