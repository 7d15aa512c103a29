/**
 * Cancels messages that no carrier may have, and ends others without a further attempt. A statement
 * cancels at most 10,000 messages; `operation-tasks.ts` repeats it for larger operations.
 *
 * Locks chunks first, then batches, messages and the operation: the order of every writer.
 */
import { messageUuid, messageUuidRange } from '../domain/ids.ts';
import { APPLY_COUNTERS, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import type { Database, Querier } from './database.ts';

/** Messages that one statement cancels, erases or deletes at most. Operations that are no larger need no task. */
export const PIECE_MAX = 10_000;
/** Batches that one statement looks at: batches may be small. */
const BATCHES_MAX = 500;

/**
 * Requests the cancel of an operation: all messages end that no carrier may have yet; the rest keeps going. A message
 * whose fallback had not begun ends UNDELIVERED, as its last attempt did. Idempotent. Resolves with "begun" when a task
 * of the operation has to end the rest.
 */
export async function cancelOperation(
  database: Database,
  accountId: number,
  id: string,
): Promise<'missing' | 'done' | 'begun'> {
  // The request is recorded first: if the next statement fails, dispatchers end the batches that they lease. A last step
  // of the task waits for this row, so the task goes on, or is inserted again.
  const { rows } = await database.query<{ large: boolean }>(
    `with asked as (
       update operation o set cancel_requested_at = coalesce(cancel_requested_at, now()), paused_at = null,
         revision = revision + 1
       where account_id = $1 and id = $2
       returning total > ${PIECE_MAX}
         or exists (select from operation_task t where t.account_id = $1 and t.operation_id = $2) as large),
     task as (
       insert into operation_task (account_id, operation_id, state) select $1, $2, 'ACCEPTED' from asked where large
       on conflict do nothing)
     select large from asked`,
    [accountId, id],
  );
  const [asked] = rows;
  if (asked === undefined) return 'missing';
  if (asked.large) return 'begun';
  // Only the batches seen: a retry that is queued meanwhile is ended by the dispatcher that leases it.
  const { more } = await cancelBatches(database, accountId, id, null);
  if (!more) return 'done';
  await database.query(
    `insert into operation_task (account_id, operation_id, state) values ($1, $2, 'ACCEPTED') on conflict do nothing`,
    [accountId, id],
  );
  return 'begun';
}

/**
 * The end of messages without a further attempt, `$4` a status. Messages that were sent, and whose fallback was still to
 * come, end UNDELIVERED and keep the error of their last attempt.
 */
const END_UNSENT = `previous_status = m.status, updated_at = clock_timestamp(),
  status = case when m.status = 'SENT' then 'UNDELIVERED'::message_status else $4::message_status end`;
const IS_UNSENT = `status in ('SCHEDULED', 'QUEUED', 'SENT')
  and (status <> 'SENT' or attempt_status in ('UNDELIVERED', 'FAILED'))`;

/** The messages of `$2`, whose ids the sub-select gives, end. `$5` and `$6` are the first and the last id of the operation. */
const transitioned = (ids: string) => `transitioned as (
    update message m set ${END_UNSENT}
    where account_id = $1 and id between $5 and $6 and ${IS_UNSENT} and id = any(array(${ids}))
    returning ($2::uuid[])[1] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT})`;

/** Batches of an operation that have messages above their mark: as many as one statement may cancel. */
const NEAR = `near as materialized (
    select id, cardinality(ordinals) - high_water_mark as size from dispatch_batch
    where account_id = $1 and operation_id = any($2::uuid[]) and $3::bigint[] is null and cardinality(ordinals) > high_water_mark
    limit ${BATCHES_MAX}),
  chosen as materialized (
    select id from (select id, sum(size) over (order by id) as upto from near) as s where upto <= ${PIECE_MAX})`;

/**
 * Cancels the messages of these batches of an operation, or of some of its batches, that no carrier may have. In one
 * statement. Resolves with the number of batches, and with whether there may be more.
 */
export async function cancelBatches(
  database: Querier,
  accountId: number,
  operationId: string,
  ids: readonly string[] | null,
): Promise<{ readonly batches: number; readonly more: boolean }> {
  const { first, last } = messageUuidRange(operationId);
  const { rows } = await database.query<{ batches: number; more: boolean }>(
    `with ${NEAR},
     seen as materialized (
       select id, high_water_mark, ordinals from dispatch_batch
       where id = any(coalesce($3::bigint[], array(select id from chosen))) order by id for update),
     gone as (delete from dispatch_batch where id = any(array(select id from seen where high_water_mark = 0))),
     cut as (update dispatch_batch set ordinals = ordinals[1:high_water_mark]
       where id = any(array(select id from seen where high_water_mark > 0))),
     ${transitioned('select message_of(($2::uuid[])[1], each) from seen, unnest(ordinals[high_water_mark + 1:]) as each')},
     ${APPLY_COUNTERS}
     select (select count(*)::int from seen) as batches,
       (select count(*) from near) = ${BATCHES_MAX} or (select count(*) from near) > (select count(*) from chosen) as more`,
    [accountId, [operationId], ids, 'CANCELED', first, last],
  );
  return rows[0] ?? { batches: 0, more: false };
}

/** Cancels the messages of the first chunk of an operation, which never become batches. In one statement. */
export async function cancelChunk(
  client: Querier,
  accountId: number,
  operationId: string,
): Promise<void> {
  const { first, last } = messageUuidRange(operationId);
  await client.query(
    `with chunk as materialized (
       select number, batches from operation_chunk where account_id = $1 and operation_id = $3
       order by number limit 1 for update),
     gone as (delete from operation_chunk
       where account_id = $1 and operation_id = $3 and number = any(array(select number from chunk))),
     ${transitioned(`select message_of($3, each) from chunk, jsonb_array_elements(batches) as b(batch),
       unnest((batch ->> 'ordinals')::int[]) as each`)},
     ${APPLY_COUNTERS} select`,
    [accountId, [operationId], operationId, 'CANCELED', first, last],
  );
}

/** Cancels one message unless a carrier may have it already. Its status afterwards shows whether it was canceled. */
export async function cancelMessage(
  database: Database,
  accountId: number,
  operationId: string,
  ordinal: number,
): Promise<void> {
  const id = messageUuid(operationId, ordinal);
  // The batch of a chunk that was released meanwhile is visible to the next statement.
  for (;;) {
    const { rows } = await database.query<{ released: boolean }>(
      `with held as materialized (
         select number, batches from operation_chunk
         where account_id = $1 and operation_id = any($2::uuid[]) and span @> $3::int order by number for update),
       left_over as materialized (
         select number, (batch ->> 'ordinals')::int[] as ordinals, batch, place
         from held, jsonb_array_elements(batches) with ordinality as b(batch, place)),
       shortened as (
         update operation_chunk c set batches = coalesce((select jsonb_agg(
             jsonb_set(l.batch, '{ordinals}', to_jsonb(array_remove(l.ordinals, $3)::text)) order by l.place)
           from left_over l where l.number = c.number and l.ordinals <> array[$3]), '[]')
         where account_id = $1 and operation_id = any($2::uuid[]) and number = any(array(
           select number from left_over where $3 = any(ordinals)))),
       seen as materialized (
         select id, high_water_mark, ordinals from dispatch_batch
         where account_id = $1 and operation_id = any($2::uuid[]) and $3::int = any(ordinals)
           and (select count(*) from held) >= 0 order by id for update),
       free as materialized (select id, ordinals from seen where array_position(ordinals, $3) > high_water_mark),
       gone as (delete from dispatch_batch where id = any(array(select id from free where cardinality(ordinals) = 1))),
       cut as (update dispatch_batch set ordinals = array_remove(ordinals, $3)
         where id = any(array(select id from free where cardinality(ordinals) > 1))),
       ${transitioned(`select $5::uuid where exists (select from free) or exists (select from left_over where $3 = any(ordinals))`)},
       ${APPLY_COUNTERS}
       select not exists (select from held) and exists (select from operation_chunk
         where account_id = $1 and operation_id = any($2::uuid[]) and span @> $3::int) as released`,
      [accountId, [operationId], ordinal, 'CANCELED', id, id],
    );
    if (rows[0]?.released !== true) return;
  }
}

/** Ends messages without a further attempt: unsent ones get `status`. */
export async function endUnsent(
  database: Querier,
  accountId: number,
  operationId: string,
  ordinals: readonly number[],
  status: 'CANCELED' | 'FAILED',
  errorCode: number | null,
): Promise<void> {
  if (ordinals.length === 0) return;
  await database.query(
    `with transitioned as (
       update message m set ${END_UNSENT},
         error_code = case when m.status = 'SENT' then m.error_code else coalesce($5, m.error_code) end
       where account_id = $1 and id = any($3::uuid[]) and ${IS_UNSENT}
       returning ($2::uuid[])[1] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS} select`,
    [
      accountId,
      [operationId],
      ordinals.map((each) => messageUuid(operationId, each)),
      status,
      errorCode,
    ],
  );
}
