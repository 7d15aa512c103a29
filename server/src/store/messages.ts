/**
 * Messages and e-mails as their account reads them: lists without content, single ones with
 * content and attempts. Erased ones are in no list. Read by their ids they are empty.
 */
import { messageUuidRange, operationUuidOf, timeOf, uuidTimeMs } from '../domain/ids.ts';
import type { OperationContent } from '../domain/content.ts';
import type { Address, AddressChannel, Channel, MessageStatus } from '../domain/message.ts';
import type { OperationKind, PlannedSender, SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import type { Database } from './database.ts';

/** A candidate without what the server alone needs. */
export interface Route {
  readonly sender: Omit<PlannedSender, 'carrier' | 'throughput'>;
  readonly to: Address;
}

export interface MessageSummary {
  readonly id: string;
  readonly operationId: string;
  readonly status: MessageStatus;
  /** The route of the present attempt, or of the first attempt to come. */
  readonly route: Route;
  readonly addresses: readonly [Address, ...Address[]];
  /** Whether the request gave `addresses` rather than `address`. */
  readonly connected: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly scheduledFor: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When it was erased; null: it was not. */
  readonly deletedAt: Date | null;
}

export interface Attempt {
  /** 1 to 15. */
  readonly number: number;
  readonly route: Route;
  readonly status: MessageStatus;
  readonly attemptedAt: Date;
  readonly errorCode: number | null;
  readonly errorDetail: string | null;
}

export interface Message extends MessageSummary {
  /** As requested; the reader renders it. Empty if the message is erased. */
  readonly content: OperationContent;
  readonly variables: Readonly<Record<string, string>> | null;
  /** Oldest first. None if the message is erased. */
  readonly attempts: readonly Attempt[];
  /** The reason why it ended without an attempt (expired), else the error of the last attempt. */
  readonly errorCode: number | null;
}

export interface MessageFilter {
  readonly kind: OperationKind;
  /** Ids lie strictly between these. */
  readonly after: string;
  readonly before: string;
  readonly status: MessageStatus | null;
  readonly channel: Channel | null;
  /** Pairs that must all be there. */
  readonly tags: Readonly<Record<string, string>> | null;
  readonly address: string | null;
}

interface MessageRow {
  id: string;
  status: MessageStatus;
  candidate: number;
  channel: Channel;
  address: string;
  address_channel: AddressChannel;
  addresses: [Address, ...Address[]] | null;
  tags: Record<string, string> | null;
  /** Where it differs from its operation's. */
  scheduled_for: Date | null;
  updated_at: Date;
  deleted_at: Date | null;
}

interface OperationPart {
  id: string;
  tags: Record<string, string>;
  plan: SendPlan;
  scheduled_for: Date | null;
}

const SUMMARY_COLUMNS =
  'm.id, m.status, m.candidate, m.channel, m.address, m.address_channel, m.addresses, m.tags, m.scheduled_for, m.updated_at, m.deleted_at';

const IS_OF_KIND = (parameter: string) =>
  `(m.address_channel = 'EMAIL') = (${parameter}::operation_kind = 'EMAILS')`;

/**
 * Messages of the account, newest first (within an operation, last recipient first), without erased ones, at most `limit`. Messages of a
 * request that is still received, or was abandoned, are not shown: their ids are passed over, however many they are.
 */
export async function listMessages(
  database: Database,
  accountId: number,
  filter: MessageFilter,
  limit: number,
): Promise<MessageSummary[]> {
  const rows: MessageRow[] = [];
  for (const range of await listVisibleRanges(database, accountId, filter)) {
    rows.push(
      ...(await readRange(database, accountId, { ...filter, ...range }, limit - rows.length)),
    );
    if (rows.length === limit) break;
  }
  const operations = await fetchParts(database, accountId, rows);
  return rows.flatMap((row) => {
    const operation = operations.get(operationUuidOf(row.id));
    return operation === undefined ? [] : [toSummary(row, operation)];
  });
}

interface Range {
  readonly after: string;
  readonly before: string;
}

/** Operations whose messages exist and whose row of `operation` does not (docs/decisions/0022). */
const HIDDEN = `select t.operation_id from operation_task t where t.account_id = $1 and t.state <> 'ACCEPTED'`;

/** The parts of a range of ids that are between hidden operations, newest first. */
async function listVisibleRanges(
  database: Database,
  accountId: number,
  { after, before }: Range,
): Promise<Range[]> {
  const { rows } = await database.query<{ operation_id: string }>(
    `${HIDDEN} order by t.operation_id desc`,
    [accountId],
  );
  const ranges: Range[] = [];
  let end = before;
  for (const { operation_id: id } of rows) {
    const { last } = messageUuidRange(id);
    if (id >= end || last <= after) continue;
    // Both bounds are excluded, and no message has the id of the operation, or the one behind its last message.
    if (last < end) ranges.push({ after: last, before: end });
    end = id;
  }
  if (after < end) ranges.push({ after, before: end });
  return ranges;
}

async function readRange(
  database: Database,
  accountId: number,
  filter: MessageFilter,
  limit: number,
): Promise<MessageRow[]> {
  const { rows } = await database.query<MessageRow>(
    // Requests that began since the ranges were read are left out by the first condition, which costs nothing without one.
    `select ${SUMMARY_COLUMNS} from message m
     where m.account_id = $1 and m.id > $2 and m.id < $3 and ${IS_OF_KIND('$9')}
       and m.deleted_at is null and (not exists (${HIDDEN}) or operation_of(m.id) <> all(array(${HIDDEN})))
       and ($4::message_status is null or m.status = $4)
       and ($5::channel is null or m.channel = $5)
       and ($6::jsonb is null or case when m.tags is not null then m.tags @> $6 else operation_of(m.id) in
         (select o.id from operation o where o.account_id = $1 and o.tags @> $6) end)
       and ($7::text is null or m.address = $7
         or (m.addresses is not null and m.addresses @> jsonb_build_array(jsonb_build_object('address', $7::text))))
     order by m.id desc limit $8`,
    [
      accountId,
      filter.after,
      filter.before,
      filter.status,
      filter.channel,
      filter.tags === null ? null : JSON.stringify(filter.tags),
      filter.address,
      limit,
      filter.kind,
    ],
  );
  return rows;
}

async function fetchParts(
  database: Database,
  accountId: number,
  rows: readonly MessageRow[],
): Promise<Map<string, OperationPart>> {
  const ids = [...new Set(rows.map((row) => operationUuidOf(row.id)))];
  if (ids.length === 0) return new Map();
  const found = await database.query<OperationPart>(
    'select id, tags, plan, scheduled_for from operation where account_id = $1 and id = any($2::uuid[])',
    [accountId, ids],
  );
  return new Map(found.rows.map((part) => [part.id, part]));
}

function toSummary(row: MessageRow, operation: OperationPart): MessageSummary {
  const updatedAt = timeOf(row.id, row.updated_at);
  const deletedAt = row.deleted_at && timeOf(row.id, row.deleted_at);
  const addresses = row.addresses ?? [{ address: row.address, channel: row.address_channel }];
  return {
    id: row.id,
    operationId: operation.id,
    status: row.status,
    route:
      deletedAt === null
        ? routeAt(addresses, operation.plan, row.candidate)
        : { sender: senderOfErased(operation.plan, row.channel), to: addresses[0] },
    addresses,
    connected: row.addresses !== null,
    tags: deletedAt === null ? (row.tags ?? operation.tags) : {},
    scheduledFor: row.scheduled_for ?? operation.scheduled_for,
    createdAt: new Date(uuidTimeMs(row.id)),
    updatedAt: deletedAt === null || deletedAt < updatedAt ? updatedAt : deletedAt,
    deletedAt,
  };
}

function routeAt(addresses: readonly Address[], plan: SendPlan, position: number): Route {
  const candidate = listCandidates(addresses, plan)[position];
  if (candidate === undefined)
    throw new Error(`A message names candidate ${position}, which its plan lacks.`);
  return candidate;
}

/**
 * The sender of the channel. Of several, the one that the message had follows from the erased address, so its own address
 * is '' here, and their pool stays.
 */
function senderOfErased({ senders }: SendPlan, channel: Channel): Route['sender'] {
  const [sender, ...others] = senders.filter((each) => each.channel === channel);
  if (sender !== undefined && others.length === 0) return sender;
  const pool = sender?.senderPoolId;
  return { channel, address: '', ...(pool === undefined ? {} : { senderPoolId: pool }) };
}

const ERASED_CONTENT: Readonly<Record<OperationKind, OperationContent>> = {
  MESSAGES: { text: '', mediaUrls: [] },
  EMAILS: {
    email: {
      subject: '',
      html: '',
      text: null,
      headers: {},
      attachments: [],
      unsubscribe: false,
      trackOpens: false,
    },
  },
};

interface EarlierAttempt {
  attempt: number;
  candidate: number;
  status: MessageStatus;
  attemptedAt: string;
  errorCode: number | null;
  errorDetail: string | null;
}

interface FullRow extends MessageRow {
  content: OperationContent;
  plan: SendPlan;
  operation_id: string;
  operation_tags: Record<string, string>;
  operation_scheduled_for: Date | null;
  variables: Record<string, string> | null;
  attempt: number;
  attempt_status: MessageStatus | null;
  attempted_at: Date | null;
  error_code: number | null;
  error_detail: string | null;
  earlier: EarlierAttempt[] | null;
}

/** One message of the account with all its details, or null if there is none of this kind. An erased message is empty. */
export async function fetchMessage(
  database: Database,
  accountId: number,
  kind: OperationKind,
  id: string,
): Promise<Message | null> {
  const { rows } = await database.query<FullRow>(
    `select ${SUMMARY_COLUMNS}, m.variables, m.attempt, m.attempt_status, m.attempted_at, m.error_code,
       m.error_detail, m.earlier, o.id as operation_id, o.content, o.plan, o.tags as operation_tags,
       o.scheduled_for as operation_scheduled_for
     from message m join operation o on o.account_id = m.account_id and o.id = $3
     where m.account_id = $1 and m.id = $2 and ${IS_OF_KIND('$4')}`,
    [accountId, id, operationUuidOf(id), kind],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const summary = toSummary(row, {
    id: row.operation_id,
    tags: row.operation_tags,
    plan: row.plan,
    scheduled_for: row.operation_scheduled_for,
  });
  return {
    ...summary,
    content: summary.deletedAt === null ? row.content : ERASED_CONTENT[kind],
    variables: row.variables,
    attempts: summary.deletedAt === null ? listAttempts(row, summary) : [],
    errorCode: row.error_code,
  };
}

function listAttempts(row: FullRow, { addresses, route }: MessageSummary): Attempt[] {
  const attempts = (row.earlier ?? []).map((each) => ({
    number: each.attempt,
    route: routeAt(addresses, row.plan, each.candidate),
    status: each.status,
    attemptedAt: new Date(each.attemptedAt),
    errorCode: each.errorCode,
    errorDetail: each.errorDetail,
  }));
  if (row.attempt_status !== null && row.attempted_at !== null)
    attempts.push({
      number: row.attempt,
      route,
      status: row.attempt_status,
      attemptedAt: row.attempted_at,
      errorCode: row.error_code,
      errorDetail: row.error_detail,
    });
  return attempts;
}
