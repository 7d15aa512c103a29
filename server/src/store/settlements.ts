/**
 * Settlements: outcomes of attempts, written once. The attempt's number is the guard: only the
 * first settlement of attempt n finds the message at n - 1. A node that lost its lease therefore
 * changes nothing, and batches for retries are added only for messages that it moved.
 *
 * ```
 *  attempt n - 1 ──first outcome──▶ attempt n             ──any other outcome of n──▶ unchanged
 *                                   attempt n, in doubt   ──SENT──▶ SENT
 * ```
 * There is one exception: the node that held a message in doubt (30050) does not know the outcome,
 * and a node that could not write its answer in time does. This is also the only step down for a
 * status, from UNDELIVERED to SENT.
 */
import { ERRORS } from '../domain/errors.ts';
import { messageUuid } from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import { COUNT_MOVED, indexOperations, MOVED, STATUS_NEWS } from './counters.ts';
import type { Database } from './database.ts';

/** Where a message that is not done goes next. */
export interface NextTry {
  readonly lane: string;
  /** Null for an address that is no sender of ours. */
  readonly senderId: string | null;
  readonly candidate: number;
  readonly tries: number;
  readonly delayMs: number;
}

/** What became of one attempt. */
export interface Settlement {
  readonly operationId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly candidate: number;
  readonly channel: Channel;
  readonly attemptedAt: Date;
  /** `SENT`: with the carrier. `FAILED`: refused. `UNDELIVERED`: unknown for ever (held after a crash). */
  readonly outcome: 'SENT' | 'FAILED' | 'UNDELIVERED';
  readonly providerId: string | null;
  /** Ids that receipts will quote, of all parts, where they do not quote our reference. */
  readonly quoted: { readonly lane: string; readonly ids: readonly string[] } | null;
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

/** Deletes the batches of `$10` and `$11`. Read before "moved" starts, so that batches are locked before messages. */
const ENDED = `ended as (
  delete from dispatch_batch b using unnest($10::bigint[], $11::int[]) as e(id, lease)
  where b.id = any($10::bigint[]) and b.id = e.id and b.lease = e.lease returning 1)`;

/** Puts the attempt before the one that is settled among the earlier ones. */
const KEEP_EARLIER = `earlier = case when m.attempt > 0
  then coalesce(m.earlier, '[]') || earlier_attempt(m) else m.earlier end`;

const NOTHING_QUOTED = { sql: '', values: [] };

/** Keeps the ids that receipts will quote, as a further part of a statement whose values end at `$first - 1`. */
function keepQuoted(
  accountId: number,
  settlements: readonly Settlement[],
  first: number,
): { readonly sql: string; readonly values: readonly unknown[] } {
  if (settlements.every(({ quoted }) => quoted === null)) return NOTHING_QUOTED;
  const rows = settlements.flatMap(({ operationId, ordinal, attempt, quoted }) =>
    quoted === null
      ? []
      : quoted.ids.map((id, i) => ({
          lane: quoted.lane,
          id,
          message: messageUuid(operationId, ordinal),
          attempt,
          part: i + 1,
          parts: quoted.ids.length,
        })),
  );
  const at = (offset: number) => `$${first + offset}`;
  return {
    sql: `, quoted as (
       insert into carrier_message (account_id, lane, provider_id, message_id, attempt, part, parts)
       select ${at(0)}::int, * from unnest(${at(1)}::text[], ${at(2)}::text[], ${at(3)}::uuid[], ${at(4)}::smallint[],
         ${at(5)}::smallint[], ${at(6)}::smallint[])
       on conflict do nothing)`,
    values: [
      accountId,
      rows.map((row) => row.lane),
      rows.map((row) => row.id),
      rows.map((row) => row.message),
      rows.map((row) => row.attempt),
      rows.map((row) => row.part),
      rows.map((row) => row.parts),
    ],
  };
}

/**
 * Writes outcomes of one account's operations: messages, batches for what is to be tried again, counters; and with the last of
 * them, in one transaction, the end of the batches in `done`. Repeating it changes nothing.
 */
export async function settle(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<void> {
  const [accepted, others] = splitAccepted(settlements);
  let moved = 0;
  if (others.length > 0 || accepted.length === 0) {
    if (accepted.length > 0) moved += await settleAccepted(database, accountId, accepted, []);
    moved += await settleAny(database, accountId, others, done);
  } else moved += await settleAccepted(database, accountId, accepted, done);
  if (moved === settlements.length) return;
  const sent = settlements.filter((each) => each.outcome === 'SENT');
  if (sent.length > 0) await settleHeld(database, accountId, sent);
}

/** Outcomes SENT of attempts that another node has held in doubt meanwhile. */
async function settleHeld(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
): Promise<void> {
  const { operations, places } = indexOperations(settlements.map((each) => each.operationId));
  const of = <Value>(pick: (each: Settlement) => Value) => settlements.map(pick);
  await database.query(
    `with moved as (
       update message m set
         attempt_status = 'SENT', attempted_at = p.attempted_at, provider_id = p.provider_id, error_code = null,
         error_detail = null, previous_status = m.status, status = 'SENT', updated_at = clock_timestamp()
       from unnest($3::uuid[], $4::smallint[], $5::smallint[], $6::timestamptz[], $7::text[], $8::smallint[])
         as p(id, attempt, candidate, attempted_at, provider_id, operation)
       where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = p.id and m.attempt = p.attempt
         and m.candidate = p.candidate and m.status = 'UNDELIVERED' and m.attempt_status = 'UNDELIVERED'
         and m.error_code = ${ERRORS.ambiguous.code}
       returning ($2::uuid[])[p.operation] as operation_id, ${MOVED}, false as attempted, ${STATUS_NEWS}),
     ${COUNT_MOVED} select`,
    [
      accountId,
      operations,
      of((each) => messageUuid(each.operationId, each.ordinal)),
      of((each) => each.attempt),
      of((each) => each.candidate),
      of((each) => each.attemptedAt),
      of((each) => each.providerId),
      places,
    ],
  );
}

/** The usual outcomes, alike but for id, time and the carrier's id; and all others. */
function splitAccepted(settlements: readonly Settlement[]): [Settlement[], Settlement[]] {
  const accepted: Settlement[] = [];
  const others: Settlement[] = [];
  for (const each of settlements) {
    const like = accepted[0] ?? each;
    const usual =
      each.outcome === 'SENT' &&
      each.attempt === like.attempt &&
      each.candidate === like.candidate &&
      each.channel === like.channel;
    (usual ? accepted : others).push(each);
  }
  return [accepted, others];
}

/** Outcomes SENT of one attempt number, candidate and channel: the same as `settleAny` with less to carry. Resolves with how many moved. */
async function settleAccepted(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<number> {
  const [first] = settlements;
  if (first === undefined) return 0;
  const startMs = first.attemptedAt.getTime();
  const { operations, places } = indexOperations(settlements.map((each) => each.operationId));
  const quoted = keepQuoted(accountId, settlements, 13);
  const { rows } = await database.query<{ moved: number }>(
    `with ${ENDED},
     moved as (
       update message m set
         attempt = $3, candidate = $4, channel = $5::channel, attempt_status = 'SENT',
         attempted_at = $6::timestamptz + p.after_ms * interval '1 millisecond',
         provider_id = p.provider_id, error_code = null, error_detail = null,
         ${KEEP_EARLIER}, previous_status = m.status, status = greatest(m.status, 'SENT'), updated_at = clock_timestamp()
       from unnest($7::uuid[], $8::text[], $9::int[], $12::smallint[]) as p(id, provider_id, after_ms, operation)
       where m.account_id = $1 and m.id = any($7::uuid[]) and m.id = p.id and m.attempt = $3 - 1
         and m.status in ('QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ')
         and (select count(*) from ended) >= 0
       returning ($2::uuid[])[p.operation] as operation_id, ${MOVED}, true as attempted,
         case when m.status = 'SENT' then m.status end as news)${quoted.sql},
     ${COUNT_MOVED} select count(*)::int as moved from moved`,
    [
      accountId,
      operations,
      first.attempt,
      first.candidate,
      first.channel,
      first.attemptedAt,
      `{${settlements.map((each) => messageUuid(each.operationId, each.ordinal)).join(',')}}`,
      settlements.map((each) => each.providerId),
      `{${settlements.map((each) => each.attemptedAt.getTime() - startMs).join(',')}}`,
      done.map((batch) => batch.id),
      done.map((batch) => batch.lease),
      places,
      ...quoted.values,
    ],
  );
  return rows[0]?.moved ?? 0;
}

/** Outcomes of every kind, in one statement. Resolves with how many moved. */
async function settleAny(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<number> {
  const quoted = keepQuoted(accountId, settlements, 21);
  const { operations, places } = indexOperations(settlements.map((each) => each.operationId));
  const of = <Value>(pick: (each: Settlement) => Value) => settlements.map(pick);
  const { rows } = await database.query<{ moved: number }>(
    `with ${ENDED},
     moved as (
       update message m set
         attempt = p.attempt, candidate = p.candidate, channel = p.channel::channel,
         attempt_status = p.outcome::message_status, attempted_at = p.attempted_at,
         provider_id = p.provider_id, error_code = p.error_code, error_detail = p.error_detail,
         ${KEEP_EARLIER},
         previous_status = m.status,
         status = case
           when p.next_lane is not null then m.status
           when p.outcome = 'FAILED' and m.status = 'SENT' then 'UNDELIVERED'::message_status
           else greatest(m.status, p.outcome::message_status) end,
         updated_at = clock_timestamp()
       from unnest($3::uuid[], $4::smallint[], $5::smallint[], $6::smallint[], $7::text[], $8::timestamptz[],
         $9::text[], $12::text[], $13::int[], $14::text[], $15::text[], $16::smallint[], $17::smallint[], $18::float[],
         $19::uuid[], $20::smallint[])
         as p(id, ordinal, attempt, candidate, channel, attempted_at, outcome, provider_id, error_code,
           error_detail, next_lane, next_candidate, next_tries, next_delay, next_sender, operation)
       where m.account_id = $1 and m.id = any($3::uuid[]) and m.id = p.id and m.attempt = p.attempt - 1
         and m.status in ('QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ')
         and (select count(*) from ended) >= 0
       returning ($2::uuid[])[p.operation] as operation_id, ${MOVED}, true as attempted,
         case when m.status <> m.previous_status or (p.outcome = 'SENT' and m.status = 'SENT') then m.status end as news,
         p.ordinal, p.next_lane, p.next_candidate, p.next_tries, p.next_delay, p.next_sender),
     added as (
       insert into dispatch_batch (account_id, operation_id, lane, candidate, sender_id, paced, attempt, tries,
         waiting, resting, due_at, expire_at, ordinals)
       select $1, operation_id, next_lane, next_candidate, next_sender, is_paced(next_sender), attempt + 1, next_tries,
         next_delay > 0, next_delay > 0, now() + next_delay * interval '1 millisecond',
         (select o.expire_at from operation o where o.account_id = $1 and o.id = moved.operation_id),
         array_agg(ordinal order by ordinal)
       from moved where next_lane is not null and status in ('QUEUED', 'SENT')
       group by operation_id, next_lane, next_candidate, next_sender, attempt, next_tries, next_delay)${quoted.sql},
     ${COUNT_MOVED} select count(*)::int as moved from moved`,
    [
      accountId,
      operations,
      of((each) => messageUuid(each.operationId, each.ordinal)),
      of((each) => each.ordinal),
      of((each) => each.attempt),
      of((each) => each.candidate),
      of((each) => each.channel),
      of((each) => each.attemptedAt),
      of((each) => each.outcome),
      done.map((batch) => batch.id),
      done.map((batch) => batch.lease),
      of((each) => each.providerId),
      of((each) => each.errorCode),
      of((each) => each.errorDetail?.slice(0, DETAIL_LENGTH_MAX).replaceAll('\0', '') ?? null),
      of((each) => each.next?.lane ?? null),
      of((each) => each.next?.candidate ?? null),
      of((each) => each.next?.tries ?? null),
      of((each) => each.next?.delayMs ?? null),
      of((each) => each.next?.senderId ?? null),
      places,
      ...quoted.values,
    ],
  );
  return rows[0]?.moved ?? 0;
}
