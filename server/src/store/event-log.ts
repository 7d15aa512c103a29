/**
 * The event log. Statements write their changes to the outbox (`counters.ts`). One node at a time
 * moves them to the log, in their final order, and adds the deliveries of subscriptions.
 */
import type { EventName, EventRow } from '../domain/event.ts';
import { STAT_NAMES } from '../domain/operation.ts';
import type { Database } from './database.ts';

/** Channel that wakes streams and deliveries; its payload is empty. */
export const EVENTS_CHANNEL = 'fanfare_events';

/** How long a node that is gone keeps others from putting news into the log. */
const ROUTER_HELD = '3 seconds';

/** What one turn of routing did. */
export interface Routed {
  /** Rows put into the log. */
  readonly count: number;
  /** Operations of which messages have moved. */
  readonly moved: readonly { readonly accountId: number; readonly operationId: string }[];
}

/** Whether there is news to route: a look that costs little. */
export async function hasNews(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ any: boolean }>(
    // By the index: the beginning of the table may be full of what was routed a moment ago.
    'select min(seq) is not null as any from event_outbox',
  );
  return rows[0]?.any ?? false;
}

/**
 * Puts up to `limit` rows of news into the log, unless another node does so: then nothing. Ids grow from call to call and from
 * node to node, whatever their clocks say, and are there in that order: who has read up to one has seen all before it.
 */
export async function routeNews(database: Database, node: string, limit: number): Promise<Routed> {
  const { rows } = await database.query<{ account_id: number; about: string; moved: boolean }>(
    `with router as (
       update event_router set node = $1, held_until = now() + interval '${ROUTER_HELD}',
         last_ms = greatest(last_ms + 1, floor(extract(epoch from clock_timestamp()) * 1000)::bigint)
       where node = $1 or held_until < now() returning last_ms),
     taken as (
       delete from event_outbox where seq = any(array(select seq from event_outbox, router order by seq limit $2)) returning *),
     known as (
       select id, account_id, kind, callback_id from operation
       where account_id = any(array(select distinct account_id from taken)) and id = any(array(select about from taken))),
     placed as (
       select t.account_id, t.about, t.at, t.attempt, t.candidate, t.error_code, t.ordinals, t.stats, k.callback_id,
         case when k.kind = 'EMAILS' then replace(t.name, 'message.', 'email.') else t.name end as name,
         (lpad(to_hex(router.last_ms), 12, '0') || '7' || lpad(to_hex(row_number() over (order by t.seq)), 3, '0')
           || '8000000000000000')::uuid as id
       from router cross join taken t left join known k on k.account_id = t.account_id and k.id = t.about),
     logged as (
       insert into event_log (account_id, id, about, name, at, attempt, candidate, error_code, ordinals, stats)
       select account_id, id, about, name, at, attempt, candidate, error_code, ordinals, stats from placed),
     due as (
       insert into event_delivery (account_id, subscription_id, event_id, about, due_at)
       select p.account_id, s.id, p.id, p.about, now() + s.batch_delay_ms * interval '1 millisecond'
       from placed p join subscription s on s.account_id = p.account_id
       where s.status = 'ENABLED' and p.name = any(s.names) and (s.kind <> 'CALLBACK' or s.id = p.callback_id)),
     told as (select pg_notify('${EVENTS_CHANNEL}', '') where exists (select from taken))
     select account_id, about, ordinals is not null as moved from placed, told`,
    [node, Math.min(limit, ROUTED_MAX)],
  );
  const moved = rows.filter((row) => row.moved);
  return {
    count: rows.length,
    moved: moved.map((row) => ({ accountId: row.account_id, operationId: row.about })),
  };
}

/** Rows that ids of one millisecond can tell apart. */
const ROUTED_MAX = 4_095;

/** Lets another node put news into the log at once. */
export async function leaveRouting(database: Database, node: string): Promise<void> {
  await database.query(`update event_router set held_until = '-infinity' where node = $1`, [node]);
}

/** Adds the counters of operations of more than one message to the news, as they are now. */
export async function addProgress(
  database: Database,
  operations: readonly { readonly accountId: number; readonly operationId: string }[],
): Promise<void> {
  await database.query(
    `insert into event_outbox (account_id, about, name, stats)
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
  about: string;
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
  'l.id, l.about, l.name, l.at, l.attempt, l.candidate, l.error_code, l.ordinals, l.stats';

export function toEventRow(row: EventLogRow): EventRow {
  return {
    id: row.id,
    about: row.about,
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

/** The id that all rows there will be are behind: of the last row put into the log, whosever it is. */
export async function lastEventId(database: Database): Promise<string> {
  const { rows } = await database.query<{ id: string }>(
    `select (lpad(to_hex(last_ms), 12, '0') || '7fff8000000000000000')::uuid as id from event_router`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('event_router has no row.');
  return row.id;
}
