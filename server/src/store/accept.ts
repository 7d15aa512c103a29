/**
 * Acceptance: operations with their messages, batches and events, written in groups. A group is one
 * transaction of few statements, however many operations it has.
 */
import { from as copyFrom } from 'pg-copy-streams';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type pg from 'pg';
import type { OperationContent } from '../domain/content.ts';
import type { EmailAttachment } from '../domain/email.ts';
import { messageUuid, uuidTimeMs } from '../domain/ids.ts';
import type { Address, Channel, MessageStatus, Recipient } from '../domain/message.ts';
import type { OperationKind, OperationStatus, SendPlan } from '../domain/operation.ts';
import { translate } from './database-error.ts';
import type { Database } from './database.ts';
import { insertAttachments } from './email-attachments.ts';
import { WAKE_CHANNEL } from './operations.ts';
import { findPlan } from './written-plans.ts';

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
  /** The time of sending of all its messages; null: now, or different times. */
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

/** The result of an acceptance: written, a repetition with the same body, or a conflict with another body. */
export type AcceptResult =
  | { readonly kind: 'created' }
  | { readonly kind: 'replayed'; readonly operationId: string }
  | { readonly kind: 'conflict' };

/** A use of an idempotency key. */
export interface KeyQuestion {
  readonly accountId: number;
  readonly key: string;
  /** SHA-256 of the request's body. */
  readonly fingerprint: Buffer;
}

const nameKey = ({ accountId, key }: Pick<KeyQuestion, 'accountId' | 'key'>) =>
  `${accountId} ${key}`;

/**
 * Writes operations, each with its messages and its batches, or none of them. Resolves when all is durable, with one
 * result for each, in order; the commit wakes dispatchers. An operation whose idempotency key was used before is left
 * out. All keys of a call must differ.
 */
export function acceptOperations(
  database: Database,
  operations: readonly NewOperation[],
): Promise<AcceptResult[]> {
  return database.transact(async (client) => {
    const used = await claimKeys(client, operations);
    const results = operations.map(({ id }): AcceptResult => used.get(id) ?? { kind: 'created' });
    const created = operations.filter(({ id }) => !used.has(id));
    if (created.length === 0) return results;
    await insertOperations(client, created);
    for (const { accountId, id, attachments } of created)
      if (attachments.length > 0) await insertAttachments(client, accountId, id, attachments);
    await copyMessages(client, created);
    await insertBatches(client, created);
    await insertUnaddressable(client, created);
    return results;
  });
}

interface KeyRow {
  account_id: number;
  key: string;
  operation_id: string;
  fingerprint: Buffer;
}

/**
 * Claims the keys of operations. Resolves with the earlier uses of keys, by operation. A second request with a key waits
 * here until the first has committed or failed. An expired key is taken over.
 */
async function claimKeys(
  client: pg.PoolClient,
  operations: readonly NewOperation[],
): Promise<ReadonlyMap<string, Exclude<AcceptResult, { kind: 'created' }>>> {
  const claims = operations
    .flatMap(({ accountId, id, idempotency }) =>
      idempotency === null ? [] : { accountId, id, ...idempotency },
    )
    // In one order everywhere, so that no two groups wait for each other.
    .toSorted((a, b) => a.accountId - b.accountId || (a.key < b.key ? -1 : 1));
  if (claims.length === 0) return new Map();
  const { rows } = await client.query<KeyRow>(
    `insert into idempotency_key as k (account_id, key, fingerprint, operation_id, expires_at)
     select * from unnest($1::int[], $2::text[], $3::bytea[], $4::uuid[], $5::timestamptz[])
     on conflict (account_id, key) do update set
       fingerprint = case when k.expires_at < now() then excluded.fingerprint else k.fingerprint end,
       operation_id = case when k.expires_at < now() then excluded.operation_id else k.operation_id end,
       expires_at = case when k.expires_at < now() then excluded.expires_at else k.expires_at end
     returning account_id, key, operation_id, fingerprint`,
    [
      claims.map((each) => each.accountId),
      claims.map((each) => each.key),
      claims.map((each) => each.fingerprint),
      claims.map((each) => each.id),
      claims.map((each) => each.expiresAt),
    ],
  );
  const known = indexKeys(rows);
  return new Map(
    claims.flatMap((claim) => {
      const row = known.get(nameKey(claim));
      return row === undefined || row.operation_id === claim.id
        ? []
        : [[claim.id, answerOf(row, claim.fingerprint)] as const];
    }),
  );
}

const indexKeys = (rows: readonly KeyRow[]) =>
  new Map(rows.map((row) => [nameKey({ accountId: row.account_id, key: row.key }), row]));

const answerOf = (row: KeyRow, fingerprint: Buffer) =>
  row.fingerprint.equals(fingerprint)
    ? { kind: 'replayed' as const, operationId: row.operation_id }
    : { kind: 'conflict' as const };

/** Earlier uses of keys, in the order of the questions; null for a free key. */
export async function findIdempotencyKeys(
  database: Database,
  questions: readonly KeyQuestion[],
): Promise<(Exclude<AcceptResult, { kind: 'created' }> | null)[]> {
  if (questions.length === 0) return [];
  const { rows } = await database.query<KeyRow>(
    `select k.account_id, k.key, k.operation_id, k.fingerprint
     from unnest($1::int[], $2::text[]) as q(account_id, key)
     cross join lateral (select * from idempotency_key k
       where k.account_id = q.account_id and k.key = q.key and k.expires_at >= now()) k`,
    [questions.map((each) => each.accountId), questions.map((each) => each.key)],
  );
  const known = indexKeys(rows);
  return questions.map((question) => {
    const row = known.get(nameKey(question));
    return row === undefined ? null : answerOf(row, question.fingerprint);
  });
}

/** With their outbox events: their creation, and their queued messages. */
async function insertOperations(
  client: pg.PoolClient,
  operations: readonly NewOperation[],
): Promise<void> {
  const rows: OperationRow[] = [];
  for (const operation of operations) rows.push(await toRow(client, operation));
  const of = <Value>(pick: (row: OperationRow) => Value) => rows.map(pick);
  await client.query(
    `with added as materialized (
       select * from unnest($1::int[], $2::uuid[], $3::operation_status[], $4::int[], $5::int[], $6::int[], $7::int[],
         $8::jsonb[], $9::jsonb[], $10::uuid[], $11::jsonb[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
         $15::operation_kind[], $16::text[], $17::uuid[]) with ordinality
         as a(account_id, id, status, total, unaddressable, scheduled, queued, content, plan, plan_of, tags,
           scheduled_for, expire_at, updated_at, kind, ordinals, callback_id, place)),
     published as (
       insert into event_outbox (account_id, subject_id, name, ordinals)
       select account_id, id, name, ordinals from (
         select account_id, id, place, 1 as step, 'operation.' || lower(status::text) as name, null::smallint[] as ordinals
         from added
         union all
         select account_id, id, place, 2, 'message.queued', ordinals::smallint[] from added where queued > 0) as events
       order by place, step)
     insert into operation (account_id, id, status, total, recipients, unaddressable, scheduled, queued,
       content, plan, tags, scheduled_for, expire_at, updated_at, kind, callback_id)
     select account_id, id, status, total, total + unaddressable, unaddressable, scheduled, queued, content,
       coalesce(plan, (select o.plan from operation o where o.account_id = a.account_id and o.id = a.plan_of)), tags,
       scheduled_for, expire_at, updated_at, kind, callback_id
     from added a`,
    [
      of((row) => row.operation.accountId),
      of((row) => row.operation.id),
      of((row) => row.status),
      of((row) => row.operation.messages.length),
      of((row) => row.operation.unaddressable.length),
      of((row) => row.scheduled),
      of((row) => row.queued.length),
      of((row) => JSON.stringify(row.operation.content)),
      of((row) => row.plan.text),
      of((row) => row.plan.copiedFrom),
      of((row) => JSON.stringify(row.operation.tags)),
      of((row) => row.operation.scheduledFor),
      of((row) => row.operation.expireAt),
      of((row) => new Date(uuidTimeMs(row.operation.id))),
      of((row) => row.kind),
      of((row) => `{${row.queued.join(',')}}`),
      of((row) => row.operation.callbackId),
    ],
  );
}

interface OperationRow {
  readonly operation: NewOperation;
  readonly status: OperationStatus;
  readonly kind: OperationKind;
  readonly scheduled: number;
  /** Ordinals of the messages that are due at once. */
  readonly queued: readonly number[];
  readonly plan: Awaited<ReturnType<typeof findPlan>>;
}

async function toRow(client: pg.PoolClient, operation: NewOperation): Promise<OperationRow> {
  const { messages, content } = operation;
  const queued = messages.filter((each) => each.dueAt === null).map((each) => each.ordinal);
  const total = messages.length;
  const scheduled = total - queued.length;
  return {
    operation,
    status: total === 0 ? 'COMPLETED' : scheduled === total ? 'SCHEDULED' : 'PROCESSING',
    kind: 'email' in content ? 'EMAILS' : 'MESSAGES',
    scheduled,
    queued,
    plan: await findPlan(client, operation),
  };
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

/** Columns that have their defaults in every message are left out. */
async function copyMessages(
  client: pg.PoolClient,
  operations: readonly NewOperation[],
): Promise<void> {
  const some = operations.filter(({ messages }) => messages.length > 0);
  if (some.length === 0) return;
  const anyDue = some.some(({ messages }) => messages.some((each) => each.dueAt !== null));
  const ownDue = anyDue && some.some(({ scheduledFor }) => scheduledFor === null);
  const columns = `${anyDue ? ', status' : ''}${ownDue ? ', scheduled_for' : ''}`;
  const stream = client.query(
    copyFrom(
      `copy message (account_id, channel, address_channel, id, address, addresses, variables, tags${columns}) from stdin`,
    ),
  );
  const endOf = ({ dueAt }: NewMessage, { scheduledFor }: NewOperation) => {
    if (!anyDue) return '\n';
    const own = scheduledFor === null ? dueAt : null;
    return `\t${statusAt(dueAt)}${ownDue ? `\t${own?.toISOString() ?? NULL}` : ''}\n`;
  };
  await pipeline(Readable.from(composeRows(some, endOf)), stream).catch((error: unknown) => {
    throw translate(error);
  });
}

function statusAt(dueAt: Date | null): MessageStatus {
  return dueAt === null ? 'QUEUED' : 'SCHEDULED';
}

function* composeRows(
  operations: readonly NewOperation[],
  endOf: (message: NewMessage, operation: NewOperation) => string,
): Generator<Buffer> {
  let text = '';
  let rows = 0;
  for (const operation of operations)
    for (const message of operation.messages) {
      const { ordinal, recipient, channel, tags } = message;
      const { addresses, connected, variables } = recipient;
      const [first] = addresses;
      // A name stands beside its address.
      const whole = connected || first.name !== undefined;
      text += `${operation.accountId}\t${channel}\t${first.channel}\t${messageUuid(operation.id, ordinal)}\t${copyText(first.address)}\t${whole ? copyJson(addresses) : NULL}\t${copyJson(variables)}\t${copyJson(tags)}${endOf(message, operation)}`;
      rows += 1;
      if (rows % COPY_CHUNK_ROWS === 0) {
        yield Buffer.from(text);
        text = '';
      }
    }
  if (text !== '') yield Buffer.from(text);
}

/** Due work is due by the database's clock: this node's clock may be ahead. */
async function insertBatches(
  client: pg.PoolClient,
  operations: readonly NewOperation[],
): Promise<void> {
  const rows = operations.flatMap((operation) =>
    operation.batches.map((batch) => ({ operation, batch })),
  );
  if (rows.length === 0) return;
  const of = <Value>(pick: (row: (typeof rows)[number]) => Value) => rows.map(pick);
  await client.query(
    `with added as (
       insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting, due_at,
         expire_at, ordinals)
       select account_id, operation_id, carrier, candidate, sender_id, limited.id is not null, 1, due_at is not null,
         coalesce(due_at, now()), expire_at, ordinals::smallint[]
       from unnest($1::int[], $2::uuid[], $3::timestamptz[], $4::text[], $5::smallint[], $6::uuid[], $7::timestamptz[],
           $8::text[]) as b(account_id, operation_id, expire_at, carrier, candidate, sender_id, due_at, ordinals)
         left join (select id from sender where id = any($6) and (throughput is not null or daily_cap is not null)) limited
           on limited.id = b.sender_id)
     select pg_notify('${WAKE_CHANNEL}', '')`,
    [
      of(({ operation }) => operation.accountId),
      of(({ operation }) => operation.id),
      of(({ operation }) => operation.expireAt),
      of(({ batch }) => batch.carrier),
      of(({ batch }) => batch.candidate),
      of(({ batch }) => batch.senderId),
      of(({ batch }) => batch.dueAt),
      of(({ batch }) => `{${batch.ordinals.join(',')}}`),
    ],
  );
}

async function insertUnaddressable(
  client: pg.PoolClient,
  operations: readonly NewOperation[],
): Promise<void> {
  const rows = operations.flatMap(({ accountId, id, unaddressable }) =>
    unaddressable.map((each) => ({ accountId, id: messageUuid(id, each.ordinal), ...each })),
  );
  if (rows.length === 0) return;
  await client.query(
    `insert into unaddressable (account_id, id, code, addresses)
     select account_id, id, code, addresses::jsonb
     from unnest($1::int[], $2::uuid[], $3::int[], $4::text[]) as u(account_id, id, code, addresses)`,
    [
      rows.map((each) => each.accountId),
      rows.map((each) => each.id),
      rows.map((each) => each.code),
      rows.map((each) => JSON.stringify(each.addresses)),
    ],
  );
}
