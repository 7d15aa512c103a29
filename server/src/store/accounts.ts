/** Accounts and their API keys. Secrets are stored as SHA-256: they are random, so no slow hash is needed. */
import type { Database } from './database.ts';

export interface Account {
  readonly id: number;
  readonly sid: string;
  readonly createdAt: Date;
}

export interface ApiKey {
  readonly sid: string;
  readonly accountSid: string;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** What a pair of credentials is checked against. */
export interface Credential {
  readonly account: Account;
  readonly secretHash: Buffer;
}

/** The account, or the live key's account, of a SID; null when there is none or the key is revoked. */
export async function findCredential(database: Database, sid: string): Promise<Credential | null> {
  const { rows } = await database.query<{
    id: number;
    sid: string;
    created_at: Date;
    secret_hash: Buffer;
  }>(
    `select id, sid, created_at, token_hash as secret_hash from account where sid = $1
     union all
     select a.id, a.sid, a.created_at, k.secret_hash from api_key k join account a on a.id = k.account_id
     where k.sid = $1 and k.revoked_at is null`,
    [sid],
  );
  const row = rows[0];
  if (row === undefined) return null;
  return {
    account: { id: row.id, sid: row.sid, createdAt: row.created_at },
    secretHash: row.secret_hash,
  };
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

/** Makes a key for an account; resolves with false when there is no such account. */
export async function createApiKey(
  database: Database,
  key: {
    readonly accountSid: string;
    readonly sid: string;
    readonly secretHash: Buffer;
    readonly name: string | null;
  },
): Promise<boolean> {
  const { rowCount } = await database.query(
    `insert into api_key (sid, account_id, name, secret_hash)
     select $2, id, $4, $3 from account where sid = $1`,
    [key.accountSid, key.sid, key.secretHash, key.name],
  );
  return rowCount === 1;
}

/** Keys of all accounts or of one, oldest first, revoked ones included. */
export async function listApiKeys(
  database: Database,
  accountSid: string | null,
): Promise<ApiKey[]> {
  const { rows } = await database.query<{
    sid: string;
    account_sid: string;
    name: string | null;
    created_at: Date;
    revoked_at: Date | null;
  }>(
    `select k.sid, a.sid as account_sid, k.name, k.created_at, k.revoked_at
     from api_key k join account a on a.id = k.account_id
     where $1::text is null or a.sid = $1 order by k.created_at, k.sid`,
    [accountSid],
  );
  return rows.map((row) => ({
    sid: row.sid,
    accountSid: row.account_sid,
    name: row.name,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
  }));
}

/** Revokes a key for good; resolves with false when there is none or it is revoked already. */
export async function revokeApiKey(database: Database, sid: string): Promise<boolean> {
  const { rowCount } = await database.query(
    'update api_key set revoked_at = now() where sid = $1 and revoked_at is null',
    [sid],
  );
  return rowCount === 1;
}
