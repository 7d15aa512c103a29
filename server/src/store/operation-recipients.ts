/**
 * The recipients of an operation in the order of `to`, in pages: to export them, to send to them
 * again, and those without success. A statement looks at no more messages than a report counts in
 * one, however few of them it selects.
 */
import { messageUuid, ordinalOf } from '../domain/ids.ts';
import type { Address, AddressChannel, Channel, MessageStatus } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates, type Candidate } from '../domain/routing.ts';
import type { Database, Querier } from './database.ts';
import { findFaultlessSections, SECTIONS, STRETCH } from './operation-sections.ts';

/** An operation whose recipients are read. */
export interface Readable {
  readonly id: string;
  readonly recipients: number;
}

/** Ids that one statement may look at: behind the first, up to the last. */
interface Span {
  readonly after: string;
  readonly last: string;
}

/** Spans of ids behind one of an operation, in order, each with the section that it is in. */
function* listSpans(
  { id, recipients }: Readable,
  start: string,
  length: number,
): Generator<Span & { readonly section: number }, void, undefined> {
  for (let first = ordinalOf(start) + 1; first < recipients;) {
    const next = Math.min((Math.floor(first / length) + 1) * length, recipients);
    yield {
      after: first === 0 ? id : messageUuid(id, first - 1),
      last: messageUuid(id, next - 1),
      section: Math.floor(first / STRETCH) % SECTIONS,
    };
    first = next;
  }
}

/** Recipients that one statement looks at to make a page, which may therefore be empty. */
const PAGE = 1_000;

/** A recipient as the request named it. */
export interface NamedRecipient {
  readonly address: string;
  readonly channel: AddressChannel;
  readonly addresses: readonly Address[] | null;
  readonly variables: Readonly<Record<string, string>> | null;
}

/** Recipients whose messages have one of these statuses, without erased ones. */
export async function* readNamedRecipients(
  database: Querier,
  accountId: number,
  operation: Readable,
  statuses: readonly MessageStatus[],
): AsyncGenerator<readonly NamedRecipient[], void, undefined> {
  for (const { after, last } of listSpans(operation, operation.id, PAGE)) {
    const { rows } = await database.query<NamedRecipient>(
      `select address, address_channel as channel, addresses, variables from message
       where account_id = $1 and id > $2 and id <= $3 and status = any($4::message_status[]) and deleted_at is null
       order by id`,
      [accountId, after, last, statuses],
    );
    yield rows;
  }
}

/** What a recipient has become: the status of its message, or that there is none. */
export type RecipientStatus = MessageStatus | 'UNADDRESSABLE';

/** A recipient with the result so far. */
export interface RecipientResult {
  /** Of its message, or the id that its message would have had. */
  readonly id: string;
  readonly status: RecipientStatus;
  /** The route of the present attempt, or of the first attempt to come; null without a message. */
  readonly candidate: Candidate | null;
  readonly addresses: readonly Address[];
  readonly variables: Readonly<Record<string, string>> | null;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly attemptedAt: Date | null;
  readonly updatedAt: Date | null;
  readonly errorCode: number | null;
  readonly errorDetail: string | null;
}

interface ResultRow extends Omit<RecipientResult, 'candidate'> {
  readonly position: number | null;
}

/** All recipients behind `start` with one of these statuses, or all of them, without erased ones. */
export async function* readResults(
  database: Querier,
  accountId: number,
  operation: Readable & { readonly plan: SendPlan },
  start: string,
  statuses: readonly RecipientStatus[] | null,
): AsyncGenerator<readonly RecipientResult[], void, undefined> {
  for (const { after, last } of listSpans(operation, start, PAGE)) {
    const { rows } = await database.query<ResultRow>(
      `select id, status::text, candidate as position, variables, attempt as attempts, attempted_at as "attemptedAt",
         updated_at as "updatedAt", error_code as "errorCode", error_detail as "errorDetail",
         coalesce(addresses, jsonb_build_array(jsonb_build_object('address', address, 'channel', address_channel))) as addresses
       from message where account_id = $1 and id > $2 and id <= $3 and deleted_at is null
         and ($4::text[] is null or status::text = any($4))
       union all
       select id, 'UNADDRESSABLE', null, null, 0, null, null, code, null, addresses
       from unaddressable where account_id = $1 and id > $2 and id <= $3 and addresses <> '[]'
         and ($4::text[] is null or 'UNADDRESSABLE' = any($4))
       order by id`,
      [accountId, after, last, statuses],
    );
    yield rows.map(({ position, ...row }) => ({
      ...row,
      candidate:
        position === null
          ? null
          : (listCandidates(row.addresses, operation.plan)[position] ?? null),
    }));
  }
}

/** One recipient without success. */
export interface OperationErrorRow {
  readonly id: string;
  /** False if the recipient became no message. */
  readonly isMessage: boolean;
  readonly code: number;
  readonly detail: string | null;
  readonly addresses: readonly Address[];
  /** Of the operation's senders; null for a message. */
  readonly channels: readonly Channel[] | null;
}

/**
 * Recipients of an operation that were unaddressable or whose message failed or was not delivered, from behind `start`,
 * at most `limit`. Stretches that a report has found without such recipients are not read.
 */
export async function listOperationErrors(
  database: Database,
  accountId: number,
  operation: Readable,
  start: string,
  limit: number,
): Promise<OperationErrorRow[]> {
  const faultless = await findFaultlessSections(database, accountId, operation.id);
  const found: OperationErrorRow[] = [];
  for (const { after, last, section } of listSpans(operation, start, STRETCH)) {
    if (faultless.has(section)) continue;
    const { rows } = await database.query<OperationErrorRow>(
      `select id, true as "isMessage", error_code as code, error_detail as detail,
         coalesce(addresses, jsonb_build_array(jsonb_build_object('address', address, 'channel', address_channel))) as addresses,
         null::jsonb as channels
       from message where account_id = $1 and id > $2 and id <= $3
         and status in ('FAILED', 'UNDELIVERED') and error_code is not null and deleted_at is null
       union all
       select id, false, code, null, addresses,
         (select jsonb_path_query_array(plan, '$.senders[*].channel') from operation where account_id = $1 and id = $4)
       from unaddressable where account_id = $1 and id > $2 and id <= $3 and addresses <> '[]'
       order by id limit $5`,
      [accountId, after, last, operation.id, limit - found.length],
    );
    found.push(...rows);
    if (found.length === limit) break;
  }
  return found;
}
