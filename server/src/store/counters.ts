/**
 * The counters of an operation, moved in the statement that moves its messages. A piece of SQL, shared by
 * every statement that changes a status, so that there is one arithmetic.
 */
import { MESSAGE_STATUSES } from '../domain/message.ts';
import { counterOf } from '../domain/operation.ts';

/**
 * SQL that updates the operation from the rows of the CTE `moved (previous_status, status, attempted)`,
 * to be the last part of a statement. `$1` is the account, `$2` the operation. A statement that moves
 * nothing leaves the operation, `updated_at` included, alone.
 */
export const COUNT_MOVED = `
update operation o set
  ${MESSAGE_STATUSES.map(counterOf)
    .map((name) => `${name} = o.${name} + d.${name}`)
    .join(', ')},
  attempts = o.attempts + d.attempts,
  updated_at = greatest(o.updated_at, clock_timestamp()),
  status = case
    when o.status in ('COMPLETED', 'CANCELED') then o.status
    when o.cancel_requested_at is not null and o.canceled + d.canceled > 0 then 'CANCELED'::operation_status
    when o.scheduled + d.scheduled + o.queued + d.queued = 0 then 'COMPLETED'::operation_status
    when d.scheduled < 0 then 'PROCESSING'::operation_status
    else o.status end
from (
  select count(*)::int as rows, count(*) filter (where attempted)::int as attempts,
  ${MESSAGE_STATUSES.map(
    (status) =>
      `(count(*) filter (where status = '${status}') - count(*) filter (where previous_status = '${status}'))::int as ${counterOf(status)}`,
  ).join(',\n  ')}
  from moved) d
where o.account_id = $1 and o.id = $2 and d.rows > 0
returning d.rows as moved, o.status`;
