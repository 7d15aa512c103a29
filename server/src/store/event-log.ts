/**
 * The event log. Statements write their changes to the outbox (`counters.ts`). One node at a time
 * moves them to the log, in their final order, and adds the deliveries of subscriptions.
 */
import type { EventName, EventRow } from '../domain/event.ts';
import { STAT_NAMES } from '../domain/operation.ts';
import type { Database } from './database.ts';

/** Channel that wakes streams and deliveries; its payload is empty. */
export const EVENTS_CHANNEL = 'fanfare_events';

/** Lease of the routing node. */
const ROUTER_LEASE = '3 seconds';

/** The result of one step of routing. */
export interface Routed {
  /** Rows put into the log. */
  readonly count: number;
  /** Operations with transitions of messages. */
  readonly transitioned: readonly { readonly accountId: number; readonly operationId: string }[];
}

/** Whether there are outbox events. Cheap. */
export async function hasOutboxEvents(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ any: boolean }>(
    // By the index: the beginning of the table may be full of rows that were routed a moment ago.
    'select min(seq) is not null as any from event_outbox',
  );
  return rows[0]?.any ?? false;
}

/**
 * Moves up to `limit` outbox events to the log, or none while another node does so. Ids increase from call to call and from
 * node to node, on any clock, and appear in that order: a reader up to an id has missed nothing before it.
 */
export async function routeOutboxEvents(
  database: Database,
  node: string,
  limit: number,
): Promise<Routed> {
  const { rows } = await database.query<{
    account_id: number;
    subject_id: string;
    transitioned: boolean;
  }>(
    `with router as (
       update event_router set node = $1, leased_until = now() + interval '${ROUTER_LEASE}',
         last_ms = greatest(last_ms + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
       where node = $1 or leased_until < now() returning last_ms),
     taken as (
       delete from event_outbox where seq = any(array(select seq from event_outbox, router order by seq limit $2)) returning *),
     known as (
       select id, account_id, kind, callback_id from operation
       where account_id = any(array(select distinct account_id from taken)) and id = any(array(select subject_id from taken))),
     placed as (
       select t.account_id, t.subject_id, t.at, t.attempt, t.candidate, t.error_code, t.ordinals, t.stats, k.callback_id,
         case when k.kind = 'EMAILS' then replace(t.name, 'message.', 'email.') else t.name end as name,
         (lpad(to_hex(router.last_ms), 12, '0') || '7' || lpad(to_hex(row_number() over (order by t.seq)), 3, '0')
           || '8000000000000000')::uuid as id
       from router cross join taken t left join known k on k.account_id = t.account_id and k.id = t.subject_id),
     logged as (
       insert into event_log (account_id, id, subject_id, name, at, attempt, candidate, error_code, ordinals, stats)
       select account_id, id, subject_id, name, at, attempt, candidate, error_code, ordinals, stats from placed),
     due as (
       insert into event_delivery (account_id, subscription_id, event_id, subject_id, due_at)
       select p.account_id, s.id, p.id, p.subject_id, now() + s.batch_delay_ms * interval '1 millisecond'
       from placed p join subscription s on s.account_id = p.account_id
       where s.status = 'ENABLED' and p.name = any(s.names) and (s.kind <> 'CALLBACK' or s.id = p.callback_id)),
     notified as (select pg_notify('${EVENTS_CHANNEL}', '') where exists (select from taken))
     select account_id, subject_id, ordinals is not null as transitioned from placed, notified`,
    [node, Math.min(limit, ROUTED_MAX)],
  );
  const transitioned = rows.filter((row) => row.transitioned);
  return {
    count: rows.length,
    transitioned: transitioned.map((row) => ({
      accountId: row.account_id,
      operationId: row.subject_id,
    })),
  };
}

/** Maximum rows with distinct ids in one millisecond. */
const ROUTED_MAX = 4_095;

/** Ends the lease, so that another node can route at once. */
export async function leaveRouting(database: Database, node: string): Promise<void> {
  await database.query(`update event_router set leased_until = '-infinity' where node = $1`, [
    node,
  ]);
}

/** Writes outbox events with the present counters of operations of more than one message. */
export async function addProgress(
  database: Database,
  operations: readonly { readonly accountId: number; readonly operationId: string }[],
): Promise<void> {
  await database.query(
    `insert into event_outbox (account_id, subject_id, name, stats)
     select account_id, id, 'operation.progress',
       jsonb_build_object(${STAT_NAMES.map((name) => `'${name}', ${name}`).join(', ')})
     from operation where account_id = any($1::int[]) and id = any($2::uuid[]) and total > 1`,
    [
      [...new Set(operations.map((each) => each.accountId))],
      operations.map((each) => each.operationId),
    ],
  );
}

/** A row as PostgreSQL gives it. */
export interface EventLogRow {
  id: string;
  subject_id: string;
  name: EventName;
  at: Date;
  attempt: number;
  candidate: number;
  error_code: number | null;
  ordinals: number[] | null;
  stats: Record<string, number> | null;
}

/** Columns of `EventLogRow`, of a table `l`. */
const EVENT_COLUMNS =
  'l.id, l.subject_id, l.name, l.at, l.attempt, l.candidate, l.error_code, l.ordinals, l.stats';

export function toEventRow(row: EventLogRow): EventRow {
  return {
    id: row.id,
    subjectId: row.subject_id,
    name: row.name,
    at: row.at,
    attempt: row.attempt,
    candidate: row.candidate,
    errorCode: row.error_code,
    ordinals: row.ordinals,
    stats: row.stats,
  };
}

/** Rows of the account's log behind an id, oldest first, at most `limit`. */
export async function listEvents(
  database: Database,
  accountId: number,
  after: string,
  limit: number,
): Promise<EventRow[]> {
  const { rows } = await database.query<EventLogRow>(
    `select ${EVENT_COLUMNS} from event_log l where account_id = $1 and id > $2 order by id limit $3`,
    [accountId, after, limit],
  );
  return rows.map(toEventRow);
}

/** The id of the last row in the log, of any account: all later rows are behind it. */
export async function lastEventId(database: Database): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `select (lpad(to_hex(last_ms), 12, '0') || '7fff8000000000000000')::uuid as id from event_router`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('event_router has no row.');
  return row.id;
}
