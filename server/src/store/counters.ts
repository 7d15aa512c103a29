/**
 * The counters of operations, updated by the statement that changes their messages. This part of
 * the SQL is shared by all statements that change a status, so there is only one arithmetic.
 */
import { MESSAGE_STATUSES } from '../domain/message.ts';
import { counterOf } from '../domain/operation.ts';

const COUNTERS = MESSAGE_STATUSES.map(counterOf);

/**
 * SQL that updates operations from the rows of the CTE `moved`, further CTEs of that statement. `$1` is the account, `$2` an array
 * of all operations that rows may name. An operation of which nothing moves is left alone, its `updated_at` included.
 *
 * `moved` has the columns of `MOVED` and `previous_status`, `status`, `attempted`, and `news`: what there is to tell of the message,
 * a status, or null.
 *
 * The sums start from the locked rows. PostgreSQL checks constraints on the row of the statement's
 * snapshot before it looks for a newer one, so a sum of `o` itself could be negative for a moment and
 * fail: where a wake had just counted the message that a cancel takes away.
 *
 * Operations are locked in the order of their ids, all after the messages: two statements that move messages of the
 * same operations wait for each other, and never in a ring. What has changed is put in the outbox by the same statement:
 * first that an operation begins, then its messages, then that it ends.
 */
export const COUNT_MOVED = `counted as materialized (
  select operation_id, count(*) filter (where attempted)::int as attempts,
  ${MESSAGE_STATUSES.map(
    (status) =>
      `(count(*) filter (where status = '${status}') - count(*) filter (where previous_status = '${status}'))::int as ${counterOf(status)}`,
  ).join(',\n  ')}
  from moved group by operation_id),
locked as materialized (
  select id, status, cancel_requested_at, attempts, revision, updated_at, ${COUNTERS.join(', ')}
  from operation where account_id = $1 and id = any($2::uuid[]) and (select count(*) from counted) > 0
  order by id for update),
tallied as (update operation o set
  ${COUNTERS.map((name) => `${name} = l.${name} + d.${name}`).join(', ')},
  attempts = l.attempts + d.attempts,
  revision = l.revision + 1,
  updated_at = greatest(l.updated_at, clock_timestamp()),
  status = case
    when l.status in ('COMPLETED', 'CANCELED') then l.status
    when l.cancel_requested_at is not null and l.canceled + d.canceled > 0 then 'CANCELED'::operation_status
    when l.scheduled + d.scheduled + l.queued + d.queued = 0 then 'COMPLETED'::operation_status
    when d.scheduled < 0 then 'PROCESSING'::operation_status
    else l.status end
from counted d join locked l on l.id = d.operation_id
where o.account_id = $1 and o.id = any($2::uuid[]) and o.id = l.id
returning o.id, o.status),
told as (
  insert into event_outbox (account_id, about, name, attempt, candidate, error_code, ordinals)
  select $1, about, name, attempt, candidate, error_code, ordinals from (
    select 0 as place, operation_id as about, 'message.' || lower(news::text) as name, attempt, candidate, error_code,
      array_agg(ordinal_of(id)) as ordinals
    from moved where news is not null group by operation_id, news, attempt, candidate, error_code
    union all
    select case t.status when 'PROCESSING' then -1 else 1 end, t.id, 'operation.' || lower(t.status::text), 0, 0, null, null
    from tallied t join locked l on l.id = t.id and l.status <> t.status) as all_news
  order by place)`;

/** Columns of a message `m` that was moved, after the id of its operation. */
export const MOVED = 'm.id, m.attempt, m.candidate, m.error_code, m.previous_status, m.status';
/** The news of a message `m` whose status has changed. */
export const STATUS_NEWS = 'case when m.status <> m.previous_status then m.status end as news';

/** The different operations among those of rows, and for each row the place of its own, from 1: less to carry than ids. */
export function indexOperations(ofRows: readonly string[]): {
  readonly operations: readonly string[];
  /** As PostgreSQL's text of an array. */
  readonly places: string;
} {
  const placeOf = new Map<string, number>();
  const places = ofRows.map((id) => {
    const place = placeOf.get(id) ?? placeOf.size + 1;
    placeOf.set(id, place);
    return place;
  });
  return { operations: [...placeOf.keys()], places: `{${places.join(',')}}` };
}
