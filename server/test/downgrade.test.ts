/** The way back from a bad upgrade, with the programs that operators have: docs/operations.md, "Backup and restore". */
import { readdirSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { DEBIAN_POSTGRES, startDebianPostgres } from './support/debian-postgres.ts';
import { runCommand } from './support/command-host.ts';
import {
  launchFanfare,
  recipients,
  SID,
  smsOnly,
  startFanfare,
  text,
  TOKEN,
} from './support/fanfare.ts';

const MIGRATIONS = new URL('../migrations/', import.meta.url);
/** Of an older release: before subscriptions, whose migrations make tables and functions that a dump from before does not know. */
const OLD = readdirSync(MIGRATIONS)
  .filter((name) => name.endsWith('.sql') && name < '0007')
  .toSorted();

/** A database as an older Fanfare has left it. */
async function makeOld(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      'create table migration (name text primary key, digest text not null, applied_at timestamptz not null default now())',
    );
    for (const name of OLD) {
      const sql = readFileSync(new URL(name, MIGRATIONS), 'utf8');
      await client.query(sql);
      const digest = createHash('sha256').update(sql).digest('hex');
      await client.query('insert into migration (name, digest) values ($1, $2)', [name, digest]);
    }
    await client.query('insert into account (sid, token_hash) values ($1, $2)', [
      SID,
      createHash('sha256').update(TOKEN).digest(),
    ]);
    await client.query(
      `insert into suppression (account_id, id, address)
       select id, '0192f0a0-aaaa-7bcd-9e01-234500000012', '+15005550199' from account`,
    );
  } finally {
    await client.end();
  }
}

it.skipIf(DEBIAN_POSTGRES === null)(
  'leads from a dump of the older schema to a database that starts',
  async () => {
    const postgres = await startDebianPostgres();
    onTestFinished(() => postgres.stop());
    await postgres.run('createdb', 'fanfare');
    await makeOld(postgres.urlOf('fanfare'));
    const dump = join(postgres.folder, 'fanfare.dump');
    await postgres.run('pg_dump', '--format=custom', '-f', dump, 'fanfare');

    const upgraded = await launchFanfare({ env: { DATABASE_URL: postgres.urlOf('fanfare') } });
    const since = await upgraded.send({ to: recipients(3), content: text('Hi'), ...smsOnly });
    await upgraded.watch(since, ({ status }) => status === 'COMPLETED');
    await upgraded.database.query(
      `insert into migration (name, digest) values ('9999-later.sql', '')`,
    );
    await upgraded.stop();

    // The older program, which this one is to the migration that it does not know, refuses the newer schema.
    const older = await runCommand(['migrate'], { DATABASE_URL: postgres.urlOf('fanfare') });
    expect([older.code, older.err.split('\n').length]).toEqual([1, 2]);
    expect(older.err).toContain('9999-later.sql');
    // Over the newer database the dump does not fit: why the documents say a new one.
    const over = ['--clean', '--if-exists', '--exit-on-error', '-d', 'fanfare', dump];
    await expect(postgres.run('pg_restore', ...over)).rejects.toThrow(/pg_restore/);

    await postgres.run('createdb', 'fanfare_restored');
    await postgres.run(
      'pg_restore',
      '--exit-on-error',
      '--no-owner',
      '-d',
      'fanfare_restored',
      dump,
    );
    const env = { DATABASE_URL: postgres.urlOf('fanfare_restored') };
    const migrated = await runCommand(['migrate'], env);
    expect([migrated.code, migrated.err]).toEqual([0, '']);
    const doctor = await runCommand(['doctor', '--restored', '--json'], env);
    expect([doctor.code, JSON.parse(doctor.out)]).toMatchObject([0, { findings: [], inDoubt: 0 }]);
    const restored = await startFanfare({ env });
    const { body } = await restored.get('/v1/Suppressions');
    expect(body['suppressions']).toMatchObject([{ address: '+15005550199' }]);
    expect((await restored.get(`/v1/Messages/Operations/${since}`)).status).toBe(404);
    const again = await restored.send({ to: recipients(3), content: text('Hi'), ...smsOnly });
    await restored.watch(again, ({ status }) => status === 'COMPLETED');
  },
  120_000,
);
