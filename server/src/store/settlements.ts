/**
 * Settling: the outcomes of attempts, written once. The guard is the attempt's number: only the first
 * settlement of attempt n finds the message at n - 1, so a node that lost its lease changes nothing, and
 * the batches it would add for retries are added only for messages it really moved.
 */
import { messageUuid } from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import { COUNT_MOVED } from './counters.ts';
import type { Database } from './database.ts';

/** Where a message that is not done goes next. */
export interface NextTry {
  readonly lane: string;
  readonly candidate: number;
  readonly tries: number;
  readonly delayMs: number;
}

/** What became of one attempt. */
export interface Settlement {
  readonly ordinal: number;
  readonly attempt: number;
  readonly candidate: number;
  readonly channel: Channel;
  readonly attemptedAt: Date;
  /** `SENT`: with the carrier. `FAILED`: refused. `UNDELIVERED`: unknown for ever (held after a crash). */
  readonly outcome: 'SENT' | 'FAILED' | 'UNDELIVERED';
  readonly providerId: string | null;
  readonly errorCode: number | null;
  readonly errorDetail: string | null;
  /** Null when this attempt was the last one. */
  readonly next: NextTry | null;
}

export interface SettledBatch {
  readonly id: string;
  readonly lease: number;
}

/** The carriers' own words are kept to this many characters. */
const DETAIL_LENGTH_MAX = 500;

/**
 * Writes the outcomes of one operation in one transaction: messages, batches for what is to be tried again,
 * counters, and the end of the batches in `done`. Repeating it changes nothing.
 */
export async function settleOperation(
  database: Database,
  accountId: number,
  operationId: string,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<void> {
  const of = <Value>(pick: (each: Settlement) => Value) => settlements.map(pick);
  await database.query(
    // "ended" is read before "moved" starts, so that batches are locked before messages.
    `with ended as (
       delete from dispatch_batch b using unnest($16::bigint[], $17::int[]) as e(id, lease)
       where b.id = any($16::bigint[]) and b.id = e.id and b.lease = e.lease returning 1),
     moved as (
       update message m set
         attempt = p.attempt, candidate = p.candidate, channel = p.channel::channel,
         attempt_status = p.outcome::message_status, attempted_at = p.attempted_at,
         provider_id = p.provider_id, error_code = p.error_code, error_detail = p.error_detail,
         earlier = case when m.attempt > 0 then coalesce(m.earlier, '[]') || earlier_attempt(m) else m.earlier end,
         previous_status = m.status,
         status = case
           when p.next_lane is not null then m.status
           when p.outcome = 'FAILED' and m.status = 'SENT' then 'UNDELIVERED'::message_status
           else greatest(m.status, p.outcome::message_status) end,
         updated_at = clock_timestamp()
       from unnest($3::uuid[], $4::smallint[], $5::smallint[], $6::smallint[], $7::text[], $8::timestamptz[],
         $9::text[], $10::text[], $11::int[], $12::text[], $13::text[], $14::smallint[], $15::smallint[], $18::float[])
         as p(id, ordinal, attempt, candidate, channel, attempted_at, outcome, provider_id, error_code,
           error_detail, next_lane, next_candidate, next_tries, next_delay)
       where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = p.id and m.attempt = p.attempt - 1
         and m.status in ('QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ')
         and (select count(*) from ended) >= 0
       returning m.previous_status, m.status, true as attempted, p.ordinal, p.attempt, p.next_lane,
         p.next_candidate, p.next_tries, p.next_delay),
     added as (
       insert into dispatch_batch (account_id, operation_id, lane, candidate, attempt, tries, waiting, due_at,
         expire_at, ordinals)
       select $1, $2, next_lane, next_candidate, attempt + 1, next_tries, false,
         now() + next_delay * interval '1 millisecond',
         (select expire_at from operation where account_id = $1 and id = $2),
         array_agg(ordinal order by ordinal)
       from moved where next_lane is not null and status in ('QUEUED', 'SENT')
       group by next_lane, next_candidate, attempt, next_tries, next_delay)
     ${COUNT_MOVED}`,
    [
      accountId,
      operationId,
      of((each) => messageUuid(operationId, each.ordinal)),
      of((each) => each.ordinal),
      of((each) => each.attempt),
      of((each) => each.candidate),
      of((each) => each.channel),
      of((each) => each.attemptedAt),
      of((each) => each.outcome),
      of((each) => each.providerId),
      of((each) => each.errorCode),
      of((each) => each.errorDetail?.slice(0, DETAIL_LENGTH_MAX).replaceAll('\0', '') ?? null),
      of((each) => each.next?.lane ?? null),
      of((each) => each.next?.candidate ?? null),
      of((each) => each.next?.tries ?? null),
      done.map((batch) => batch.id),
      done.map((batch) => batch.lease),
      of((each) => each.next?.delayMs ?? null),
    ],
  );
}
