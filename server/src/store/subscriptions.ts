/** Subscriptions: their targets, their events and their condition. */
import type pg from 'pg';
import { newUuid, uuidTimeMs } from '../domain/ids.ts';
import type { EventName } from '../domain/event.ts';
import { DatabaseUnavailable } from './database-error.ts';
import type { Database } from './database.ts';
import { checkQuota } from './quotas.ts';
import { reviveDeliveries } from './revivals.ts';

export type SubscriptionKind = 'WEBHOOK' | 'CALLBACK' | 'SINK';
export type SubscriptionStatus = 'ENABLED' | 'DISABLED';

/** The fields that its owner decides. */
export interface SubscriptionSettings {
  /** A URL, or the name of a sink. */
  readonly target: string;
  readonly description: string | null;
  /** As requested; `names` is their meaning. */
  readonly types: readonly string[];
  readonly names: readonly EventName[];
  /** Pairs that a message must all have; none: any message. */
  readonly tags: Readonly<Record<string, string>>;
  /** Most events of one request. */
  readonly batchSize: number;
  /** How long events are collected, in milliseconds. */
  readonly batchDelayMs: number;
  /** The key of the compatible signature; null: the secret. */
  readonly authToken: string | null;
}

export interface NewSubscription extends SubscriptionSettings {
  readonly kind: 'WEBHOOK' | 'SINK';
  readonly secret: string;
}

export interface Subscription extends SubscriptionSettings {
  readonly id: string;
  readonly kind: SubscriptionKind;
  readonly status: SubscriptionStatus;
  /** Why it is disabled, in words. */
  readonly reason: string | null;
  /** Requests that failed since the last one that did not, and since when. */
  readonly failures: number;
  readonly failingSince: Date | null;
  readonly lastDeliveryAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The secrets that sign its deliveries, the newest first. */
export interface SubscriptionSecrets {
  readonly secrets: readonly string[];
  readonly authToken: string | null;
}

interface SubscriptionRow {
  id: string;
  kind: SubscriptionKind;
  target: string;
  description: string | null;
  types: string[];
  names: EventName[];
  tags: Record<string, string>;
  batch_size: number;
  batch_delay_ms: number;
  auth_token: string | null;
  status: SubscriptionStatus;
  reason: string | null;
  failures: number;
  failing_since: Date | null;
  last_delivery_at: Date | null;
  updated_at: Date;
}

const COLUMNS = `id, kind, target, description, types, names, tags, batch_size, batch_delay_ms, auth_token, status, reason,
  failures, failing_since, last_delivery_at, updated_at`;

function toSubscription(row: SubscriptionRow): Subscription {
  return {
    id: row.id,
    kind: row.kind,
    target: row.target,
    description: row.description,
    types: row.types,
    names: row.names,
    tags: row.tags,
    batchSize: row.batch_size,
    batchDelayMs: row.batch_delay_ms,
    authToken: row.auth_token,
    status: row.status,
    reason: row.reason,
    failures: row.failures,
    failingSince: row.failing_since,
    lastDeliveryAt: row.last_delivery_at,
    createdAt: new Date(uuidTimeMs(row.id)),
    updatedAt: row.updated_at,
  };
}

/** Adds a subscription. @throws QuotaExceeded */
export function addSubscription(
  database: Database,
  accountId: number,
  { kind, secret, ...settings }: NewSubscription,
): Promise<Subscription> {
  return database.transact(async (client) => {
    const { rows } = await client.query<SubscriptionRow>(
      `insert into subscription (account_id, id, kind, target, description, types, names, tags, batch_size, batch_delay_ms,
         auth_token, secret)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning ${COLUMNS}`,
      [accountId, newUuid(Date.now()), kind, ...valuesOf(settings), secret],
    );
    await checkQuota(client, accountId, 'subscription');
    return toSubscription(rows[0] as SubscriptionRow);
  });
}

function valuesOf(settings: SubscriptionSettings): unknown[] {
  return [
    settings.target,
    settings.description,
    settings.types,
    settings.names,
    JSON.stringify(settings.tags),
    settings.batchSize,
    settings.batchDelayMs,
    settings.authToken,
  ];
}

/** Replaces the owner's fields. Null if the subscription does not exist. */
export async function updateSubscription(
  database: Database,
  accountId: number,
  id: string,
  settings: SubscriptionSettings,
): Promise<Subscription | null> {
  const { rows } = await database.query<SubscriptionRow>(
    `update subscription set target = $3, description = $4, types = $5, names = $6, tags = $7, batch_size = $8,
       batch_delay_ms = $9, auth_token = $10, updated_at = now()
     where account_id = $1 and id = $2 returning ${COLUMNS}`,
    [accountId, id, ...valuesOf(settings)],
  );
  return rows[0] === undefined ? null : toSubscription(rows[0]);
}

/**
 * Disables or enables a subscription. After it is enabled, its pending deliveries are due at once, as if they had not
 * been tried. Null if the subscription does not exist.
 */
export async function setSubscriptionStatus(
  database: Database,
  accountId: number,
  id: string,
  status: SubscriptionStatus,
  reason: string | null,
): Promise<Subscription | null> {
  if ((await fetchSubscription(database, accountId, id)) === null) return null;
  // First: where this breaks off in the middle, its owner asks again.
  if (status === 'ENABLED') await reviveDeliveries(database, accountId, id, 'forgotten');
  const { rows } = await database.query<SubscriptionRow>(
    `update subscription set status = $3, reason = $4, failures = 0, failing_since = null,
       backoff_until = '-infinity', updated_at = now()
     where account_id = $1 and id = $2 returning ${COLUMNS}`,
    [accountId, id, status, reason],
  );
  return rows[0] === undefined ? null : toSubscription(rows[0]);
}

/**
 * Deletes it. Its pending deliveries are ignored from then on and dropped with their day: there may be millions, and the
 * router may be adding some at this moment. False if it does not exist.
 */
export async function removeSubscription(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from subscription where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rowCount === 1;
}

/**
 * Gives it a new secret; the one before is good for `overlapMs` more. One that was still good from an earlier change is not any
 * longer. Resolves with the time until which the one before is good; null when there is no such subscription.
 */
export async function rotateSecret(
  database: Database,
  accountId: number,
  id: string,
  secret: string,
  overlapMs: number,
): Promise<Date | null> {
  const { rows } = await database.query<{ previous_until: Date }>(
    `update subscription set previous_secret = secret, previous_until = now() + $4 * interval '1 millisecond', secret = $3,
       updated_at = now()
     where account_id = $1 and id = $2 returning previous_until`,
    [accountId, id, secret, overlapMs],
  );
  return rows[0]?.previous_until ?? null;
}

export async function fetchSubscription(
  database: Database,
  accountId: number,
  id: string,
): Promise<Subscription | null> {
  const { rows } = await database.query<SubscriptionRow>(
    `select ${COLUMNS} from subscription where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toSubscription(rows[0]);
}

/** Newest first, with ids before `before`, at most `limit`. */
export async function listSubscriptions(
  database: Database,
  accountId: number,
  before: string,
  limit: number,
): Promise<Subscription[]> {
  const { rows } = await database.query<SubscriptionRow>(
    `select ${COLUMNS} from subscription where account_id = $1 and id < $2 order by id desc limit $3`,
    [accountId, before, limit],
  );
  return rows.map(toSubscription);
}

/** SQL of the secrets that are good now. */
export const SECRETS_NOW = `array_remove(array[secret, case when previous_until > now() then previous_secret end], null)`;

export async function fetchSecrets(
  database: Database,
  accountId: number,
  id: string,
): Promise<SubscriptionSecrets | null> {
  const { rows } = await database.query<{ secrets: string[]; auth_token: string | null }>(
    `select ${SECRETS_NOW} as secrets, auth_token from subscription where account_id = $1 and id = $2`,
    [accountId, id],
  );
  const [row] = rows;
  return row === undefined ? null : { secrets: row.secrets, authToken: row.auth_token };
}

/** A callback receives all events of its operations. */
export interface CallbackDefaults extends Pick<
  SubscriptionSettings,
  'types' | 'names' | 'batchSize' | 'batchDelayMs'
> {
  /** Of one that is new. */
  readonly secret: string;
}

/**
 * The id of the subscription of a callback URL, created if it does not exist. A disabled subscription stays disabled.
 * @throws QuotaExceeded
 */
export function ensureCallback(
  database: Database,
  accountId: number,
  url: string,
  defaults: CallbackDefaults,
): Promise<string> {
  return database.transact(async (client) => {
    const known = await findCallback(client, accountId, url);
    if (known !== null) {
      // Once a day is enough to know that it is in use.
      await client.query(
        `update subscription set updated_at = now() where id = $1 and updated_at < now() - interval '1 day'`,
        [known],
      );
      return known;
    }
    await client.query(
      `insert into subscription (account_id, id, kind, target, types, names, batch_size, batch_delay_ms, secret)
       values ($1, $2, 'CALLBACK', $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [
        accountId,
        newUuid(Date.now()),
        url,
        defaults.types,
        defaults.names,
        defaults.batchSize,
        defaults.batchDelayMs,
        defaults.secret,
      ],
    );
    await checkQuota(client, accountId, 'callback');
    const made = await findCallback(client, accountId, url);
    if (made === null) throw new DatabaseUnavailable('A callback URL was forgotten meanwhile.');
    return made;
  });
}

async function findCallback(
  client: pg.PoolClient,
  accountId: number,
  url: string,
): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>(
    `select id from subscription where account_id = $1 and kind = 'CALLBACK' and target = $2`,
    [accountId, url],
  );
  return rows[0]?.id ?? null;
}

/** Callbacks forgotten in one go. */
const FORGOTTEN_MAX = 1_000;

/**
 * Deletes some of the callback URLs that no request has named for this many days: the operations that named them are
 * gone. Resolves with whether there may be more.
 */
export async function dropUnusedCallbacks(database: Database, days: number): Promise<boolean> {
  const { rowCount } = await database.query(
    `delete from subscription where id = any(array(
       select id from subscription where kind = 'CALLBACK' and updated_at < now() - $1 * interval '1 day'
       limit ${FORGOTTEN_MAX} for update skip locked))`,
    [days],
  );
  return rowCount === FORGOTTEN_MAX;
}
