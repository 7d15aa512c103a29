/**
 * Reports on an operation: by channel and sender, by error, over time, and the data to send it
 * again. The reports count when requested: an operation has at most 10,000 messages, which are
 * adjacent in the primary key.
 */
import type { OperationContent } from '../domain/content.ts';
import { messageUuidRange } from '../domain/ids.ts';
import type { Address, Channel, MessageStatus } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { Database } from './database.ts';

/** The main fields of the request of an operation. */
export interface OperationRequest {
  readonly content: OperationContent;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
}

/** The main fields of the requests of these operations, by id. */
export async function fetchRequests(
  database: Database,
  accountId: number,
  ids: readonly string[],
): Promise<Map<string, OperationRequest>> {
  const { rows } = await database.query<OperationRequest & { id: string }>(
    `select id, content, plan, tags, scheduled_for as "scheduledFor", expire_at as "expireAt"
     from operation where account_id = $1 and id = any($2::uuid[])`,
    [accountId, ids],
  );
  return new Map(rows.map(({ id, ...request }) => [id, request]));
}

/** Messages of an operation with the same present route. */
export interface RouteCount {
  readonly channel: Channel;
  readonly status: MessageStatus;
  /** Null when the position alone does not determine the sender: then each message is a row. */
  readonly candidate: number;
  readonly addresses: readonly Address[] | null;
  readonly count: number;
}

/**
 * Messages by channel and status. With `bySender` also by sender, which is a row for each message of a pool.
 */
export async function countRoutes(
  database: Database,
  accountId: number,
  operationId: string,
  bySender: boolean,
): Promise<RouteCount[]> {
  const { last } = messageUuidRange(operationId);
  const addresses = `coalesce(addresses, jsonb_build_array(jsonb_build_object('address', address, 'channel', address_channel)))`;
  const { rows } = await database.query<RouteCount>(
    bySender
      ? `select channel, status, candidate, ${addresses} as addresses, 1 as count from message
         where account_id = $1 and id > $2 and id <= $3 and deleted_at is null`
      : `select channel, status, 0 as candidate, null as addresses, count(*)::int as count from message
         where account_id = $1 and id > $2 and id <= $3 group by channel, status`,
    [accountId, operationId, last],
  );
  return rows;
}

/** Recipients without success for the same reason. */
export interface ErrorCount {
  readonly code: number;
  /** The carrier's words in one of them. */
  readonly detail: string | null;
  readonly count: number;
  /** Up to three: the recipient's address, and its message where there is one. */
  readonly examples: readonly { readonly id: string | null; readonly address: string }[];
}

/** Errors by code, the most frequent first. */
export async function countErrors(
  database: Database,
  accountId: number,
  operationId: string,
): Promise<ErrorCount[]> {
  const { last } = messageUuidRange(operationId);
  const { rows } = await database.query<ErrorCount>(
    `with bad as (
       select error_code as code, error_detail as detail, id, id as message_id,
         case when deleted_at is null then address end as address from message
       where account_id = $1 and id > $2 and id <= $3 and status in ('FAILED', 'UNDELIVERED') and error_code is not null
       union all
       select code, null, id, null, addresses -> 0 ->> 'address' from unaddressable
       where account_id = $1 and id > $2 and id <= $3)
     select code, max(detail) as detail, count(*)::int as count,
       to_jsonb((array_agg(jsonb_build_object('id', message_id, 'address', address) order by id)
         filter (where address is not null))[1:3]) as examples
     from bad group by code order by count(*) desc, code limit 100`,
    [accountId, operationId, last],
  );
  return rows.map((row) => ({ ...row, examples: row.examples ?? [] }));
}

/** An interval of an operation's life. Latencies are in seconds, from the submission to the last receipt. */
export interface TimeBucket {
  readonly at: Date;
  readonly submitted: number;
  readonly settled: number;
  readonly latency50: number | null;
  readonly latency95: number | null;
}

/** Maximum number of intervals. */
const BUCKETS_MAX = 120;
/** Lengths of an interval in seconds: the first with few enough intervals is used. */
const STEPS = [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];

/** Numbers of submitted and of settled messages over time, without empty intervals. */
export async function countOverTime(
  database: Database,
  accountId: number,
  operationId: string,
): Promise<{ stepSeconds: number; buckets: TimeBucket[] }> {
  const { last } = messageUuidRange(operationId);
  const range = [accountId, operationId, last];
  const span = await database.query<{ seconds: number | null }>(
    `select extract(epoch from max(greatest(attempted_at, updated_at)) - min(attempted_at))::float as seconds
     from message where account_id = $1 and id > $2 and id <= $3 and attempted_at is not null`,
    range,
  );
  const seconds = span.rows[0]?.seconds ?? 0;
  const stepSeconds = STEPS.find((step) => seconds / step <= BUCKETS_MAX) ?? 86_400;
  const bucket = (column: string) => `floor(extract(epoch from ${column}) / $4) * $4`;
  const { rows } = await database.query<Omit<TimeBucket, 'at'> & { at: number }>(
    `with m as materialized (
       select status, attempted_at, updated_at from message
       where account_id = $1 and id > $2 and id <= $3 and attempted_at is not null)
     select at::float, sum(submitted)::int as submitted, sum(settled)::int as settled,
       max(p50) as latency50, max(p95) as latency95
     from (
       select ${bucket('attempted_at')} as at, count(*) as submitted, 0 as settled, null::float as p50, null::float as p95
       from m group by 1
       union all
       select ${bucket('updated_at')}, 0, count(*),
         percentile_cont(0.5) within group (order by extract(epoch from updated_at - attempted_at)::float),
         percentile_cont(0.95) within group (order by extract(epoch from updated_at - attempted_at)::float)
       from m where status in ('DELIVERED', 'READ', 'UNDELIVERED') group by 1) as stretches
     group by at order by at`,
    [...range, stepSeconds],
  );
  return { stepSeconds, buckets: rows.map((row) => ({ ...row, at: new Date(row.at * 1_000) })) };
}

/** A recipient as the request named it. */
export interface NamedRecipient {
  readonly address: string;
  readonly channel: Address['channel'];
  readonly addresses: readonly Address[] | null;
  readonly variables: Readonly<Record<string, string>> | null;
}

/** Recipients whose messages have one of these statuses, in the order of the request, without erased ones. */
export async function listRecipients(
  database: Database,
  accountId: number,
  operationId: string,
  statuses: readonly MessageStatus[],
): Promise<NamedRecipient[]> {
  const { last } = messageUuidRange(operationId);
  const { rows } = await database.query<NamedRecipient>(
    `select address, address_channel as channel, addresses, variables from message
     where account_id = $1 and id > $2 and id <= $3 and status = any($4::message_status[]) and deleted_at is null
     order by id`,
    [accountId, operationId, last, statuses],
  );
  return rows;
}
