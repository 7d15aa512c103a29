/** Wakes waiting batches, scheduled or resting, when they are due. All nodes may do so at once. */
import { messageUuid } from '../domain/ids.ts';
import { APPLY_COUNTERS, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import { DatabaseUnavailable } from './database-error.ts';
import type { Database } from './database.ts';

export interface WakeOptions {
  /** Ids of batches to be left alone: they could not be woken a moment ago. */
  readonly except: readonly string[];
  /** A batch cannot be woken; others are. */
  readonly onFailed: (id: string, error: unknown) => void;
}

/** Batches woken together. Resting ones change nothing else. */
const WAKE_MAX = 20;
const WAKE_RESTING_MAX = 1_000;

/**
 * Wakes batches that are due, and batches that expired before. Resolves with the number of batches woken; call again
 * while it is not 0.
 */
export async function wakeDueBatches(database: Database, options: WakeOptions): Promise<number> {
  return (await wakeResting(database)) + (await wakeScheduled(database, options));
}

async function wakeResting(database: Database): Promise<number> {
  const { rowCount } = await database.query(
    `with due as materialized (
       select id from dispatch_batch where waiting and resting and wake_at <= now()
       order by wake_at, id limit ${WAKE_RESTING_MAX} for update skip locked)
     update dispatch_batch b set waiting = false, resting = false, not_before = null
     where id = any(array(select id from due))`,
  );
  return rowCount ?? 0;
}

interface ScheduledRow {
  id: string;
  account_id: number;
  operation_id: string;
  ordinals: number[];
}

/**
 * Messages of scheduled batches become QUEUED. Each batch is woken alone, so one that cannot be woken delays no other. While
 * the database is unavailable, all are left for the next time.
 */
async function wakeScheduled(
  database: Database,
  { except, onFailed }: WakeOptions,
): Promise<number> {
  const { rows } = await database.query<ScheduledRow>(
    `select id, account_id, operation_id, ordinals from dispatch_batch
     where waiting and not resting and wake_at <= now() and id <> all($1::bigint[])
     order by wake_at, id limit ${WAKE_MAX}`,
    [except],
  );
  let woken = 0;
  for (const row of rows)
    try {
      woken += await wakeBatch(database, row);
    } catch (error) {
      if (error instanceof DatabaseUnavailable && !error.isOfStatement) throw error;
      onFailed(row.id, error);
    }
  return woken;
}

async function wakeBatch(database: Database, row: ScheduledRow): Promise<number> {
  const { rows } = await database.query<{ woken: number }>(
    `with woken as (
       update dispatch_batch set waiting = false, not_before = null where id = any(array(
         select id from dispatch_batch where id = $3 and waiting and not resting for update skip locked))
       returning id),
     transitioned as (
       update message m set previous_status = m.status, status = 'QUEUED', updated_at = clock_timestamp()
       where account_id = $1 and id = any($4::uuid[]) and status = 'SCHEDULED' and (select count(*) from woken) > 0
       returning ($2::uuid[])[1] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS} select count(*)::int as woken from woken`,
    [
      row.account_id,
      [row.operation_id],
      row.id,
      row.ordinals.map((ordinal) => messageUuid(row.operation_id, ordinal)),
    ],
  );
  return rows[0]?.woken ?? 0;
}
