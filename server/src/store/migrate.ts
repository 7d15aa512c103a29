/**
 * Migrations: plain SQL files, applied in the order of their names, each in one transaction with
 * its record. When several nodes start at once, one migrates and the others wait. A schema that is
 * newer than this program is refused, because an old program cannot know what it may write. So is a
 * schema whose migrations differ from the files of the same names. A migration waits for locks only
 * briefly, so it does not block others for long.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable } from './database-error.ts';
import { answeredIn, type Database } from './database.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);
/** PostgreSQL 15 is the oldest version with all features that the statements use. */
const SERVER_VERSION_MIN = 150_000;
/** Any number; the same in all nodes. */
const LOCK = 4_203_911;

/** The database cannot serve this version of Fanfare; the message gives the reason and the action to take. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/** A migration waits this long for a lock, since all others wait behind it. Then it pauses and tries again, this often. */
const LOCK_TIMEOUT_MS = 5_000;
const LOCK_TRIES_MAX = 60;
const LOCK_BACKOFF_MS = 1_000;
/** Maximum duration of a migration. Keep-alives find a dead connection earlier. */
const PATIENCE_MS = 7 * 86_400_000;

/** A migration of this program. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of `sql`, as hex. */
  readonly digest: string;
}

/** All migrations, in the order in which they are applied. */
export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, FOLDER), 'utf8');
      return { name, sql, digest: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** Updates the schema. Resolves with the names of the applied migrations. Rejects with `SchemaError` if it is impossible. */
export async function migrate(database: Database): Promise<readonly string[]> {
  const migrations = await readMigrations();
  await refuseOldServer(database);
  for (let tries = 1; ; tries += 1) {
    try {
      return await migrateNow(database, migrations);
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (tries >= LOCK_TRIES_MAX)
        throw new SchemaError(
          'The schema cannot be updated because a transaction holds a lock on its tables. Find it with pg_stat_activity and pg_locks, then start again.',
        );
      await sleep(LOCK_BACKOFF_MS);
    }
  }
}

/** SQLSTATE 55P03, lock_not_available. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof DatabaseUnavailable && error.code === '55P03';
}

async function migrateNow(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  return database.transact(async (client) => {
    // Another node's migration may take long, and so may this one.
    await client.query('set local statement_timeout = 0');
    await client.query(answeredIn(PATIENCE_MS, `select pg_advisory_xact_lock(${LOCK})`));
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(`create table if not exists migration (
      name text primary key, digest text not null, applied_at timestamptz not null default now())`);
    // Pre-release versions recorded no digest.
    const { rows } = await client.query<{ name: string; digest: string | null }>(
      `select name, to_jsonb(m) ->> 'digest' as digest from migration m order by name`,
    );
    const applied = new Map(rows.map(({ name, digest }) => [name, digest]));
    const changed = migrations.find(
      ({ name, digest }) => applied.has(name) && applied.get(name) !== digest,
    );
    if (changed !== undefined || rows.some(({ digest }) => digest === null))
      throw new SchemaError(
        'The database has the schema of a pre-release version of Fanfare, which cannot be upgraded. Set DATABASE_URL to an empty database, or dataDir to an empty folder.',
      );
    const unknown = [...applied.keys()].filter(
      (name) => !migrations.some((each) => each.name === name),
    );
    if (unknown.length > 0)
      throw new SchemaError(
        `The database was migrated by a newer Fanfare (${unknown.join(', ')}). Start that version or a later one on it.`,
      );
    const missing = migrations.filter((each) => !applied.has(each.name));
    for (const { name, sql, digest } of missing) {
      await client.query(answeredIn(PATIENCE_MS, sql));
      await client.query('insert into migration (name, digest) values ($1, $2)', [name, digest]);
    }
    return missing.map((each) => each.name);
  });
}

async function refuseOldServer(database: Database): Promise<void> {
  const { rows } = await database.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as version`,
  );
  const server = rows[0];
  if (server !== undefined && server.number < SERVER_VERSION_MIN)
    throw new SchemaError(
      `PostgreSQL ${server.version} is too old. Fanfare needs version 15 or later; set DATABASE_URL to such a server.`,
    );
}
