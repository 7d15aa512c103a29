/** A backup from the middle of a send is restored after the send went on: nothing is sent twice unseen. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { runCommand } from './support/command-host.ts';
import {
  expectExact,
  recipients,
  smsOnly,
  startFanfare,
  text,
  until,
  type Fanfare,
} from './support/fanfare.ts';

const TOTAL = 1_000;

/** The database as it is at one moment, under another name; and back. Nobody may be connected. */
async function copyDatabase(fanfare: Fanfare, change: (name: string) => string[]): Promise<void> {
  const url = new URL(fanfare.databaseUrl);
  const name = url.pathname.slice(1);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()',
      [name],
    );
    await until(
      async () =>
        (await client.query('select 1 from pg_stat_activity where datname = $1', [name]))
          .rowCount === 0,
    );
    for (const statement of change(name)) await client.query(statement);
  } finally {
    await client.end();
  }
}

it('puts messages in doubt that may have been sent since the backup', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-restore-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const journalFile = join(folder, 'journal.ndjson');
  // Slow: when it is killed, most is still to be sent.
  const carrier = { journalFile, windowMax: 20, answerDelayMs: { min: 40, max: 120 } };
  const config = {
    carriers: { simulator: carrier },
    dispatch: { leaseMs: 2_000, batchesPerCarrierMax: 1, unsettledMax: 50 },
  };
  const fanfare = await startFanfare({ config });
  const doctor = (...args: string[]) =>
    runCommand(['doctor', '-c', join(fanfare.folder, 'config.json'), ...args], {
      DATABASE_URL: fanfare.databaseUrl,
    });
  const refused = await doctor('--restored');
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('A server uses this database (fanfare-');

  const request = { to: recipients(TOTAL), content: text('Hi'), ...smsOnly };
  const id = await fanfare.send(request);
  const later = await fanfare.send({
    ...request,
    to: recipients(5, TOTAL),
    schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
  });
  await fanfare.watch(id, ({ stats }) => stats.attempts > 50);
  await fanfare.kill();
  const backup = (name: string) => `${name}_backup`;
  onTestFinished(() =>
    copyDatabase(fanfare, (name) => [`drop database if exists "${backup(name)}"`]),
  );
  await copyDatabase(fanfare, (name) => [`create database "${backup(name)}" template "${name}"`]);
  await fanfare.restart();
  await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
  await fanfare.terminate();
  const sent = (await readFile(journalFile, 'utf8')).split('\n').filter(Boolean).length;

  await copyDatabase(fanfare, (name) => [
    `drop database "${name}"`,
    `create database "${name}" template "${backup(name)}"`,
  ]);
  const { code, out } = await doctor('--restored', '--json', '--patience', '1h');
  const { inDoubt, findings } = JSON.parse(out);
  expect([code, findings]).toEqual([0, []]);
  expect(inDoubt).toBeGreaterThan(0);
  await fanfare.restart();
  const last = await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
  expectExact(last);
  expect(last['stats'].undelivered).toBeGreaterThan(0);
  const errors = await fanfare.get(`/v1/Messages/Operations/${id}/Errors`);
  expect(errors.body['errors'][0]).toMatchObject({ code: 30050 });
  expect((await readFile(journalFile, 'utf8')).split('\n').filter(Boolean)).toHaveLength(sent);
  // What was not due yet is as it was.
  expect((await fanfare.operation(later))['stats']).toMatchObject({ scheduled: 5, attempts: 0 });
}, 90_000);
