/**
 * Checks the database itself: clock, schema, partitions, indexes, vacuum, long transactions, disk.
 */
import { statfs } from 'node:fs/promises';
import type { Database } from '../database.ts';
import { readMigrations, SchemaError } from '../migrate.ts';
import { ensurePartitions } from '../partitions.ts';
import { describeAge, type AuditScope, type Check, type Finding } from './finding.ts';

/** A clock that is further off makes schedules, leases and ids questionable. */
const SKEW_MAX_MS = 2_000;
/** Days that must be there ahead: maintenance makes three, so one short is no fault yet. */
const DAYS_NEEDED = 2;
const DAY_MS = 86_400_000;
/** Dead rows of a table that vacuum should long have taken: this share of it, and this many at least. */
const DEAD_SHARE = 0.3;
const DEAD_MIN = 100_000;
/** Transaction ids in use at which PostgreSQL's own warnings are still far away. */
const AGE_MAX = 1_000_000_000;
const FREE_MIN_BYTES = 2 ** 30;
const FREE_MIN_SHARE = 0.05;

const finding = (
  check: Check,
  where: string,
  what: string,
  advice: string,
  repair: Finding['repair'] = null,
): Finding => ({ check, where, what, advice, repair });

/** Migrations that are not applied. @throws SchemaError when the database is not Fanfare's, or a newer one's. */
export async function auditMigrations(database: Database): Promise<Finding[]> {
  const known = await database.query<{ known: boolean }>(
    `select to_regclass('migration') is not null and to_regclass('operation') is not null as known`,
  );
  if (!known.rows[0]?.known)
    throw new SchemaError(
      'Fanfare has never been started on this database. Check DATABASE_URL and FANFARE_DATA_DIR.',
    );
  const { rows } = await database.query<{ name: string }>('select name from migration');
  const applied = rows.map((row) => row.name);
  const names = (await readMigrations()).map(({ name }) => name);
  const unknown = applied.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new SchemaError(
      `The database was migrated by a newer Fanfare (${unknown.join(', ')}). Run the doctor of that version.`,
    );
  const missing = names.filter((name) => !applied.includes(name));
  if (missing.length === 0) return [];
  return [
    finding(
      'migrations',
      'migration',
      `Not applied: ${missing.join(', ')}. Only the database itself was checked.`,
      'Start the server, which applies them first.',
    ),
  ];
}

/** How far the clock of this machine is from the database's. */
export async function auditClock(database: Database): Promise<Finding[]> {
  const before = Date.now();
  const { rows } = await database.query<{ now: number }>(
    'select extract(epoch from clock_timestamp())::float * 1000 as now',
  );
  const after = Date.now();
  const skewMs = Math.max(before - (rows[0]?.now ?? before), (rows[0]?.now ?? after) - after);
  if (skewMs <= SKEW_MAX_MS) return [];
  return [
    finding(
      'clock',
      'clock',
      `The clocks of this machine and of the database are ${describeAge(skewMs / 1000)} apart.`,
      'Synchronize both clocks with NTP.',
    ),
  ];
}

/** Days that messages will need soon. */
export async function auditPartitions(database: Database): Promise<Finding[]> {
  const days = Array.from({ length: DAYS_NEEDED + 1 }, (_, i) =>
    new Date(Date.now() + i * DAY_MS).toISOString().slice(0, 10).replaceAll('-', ''),
  );
  const { rows } = await database.query<{ name: string; exists: boolean }>(
    `select c.relname || '_' || day as name, to_regclass(c.relname || '_' || day) is not null as exists
     from pg_partitioned_table p join pg_class c on c.oid = p.partrelid cross join unnest($1::text[]) as day
     where c.relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass)
       and not exists (select 1 from pg_inherits i
         where i.inhparent = c.oid and i.inhrelid = to_regclass(c.relname || '_' || day))
     order by 1`,
    [days],
  );
  return rows.map(({ name, exists }) =>
    exists
      ? finding(
          'partitions',
          name,
          'The table of this day exists but is not attached.',
          'A detach or a restore was interrupted. Check its contents, then drop it, or attach it with "alter table … attach partition".',
        )
      : finding(
          'partitions',
          name,
          'The table of this day is missing. Requests on that day would fail.',
          '--repair creates it. A running server does this every 10 minutes: check that one is running, and its log.',
          async () => {
            await ensurePartitions(database, new Date());
            return 'Created the tables of the next days.';
          },
        ),
  );
}

/** Invalid indexes, and missing ones: indexes that migrations created, also on the table of a day. */
export async function auditIndexes(database: Database): Promise<Finding[]> {
  const wanted = await readIndexes();
  const missing = await database.query<{ name: string }>(
    `select name from unnest($1::text[]) as name where to_regclass(name) is null
     union all
     select c.relname || ' (primary key)' from pg_class c
     where c.relkind in ('r', 'p') and c.relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass)
       and c.relname = any($2::text[])
       and not exists (select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)
     order by 1`,
    [[...wanted.keys()], await readTables()],
  );
  const broken = await database.query<{ name: string }>(
    `select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
     where not (i.indisvalid and i.indisready)
       and c.relnamespace = (select relnamespace from pg_class where oid = 'message'::regclass) order by 1`,
  );
  return [
    ...missing.rows.map(({ name }) =>
      finding(
        'indexes',
        name,
        'This index is missing.',
        `Create it at a quiet time: ${wanted.get(name) ?? 'alter table … add primary key, as in the migrations'};`,
      ),
    ),
    ...broken.rows.map(({ name }) =>
      finding(
        'indexes',
        name,
        'This index is not valid: it costs time and is not used.',
        `reindex index concurrently ${name};`,
      ),
    ),
  ];
}

/** The migrations' statements that create indexes, by name, except for indexes that a later migration drops. */
async function readIndexes(): Promise<Map<string, string>> {
  const indexes = new Map<string, string>();
  for (const { sql } of await readMigrations())
    for (const [statement, created, dropped] of sql.matchAll(
      /^create index (\w+)[^;]*|^drop index (\w+)/gm,
    ))
      if (created !== undefined) indexes.set(created, statement.replaceAll(/\s+/g, ' '));
      else indexes.delete(dropped ?? '');
  return indexes;
}

async function readTables(): Promise<string[]> {
  return (await readMigrations()).flatMap(({ sql }) =>
    [...sql.matchAll(/^create table (\w+)/gm)].map(([, name = '']) => name),
  );
}

/** Whether vacuum keeps up. */
export async function auditVacuum(database: Database): Promise<Finding[]> {
  const { rows } = await database.query<{ name: string; dead: number; live: number }>(
    `select relname as name, n_dead_tup::int as dead, n_live_tup::int as live from pg_stat_user_tables
     where n_dead_tup >= ${DEAD_MIN} and n_dead_tup > ${DEAD_SHARE} * (n_live_tup + n_dead_tup) order by 1`,
  );
  const { rows: settings } = await database.query<{ off: boolean; age: number }>(
    `select current_setting('autovacuum') = 'off' as off, age(datfrozenxid) as age from pg_database
     where datname = current_database()`,
  );
  const { off = false, age = 0 } = settings[0] ?? {};
  return [
    ...rows.map(({ name, dead, live }) =>
      finding(
        'vacuum',
        name,
        `${dead} dead rows and ${live} live rows: vacuum does not keep up.`,
        `Find what holds it back (long transactions), then run: vacuum analyze ${name};`,
      ),
    ),
    ...(off
      ? [finding('vacuum', 'autovacuum', 'Autovacuum is off.', 'Set autovacuum = on and reload.')]
      : []),
    ...(age > AGE_MAX
      ? [
          finding(
            'vacuum',
            'transaction ids',
            `${age} transactions since the oldest row that is not frozen.`,
            'Run "vacuum freeze", and find out why autovacuum does not.',
          ),
        ]
      : []),
  ];
}

/** Transactions, prepared ones, and slots of replicas that keep dead rows from being taken. */
export async function auditTransactions(
  database: Database,
  { patienceMs }: AuditScope,
): Promise<Finding[]> {
  const { rows } = await database.query<{ name: string; state: string; age: number; end: string }>(
    `select 'pid ' || pid as name, coalesce(state, '?') || ' (' || coalesce(nullif(application_name, ''), usename, '?') || ')' as state,
       extract(epoch from now() - xact_start)::float as age, format('select pg_terminate_backend(%s)', pid) as end
     from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and backend_type = 'client backend' and xact_start < now() - $1 * interval '1 millisecond'
     union all
     select 'prepared ' || gid, 'prepared', extract(epoch from now() - prepared)::float, format('rollback prepared %L', gid)
     from pg_prepared_xacts where database = current_database() and prepared < now() - $1 * interval '1 millisecond'
     union all
     select 'slot ' || slot_name, 'replication slot without a reader', 0, format('select pg_drop_replication_slot(%L)', slot_name)
     from pg_replication_slots where not active
     order by 1`,
    [patienceMs],
  );
  return rows.map(({ name, state, age, end }) =>
    finding(
      'transactions',
      name,
      `${state}${age > 0 ? `, open for ${describeAge(age)}` : ''}: it holds vacuum back.`,
      `Find out what it is for. If it is not needed, run: ${end};`,
    ),
  );
}

/** Room for the embedded database. The disk of another machine is not visible. */
export async function auditDisk({ folder }: AuditScope): Promise<Finding[]> {
  if (folder === null) return [];
  const { bavail, bsize, blocks } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= FREE_MIN_BYTES && bavail >= blocks * FREE_MIN_SHARE) return [];
  return [
    finding(
      'disk',
      folder,
      `Only ${Math.round(free / 2 ** 20)} MiB are free. PostgreSQL stops when the disk is full.`,
      'Free some space, lower retentionDays, or move the data directory while the server is stopped.',
    ),
  ];
}
