/**
 * Sender pools and their members. Each change of members is one transaction with the operation
 * that reports it.
 */
import { newUuid, uuidLowerBound, uuidTimeMs } from '../domain/ids.ts';
import type { Database, Querier } from './database.ts';
import { checkQuota } from './quotas.ts';

export interface SenderPool {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The result for the members that a request named; complete from the start. */
export interface SenderPoolOperation {
  readonly id: string;
  readonly total: number;
  readonly created: number;
  /** Named, but no senders of the account. */
  readonly failed: number;
  readonly createdAt: Date;
}

interface PoolRow {
  id: string;
  name: string;
  tags: Record<string, string>;
  updated_at: Date;
}

function toPool({ id, name, tags, updated_at }: PoolRow): SenderPool {
  const createdAt = new Date(uuidTimeMs(id));
  return { id, name, tags, createdAt, updatedAt: updated_at < createdAt ? createdAt : updated_at };
}

/** Makes a pool with members. Resolves with the operation's id, or null when the name is taken. @throws QuotaExceeded */
export function createPool(
  database: Database,
  accountId: number,
  pool: {
    readonly name: string | null;
    readonly tags: Readonly<Record<string, string>>;
    readonly senderIds: readonly string[];
  },
): Promise<string | null> {
  const id = newUuid(Date.now());
  return database.transact(async (client) => {
    const { rowCount } = await client.query(
      `insert into sender_pool (account_id, id, name, tags) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [accountId, id, pool.name ?? `Pool ${id}`, JSON.stringify(pool.tags)],
    );
    if (rowCount === 0) return null;
    await checkQuota(client, accountId, 'sender_pool');
    return insertMembers(client, accountId, id, pool.senderIds);
  });
}

/** Adds members. Resolves with the operation's id, or null when there is no such pool. @throws QuotaExceeded */
export function addMembers(
  database: Database,
  accountId: number,
  poolId: string,
  senderIds: readonly string[],
): Promise<string | null> {
  return database.transact(async (client) => {
    const { rowCount } = await client.query(
      'update sender_pool set updated_at = now() where account_id = $1 and id = $2',
      [accountId, poolId],
    );
    return rowCount === 0 ? null : insertMembers(client, accountId, poolId, senderIds);
  });
}

/**
 * A sender that is a member already counts as created: it is one afterwards, as was asked. Senders are locked: a change of
 * one meanwhile would not find the member, and leave the pool's version as it is.
 */
async function insertMembers(
  client: Querier,
  accountId: number,
  poolId: string,
  senderIds: readonly string[],
): Promise<string> {
  const { rows } = await client.query<{ known: number }>(
    `with known as materialized (
       select id from sender where id = any($3::uuid[]) and (account_id = $1 or account_id is null) order by id for share),
     added as (
       insert into sender_pool_member (account_id, pool_id, sender_id) select $1, $2, id from known
       on conflict do nothing)
     select count(*)::int as known from known`,
    [accountId, poolId, senderIds],
  );
  await checkQuota(client, accountId, 'sender_pool_member', poolId);
  const created = rows[0]?.known ?? 0;
  const operationId = newUuid(Date.now());
  await client.query(
    `insert into sender_pool_operation (account_id, id, pool_id, total, created, failed)
     values ($1, $2, $3, $4::int, $5::int, $4::int - $5::int)`,
    [accountId, operationId, poolId, senderIds.length, created],
  );
  return operationId;
}

/** Ids lie strictly between `after` and `before`. */
export interface IdRange {
  readonly after: string;
  readonly before: string;
}

/** Pools, newest first, at most `limit`; with an operation, the one it made or changed. */
export async function listPools(
  database: Database,
  accountId: number,
  filter: IdRange & { readonly operationId: string | null },
  limit: number,
): Promise<SenderPool[]> {
  const { rows } = await database.query<PoolRow>(
    `select id, name, tags, updated_at from sender_pool
     where account_id = $1 and id > $2 and id < $3 and ($4::uuid is null or id =
       (select pool_id from sender_pool_operation where account_id = $1 and id = $4))
     order by id desc limit $5`,
    [accountId, filter.after, filter.before, filter.operationId, limit],
  );
  return rows.map(toPool);
}

export async function fetchPool(
  database: Database,
  accountId: number,
  id: string,
): Promise<SenderPool | null> {
  const { rows } = await database.query<PoolRow>(
    'select id, name, tags, updated_at from sender_pool where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rows[0] === undefined ? null : toPool(rows[0]);
}

/** Changes the given fields. `taken`: another pool has the name. */
export async function updatePool(
  database: Database,
  accountId: number,
  id: string,
  change: { readonly name?: string; readonly tags?: Readonly<Record<string, string>> },
): Promise<'changed' | 'missing' | 'taken'> {
  const { rows } = await database.query<{ taken: boolean; changed: boolean }>(
    `with taken as (
       select 1 from sender_pool where account_id = $1 and name = $3 and id <> $2),
     changed as (
       update sender_pool set name = coalesce($3, name), tags = coalesce($4, tags), updated_at = now()
       where account_id = $1 and id = $2 and not exists (select 1 from taken) returning 1)
     select exists (select 1 from taken) as taken, exists (select 1 from changed) as changed`,
    [
      accountId,
      id,
      change.name ?? null,
      change.tags === undefined ? null : JSON.stringify(change.tags),
    ],
  );
  if (rows[0]?.changed) return 'changed';
  return rows[0]?.taken && (await fetchPool(database, accountId, id)) !== null
    ? 'taken'
    : 'missing';
}

/** Deletes a pool; its senders stay. False if it does not exist. */
export async function deletePool(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from sender_pool where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rowCount === 1;
}

/** Takes a sender out of a pool; false when it is no member. */
export async function removeMember(
  database: Database,
  accountId: number,
  poolId: string,
  senderId: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from sender_pool_member where account_id = $1 and pool_id = $2 and sender_id = $3',
    [accountId, poolId, senderId],
  );
  return rowCount === 1;
}

interface PoolOperationRow {
  id: string;
  total: number;
  created: number;
  failed: number;
}

function toPoolOperation(row: PoolOperationRow): SenderPoolOperation {
  return { ...row, createdAt: new Date(uuidTimeMs(row.id)) };
}

export async function fetchPoolOperation(
  database: Database,
  accountId: number,
  id: string,
): Promise<SenderPoolOperation | null> {
  const { rows } = await database.query<PoolOperationRow>(
    'select id, total, created, failed from sender_pool_operation where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rows[0] === undefined ? null : toPoolOperation(rows[0]);
}

/** Operations on pools, newest first, at most `limit`. */
export async function listPoolOperations(
  database: Database,
  accountId: number,
  range: IdRange,
  limit: number,
): Promise<SenderPoolOperation[]> {
  const { rows } = await database.query<PoolOperationRow>(
    `select id, total, created, failed from sender_pool_operation
     where account_id = $1 and id > $2 and id < $3 order by id desc limit $4`,
    [accountId, range.after, range.before, limit],
  );
  return rows.map(toPoolOperation);
}

const DAY_MS = 86_400_000;
/** Operations forgotten in one go. */
const FORGOTTEN_MAX = 5_000;

/** Deletes some of the operations on pools that are older than this many days. Resolves with whether there may be more. */
export async function dropOldPoolOperations(database: Database, days: number): Promise<boolean> {
  const { rowCount } = await database.query(
    `delete from sender_pool_operation where ctid = any(array(
       select ctid from sender_pool_operation where id < $1 order by id limit ${FORGOTTEN_MAX} for update skip locked))`,
    [uuidLowerBound(Date.now() - days * DAY_MS)],
  );
  return rowCount === FORGOTTEN_MAX;
}
