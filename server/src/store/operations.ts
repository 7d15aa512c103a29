/** Operations: written in one transaction, read with their counters, canceled. */
import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { messageUuid, messageUuidRange, uuidTimeMs } from '../domain/ids.ts';
import type { OperationContent } from '../domain/content.ts';
import type { EmailAttachment } from '../domain/email.ts';
import type { Address, Channel, MessageStatus, Recipient } from '../domain/message.ts';
import type {
  Operation,
  OperationKind,
  OperationStats,
  OperationStatus,
  SendPlan,
} from '../domain/operation.ts';
import { APPLY_COUNTERS, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import { translate } from './database-error.ts';
import type { Database, Querier } from './database.ts';
import { insertAttachments } from './email-attachments.ts';
import { findPlan } from './written-plans.ts';

/** Channel that wakes dispatchers; its payload is empty. */
export const WAKE_CHANNEL = 'fanfare_wake';

export interface NewMessage {
  /** Position in `to`. */
  readonly ordinal: number;
  readonly recipient: Recipient;
  /** Channel of the first candidate. */
  readonly channel: Channel;
  /** Tags of this recipient, when they differ from the operation's. */
  readonly tags: Readonly<Record<string, string>> | null;
  /** When to send it, null for now. */
  readonly dueAt: Date | null;
}

/** Messages that are due together, of one sender or of several without limits. */
export interface NewBatch {
  readonly carrier: string;
  readonly candidate: number;
  /** Null for an address that is no sender of ours, and for several senders. */
  readonly senderId: string | null;
  /** When to send them, null for now. */
  readonly dueAt: Date | null;
  readonly ordinals: readonly number[];
}

export interface NewOperation {
  readonly accountId: number;
  readonly id: string;
  /** Templates, not yet rendered. */
  readonly content: OperationContent;
  /** Files of e-mails. */
  readonly attachments: readonly EmailAttachment[];
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  /** When all its messages are to be sent; null: now, or not all at once. */
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
  readonly messages: readonly NewMessage[];
  readonly unaddressable: readonly {
    readonly ordinal: number;
    readonly code: number;
    readonly addresses: readonly Address[];
  }[];
  readonly batches: readonly NewBatch[];
  /** The subscription of its `statusCallback`. */
  readonly callbackId: string | null;
  readonly idempotency: {
    readonly key: string;
    /** SHA-256 of the request's body. */
    readonly fingerprint: Buffer;
    readonly expiresAt: Date;
  } | null;
}

/** What came of an acceptance: written, said before with the same body, or said before with another. */
export type AcceptResult =
  | { readonly kind: 'created' }
  | { readonly kind: 'replayed'; readonly operationId: string }
  | { readonly kind: 'conflict' };

/** What a dispatcher needs to know of an operation; never changes once written. */
export interface Dispatchable {
  readonly content: OperationContent;
  readonly plan: SendPlan;
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
}

/**
 * Writes an operation, its messages and its batches, or nothing. Durable when it resolves; dispatchers are woken by
 * the commit.
 */
export function acceptOperation(
  database: Database,
  operation: NewOperation,
): Promise<AcceptResult> {
  return database.transact(async (client) => {
    const said = await claimIdempotencyKey(client, operation);
    if (said !== null) return said;
    await insertOperation(client, operation);
    const { accountId, id, attachments } = operation;
    if (attachments.length > 0) await insertAttachments(client, accountId, id, attachments);
    if (operation.messages.length > 0) {
      await copyMessages(client, operation);
      await insertBatches(client, operation);
    }
    if (operation.unaddressable.length > 0) await insertUnaddressable(client, operation);
    return { kind: 'created' };
  });
}

/**
 * Takes the key, or says what it was used for. A second request with the same key waits here until the
 * first has committed or failed. An expired key is taken over.
 */
async function claimIdempotencyKey(
  client: pg.PoolClient,
  { idempotency, accountId, id }: NewOperation,
): Promise<AcceptResult | null> {
  if (idempotency === null) return null;
  const { rows } = await client.query<{ operation_id: string; same: boolean }>(
    `insert into idempotency_key as k (account_id, key, fingerprint, operation_id, expires_at)
     values ($1, $2, $3, $4, $5)
     on conflict (account_id, key) do update set
       fingerprint = case when k.expires_at < now() then excluded.fingerprint else k.fingerprint end,
       operation_id = case when k.expires_at < now() then excluded.operation_id else k.operation_id end,
       expires_at = case when k.expires_at < now() then excluded.expires_at else k.expires_at end
     returning operation_id, fingerprint = $3 as same`,
    [accountId, idempotency.key, idempotency.fingerprint, id, idempotency.expiresAt],
  );
  const row = rows[0];
  if (row === undefined || row.operation_id === id) return null;
  return row.same ? { kind: 'replayed', operationId: row.operation_id } : { kind: 'conflict' };
}

/** What a key was used for, or null when it is free. */
export async function findIdempotencyKey(
  database: Database,
  accountId: number,
  key: string,
  fingerprint: Buffer,
): Promise<Exclude<AcceptResult, { kind: 'created' }> | null> {
  const { rows } = await database.query<{ operation_id: string; same: boolean }>(
    `select operation_id, fingerprint = $3 as same from idempotency_key
     where account_id = $1 and key = $2 and expires_at >= now()`,
    [accountId, key, fingerprint],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return row.same ? { kind: 'replayed', operationId: row.operation_id } : { kind: 'conflict' };
}

/** With its outbox events: its creation, and its queued messages. */
async function insertOperation(client: pg.PoolClient, operation: NewOperation): Promise<void> {
  const { accountId, id, messages, unaddressable, content } = operation;
  const total = messages.length;
  const queued = messages.filter((each) => each.dueAt === null).map((each) => each.ordinal);
  const scheduled = total - queued.length;
  const status: OperationStatus =
    total === 0 ? 'COMPLETED' : scheduled === total ? 'SCHEDULED' : 'PROCESSING';
  const plan = await findPlan(client, operation);
  await client.query(
    `with published as (
       insert into event_outbox (account_id, subject_id, name, ordinals)
       select $1, $2, name, ordinals from (
         select 1 as place, 'operation.' || lower($3::text) as name, null::smallint[] as ordinals
         union all select 2, 'message.queued', $16::smallint[] where cardinality($16::smallint[]) > 0) as events
       order by place)
     insert into operation (account_id, id, status, total, recipients, unaddressable, scheduled, queued,
       content, plan, tags, scheduled_for, expire_at, updated_at, kind, callback_id)
     values ($1, $2, $3::operation_status, $4, $5, $6, $7, $8, $9,
       coalesce($10, (select o.plan from operation o where o.account_id = $1 and o.id = $18)), $11, $12, $13, $14, $15, $17)`,
    [
      accountId,
      id,
      status,
      total,
      total + unaddressable.length,
      unaddressable.length,
      scheduled,
      queued.length,
      JSON.stringify(content),
      plan.text,
      JSON.stringify(operation.tags),
      operation.scheduledFor,
      operation.expireAt,
      new Date(uuidTimeMs(id)),
      ('email' in content ? 'EMAILS' : 'MESSAGES') satisfies OperationKind,
      `{${queued.join(',')}}`,
      operation.callbackId,
      plan.copiedFrom,
    ],
  );
}

const NULL = '\\N';

/** A value of COPY's text format: backslash, tab and line ends are escaped. */
function copyText(value: string): string {
  return /[\\\t\n\r]/.test(value)
    ? value.replace(/[\\\t\n\r]/g, (c) =>
        c === '\t' ? '\\t' : c === '\n' ? '\\n' : c === '\r' ? '\\r' : '\\\\',
      )
    : value;
}

function copyJson(value: unknown): string {
  return value === null ? NULL : copyText(JSON.stringify(value));
}

/** Rows turned into text at a time: PostgreSQL reads these while the next are made. */
const COPY_CHUNK_ROWS = 500;

/** Columns that are the same at the start of every message are left to their defaults. */
async function copyMessages(client: pg.PoolClient, operation: NewOperation): Promise<void> {
  const { messages, scheduledFor } = operation;
  const anyDue = messages.some((each) => each.dueAt !== null);
  const ownDue = anyDue && scheduledFor === null;
  const columns = `${anyDue ? ', status' : ''}${ownDue ? ', scheduled_for' : ''}`;
  const stream = client.query(
    copyFrom(
      `copy message (account_id, channel, address_channel, id, address, addresses, variables, tags${columns}) from stdin`,
    ),
  );
  const endOf = ({ dueAt }: NewMessage) =>
    !anyDue ? '\n' : `\t${statusAt(dueAt)}${ownDue ? `\t${dueAt?.toISOString() ?? NULL}` : ''}\n`;
  await pipeline(Readable.from(composeRows(operation, endOf)), stream).catch((error: unknown) => {
    throw translate(error);
  });
}

function statusAt(dueAt: Date | null): MessageStatus {
  return dueAt === null ? 'QUEUED' : 'SCHEDULED';
}

function* composeRows(
  { id, accountId, messages }: NewOperation,
  endOf: (message: NewMessage) => string,
): Generator<Buffer> {
  let text = '';
  let rows = 0;
  for (const message of messages) {
    const { ordinal, recipient, channel, tags } = message;
    const { addresses, connected, variables } = recipient;
    const [first] = addresses;
    // A name stands beside its address.
    const whole = connected || first.name !== undefined;
    text += `${accountId}\t${channel}\t${first.channel}\t${messageUuid(id, ordinal)}\t${copyText(first.address)}\t${whole ? copyJson(addresses) : NULL}\t${copyJson(variables)}\t${copyJson(tags)}${endOf(message)}`;
    rows += 1;
    if (rows % COPY_CHUNK_ROWS === 0) {
      yield Buffer.from(text);
      text = '';
    }
  }
  if (text !== '') yield Buffer.from(text);
}

/** What is due at once is so by the database's clock: that of this node may be ahead. */
async function insertBatches(client: pg.PoolClient, operation: NewOperation): Promise<void> {
  const { accountId, id, expireAt, batches } = operation;
  await client.query(
    `with added as (
       insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting, due_at,
         expire_at, ordinals)
       select $1, $2, carrier, candidate, sender_id, limited.id is not null, 1, due_at is not null, coalesce(due_at, now()), $3,
         ordinals::smallint[]
       from unnest($4::text[], $5::smallint[], $6::uuid[], $7::timestamptz[], $8::text[])
           as b(carrier, candidate, sender_id, due_at, ordinals)
         left join (select id from sender where id = any($6) and (throughput is not null or daily_cap is not null)) limited
           on limited.id = b.sender_id)
     select pg_notify('${WAKE_CHANNEL}', '')`,
    [
      accountId,
      id,
      expireAt,
      batches.map((batch) => batch.carrier),
      batches.map((batch) => batch.candidate),
      batches.map((batch) => batch.senderId),
      batches.map((batch) => batch.dueAt),
      batches.map((batch) => `{${batch.ordinals.join(',')}}`),
    ],
  );
}

async function insertUnaddressable(client: pg.PoolClient, operation: NewOperation): Promise<void> {
  await client.query(
    `insert into unaddressable (account_id, id, code, addresses)
     select $1, id, code, addresses::jsonb
     from unnest($2::uuid[], $3::int[], $4::text[]) as u(id, code, addresses)`,
    [
      operation.accountId,
      operation.unaddressable.map((each) => messageUuid(operation.id, each.ordinal)),
      operation.unaddressable.map((each) => each.code),
      operation.unaddressable.map((each) => JSON.stringify(each.addresses)),
    ],
  );
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

/** One operation of the account, or null when there is none of this kind. */
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

/** Those of the account that there are, of any kind, in no order. */
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

/** One recipient that came to nothing. `messageId` is null when no message was made. */
export interface OperationErrorRow {
  readonly ordinal_id: string;
  readonly message_id: string | null;
  readonly code: number;
  readonly detail: string | null;
  readonly addresses: readonly Address[];
  /** Of the operation's senders; null for a message. */
  readonly channels: readonly Channel[] | null;
}

/**
 * Recipients of an operation that were unaddressable or whose message failed or was not delivered, in the
 * order of `to`, from behind `after`, at most `limit`.
 */
export async function listOperationErrors(
  database: Database,
  accountId: number,
  operationId: string,
  after: string,
  limit: number,
): Promise<OperationErrorRow[]> {
  const { last } = messageUuidRange(operationId);
  const { rows } = await database.query<OperationErrorRow>(
    `select id as ordinal_id, id as message_id, error_code as code, error_detail as detail,
       coalesce(addresses, jsonb_build_array(jsonb_build_object('address', address, 'channel', address_channel))) as addresses,
       null::jsonb as channels
     from message where account_id = $1 and id > $2 and id <= $3
       and status in ('FAILED', 'UNDELIVERED') and error_code is not null and address <> ''
     union all
     select id, null, code, null, addresses,
       (select jsonb_path_query_array(plan, '$.senders[*].channel') from operation where account_id = $1 and id = $4)
     from unaddressable where account_id = $1 and id > $2 and id <= $3 and addresses <> '[]'
     order by 1 limit $5`,
    [accountId, after, last, operationId, limit],
  );
  return rows;
}

/** The unchanging part of an operation, for the dispatcher. Null when it is gone. */
export async function fetchDispatchable(
  database: Database,
  accountId: number,
  id: string,
): Promise<Dispatchable | null> {
  const { rows } = await database.query<{
    content: OperationContent;
    plan: SendPlan;
    scheduled_for: Date | null;
    expire_at: Date | null;
  }>(
    'select content, plan, scheduled_for, expire_at from operation where account_id = $1 and id = $2',
    [accountId, id],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    content: row.content,
    plan: row.plan,
    scheduledFor: row.scheduled_for,
    expireAt: row.expire_at,
  };
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
 * What becomes of messages that end without a further attempt, `$4` a status: those already sent, whose fallback was still to come,
 * are UNDELIVERED and keep the error of their last attempt.
 */
const END_UNSENT = `previous_status = m.status, updated_at = clock_timestamp(),
  status = case when m.status = 'SENT' then 'UNDELIVERED'::message_status else $4::message_status end`;
const IS_UNSENT = `status in ('SCHEDULED', 'QUEUED', 'SENT')
  and (status <> 'SENT' or attempt_status in ('UNDELIVERED', 'FAILED'))`;

/** Cancels what of these batches of an operation, or of all that there are, no carrier may have. In one statement. */
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
 * Cancels one message unless a carrier may have it already. Resolves with false when there is none;
 * its status afterwards shows whether it was canceled.
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
       where account_id = $1 and operation_id = any($2::uuid[]) and $3::smallint = any(ordinals) order by id for update),
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

/** Ends messages without a further attempt: those not yet sent get `status`. */
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
