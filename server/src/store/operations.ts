/** Operations: read with their counters, paused and resumed. `accept/` writes them, `cancels.ts` cancels them. */
import { uuidTimeMs } from '../domain/ids.ts';
import type { OperationContent } from '../domain/content.ts';
import type {
  Operation,
  OperationKind,
  OperationStats,
  OperationStatus,
  SendPlan,
} from '../domain/operation.ts';
import type { Database } from './database.ts';

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
