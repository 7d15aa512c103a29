/** Facts about PostgreSQL and its connections, for operators. */
import type { Database } from './database.ts';

export interface DatabaseState {
  readonly version: string;
  readonly sizeBytes: number;
  readonly connections: number;
  readonly connectionsMax: number;
  /** Nodes that send, by the connection on which each of them listens. */
  readonly dispatchNodes: number;
  readonly waitingBatches: number;
  readonly readyBatches: number;
  /** Outbox events that are not in the log yet. */
  readonly outboxPending: number;
}

/** The state of the database. The size of large installations takes some milliseconds. */
export async function fetchDatabaseState(database: Database): Promise<DatabaseState> {
  const { rows } = await database.query<DatabaseState>(
    `select current_setting('server_version') as version,
       pg_database_size(current_database())::float as "sizeBytes",
       (select count(*)::int from pg_stat_activity where datname = current_database()) as connections,
       current_setting('max_connections')::int as "connectionsMax",
       (select count(*)::int from pg_stat_activity
         where datname = current_database() and query like 'listen fanfare_wake%') as "dispatchNodes",
       (select count(*)::int from dispatch_batch where waiting) as "waitingBatches",
       (select count(*)::int from dispatch_batch where not waiting) as "readyBatches",
       (select count(*)::int from event_outbox) as "outboxPending"`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('PostgreSQL said nothing of itself.');
  return row;
}
