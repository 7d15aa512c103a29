/**
 * Settlements: outcomes of attempts, written once. The attempt's number is the guard: only the
 * first settlement of attempt n finds the message at n - 1. A node that lost its lease therefore
 * changes nothing, and batches for retries are added only for messages with a transition.
 *
 * ```
 *  attempt n - 1 ──first outcome──▶ attempt n             ──any other outcome of n──▶ unchanged
 *                                   attempt n, in doubt   ──SENT──▶ SENT
 * ```
 * There is one exception: the node that ended a message as in doubt (30050) does not know the outcome,
 * and a node that could not write its answer in time does. This is also the only step down for a
 * status, from UNDELIVERED to SENT.
 */
import { ERRORS } from '../domain/errors.ts';
import { messageUuid } from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import { APPLY_COUNTERS, indexOperations, STATUS_EVENT, TRANSITION_COLUMNS } from './counters.ts';
import type { Database } from './database.ts';
import { rowParameters } from './row-parameters.ts';

/** The next route of a message that is not done. */
export interface NextTry {
  readonly carrier: string;
  /** Null for an address that is no sender of ours. */
  readonly senderId: string | null;
  readonly candidate: number;
  readonly tries: number;
  readonly delayMs: number;
}

/** The outcome of one attempt. */
export interface Settlement {
  readonly operationId: string;
  readonly ordinal: number;
  readonly attempt: number;
  readonly candidate: number;
  readonly channel: Channel;
  readonly attemptedAt: Date;
  /** `SENT`: accepted. `FAILED`: refused. `UNDELIVERED`: in doubt, and not sent again. */
  readonly outcome: 'SENT' | 'FAILED' | 'UNDELIVERED';
  readonly providerId: string | null;
  /** Ids that receipts will quote, of all parts, where they do not quote our reference. */
  readonly quoted: { readonly carrier: string; readonly ids: readonly string[] } | null;
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

/** Deletes the batches of `$3` and `$4`. Read before "transitioned" starts, so that batches are locked before messages. */
const ENDED = `ended as (
  delete from dispatch_batch b using unnest($3::bigint[], $4::int[]) as e(id, lease)
  where b.id = any($3::bigint[]) and b.id = e.id and b.lease = e.lease returning 1)`;

/** Appends the attempt before the settled one to the earlier ones. */
const KEEP_EARLIER = `earlier = case when m.attempt > 0
  then coalesce(m.earlier, '[]') || earlier_attempt(m) else m.earlier end`;

const NOTHING_QUOTED = { sql: '', values: [] };

/** Keeps the ids that receipts will quote, as a further part of a statement whose next parameter is `first`. */
function keepQuoted(
  settlements: readonly Settlement[],
  first: number,
): { readonly sql: string; readonly values: readonly unknown[] } {
  if (settlements.every(({ quoted }) => quoted === null)) return NOTHING_QUOTED;
  const rows = settlements.flatMap(({ operationId, ordinal, attempt, quoted }) =>
    quoted === null
      ? []
      : quoted.ids.map((id, i) => ({
          carrier: quoted.carrier,
          id,
          message: messageUuid(operationId, ordinal),
          attempt,
          part: i + 1,
          parts: quoted.ids.length,
        })),
  );
  const { table, values } = rowParameters('q', first, {
    carrier: ['text', rows.map((row) => row.carrier)],
    provider_id: ['text', rows.map((row) => row.id)],
    message_id: ['uuid', rows.map((row) => row.message)],
    attempt: ['smallint', rows.map((row) => row.attempt)],
    part: ['smallint', rows.map((row) => row.part)],
    parts: ['smallint', rows.map((row) => row.parts)],
  });
  return {
    sql: `, quoted as (
       insert into carrier_message (account_id, carrier, provider_id, message_id, attempt, part, parts)
       select $1::int, q.* from ${table}
       on conflict do nothing)`,
    values,
  };
}

/**
 * Writes outcomes of one account's operations: messages, batches for retries, counters. The last statement also deletes the
 * batches in `done`. A repetition changes nothing.
 */
export async function settle(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<void> {
  const [accepted, others] = splitAccepted(settlements);
  let transitioned = 0;
  if (others.length > 0 || accepted.length === 0) {
    if (accepted.length > 0)
      transitioned += await settleAccepted(database, accountId, accepted, []);
    transitioned += await settleAny(database, accountId, others, done);
  } else transitioned += await settleAccepted(database, accountId, accepted, done);
  if (transitioned === settlements.length) return;
  const sent = settlements.filter((each) => each.outcome === 'SENT');
  if (sent.length > 0) await settleInDoubt(database, accountId, sent);
}

/** Outcomes SENT of attempts that another node has ended as in doubt meanwhile. */
async function settleInDoubt(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
): Promise<void> {
  const { operations, places } = indexOperations(settlements.map((each) => each.operationId));
  const of = <Value>(pick: (each: Settlement) => Value) => settlements.map(pick);
  const { table, arrays, values } = rowParameters('p', 3, {
    id: ['uuid', of((each) => messageUuid(each.operationId, each.ordinal))],
    attempt: ['smallint', of((each) => each.attempt)],
    candidate: ['smallint', of((each) => each.candidate)],
    attempted_at: ['timestamptz', of((each) => each.attemptedAt)],
    provider_id: ['text', of((each) => each.providerId)],
    operation: ['smallint', places],
  });
  await database.query(
    `with transitioned as (
       update message m set
         attempt_status = 'SENT', attempted_at = p.attempted_at, provider_id = p.provider_id, error_code = null,
         error_detail = null, previous_status = m.status, status = 'SENT', updated_at = clock_timestamp()
       from ${table}
       where m.account_id = $1 and m.id = any(${arrays.id}) and m.id = p.id and m.attempt = p.attempt
         and m.candidate = p.candidate and m.status = 'UNDELIVERED' and m.attempt_status = 'UNDELIVERED'
         and m.error_code = ${ERRORS.ambiguous.code}
       returning ($2::uuid[])[p.operation] as operation_id, ${TRANSITION_COLUMNS}, false as attempted, ${STATUS_EVENT}),
     ${APPLY_COUNTERS} select`,
    [accountId, operations, ...values],
  );
}

/** The usual outcomes, which differ in id, time and the carrier's id only; and all others. */
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

/** Outcomes SENT of one attempt number, candidate and channel: as `settleAny`, with less data. Resolves with the transitions. */
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
  const { table, arrays, values } = rowParameters('p', 9, {
    // As texts: less work for each of many rows.
    id: [
      'uuid',
      `{${settlements.map((each) => messageUuid(each.operationId, each.ordinal)).join(',')}}`,
    ],
    provider_id: ['text', settlements.map((each) => each.providerId)],
    after_ms: [
      'int',
      `{${settlements.map((each) => each.attemptedAt.getTime() - startMs).join(',')}}`,
    ],
    operation: ['smallint', places],
  });
  const quoted = keepQuoted(settlements, 9 + values.length);
  const { rows } = await database.query<{ count: number }>(
    `with ${ENDED},
     transitioned as (
       update message m set
         attempt = $5, candidate = $6, channel = $7::channel, attempt_status = 'SENT',
         attempted_at = $8::timestamptz + p.after_ms * interval '1 millisecond',
         provider_id = p.provider_id, error_code = null, error_detail = null,
         ${KEEP_EARLIER}, previous_status = m.status, status = greatest(m.status, 'SENT'), updated_at = clock_timestamp()
       from ${table}
       where m.account_id = $1 and m.id = any(${arrays.id}) and m.id = p.id and m.attempt = $5 - 1
         and m.status in ('QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ')
         and (select count(*) from ended) >= 0
       returning ($2::uuid[])[p.operation] as operation_id, ${TRANSITION_COLUMNS}, true as attempted,
         case when m.status = 'SENT' then m.status end as event)${quoted.sql},
     ${APPLY_COUNTERS} select count(*)::int as count from transitioned`,
    [
      accountId,
      operations,
      done.map((batch) => batch.id),
      done.map((batch) => batch.lease),
      first.attempt,
      first.candidate,
      first.channel,
      first.attemptedAt,
      ...values,
      ...quoted.values,
    ],
  );
  return rows[0]?.count ?? 0;
}

/** Outcomes of every kind, in one statement. Resolves with the number of transitions. */
async function settleAny(
  database: Database,
  accountId: number,
  settlements: readonly Settlement[],
  done: readonly SettledBatch[],
): Promise<number> {
  const { operations, places } = indexOperations(settlements.map((each) => each.operationId));
  const of = <Value>(pick: (each: Settlement) => Value) => settlements.map(pick);
  const { table, arrays, values } = rowParameters('p', 5, {
    id: ['uuid', of((each) => messageUuid(each.operationId, each.ordinal))],
    ordinal: ['int', of((each) => each.ordinal)],
    attempt: ['smallint', of((each) => each.attempt)],
    candidate: ['smallint', of((each) => each.candidate)],
    channel: ['text', of((each) => each.channel)],
    attempted_at: ['timestamptz', of((each) => each.attemptedAt)],
    outcome: ['text', of((each) => each.outcome)],
    provider_id: ['text', of((each) => each.providerId)],
    error_code: ['int', of((each) => each.errorCode)],
    error_detail: ['text', of((each) => storableDetail(each.errorDetail))],
    next_carrier: ['text', of((each) => each.next?.carrier ?? null)],
    next_candidate: ['smallint', of((each) => each.next?.candidate ?? null)],
    next_tries: ['smallint', of((each) => each.next?.tries ?? null)],
    next_delay: ['float', of((each) => each.next?.delayMs ?? null)],
    next_sender: ['uuid', of((each) => each.next?.senderId ?? null)],
    operation: ['smallint', places],
  });
  const quoted = keepQuoted(settlements, 5 + values.length);
  const { rows } = await database.query<{ count: number }>(
    `with ${ENDED},
     transitioned as (
       update message m set
         attempt = p.attempt, candidate = p.candidate, channel = p.channel::channel,
         attempt_status = p.outcome::message_status, attempted_at = p.attempted_at,
         provider_id = p.provider_id, error_code = p.error_code, error_detail = p.error_detail,
         ${KEEP_EARLIER},
         previous_status = m.status,
         status = case
           when p.next_carrier is not null then m.status
           when p.outcome = 'FAILED' and m.status = 'SENT' then 'UNDELIVERED'::message_status
           else greatest(m.status, p.outcome::message_status) end,
         updated_at = clock_timestamp()
       from ${table}
       where m.account_id = $1 and m.id = any(${arrays.id}) and m.id = p.id and m.attempt = p.attempt - 1
         and m.status in ('QUEUED', 'SENT', 'UNDELIVERED', 'DELIVERED', 'READ')
         and (select count(*) from ended) >= 0
       returning ($2::uuid[])[p.operation] as operation_id, ${TRANSITION_COLUMNS}, true as attempted,
         case when m.status <> m.previous_status or (p.outcome = 'SENT' and m.status = 'SENT') then m.status end as event,
         p.ordinal, p.next_carrier, p.next_candidate, p.next_tries, p.next_delay, p.next_sender),
     added as (
       insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, tries,
         waiting, resting, due_at, expire_at, ordinals)
       select $1, operation_id, next_carrier, next_candidate, next_sender, is_rate_limited(next_sender), attempt + 1, next_tries,
         next_delay > 0, next_delay > 0, now() + next_delay * interval '1 millisecond',
         (select o.expire_at from operation o where o.account_id = $1 and o.id = transitioned.operation_id),
         array_agg(ordinal order by ordinal)
       from transitioned where next_carrier is not null and status in ('QUEUED', 'SENT')
       group by operation_id, next_carrier, next_candidate, next_sender, attempt, next_tries, next_delay)${quoted.sql},
     ${APPLY_COUNTERS} select count(*)::int as count from transitioned`,
    [
      accountId,
      operations,
      done.map((batch) => batch.id),
      done.map((batch) => batch.lease),
      ...values,
      ...quoted.values,
    ],
  );
  return rows[0]?.count ?? 0;
}

function storableDetail(detail: string | null): string | null {
  return detail?.slice(0, DETAIL_LENGTH_MAX).replaceAll('\0', '') ?? null;
}
