/** Lists of deliveries and requests for the owners of subscriptions. */
import type { EventName } from '../domain/event.ts';
import type { Database } from './database.ts';
import type { NewDeliveryAttempt } from './deliveries.ts';

/** A delivery, for its owner to read. */
export interface Delivery {
  /** UUID of the row of the log. */
  readonly eventId: string;
  readonly subjectId: string;
  readonly name: EventName;
  readonly at: Date;
  readonly events: number;
  readonly status: 'PENDING' | 'DELIVERED' | 'FAILED';
  readonly tries: number;
  /** When it is tried next; null unless it is PENDING. */
  readonly dueAt: Date | null;
  readonly updatedAt: Date;
}

export interface DeliveryFilter {
  readonly status: Delivery['status'] | null;
  /** Ids lie strictly between these. */
  readonly after: string;
  readonly before: string;
}

/** Deliveries of a subscription, newest first, at most `limit`. */
export async function listDeliveries(
  database: Database,
  accountId: number,
  subscriptionId: string,
  filter: DeliveryFilter,
  limit: number,
): Promise<Delivery[]> {
  const { rows } = await database.query<{
    id: string;
    subject_id: string;
    name: EventName;
    at: Date;
    events: number;
    status: Delivery['status'];
    tries: number;
    due_at: Date;
    updated_at: Date;
  }>(
    `with page as materialized (
       select event_id, status, tries, due_at, updated_at from event_delivery
       where account_id = $1 and subscription_id = $2 and event_id > $3 and event_id < $4
         and ($5::delivery_status is null or status = $5) order by event_id desc limit $6)
     select l.id, l.subject_id, l.name, l.at, coalesce(cardinality(l.ordinals), 1) as events, p.status, p.tries, p.due_at,
       p.updated_at
     from page p join event_log l on l.id = p.event_id
     where l.account_id = $1 and l.id = any(array(select event_id from page)) order by l.id desc`,
    [accountId, subscriptionId, filter.after, filter.before, filter.status, limit],
  );
  return rows.map((row) => ({
    eventId: row.id,
    subjectId: row.subject_id,
    name: row.name,
    at: row.at,
    events: row.events,
    status: row.status,
    tries: row.tries,
    dueAt: row.status === 'PENDING' ? row.due_at : null,
    updatedAt: row.updated_at,
  }));
}

/** A request to a subscriber, for its owner to read. */
export interface DeliveryAttempt extends NewDeliveryAttempt {
  readonly delivered: boolean;
  /** Rows of the log that it was about. */
  readonly firstEventId: string;
  readonly lastEventId: string;
}

/** Requests to a subscriber with ids between two, newest first, at most `limit`. */
export async function listDeliveryAttempts(
  database: Database,
  accountId: number,
  subscriptionId: string,
  filter: { readonly after: string; readonly before: string; readonly delivered: boolean | null },
  limit: number,
): Promise<DeliveryAttempt[]> {
  const { rows } = await database.query<{
    id: string;
    took_ms: number;
    events: number;
    http_status: number | null;
    detail: string | null;
    delivered: boolean;
    first_event_id: string;
    last_event_id: string;
  }>(
    `select id, took_ms, events, http_status, detail, delivered, first_event_id, last_event_id from event_attempt
     where account_id = $1 and subscription_id = $2 and id > $3 and id < $4 and ($5::boolean is null or delivered = $5)
     order by id desc limit $6`,
    [accountId, subscriptionId, filter.after, filter.before, filter.delivered, limit],
  );
  return rows.map((row) => ({
    id: row.id,
    tookMs: row.took_ms,
    events: row.events,
    httpStatus: row.http_status,
    detail: row.detail,
    delivered: row.delivered,
    firstEventId: row.first_event_id,
    lastEventId: row.last_event_id,
  }));
}
