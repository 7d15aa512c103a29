/**
 * Accounts and their API keys. Secrets are stored as SHA-256: they are random, so a slow hash is
 * not needed.
 */
import type { Scope } from '../domain/api-key.ts';
import type { Database } from './database.ts';
import { checkQuota, countExcess } from './quotas.ts';

export interface Account {
  readonly id: number;
  readonly sid: string;
  readonly createdAt: Date;
}

export interface ApiKey {
  readonly sid: string;
  readonly accountSid: string;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  /** From when on it is refused; null: never. */
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** To the minute; null: never used. */
  readonly lastUsedAt: Date | null;
}

/** The stored side of a pair of credentials. */
export interface Credential {
  readonly account: Account;
  readonly secretHash: Buffer;
  /** The scopes; null: all rights, as the account's own token has. */
  readonly scopes: readonly Scope[] | null;
  /** From when on it is refused; null: never. */
  readonly expiresAt: Date | null;
}

/** Accounts, and live keys with their accounts, by these SIDs. Keys that are revoked or have expired are not found. */
export async function findCredentials(
  database: Database,
  sids: readonly string[],
): Promise<ReadonlyMap<string, Credential>> {
  const { rows } = await database.query<{
    asked: string;
    id: number;
    sid: string;
    created_at: Date;
    secret_hash: Buffer;
    scopes: Scope[] | null;
    expires_at: Date | null;
  }>(
    `select sid as asked, id, sid, created_at, token_hash as secret_hash, null::text[] as scopes,
       null::timestamptz as expires_at
     from account where sid = any($1)
     union all
     select k.sid, a.id, a.sid, a.created_at, k.secret_hash, k.scopes, k.expires_at
     from api_key k join account a on a.id = k.account_id
     where k.sid = any($1) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
    [sids],
  );
  return new Map(
    rows.map(({ asked, id, sid, created_at, secret_hash, scopes, expires_at }) => [
      asked,
      {
        account: { id, sid, createdAt: created_at },
        secretHash: secret_hash,
        scopes,
        expiresAt: expires_at,
      },
    ]),
  );
}

/** All accounts, oldest first. */
export async function listAccounts(database: Database): Promise<Account[]> {
  const { rows } = await database.query<{ id: number; sid: string; created_at: Date }>(
    'select id, sid, created_at from account order by id',
  );
  return rows.map((row) => ({ id: row.id, sid: row.sid, createdAt: row.created_at }));
}

/** Makes the account, or gives the existing one this token. */
export async function putAccount(
  database: Database,
  sid: string,
  tokenHash: Buffer,
): Promise<void> {
  await database.query(
    `insert into account (sid, token_hash) values ($1, $2)
     on conflict (sid) do update set token_hash = excluded.token_hash`,
    [sid, tokenHash],
  );
}

export interface NewApiKey {
  readonly accountSid: string;
  readonly sid: string;
  readonly secretHash: Buffer;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** Null: never. */
  readonly expiresAt: Date | null;
}

/**
 * Makes a key for an account. Keys that are revoked or have expired stay in the list until their place is needed, the oldest first.
 * @throws QuotaExceeded
 */
export function createApiKey(database: Database, key: NewApiKey): Promise<ApiKey> {
  return database.transact(async (client) => {
    const { rows } = await client.query<KeyRow & { account_id: number }>(
      `insert into api_key as k (sid, account_id, name, secret_hash, scopes, expires_at)
       select $2, a.id, $4, $3, $5, $6 from account a where a.sid = $1
       returning account_id, $1 as account_sid, ${KEY_COLUMNS}`,
      [key.accountSid, key.sid, key.secretHash, key.name, key.scopes, key.expiresAt],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`There is no account ${key.accountSid}.`);
    await client.query(
      `delete from api_key where sid = any(array(
         select sid from api_key where account_id = $1 and least(revoked_at, expires_at) <= now()
         order by least(revoked_at, expires_at) limit $2))`,
      [row.account_id, await countExcess(client, row.account_id, 'api_key')],
    );
    await checkQuota(client, row.account_id, 'api_key');
    return toKey(row);
  });
}

interface KeyRow {
  sid: string;
  account_sid: string;
  name: string | null;
  scopes: Scope[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

const KEY_COLUMNS =
  'k.sid, k.name, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at';

function toKey(row: KeyRow): ApiKey {
  return {
    sid: row.sid,
    accountSid: row.account_sid,
    name: row.name,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  };
}

/** Keys of all accounts or of one, oldest first, revoked and expired ones included. */
export async function listApiKeys(
  database: Database,
  accountSid: string | null,
): Promise<ApiKey[]> {
  const { rows } = await database.query<KeyRow>(
    `select a.sid as account_sid, ${KEY_COLUMNS}
     from api_key k join account a on a.id = k.account_id
     where $1::text is null or a.sid = $1 order by k.created_at, k.sid`,
    [accountSid],
  );
  return rows.map(toKey);
}

/** Notes when keys were last used, by their SIDs: each at most once a minute, whatever number of nodes says so. */
export async function noteKeyUses(
  database: Database,
  uses: ReadonlyMap<string, Date>,
): Promise<void> {
  await database.query(
    `update api_key k set last_used_at = u.at from unnest($1::text[], $2::timestamptz[]) as u(sid, at)
     where k.sid = any($1) and k.sid = u.sid
       and (k.last_used_at is null or k.last_used_at <= u.at - interval '1 minute')`,
    [[...uses.keys()], [...uses.values()]],
  );
}

/** Revokes a key permanently. Resolves with false if the key does not exist or was revoked before. */
export async function revokeApiKey(database: Database, sid: string): Promise<boolean> {
  const { rowCount } = await database.query(
    'update api_key set revoked_at = now() where sid = $1 and revoked_at is null',
    [sid],
  );
  return rowCount === 1;
}
