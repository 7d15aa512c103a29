/** Operations: read with their counters, and canceled. `accept.ts` writes them. */
import { messageUuid, messageUuidRange, uuidTimeMs } from '../domain/ids.ts';
import type { OperationContent } from '../domain/content.ts';
import type {
  Operation,
  OperationKind,
  OperationStats,
  OperationStatus,
  SendPlan,
} from '../domain/operation.ts';
import { APPLY_COUNTERS, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import type { Database, Querier } from './database.ts';

/** Channel that wakes dispatchers; its payload is empty. */
export const WAKE_CHANNEL = 'fanfare_wake';

/** The facts of an operation that a dispatcher needs. They never change. */
export interface Dispatchable {
  readonly content: OperationContent;
  readonly plan: SendPlan;
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
}

interface OperationRow extends OperationStats {
  readonly id: string;
  readonly status: OperationStatus;
  readonly paused_at: Date | null;
  readonly updated_at: Date;
  readonly revision: number;
}

const OPERATION_COLUMNS = `id, status, total, recipients, attempts, unaddressable, scheduled, queued, sent,
  delivered, read, undelivered, failed, canceled, paused_at, updated_at, revision::float8 as revision`;

function toOperation({
  id,
  status,
  paused_at,
  updated_at,
  revision,
  ...stats
}: OperationRow): Operation {
  const createdAt = new Date(uuidTimeMs(id));
  return { id, status, stats, pausedAt: paused_at, createdAt, updatedAt: updated_at, revision };
}

/** One operation of the account, or null if there is none of this kind. */
export async function fetchOperation(
  database: Database,
  accountId: number,
  kind: OperationKind,
  id: string,
): Promise<Operation | null> {
  const { rows } = await database.query<OperationRow>(
    `select ${OPERATION_COLUMNS} from operation where account_id = $1 and id = $2 and kind = $3`,
    [accountId, id, kind],
  );
  return rows[0] === undefined ? null : toOperation(rows[0]);
}

/** The existing ones of these operations of the account, of any kind, in no order. */
export async function fetchOperations(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Operation[]> {
  const { rows } = await database.query<OperationRow>(
    `select ${OPERATION_COLUMNS} from operation where account_id = $1 and id = any($2::uuid[])`,
    [accountId, ids],
  );
  return rows.map(toOperation);
}

export interface OperationFilter {
  readonly kind: OperationKind;
  readonly status: OperationStatus | null;
  /** Ids lie strictly between these. */
  readonly after: string;
  readonly before: string;
  /** Pairs that must all be there, as requested. */
  readonly tags: Readonly<Record<string, string>> | null;
}

/** Operations of the account, newest first, at most `limit`. */
export async function listOperations(
  database: Database,
  accountId: number,
  filter: OperationFilter,
  limit: number,
): Promise<Operation[]> {
  const { rows } = await database.query<OperationRow>(
    `select ${OPERATION_COLUMNS} from operation
     where account_id = $1 and id > $2 and id < $3 and ($4::operation_status is null or status = $4) and kind = $5
       and ($7::jsonb is null or tags @> $7)
     order by id desc limit $6`,
    [
      accountId,
      filter.after,
      filter.before,
      filter.status,
      filter.kind,
      limit,
      filter.tags === null ? null : JSON.stringify(filter.tags),
    ],
  );
  return rows.map(toOperation);
}

/** The facts of operations that a dispatcher needs, in order; null for an operation past its retention. */
export async function fetchDispatchables(
  database: Database,
  operations: readonly { readonly accountId: number; readonly operationId: string }[],
): Promise<(Dispatchable | null)[]> {
  const { rows } = await database.query<{
    id: string;
    content: OperationContent;
    plan: SendPlan;
    scheduled_for: Date | null;
    expire_at: Date | null;
  }>(
    `select id, content, plan, scheduled_for, expire_at from operation
     where account_id = any($1::int[]) and id = any($2::uuid[])`,
    [
      [...new Set(operations.map(({ accountId }) => accountId))],
      operations.map(({ operationId }) => operationId),
    ],
  );
  const byId = new Map(
    rows.map(({ id, content, plan, scheduled_for, expire_at }) => [
      id,
      { content, plan, scheduledFor: scheduled_for, expireAt: expire_at },
    ]),
  );
  return operations.map(({ operationId }) => byId.get(operationId) ?? null);
}

/**
 * Cancels all messages that no carrier may have yet; the rest keeps going. A message whose fallback had not
 * begun ends UNDELIVERED, as its last attempt did. Idempotent. Resolves with false when there is no such
 * operation.
 *
 * Locks batches first, then messages, then the operation: the order of every writer.
 */
export async function cancelOperation(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  // The request is recorded first: if the next statement fails, dispatchers end the batches that they lease.
  const { rowCount } = await database.query(
    `update operation set cancel_requested_at = coalesce(cancel_requested_at, now()), paused_at = null,
       revision = revision + 1
     where account_id = $1 and id = $2`,
    [accountId, id],
  );
  if (rowCount === 0) return false;
  // Only the batches seen: a retry that is queued meanwhile is ended by the dispatcher that leases it.
  await cancelBatches(database, accountId, id, null);
  return true;
}

/**
 * The end of messages without a further attempt, `$4` a status. Messages that were sent, and whose fallback was still to
 * come, end UNDELIVERED and keep the error of their last attempt.
 */
const END_UNSENT = `previous_status = m.status, updated_at = clock_timestamp(),
  status = case when m.status = 'SENT' then 'UNDELIVERED'::message_status else $4::message_status end`;
const IS_UNSENT = `status in ('SCHEDULED', 'QUEUED', 'SENT')
  and (status <> 'SENT' or attempt_status in ('UNDELIVERED', 'FAILED'))`;

/**
 * Cancels the messages of these batches of an operation, or of all its batches, that no carrier may have. In one
 * statement.
 */
export async function cancelBatches(
  database: Querier,
  accountId: number,
  operationId: string,
  ids: readonly string[] | null,
): Promise<void> {
  const { first, last } = messageUuidRange(operationId);
  await database.query(
    `with seen as materialized (
       select id, high_water_mark, ordinals from dispatch_batch where account_id = $1 and operation_id = any($2::uuid[])
         and ($3::bigint[] is null or id = any($3)) order by id for update),
     gone as (delete from dispatch_batch where id = any(array(select id from seen where high_water_mark = 0))),
     cut as (update dispatch_batch set ordinals = ordinals[1:high_water_mark]
       where id = any(array(select id from seen where high_water_mark > 0))),
     transitioned as (
       update message m set ${END_UNSENT}
       where account_id = $1 and id between $5 and $6 and ${IS_UNSENT} and id = any(array(
         select message_of(($2::uuid[])[1], each) from seen, unnest(ordinals[high_water_mark + 1:]) as each))
       returning ($2::uuid[])[1] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS} select`,
    [accountId, [operationId], ids, 'CANCELED', first, last],
  );
}

/**
 * Pauses an operation that has not ended, or resumes it. Idempotent. Resolves with false when there is no such
 * operation.
 */
export async function setPaused(
  database: Database,
  accountId: number,
  id: string,
  paused: boolean,
): Promise<boolean> {
  const { rowCount } = await database.query(
    `update operation set
       paused_at = case when $3 and status in ('SCHEDULED', 'PROCESSING') and cancel_requested_at is null
         then coalesce(paused_at, clock_timestamp()) end,
       updated_at = greatest(updated_at, clock_timestamp()), revision = revision + 1
     where account_id = $1 and id = $2`,
    [accountId, id, paused],
  );
  if (rowCount === 0) return false;
  if (!paused) await database.query(`select pg_notify('${WAKE_CHANNEL}', '')`);
  return true;
}

/**
 * Cancels one message unless a carrier may have it already. Resolves with false if it does not exist. Its status
 * afterwards shows whether it was canceled.
 */
export async function cancelMessage(
  database: Database,
  accountId: number,
  operationId: string,
  ordinal: number,
): Promise<void> {
  await database.query(
    `with seen as materialized (
       select id, high_water_mark, ordinals from dispatch_batch
       where account_id = $1 and operation_id = any($2::uuid[]) and $3::int = any(ordinals) order by id for update),
     free as materialized (select id, ordinals from seen where array_position(ordinals, $3) > high_water_mark),
     gone as (delete from dispatch_batch where id = any(array(select id from free where cardinality(ordinals) = 1))),
     cut as (update dispatch_batch set ordinals = array_remove(ordinals, $3)
       where id = any(array(select id from free where cardinality(ordinals) > 1))),
     transitioned as (
       update message m set ${END_UNSENT}
       where account_id = $1 and id = $5 and ${IS_UNSENT} and exists (select from free)
       returning ($2::uuid[])[1] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS} select`,
    [accountId, [operationId], ordinal, 'CANCELED', messageUuid(operationId, ordinal)],
  );
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
