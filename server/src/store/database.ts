/**
 * The connection to PostgreSQL: a bounded pool, transactions, and the one place that tells "the database
 * is away" from "the statement is wrong". Knows no tables.
 */
import pg from 'pg';

/** The database cannot answer now; the caller may try again later. Nothing was half-done. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

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
  /** Called when an idle connection breaks; the pool replaces it. */
  readonly onIdleError?: (error: Error) => void;
}

/** Waiting longer than this for a free connection counts as unavailable. */
const CONNECT_TIMEOUT_MS = 5_000;
/** No statement of Fanfare is meant to take longer; a runaway ends instead of blocking others. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** Opens a pool. Connections are made when needed, so this succeeds while the database is away. */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = {
    connectionString: options.url,
    application_name: options.name,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    // Plans are made for the values at hand: partitions are pruned while planning, and no plan made for
    // an empty table outlives its growth. Planning costs about 0.1 ms of statements that carry hundreds of rows.
    // Statements that join rows with arrays name the ids twice, once for the index; joined by hash they cost the
    // same whatever the planner believes of a table that is minutes old. By nested loop they may cost the square.
    // (Before version 18 a loop that cannot be avoided then seems so costly that it would be compiled, for 0.1 s.)
    options:
      '-c plan_cache_mode=force_custom_plan -c enable_nestloop=off -c jit=off -c timezone=UTC',
  };
  const pool = new pg.Pool({ ...settings, max: options.connectionsMax });
  // A connection that breaks while it is in use says so twice: to its statement, which handles it, and here.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', (error) => {
    // The pool's end does not wait for its sockets; what they still say is of no interest.
    if (!pool.ending) options.onIdleError?.(error);
  });

  async function query<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) {
    try {
      return await pool.query<Row>(text, values as unknown[]);
    } catch (error) {
      throw translate(error);
    }
  }

  async function transact<Result>(work: (client: pg.PoolClient) => Promise<Result>) {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw translate(error);
    }
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      // A connection whose rollback fails is thrown away; the server has rolled back by itself.
      const broken = await client.query('rollback').then(
        () => false,
        () => true,
      );
      client.release(broken);
      throw translate(error);
    }
  }

  async function connect() {
    const client = new pg.Client(settings);
    try {
      await client.connect();
    } catch (error) {
      throw translate(error);
    }
    return client;
  }

  return { query, transact, connect, close: () => pool.end() };
}

/** SQLSTATE classes 08 (connection), 53 (resources), 57P (shutdown); timeouts, deadlock, serialization, read-only. */
const AWAY_STATES = /^(08...|53...|57P0.|57014|55P03|40001|40P01|25006)$/;
const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'ENOENT',
]);
const AWAY_MESSAGES =
  /^(Connection terminated|timeout exceeded|Client has encountered a connection error)/;

function translate(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  const away =
    (typeof code === 'string' && (AWAY_STATES.test(code) || AWAY_CODES.has(code))) ||
    AWAY_MESSAGES.test(error.message);
  return away ? new DatabaseUnavailable(error.message, { cause: error }) : error;
}
