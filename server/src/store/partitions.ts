/**
 * The day partitions of messages: created in advance and dropped when old, without blocking locks.
 */
import type pg from 'pg';
import { uuidLowerBound } from '../domain/ids.ts';
import type { Database } from './database.ts';

const DAY_MS = 86_400_000;
/** Days made ahead, so that a node that sleeps over midnight, or a clock a little ahead, finds its table. */
const DAYS_AHEAD = 3;
/** A day stays while anything of it changed this recently: receipts may still come. */
const QUIET_MS = DAY_MS;
const TABLES = [
  'message',
  'unaddressable',
  'carrier_message',
  'inbound_message',
  'email_attachment',
  'operation_section',
  'event_log',
  'event_delivery',
  'event_attempt',
] as const;

/** Makes the partitions from yesterday to three days ahead. */
export async function ensurePartitions(database: Database, now: Date): Promise<void> {
  const days = Array.from({ length: DAYS_AHEAD + 2 }, (_, i) =>
    new Date(now.getTime() + (i - 1) * DAY_MS).toISOString().slice(0, 10),
  );
  await database.query('select ensure_day(day) from unnest($1::date[]) as day', [days]);
}

/** Any number; the same in all nodes. */
const DROP_LOCK = 4_203_912;

/**
 * Drops whole days older than the retention whose operations have all ended and not changed for a day, and the
 * operations with them. Resolves with the number of days dropped; 0 while another node drops days. It also completes the
 * work of a crash, so a stop can leave the remainder for the next run.
 */
export async function dropOldPartitions(
  database: Database,
  now: Date,
  retentionDays: number,
  stopping?: AbortSignal,
): Promise<number> {
  const limit = now.getTime() - retentionDays * DAY_MS;
  // The lock belongs to a connection, and "concurrently" wants no transaction.
  const client = await database.connect();
  client.on('error', () => undefined);
  try {
    // A day may be nearly the whole table. Its operations are still found by their key: a scan would also read other days.
    await client.query('set enable_seqscan = off');
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1) as locked',
      [DROP_LOCK],
    );
    if (!rows[0]?.locked) return 0;
    let dropped = 0;
    for (const suffix of await listDays(client)) {
      const start = Date.parse(
        `${suffix.slice(0, 4)}-${suffix.slice(4, 6)}-${suffix.slice(6)}T00:00:00Z`,
      );
      if (start + DAY_MS > limit || (await isBusy(client, start, now))) continue;
      if (!(await dropDay(client, suffix, start, stopping))) break;
      dropped += 1;
    }
    return dropped;
  } finally {
    await client.end();
  }
}

/** Days of which some table is left, attached or not, oldest first. */
async function listDays(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ suffix: string }>(
    `select distinct right(relname, 8) as suffix from pg_class
     where relkind = 'r' and relname ~ '^(${TABLES.join('|')})_[0-9]{8}$'
       and relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass)
     order by 1`,
  );
  return rows.map((row) => row.suffix);
}

/** Operations of a day, from `$1` to `$2`, by account: an index by their ids alone would serve nothing else. */
const OF_DAY = 'account_id = any(array(select id from account)) and id >= $1 and id < $2';

async function isBusy(client: pg.Client, start: number, now: Date): Promise<boolean> {
  const { rows } = await client.query<{ busy: boolean }>(
    `select exists (select 1 from operation where ${OF_DAY}
       and (status in ('SCHEDULED', 'PROCESSING') or updated_at > $3)) as busy`,
    [uuidLowerBound(start), uuidLowerBound(start + DAY_MS), new Date(now.getTime() - QUIET_MS)],
  );
  return rows[0]?.busy ?? true;
}

/**
 * Operations are deleted first: an operation that is no longer listed is not read when its messages vanish. False if a
 * stop ends it early.
 */
async function dropDay(
  client: pg.Client,
  suffix: string,
  start: number,
  stopping?: AbortSignal,
): Promise<boolean> {
  for (;;) {
    if (stopping?.aborted === true) return false;
    const { rowCount } = await client.query(
      `delete from operation where ctid = any(array(
         select ctid from operation where ${OF_DAY} limit 1000 for update skip locked))`,
      [uuidLowerBound(start), uuidLowerBound(start + DAY_MS)],
    );
    if ((rowCount ?? 0) < 1000) break;
  }
  for (const table of TABLES) {
    const part = `${table}_${suffix}`;
    const { rows } = await client.query<{ exists: boolean; pending: boolean | null }>(
      `select to_regclass($1) is not null as exists,
         (select inhdetachpending from pg_inherits where inhrelid = to_regclass($1)) as pending`,
      [part],
    );
    if (!rows[0]?.exists) continue;
    // Detaching concurrently waits for running statements instead of stopping new ones; one that was broken off in
    // the middle is finalized.
    if (rows[0].pending !== null)
      await client.query(
        `alter table ${table} detach partition ${part} ${rows[0].pending ? 'finalize' : 'concurrently'}`,
      );
    await client.query(`drop table ${part}`);
  }
  return true;
}
