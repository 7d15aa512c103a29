/** The insert of new operations: one statement for all tables. */
import { messageUuid, uuidTimeMs } from '../../domain/ids.ts';
import type { OperationKind, OperationStatus } from '../../domain/operation.ts';
import type { Querier } from '../database.ts';
import { WAKE_CHANNEL } from '../operations.ts';
import { rowParameters, type RowParameters } from '../row-parameters.ts';
import { findPlan } from '../written-plans.ts';
import {
  ownDueAt,
  statusAt,
  writtenAddresses,
  type NewBatch,
  type NewOperation,
  type NewOperationHead,
  type NewRows,
  type RecipientCounts,
} from './new-operation.ts';

/**
 * Inserts operations with their batches, unreachable recipients and events, and with their messages unless these are copied.
 * One statement does all of it: a round trip costs more than the rows of a small request. Due work is due by the database's
 * clock: this node's clock may be ahead.
 */
export async function insertOperations(
  client: Querier,
  operations: readonly NewOperation[],
  withMessages: boolean,
): Promise<void> {
  const rows: OperationRow[] = [];
  for (const operation of operations) {
    const queued = operation.messages
      .filter((each) => each.dueAt === null)
      .map((each) => each.ordinal);
    const counts = {
      total: operation.messages.length,
      queued: queued.length,
      unaddressable: operation.unaddressable.length,
    };
    rows.push(await toRow(client, operation, counts, queued.length > 0 ? queued : null));
  }
  const statement = new InsertStatement();
  addOperations(statement, rows);
  if (withMessages) addMessages(statement, operations);
  addBatches(statement, operations);
  addUnaddressable(statement, operations);
  await client.query(statement.text, statement.values);
}

/** Inserts the operation of a streamed send, whose messages exist. Its batches and their events follow. */
export async function insertStreamedOperation(
  client: Querier,
  operation: NewOperationHead,
  counts: RecipientCounts,
): Promise<void> {
  const statement = new InsertStatement();
  addOperations(statement, [await toRow(client, operation, counts, null)]);
  statement.wake();
  await client.query(statement.text, statement.values);
}

/** Inserts what a chunk of a streamed send has beside its messages. */
export async function insertChunk(
  client: Querier,
  { accountId, id }: Pick<NewOperationHead, 'accountId' | 'id'>,
  {
    number,
    batches,
    unaddressable,
  }: Pick<NewRows, 'batches' | 'unaddressable'> & { readonly number: number },
): Promise<void> {
  const statement = new InsertStatement();
  const { table } = statement.rows('c', {
    account_id: ['int', [accountId]],
    operation_id: ['uuid', [id]],
    number: ['int', [number]],
    batches: ['jsonb', [JSON.stringify(batches.map(toChunkBatch))]],
  });
  statement.add(
    'chunk',
    `(insert into operation_chunk (account_id, operation_id, number, batches) select * from ${table})`,
  );
  addUnaddressable(statement, [{ accountId, id, unaddressable }]);
  await client.query(statement.text, statement.values);
}

const toChunkBatch = ({ carrier, candidate, senderId, dueAt, ordinals }: NewBatch) => ({
  carrier,
  candidate,
  senderId,
  dueAt,
  ordinals: `{${ordinals.join(',')}}`,
});

type Columns = Readonly<Record<string, readonly [type: string, values: readonly unknown[]]>>;

/** An insert into several tables. */
class InsertStatement {
  readonly values: unknown[] = [];
  readonly #parts: string[] = [];
  #result = 'select';

  /** Adds rows as parameters. */
  rows(alias: string, columns: Columns): RowParameters<string> {
    const rows = rowParameters(alias, this.values.length + 1, columns);
    this.values.push(...rows.values);
    return rows;
  }

  /** Adds a common table expression. */
  add(name: string, text: string): void {
    this.#parts.push(`${name} as ${text}`);
  }

  /** Wakes dispatchers with the commit. */
  wake(): void {
    this.#result = `select pg_notify('${WAKE_CHANNEL}', '')`;
  }

  get text(): string {
    return `with ${this.#parts.join(',\n')}\n${this.#result}`;
  }
}

/** With their outbox events: their creation, and their queued messages. */
function addOperations(statement: InsertStatement, rows: readonly OperationRow[]): void {
  const of = <Value>(pick: (row: OperationRow) => Value) => rows.map(pick);
  const { table } = statement.rows('a', {
    place: ['int', rows.map((_, place) => place)],
    account_id: ['int', of((row) => row.operation.accountId)],
    id: ['uuid', of((row) => row.operation.id)],
    status: ['operation_status', of((row) => row.status)],
    total: ['int', of((row) => row.counts.total)],
    unaddressable: ['int', of((row) => row.counts.unaddressable)],
    scheduled: ['int', of((row) => row.counts.total - row.counts.queued)],
    queued: ['int', of((row) => row.counts.queued)],
    content: ['jsonb', of((row) => JSON.stringify(row.operation.content))],
    plan: ['jsonb', of((row) => row.plan.text)],
    plan_of: ['uuid', of((row) => row.plan.copiedFrom)],
    tags: ['jsonb', of((row) => JSON.stringify(row.operation.tags))],
    scheduled_for: ['timestamptz', of((row) => row.operation.scheduledFor)],
    expire_at: ['timestamptz', of((row) => row.operation.expireAt)],
    updated_at: ['timestamptz', of((row) => new Date(uuidTimeMs(row.operation.id)))],
    kind: ['operation_kind', of((row) => row.kind)],
    ordinals: ['text', of(({ queued }) => queued && `{${queued.join(',')}}`)],
    callback_id: ['uuid', of((row) => row.operation.callbackId)],
  });
  statement.add('added', `materialized (select * from ${table})`);
  statement.add(
    'published',
    `(insert into event_outbox (account_id, subject_id, name, ordinals)
      select account_id, id, name, ordinals from (
        select account_id, id, place, 1 as step, 'operation.' || lower(status::text) as name, null::int[] as ordinals
        from added
        union all
        select account_id, id, place, 2, 'message.queued', ordinals::int[] from added where ordinals is not null) as events
      order by place, step)`,
  );
  statement.add(
    'accepted',
    `(insert into operation (account_id, id, status, total, recipients, unaddressable, scheduled, queued,
        content, plan, tags, scheduled_for, expire_at, updated_at, kind, callback_id)
      select account_id, id, status, total, total + unaddressable, unaddressable, scheduled, queued, content,
        coalesce(plan, (select o.plan from operation o where o.account_id = a.account_id and o.id = a.plan_of)), tags,
        scheduled_for, expire_at, updated_at, kind, callback_id
      from added a)`,
  );
}

interface OperationRow {
  readonly operation: NewOperationHead;
  readonly status: OperationStatus;
  readonly kind: OperationKind;
  readonly counts: RecipientCounts;
  /** Ordinals of the messages that are due at once, for their event; null without one. */
  readonly queued: readonly number[] | null;
  readonly plan: Awaited<ReturnType<typeof findPlan>>;
}

async function toRow(
  client: Querier,
  operation: NewOperationHead,
  counts: RecipientCounts,
  queued: readonly number[] | null,
): Promise<OperationRow> {
  const status = counts.queued > 0 ? 'PROCESSING' : counts.total > 0 ? 'SCHEDULED' : 'COMPLETED';
  return {
    operation,
    status,
    kind: 'email' in operation.content ? 'EMAILS' : 'MESSAGES',
    counts,
    queued,
    plan: await findPlan(client, operation),
  };
}

function addMessages(statement: InsertStatement, operations: readonly NewOperation[]): void {
  const rows = operations.flatMap((operation) =>
    operation.messages.map((message) => ({ operation, message })),
  );
  if (rows.length === 0) return;
  const of = <Value>(pick: (row: (typeof rows)[number]) => Value) => rows.map(pick);
  const { table } = statement.rows('m', {
    account_id: ['int', of(({ operation }) => operation.accountId)],
    id: ['uuid', of(({ operation, message }) => messageUuid(operation.id, message.ordinal))],
    channel: ['channel', of(({ message }) => message.channel)],
    address_channel: [
      'address_channel',
      of(({ message }) => message.recipient.addresses[0].channel),
    ],
    address: ['text', of(({ message }) => message.recipient.addresses[0].address)],
    addresses: ['jsonb', of(({ message }) => toJson(writtenAddresses(message)))],
    variables: ['jsonb', of(({ message }) => toJson(message.recipient.variables))],
    tags: ['jsonb', of(({ message }) => toJson(message.tags))],
    status: ['message_status', of(({ message }) => statusAt(message.dueAt))],
    scheduled_for: ['timestamptz', of(({ operation, message }) => ownDueAt(message, operation))],
  });
  const columns =
    'account_id, id, channel, address_channel, address, addresses, variables, tags, status, scheduled_for';
  statement.add('written', `(insert into message (${columns}) select ${columns} from ${table})`);
}

const toJson = (value: unknown) => (value === null ? null : JSON.stringify(value));

function addBatches(statement: InsertStatement, operations: readonly NewOperation[]): void {
  const rows = operations.flatMap((operation) =>
    operation.batches.map((batch) => ({ operation, batch })),
  );
  if (rows.length === 0) return;
  const of = <Value>(pick: (row: (typeof rows)[number]) => Value) => rows.map(pick);
  const { table, arrays } = statement.rows('b', {
    account_id: ['int', of(({ operation }) => operation.accountId)],
    operation_id: ['uuid', of(({ operation }) => operation.id)],
    expire_at: ['timestamptz', of(({ operation }) => operation.expireAt)],
    carrier: ['text', of(({ batch }) => batch.carrier)],
    candidate: ['smallint', of(({ batch }) => batch.candidate)],
    sender_id: ['uuid', of(({ batch }) => batch.senderId)],
    due_at: ['timestamptz', of(({ batch }) => batch.dueAt)],
    ordinals: ['text', of(({ batch }) => `{${batch.ordinals.join(',')}}`)],
  });
  statement.add(
    'batched',
    `(insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, waiting,
        due_at, expire_at, ordinals)
      select account_id, operation_id, carrier, candidate, sender_id, limited.id is not null, 1, due_at is not null,
        coalesce(due_at, now()), expire_at, ordinals::int[]
      from ${table}
        left join (select id from sender
          where id = any(${arrays['sender_id']}) and (throughput is not null or daily_cap is not null)) limited
          on limited.id = b.sender_id)`,
  );
  statement.wake();
}

function addUnaddressable(
  statement: InsertStatement,
  operations: readonly Pick<NewOperation, 'accountId' | 'id' | 'unaddressable'>[],
): void {
  const rows = operations.flatMap(({ accountId, id, unaddressable }) =>
    unaddressable.map((each) => ({ accountId, id: messageUuid(id, each.ordinal), ...each })),
  );
  if (rows.length === 0) return;
  const { table } = statement.rows('u', {
    account_id: ['int', rows.map((each) => each.accountId)],
    id: ['uuid', rows.map((each) => each.id)],
    code: ['int', rows.map((each) => each.code)],
    addresses: ['text', rows.map((each) => JSON.stringify(each.addresses))],
  });
  statement.add(
    'unreachable',
    `(insert into unaddressable (account_id, id, code, addresses)
      select account_id, id, code, addresses::jsonb from ${table})`,
  );
}
