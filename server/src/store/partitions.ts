/** The day partitions of messages: made ahead, dropped when old, without a lock that others wait for. */
import { uuidLowerBound } from '../domain/ids.ts';
import type { Database } from './database.ts';

const DAY_MS = 86_400_000;
/** Days made ahead, so that a node that sleeps over midnight, or a clock a little ahead, finds its table. */
const DAYS_AHEAD = 3;
/** A day stays while anything of it changed this recently: receipts may still come. */
const QUIET_MS = DAY_MS;
const TABLES = ['message', 'unaddressable'] as const;

/** Makes the partitions from yesterday to three days ahead. */
export async function ensurePartitions(database: Database, now: Date): Promise<void> {
  for (let day = -1; day <= DAYS_AHEAD; day += 1) {
    const date = new Date(now.getTime() + day * DAY_MS).toISOString().slice(0, 10);
    await database.query('select ensure_day($1)', [date]);
  }
}

/**
 * Drops whole days older than the retention whose operations have all ended and been quiet for a day,
 * and the operations with them. Resolves with the number of days dropped.
 */
export async function dropOldPartitions(
  database: Database,
  now: Date,
  retentionDays: number,
): Promise<number> {
  const limit = now.getTime() - retentionDays * DAY_MS;
  const { rows } = await database.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'message'::regclass order by 1`,
  );
  let dropped = 0;
  for (const { name } of rows) {
    const suffix = name.slice(name.lastIndexOf('_') + 1);
    const start = Date.parse(
      `${suffix.slice(0, 4)}-${suffix.slice(4, 6)}-${suffix.slice(6)}T00:00:00Z`,
    );
    if (start + DAY_MS > limit) continue;
    if (await isBusy(database, start, now)) continue;
    await dropDay(database, suffix, start);
    dropped += 1;
  }
  return dropped;
}

async function isBusy(database: Database, start: number, now: Date): Promise<boolean> {
  const { rows } = await database.query<{ busy: boolean }>(
    `select exists (select 1 from operation where id >= $1 and id < $2
       and (status in ('SCHEDULED', 'PROCESSING') or updated_at > $3)) as busy`,
    [uuidLowerBound(start), uuidLowerBound(start + DAY_MS), new Date(now.getTime() - QUIET_MS)],
  );
  return rows[0]?.busy ?? true;
}

/** Operations go first: what is no longer listed is no longer looked up when its messages vanish. */
async function dropDay(database: Database, suffix: string, start: number): Promise<void> {
  for (;;) {
    const { rowCount } = await database.query(
      `delete from operation where (account_id, id) in
         (select account_id, id from operation where id >= $1 and id < $2 limit 1000)`,
      [uuidLowerBound(start), uuidLowerBound(start + DAY_MS)],
    );
    if ((rowCount ?? 0) < 1000) break;
  }
  for (const table of TABLES) {
    // Detaching concurrently waits for running statements instead of stopping new ones.
    await database.query(`alter table ${table} detach partition ${table}_${suffix} concurrently`);
    await database.query(`drop table ${table}_${suffix}`);
  }
}
