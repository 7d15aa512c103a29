/**
 * Tasks of operations: work that is too large for one transaction. A step is one transaction with exact
 * counters and events, of at most 10,000 messages, however large its operation is. The rows say
 * which step is next:
 *
 * ```
 *  RECEIVING ──lease over──▶ ABANDONED: delete 5,000 messages and other recipients; 100 chunks; files, task
 *  ACCEPTED, not canceled:   release the first chunk
 *  ACCEPTED, canceled:       cancel the first chunk; cancel 10,000 messages of batches
 *            then, if asked: erase 5,000 messages; the operation
 *            then:           delete the task
 * ```
 * A step locks its task first and skips tasks that are locked, so two nodes never do the same step.
 * After that it locks in the order of every writer (`cancels.ts`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { messageUuid, messageUuidRange, ORDINAL_MAX, ordinalOf } from '../domain/ids.ts';
import { cancelBatches, cancelChunk } from './cancels.ts';
import { DatabaseUnavailable } from './database-error.ts';
import type { Database } from './database.ts';
import { eraseRange } from './erasure.ts';
import { WAKE_CHANNEL } from './operations.ts';

/** Messages that are erased or deleted in a step. */
const SWEEP_MAX = 5_000;
/** Chunks that are deleted in a step. */
const CHUNKS_MAX = 100;
/** Pause while another node does the step. */
const BUSY_MS = 20;

/** A task that can be worked on now. */
export const IS_DUE = `(state <> 'RECEIVING' or leased_until < now())`;

interface Task {
  readonly account_id: number;
  readonly operation_id: string;
  readonly state: 'ABANDONED' | 'ACCEPTED';
  readonly erased_to: string | null;
}

/** "waiting": an erasure waits for the outcome of messages that a carrier may have. "ended": the task is no more. */
type Outcome = 'stepped' | 'waiting' | 'ended';

export interface StepOptions {
  /** The account whose task was worked on last: the others come first. Within an account, older operations come first. */
  readonly after: number;
  /** Operations to be left alone: they failed or waited a moment ago. */
  readonly except: readonly string[];
  /** A step failed. Others can be done. */
  readonly onFailed: (operationId: string, error: unknown) => void;
}

/** Does one step of any task. Resolves with null when no task is due or all are taken. */
export async function stepTask(
  database: Database,
  { after, except, onFailed }: StepOptions,
): Promise<{ accountId: number; operationId: string; outcome: Outcome | 'failed' } | null> {
  let taken: Task | undefined;
  try {
    return await database.transact(async (client) => {
      taken = await takeTask(
        client,
        `operation_id <> all($2::uuid[]) order by account_id > $1 desc, account_id, operation_id`,
        [after, except],
      );
      if (taken === undefined) return null;
      const outcome = await doStep(client, taken);
      return { accountId: taken.account_id, operationId: taken.operation_id, outcome };
    });
  } catch (error) {
    const isOfTask = !(error instanceof DatabaseUnavailable) || error.isOfStatement;
    if (taken === undefined || !isOfTask) throw error;
    onFailed(taken.operation_id, error);
    return { accountId: taken.account_id, operationId: taken.operation_id, outcome: 'failed' };
  }
}

/** Does one step of an operation's task. "none": it has no task that is due; "busy": another node does a step of it. */
export function stepTaskOf(
  database: Database,
  accountId: number,
  operationId: string,
): Promise<Outcome | 'none' | 'busy'> {
  const key = [accountId, operationId];
  return database.transact(async (client) => {
    const task = await takeTask(client, 'account_id = $1 and operation_id = $2', key);
    if (task !== undefined) return doStep(client, task);
    const { rowCount } = await client.query(
      `select from operation_task where account_id = $1 and operation_id = $2 and ${IS_DUE}`,
      key,
    );
    return rowCount === 0 ? 'none' : 'busy';
  });
}

/** Does steps of an operation's task for about a time. Resolves with whether the task has ended. */
export async function driveTask(
  database: Database,
  accountId: number,
  operationId: string,
  forMs: number,
): Promise<boolean> {
  const until = performance.now() + forMs;
  for (;;) {
    const outcome = await stepTaskOf(database, accountId, operationId);
    if (outcome === 'none' || outcome === 'ended') return true;
    if (outcome === 'waiting' || performance.now() > until) return false;
    if (outcome === 'busy') await sleep(BUSY_MS);
  }
}

/** Locks a task that is due. A request whose lease is over becomes ABANDONED. */
async function takeTask(
  client: pg.PoolClient,
  which: string,
  values: readonly unknown[],
): Promise<Task | undefined> {
  const { rows } = await client.query<Task>(
    `update operation_task set updated_at = now(), leased_until = null,
       state = case state when 'RECEIVING' then 'ABANDONED' else state end
     where (account_id, operation_id) = (
       select account_id, operation_id from operation_task where ${IS_DUE} and ${which} limit 1 for update skip locked)
     returning account_id, operation_id, state, erased_to`,
    values as unknown[],
  );
  return rows[0];
}

async function doStep(client: pg.PoolClient, task: Task): Promise<Outcome> {
  if (task.state === 'ABANDONED') return deleteSome(client, task);
  const { rows } = await client.query<{ canceled: boolean; chunked: boolean }>(
    `select cancel_requested_at is not null as canceled,
       exists (select from operation_chunk where account_id = $1 and operation_id = $2) as chunked
     from operation where account_id = $1 and id = $2`,
    keyOf(task),
  );
  const [operation] = rows;
  // It was dropped with its day.
  if (operation === undefined) return deleteSome(client, task);
  const { canceled, chunked } = operation;
  if (chunked) {
    if (canceled) await cancelChunk(client, task.account_id, task.operation_id);
    else await releaseChunk(client, task);
    return 'stepped';
  }
  if (!canceled) return end(client, task, canceled);
  const { batches } = await cancelBatches(client, task.account_id, task.operation_id, null);
  if (batches > 0) return 'stepped';
  return task.erased_to === null
    ? end(client, task, canceled)
    : eraseSome(client, task, task.erased_to);
}

const keyOf = (task: Task) => [task.account_id, task.operation_id];

/** Deletes a task without further steps, unless a cancel was requested since `canceled` was read. */
async function end(client: pg.PoolClient, task: Task, canceled: boolean): Promise<Outcome> {
  const { rowCount } = await client.query(
    `with unchanged as materialized (
       select 1 from operation where account_id = $1 and id = $2 and (cancel_requested_at is not null) = $3 for share)
     delete from operation_task where account_id = $1 and operation_id = $2 and exists (select from unchanged)`,
    [...keyOf(task), canceled],
  );
  return rowCount === 0 ? 'stepped' : 'ended';
}

/** The first chunk becomes batches. Messages that are due at once get their event now. */
async function releaseChunk(client: pg.PoolClient, task: Task): Promise<void> {
  await client.query(
    `with chunk as materialized (
       select number, batches from operation_chunk where account_id = $1 and operation_id = $2
       order by number limit 1 for update),
     gone as (delete from operation_chunk
       where account_id = $1 and operation_id = $2 and number = any(array(select number from chunk))),
     batch as materialized (
       select place, each ->> 'carrier' as carrier, (each ->> 'candidate')::smallint as candidate,
         (each ->> 'senderId')::uuid as sender_id, (each ->> 'dueAt')::timestamptz as due_at, (each ->> 'ordinals')::int[] as ordinals
       from chunk, jsonb_array_elements(batches) with ordinality as b(each, place)),
     published as (
       insert into event_outbox (account_id, subject_id, name, ordinals)
       select $1, $2, 'message.queued', array_agg(ordinal) from batch, unnest(ordinals) as ordinal
       where due_at is null having count(*) > 0)
     insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting,
       due_at, expire_at, ordinals)
     select $1, $2, carrier, candidate, sender_id, is_rate_limited(sender_id), 1, due_at is not null,
       coalesce(due_at, now()), (select expire_at from operation where account_id = $1 and id = $2), ordinals
     from batch order by place`,
    keyOf(task),
  );
  await client.query(`select pg_notify('${WAKE_CHANNEL}', '')`);
}

/** Erases some messages behind those that are erased; after the last ones the operation itself, and the task ends. */
async function eraseSome(client: pg.PoolClient, task: Task, erasedTo: string): Promise<Outcome> {
  const { account_id: accountId, operation_id: operationId } = task;
  const range = await findRange(client, task, erasedTo);
  const { first, last } = range ?? { first: erasedTo, last: erasedTo };
  const isLast = range === null;
  if (!(await eraseRange(client, { accountId, operationId, first, last, isLast })))
    return 'waiting';
  if (isLast) return end(client, task, true);
  await setErasedTo(client, task, last);
  return 'stepped';
}

/** Deletes some rows of a request that was abandoned, and the task with the last ones. */
async function deleteSome(client: pg.PoolClient, task: Task): Promise<Outcome> {
  const range = await findRange(client, task, task.erased_to ?? task.operation_id);
  if (range !== null) {
    for (const table of ['message', 'unaddressable'])
      await client.query(`delete from ${table} where account_id = $1 and id between $2 and $3`, [
        task.account_id,
        range.first,
        range.last,
      ]);
    await setErasedTo(client, task, range.last);
    return 'stepped';
  }
  const { rowCount } = await client.query(
    `delete from operation_chunk where account_id = $1 and operation_id = $2 and number = any(array(
       select number from operation_chunk where account_id = $1 and operation_id = $2 order by number limit ${CHUNKS_MAX}))`,
    keyOf(task),
  );
  if ((rowCount ?? 0) > 0) return 'stepped';
  for (const table of ['email_attachment', 'operation_task'])
    await client.query(
      `delete from ${table} where account_id = $1 and operation_id = $2`,
      keyOf(task),
    );
  return 'ended';
}

/** The next ids of an operation that a step erases or deletes, from the first one that there is; null when none is left. */
async function findRange(
  client: pg.PoolClient,
  { account_id, operation_id }: Task,
  after: string,
): Promise<{ readonly first: string; readonly last: string } | null> {
  const next = (table: string) =>
    `(select id from ${table} where account_id = $1 and id > $2 and id <= $3 order by id limit 1)`;
  const { rows } = await client.query<{ first: string | null }>(
    `select least(${next('message')}, ${next('unaddressable')}) as first`,
    [account_id, after, messageUuidRange(operation_id).last],
  );
  const first = rows[0]?.first ?? null;
  if (first === null) return null;
  const lastOrdinal = Math.min(ordinalOf(first) + SWEEP_MAX - 1, ORDINAL_MAX);
  return { first, last: messageUuid(operation_id, lastOrdinal) };
}

/** Later steps begin behind it: they do not read the same rows again. */
async function setErasedTo(client: pg.PoolClient, task: Task, id: string): Promise<void> {
  await client.query(
    'update operation_task set erased_to = $3 where account_id = $1 and operation_id = $2',
    [...keyOf(task), id],
  );
}
