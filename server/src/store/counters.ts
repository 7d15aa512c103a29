/**
 * The counters of operations, updated by the statement that changes their messages. All statements
 * that change a status share this part of the SQL, so there is only one arithmetic.
 */
import { MESSAGE_STATUSES } from '../domain/message.ts';
import { counterOf } from '../domain/operation.ts';

const COUNTERS = MESSAGE_STATUSES.map(counterOf);

/**
 * CTEs that update operations from the rows of the CTE `transitioned` of the same statement. `$1` is the account, `$2` an
 * array of all operations that rows may name. An operation without transitions is unchanged, its `updated_at` included.
 *
 * `transitioned` has the columns `operation_id`, `TRANSITION_COLUMNS`, `attempted`, and `event`: the status to publish, or null.
 *
 * The sums start from the locked rows. PostgreSQL checks constraints on the row of the statement's
 * snapshot before it looks for a newer one, so a sum of `o` itself could be negative for a moment and
 * fail: for example when a wake has just counted the message that a cancel removes.
 *
 * Operations are locked in the order of their ids, all after the messages, so two statements on the same operations wait
 * for each other without a deadlock. The same statement writes outbox events: first the start of an operation, then its
 * messages, then its end.
 */
export const APPLY_COUNTERS = `counted as materialized (
  select operation_id, bit_or(section_bit(id)) as sections, count(*) filter (where attempted)::int as attempts,
  ${MESSAGE_STATUSES.map(
    (status) =>
      `(count(*) filter (where status = '${status}') - count(*) filter (where previous_status = '${status}'))::int as ${counterOf(status)}`,
  ).join(',\n  ')}
  from transitioned group by operation_id),
locked as materialized (
  select id, status, cancel_requested_at, attempts, revision, updated_at, changed_sections, ${COUNTERS.join(', ')}
  from operation where account_id = $1 and id = any($2::uuid[]) and (select count(*) from counted) > 0
  order by id for update),
tallied as (update operation o set
  ${COUNTERS.map((name) => `${name} = l.${name} + d.${name}`).join(', ')},
  attempts = l.attempts + d.attempts,
  revision = l.revision + 1,
  changed_sections = l.changed_sections | d.sections,
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
published as (
  insert into event_outbox (account_id, subject_id, name, attempt, candidate, error_code, ordinals)
  select $1, subject_id, name, attempt, candidate, error_code, ordinals from (
    select 0 as place, operation_id as subject_id, 'message.' || lower(event::text) as name, attempt, candidate, error_code,
      array_agg(ordinal_of(id)) as ordinals
    from transitioned where event is not null group by operation_id, event, attempt, candidate, error_code
    union all
    select case t.status when 'PROCESSING' then -1 else 1 end, t.id, 'operation.' || lower(t.status::text), 0, 0, null, null
    from tallied t join locked l on l.id = t.id and l.status <> t.status) as events
  order by place)`;

/** Columns of a message `m` with a transition. */
export const TRANSITION_COLUMNS =
  'm.id, m.attempt, m.candidate, m.error_code, m.previous_status, m.status';
/** The event of a message `m` whose status has changed. */
export const STATUS_EVENT = 'case when m.status <> m.previous_status then m.status end as event';

/** The distinct operations of rows, and for each row the place of its operation, from 1: less data than ids. */
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
