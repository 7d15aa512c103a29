/**
 * Finds disabled subscriptions, deliveries that no node makes, and outbox events that no node
 * routes.
 */
import { encodeTypeId } from '../../domain/ids.ts';
import type { Database } from '../database.ts';
import { countOf, describeAge, type AuditScope, type Finding } from './finding.ts';

/** Faults of deliveries to subscribers. */
export async function auditSubscriptions(
  database: Database,
  scope: AuditScope,
): Promise<Finding[]> {
  return [
    ...(await auditDisabled(database)),
    ...(await auditDeliveries(database, scope)),
    ...(await auditOutbox(database, scope)),
  ];
}

const finding = (where: string, what: string, advice: string): Finding => ({
  check: 'subscriptions',
  where,
  what,
  advice,
  repair: null,
});

/** Subscriptions that the server disabled, not their owners: only these have a reason. */
async function auditDisabled(database: Database): Promise<Finding[]> {
  const { rows } = await database.query<{ id: string; sid: string; reason: string }>(
    `select s.id, a.sid, s.reason from subscription s join account a on a.id = s.account_id
     where s.status = 'DISABLED' and s.reason is not null order by s.id`,
  );
  return rows.map(({ id, sid, reason }) =>
    finding(
      encodeTypeId('comms_subscription', id),
      `Disabled, of account ${sid}: ${reason}`,
      'Inform its owner. "fanfare subscriptions enable" resumes deliveries and "delete" removes it. "enable" and then "disable" keep it disabled without this finding.',
    ),
  );
}

/**
 * Subscriptions with due deliveries that no node has leased. A failing subscription is leased: it rests from failure to
 * failure. Deliveries behind one that is to be retried are not due yet.
 */
async function auditDeliveries(database: Database, { patienceMs }: AuditScope): Promise<Finding[]> {
  const { rows } = await database.query<{ n: number; age: number }>(
    // The sub-selects have limits, so that they are looks into indexes and stop at the first row.
    `with due as materialized (
       select (select d.due_at from event_delivery d
         where d.subscription_id = s.id and d.status = 'PENDING' and d.due_at < late and (
           select true from event_delivery w
           where w.subscription_id = s.id and w.status = 'PENDING' and w.subject_id = d.subject_id and w.event_id < d.event_id
             and w.tries > 0 and w.due_at > now() limit 1) is null
         order by d.due_at limit 1) as at
       from subscription s cross join (select now() - $1 * interval '1 millisecond' as late) as l
       where s.status = 'ENABLED' and s.backoff_until < late and s.leased_until < late
         and (s.last_delivery_at is null or s.last_delivery_at < late))
     select count(*)::int as n, coalesce(extract(epoch from now() - min(at)), 0)::float as age from due where at is not null`,
    [patienceMs],
  );
  const { n = 0, age = 0 } = rows[0] ?? {};
  if (n === 0) return [];
  return [
    finding(
      'event_delivery',
      `Deliveries to ${countOf(n, 'subscription')} due for up to ${describeAge(age)}.`,
      'Check that a node with the role "events" is running. If it is, its log gives the reason.',
    ),
  ];
}

/** Outbox events that should be in the log already. */
async function auditOutbox(database: Database, { patienceMs }: AuditScope): Promise<Finding[]> {
  const { rows } = await database.query<{ n: number; age: number; node: string | null }>(
    `select count(*)::int as n, coalesce(extract(epoch from now() - min(at)), 0)::float as age,
       (select node from event_router where leased_until > now()) as node
     from event_outbox where at < now() - $1 * interval '1 millisecond'`,
    [patienceMs],
  );
  const { n = 0, age = 0, node = null } = rows[0] ?? {};
  if (n === 0) return [];
  return [
    finding(
      'event_outbox',
      `${countOf(n, 'outbox event')} not in the event log for up to ${describeAge(age)}.`,
      node === null
        ? 'Start a node with the role "events". Without one, outbox events accumulate.'
        : `${node} is responsible, and its log gives the reason. Events may also arrive faster than it processes them.`,
    ),
  ];
}
