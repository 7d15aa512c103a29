/**
 * Deliveries: the log rows that a subscription has still to receive, and the requests made for
 * them. A subscription is leased to one node, which delivers one batch after another.
 *
 * ```
 *  PENDING ──delivered──▶ DELIVERED
 *   │  └──failed, tries left──▶ PENDING, due later; later rows of its operation wait
 *   └──last try failed──▶ FAILED
 * ```
 * A replay makes any of them PENDING again.
 */
import type pg from 'pg';
import { DOWN_FAILURES } from '../domain/delivery.ts';
import type { EventRow } from '../domain/event.ts';
import type { Database } from './database.ts';
import { toEventRow, type EventLogRow } from './event-log.ts';
import { reviveDeliveries } from './revivals.ts';
import { SECRETS_NOW, type SubscriptionKind } from './subscriptions.ts';

/** A subscription that this node delivers to. */
export interface LeasedSubscription {
  readonly accountId: number;
  readonly accountSid: string;
  readonly id: string;
  /** Fencing token: every write under this lease names it. */
  readonly lease: number;
  readonly kind: SubscriptionKind;
  readonly target: string;
  readonly secrets: readonly string[];
  readonly authToken: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly batchSize: number;
  /** Requests that failed since the last one that did not, and since when. */
  readonly failures: number;
  readonly failingSince: Date | null;
}

interface LeasedRow {
  account_id: number;
  sid: string;
  id: string;
  lease: number;
  kind: SubscriptionKind;
  target: string;
  secrets: string[];
  auth_token: string | null;
  tags: Record<string, string>;
  batch_size: number;
  failures: number;
  failing_since: Date | null;
}

/** Places for subscriptions that one node delivers to at the same time. */
export interface SubscriptionPlaces {
  readonly free: number;
  /** Leased subscriptions, by account. */
  readonly taken: ReadonlyMap<number, number>;
  /** How many one account may have. */
  readonly accountMax: number;
}

/**
 * Leases subscriptions with due deliveries: accounts with the fewest leases first, and of an account the subscriptions
 * whose last lease was longest ago, whatever its result was.
 */
export async function leaseSubscriptions(
  database: Database,
  node: string,
  places: SubscriptionPlaces,
  leaseMs: number,
): Promise<LeasedSubscription[]> {
  // Subscriptions with pending deliveries are found by steps through the index, however many have none. The sub-select has a
  // limit, so that it is one look into the index.
  const { rows } = await database.query<LeasedRow>(
    `with recursive waiting as (
       select '00000000-0000-0000-0000-000000000000'::uuid as id
       union all
       select next.subscription_id from waiting w cross join lateral (
         select subscription_id from event_delivery where status = 'PENDING' and subscription_id > w.id
         order by subscription_id limit 1) next),
     due as materialized (
       select id, last_leased_at, coalesce(taken.places, 0)
           + row_number() over (partition by s.account_id order by last_leased_at nulls first, id) as place
       from subscription s left join unnest($4::int[], $5::int[]) as taken(account_id, places) on taken.account_id = s.account_id
       where id = any(array(select id from waiting)) and status = 'ENABLED' and leased_until < now() and backoff_until <= now()
         and (select true from event_delivery d
           where d.subscription_id = s.id and d.status = 'PENDING' and d.due_at <= now() limit 1)),
     ready as materialized (
       select id from subscription where id = any(array(
           select id from due where place <= $6 order by place, last_leased_at nulls first, id limit $2))
         and leased_until < now()
       for update skip locked)
     update subscription s set lease = lease + 1, leased_by = $1, leased_until = now() + $3 * interval '1 millisecond',
       last_leased_at = now()
     where id = any(array(select id from ready))
     returning account_id, (select sid from account a where a.id = s.account_id) as sid, id, lease, kind, target,
       ${SECRETS_NOW} as secrets, auth_token, tags, batch_size, failures, failing_since`,
    [
      node,
      places.free,
      leaseMs,
      [...places.taken.keys()],
      [...places.taken.values()],
      places.accountMax,
    ],
  );
  return rows.map((row) => ({
    accountId: row.account_id,
    accountSid: row.sid,
    id: row.id,
    lease: row.lease,
    kind: row.kind,
    target: row.target,
    secrets: row.secrets,
    authToken: row.auth_token,
    tags: row.tags,
    batchSize: row.batch_size,
    failures: row.failures,
    failingSince: row.failing_since,
  }));
}

/** Gives a subscription back before its lease ends; it is not leased again for `backoffMs`, or for its own backoff. */
export async function returnSubscription(
  database: Database,
  { accountId, id, lease }: LeasedSubscription,
  backoffMs: number,
): Promise<void> {
  await database.query(
    `update subscription set leased_until = '-infinity',
       backoff_until = case when $4::float > 0 then greatest(backoff_until, now() + $4 * interval '1 millisecond') else backoff_until end
     where account_id = $1 and id = $2 and lease = $3`,
    [accountId, id, lease, backoffMs],
  );
}

/** A row of the log that a subscription has still to receive. */
export interface DueDelivery {
  /** With its undelivered messages only, as many as requested. */
  readonly row: EventRow;
  /** Events of the whole row. */
  readonly events: number;
  /** Events of it that were delivered. */
  readonly deliveredCount: number;
  /** Tries that failed. */
  readonly tries: number;
  /** Whether it is to be delivered alone: its events may be the ones that the subscriber cannot process. */
  readonly alone: boolean;
}

/**
 * Due deliveries of a subscription in the order of the log, at most `limit` rows and as many events of each. Untried ones may
 * come before their time, to fill a batch. Operations with an earlier row that waits for a retry are left out.
 */
export async function loadDueDeliveries(
  database: Database,
  { accountId, id }: LeasedSubscription,
  limit: number,
): Promise<DueDelivery[]> {
  // The sub-select has a limit: a hash join would read and sort all pending rows for each batch.
  const { rows } = await database.query<
    EventLogRow & { delivered_count: number; tries: number; alone: boolean; events: number }
  >(
    `with waiting as materialized (
       select distinct on (subject_id) subject_id, event_id from event_delivery
       where subscription_id = $2 and status = 'PENDING' and due_at > now() and tries > 0 order by subject_id, event_id),
     due as materialized (
       select d.event_id, d.delivered_count, d.tries, d.alone from event_delivery d
       where d.subscription_id = $2 and d.status = 'PENDING' and (d.due_at <= now() or d.tries = 0)
         and (select true from waiting w where w.subject_id = d.subject_id and w.event_id < d.event_id limit 1) is null
       order by d.event_id limit $3)
     select l.id, l.subject_id, l.name, l.at, l.attempt, l.candidate, l.error_code, l.stats,
       l.ordinals[due.delivered_count + 1 : due.delivered_count + $3] as ordinals, coalesce(cardinality(l.ordinals), 1) as events,
       due.delivered_count, due.tries, due.alone
     from due join event_log l on l.id = due.event_id
     where l.account_id = $1 and l.id = any(array(select event_id from due)) order by l.id`,
    [accountId, id, limit],
  );
  return rows.map((row) => ({
    row: toEventRow(row),
    events: row.events,
    deliveredCount: row.delivered_count,
    tries: row.tries,
    alone: row.alone,
  }));
}

/** One request, for the list of them. */
export interface NewDeliveryAttempt {
  /** UUID; begins with the time at which it was begun. */
  readonly id: string;
  readonly tookMs: number;
  readonly events: number;
  readonly httpStatus: number | null;
  readonly detail: string | null;
}

/** The progress of one delivery. */
export interface DeliveryProgress {
  readonly eventId: string;
  /** Events of the row that were delivered; null: all. */
  readonly deliveredCount: number | null;
}

const INSERT_ATTEMPT = `insert into event_attempt (account_id, subscription_id, id, took_ms, events, first_event_id, last_event_id,
  delivered, http_status, detail) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;

async function insertAttempt(
  client: pg.PoolClient,
  { accountId, id }: LeasedSubscription,
  attempt: NewDeliveryAttempt,
  eventIds: readonly string[],
  delivered: boolean,
): Promise<void> {
  await client.query(INSERT_ATTEMPT, [
    accountId,
    id,
    attempt.id,
    attempt.tookMs,
    attempt.events,
    eventIds[0],
    eventIds.at(-1),
    delivered,
    attempt.httpStatus,
    attempt.detail,
  ]);
}

/**
 * Writes delivered events, and that the subscription accepts deliveries. `attempt` is null if no request was needed.
 * False if the lease is lost or the subscription was deleted: then nothing is written, and another node may deliver
 * again.
 */
export async function recordDelivered(
  database: Database,
  subscription: LeasedSubscription,
  delivered: readonly DeliveryProgress[],
  attempt: NewDeliveryAttempt | null,
  leaseMs: number,
): Promise<boolean> {
  const { accountId, id, lease } = subscription;
  const failures = await database.transact(async (client) => {
    // The value before: the updated row no longer has it.
    const { rows } = await client.query<{ failures: number }>(
      'select failures from subscription where account_id = $1 and id = $2 and lease = $3 for update',
      [accountId, id, lease],
    );
    const [before] = rows;
    if (before === undefined) return null;
    await client.query(
      `update subscription set leased_until = now() + $4 * interval '1 millisecond',
         failures = case when $5 then 0 else failures end, failing_since = case when $5 then null else failing_since end,
         last_delivery_at = case when $5 then now() else last_delivery_at end,
         backoff_until = case when $5 then '-infinity' else backoff_until end
       where account_id = $1 and id = $2 and lease = $3`,
      [accountId, id, lease, leaseMs, attempt !== null],
    );
    const eventIds = delivered.map((each) => each.eventId);
    await client.query(
      `update event_delivery d set status = case when t.delivered_count is null then 'DELIVERED'::delivery_status else d.status end,
         delivered_count = coalesce(t.delivered_count, d.delivered_count), updated_at = now()
       from unnest($2::uuid[], $3::smallint[]) as t(event_id, delivered_count)
       where d.subscription_id = $1 and d.event_id = any($2::uuid[]) and d.event_id = t.event_id`,
      [id, eventIds, delivered.map((each) => each.deliveredCount)],
    );
    if (attempt === null) return 0;
    await insertAttempt(client, subscription, attempt, eventIds, true);
    return before.failures;
  });
  if (failures === null) return false;
  // It accepts deliveries again: waiting ones are due at once, and one failed try is forgiven.
  if (failures >= DOWN_FAILURES) await reviveDeliveries(database, accountId, id, 'forgiven');
  return true;
}

/** The next try of a row that could not be delivered. */
export interface Undelivered {
  readonly eventId: string;
  /** Delay of the next try, in milliseconds; null: none. */
  readonly delayMs: number | null;
  /** Whether the next try is the last. It is made alone, so that no row fails because of another one. */
  readonly isLastNext: boolean;
}

/** The effect on the subscription. */
export interface Trouble {
  /** Backoff before any delivery, in milliseconds. */
  readonly backoffMs: number;
  /** Why it is disabled; null: it is not. */
  readonly disableReason: string | null;
}

/** Writes a failed request. False if the lease is lost or the subscription was deleted: then nothing is written. */
export function recordFailed(
  database: Database,
  subscription: LeasedSubscription,
  undelivered: readonly Undelivered[],
  attempt: NewDeliveryAttempt,
  { backoffMs, disableReason }: Trouble,
): Promise<boolean> {
  const { accountId, id, lease } = subscription;
  return database.transact(async (client) => {
    const { rowCount } = await client.query(
      `update subscription set failures = failures + 1, failing_since = coalesce(failing_since, now()),
         backoff_until = now() + $4 * interval '1 millisecond',
         status = case when $5::text is null then status else 'DISABLED' end, reason = coalesce($5, reason)
       where account_id = $1 and id = $2 and lease = $3`,
      [accountId, id, lease, backoffMs, disableReason],
    );
    if (rowCount === 0) return false;
    const eventIds = undelivered.map((each) => each.eventId);
    await client.query(
      `update event_delivery d set tries = d.tries + 1, updated_at = now(), alone = d.alone or (d.tries > 0 and not $4) or t.is_last_next,
         status = case when t.delay_ms is null then 'FAILED'::delivery_status else d.status end,
         due_at = case when t.delay_ms is null then d.due_at else now() + t.delay_ms * interval '1 millisecond' end
       from unnest($2::uuid[], $3::float[], $5::boolean[]) as t(event_id, delay_ms, is_last_next)
       where d.subscription_id = $1 and d.event_id = any($2::uuid[]) and d.event_id = t.event_id`,
      [
        id,
        eventIds,
        undelivered.map((each) => each.delayMs),
        subscription.failures >= DOWN_FAILURES,
        undelivered.map((each) => each.isLastNext),
      ],
    );
    await insertAttempt(client, subscription, attempt, eventIds, false);
    return true;
  });
}
