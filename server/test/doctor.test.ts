import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  decodeTypeId,
  encodeTypeId,
  messageUuid,
  newOperationUuid,
  newUuid,
} from '../src/domain/ids.ts';
import { acceptInChunks } from './support/accepted.ts';
import { runCommand } from './support/command-host.ts';
import {
  ALL_ROLES,
  QUICK,
  recipients,
  runProgram,
  SID,
  smsOnly,
  special,
  startFanfare,
  text,
  until,
  useFanfare,
  type Fanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { runs } from './support/runs.ts';

async function examine(
  fanfare: FanfareClient,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number | null; found: Json[]; checks: string[] }> {
  // Options of Node.js concern a process of its own.
  const run = 'NODE_OPTIONS' in env ? runProgram : runCommand;
  const { code, out, err } = await run(
    ['doctor', '--json', '--patience', '5s', '-c', join(fanfare.folder, 'config.json'), ...args],
    { DATABASE_URL: fanfare.databaseUrl, ...env },
  );
  expect(err).toBe('');
  const { healthy, findings } = JSON.parse(out) as { healthy: boolean; findings: Json[] };
  expect([healthy, code]).toEqual(findings.length === 0 ? [true, 0] : [false, 1]);
  return {
    code,
    found: findings,
    checks: [...new Set(findings.map((each) => each['check']))].toSorted(),
  };
}

const uuidOf = (id: string) => decodeTypeId('comms_operation', id) ?? '';

/** A subscription that nobody answers for. */
async function subscribe(
  sql: (words: string, ...values: unknown[]) => Promise<pg.QueryResult>,
  status: string,
  reason: string | null,
): Promise<string> {
  const id = newUuid(Date.now());
  await sql(
    `insert into subscription (account_id, id, kind, target, types, names, batch_size, batch_delay_ms, secret, status, reason)
     values (1, $1, 'WEBHOOK', 'https://127.0.0.1:1/', '{*}', '{}', 1, 0, 'whsec_AAAA', $2, $3)`,
    id,
    status,
    reason,
  );
  return id;
}

/** A paused operation, with all that belongs to it still in the queue. */
async function sendPaused(fanfare: Fanfare, count: number): Promise<string> {
  const id = await fanfare.send({
    to: recipients(count),
    content: text('Hi'),
    schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    ...smsOnly,
  });
  await fanfare.request('POST', `/v1/Messages/Operations/${id}/Pause`);
  // Its time comes when it is paused, not before.
  await fanfare.database.query('update dispatch_batch set due_at = now() where operation_id = $1', [
    uuidOf(id),
  ]);
  await fanfare.watch(id, ({ stats }) => stats.queued === count);
  return id;
}

describe('a healthy server', () => {
  it(
    'is found so in mid-send, with everything that may happen to a message',
    { tags: ['property'], timeout: 120_000 },
    async () => {
      const fanfare = await startFanfare({
        config: {
          roles: ALL_ROLES,
          retry: { triesMax: 3, delayMs: 50 },
          carriers: {
            simulator: {
              windowMax: 20,
              // Slow: it is in mid-send for longer than anybody looks.
              answerDelayMs: { min: 60, max: 180 },
              receiptDelayMs: { min: 0, max: 200 },
              failureRate: 0.1,
              undeliveredRate: 0.1,
            },
          },
        },
      });
      const ids: string[] = [];
      for (let i = 0; i < 6; i += 1)
        ids.push(
          await fanfare.send({
            to: [...recipients(1_500, i * 1_500), ...[1, 2, 3, 4, 5, 6, 7, 8].map(special)],
            content: text('Hi'),
          }),
        );
      await fanfare.request('POST', `/v1/Messages/Operations/${ids[5]}/Cancel`);
      for (let i = 0; i < runs(2, 3); i += 1)
        expect((await examine(fanfare, ['--patience', '5m'])).found).toEqual([]);
      const busy = await fanfare.operation(ids[4] ?? '');
      expect(busy['status']).toBe('PROCESSING');
    },
  );
});

describe('a database that was damaged', () => {
  it('is examined in every part, repaired where that is safe, and found well afterwards', async () => {
    const fanfare = await startFanfare({ config: { roles: ALL_ROLES } });
    const done = await fanfare.send({ to: recipients(3), content: text('Hi'), ...smsOnly });
    const still = await fanfare.send({ to: recipients(3), content: text('Hi'), ...smsOnly });
    for (const id of [done, still]) await fanfare.watch(id, ({ stats }) => stats.delivered === 3);
    const later = await fanfare.send({
      to: recipients(4),
      content: text('Hi'),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const [lost, leased, strange] = await Promise.all([
      sendPaused(fanfare, 5),
      sendPaused(fanfare, 6),
      sendPaused(fanfare, 7),
    ]);
    await fanfare.terminate();
    expect((await examine(fanfare)).found).toEqual([]);

    const sql = (words: string, ...values: unknown[]) => fanfare.database.query(words, values);
    const day = (ahead: number) =>
      new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
    await sql(
      'update operation set total = 4, recipients = 4, attempts = 9, queued = 1 where id = $1',
      uuidOf(done),
    );
    await sql(`update operation set status = 'PROCESSING' where id = $1`, uuidOf(still));
    await sql('delete from dispatch_batch where operation_id = any($1)', [
      uuidOf(later),
      uuidOf(lost),
    ]);
    const batch = `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, due_at, ordinals)
      select 1, $1, 'simulator', 0, 1, false, now() - interval '1 hour', '{0,1}'`;
    await sql(batch, uuidOf(done));
    await sql(batch, newOperationUuid(Date.now()));
    await sql('update operation set paused_at = null where id = $1', uuidOf(leased));
    await sql(
      `update dispatch_batch set leased_by = 'gone', leased_until = now() - interval '1 hour' where operation_id = $1`,
      uuidOf(leased),
    );
    await sql(
      `update dispatch_batch set carrier = 'gone' where operation_id = $1`,
      uuidOf(strange),
    );
    await sql(
      `insert into parked_receipt select 1, id, 1, 'DELIVERED', null, null, now() - interval '1 hour' from
         (select gen_random_uuid() as id union all (select id from message where status = 'QUEUED' limit 1)) as m`,
    );
    await sql(
      `insert into parked_carrier_receipt (carrier, provider_ids, status, tries, due_at) values
         ('simulator', '{x}', 'DELIVERED', 9, now() + interval '1 hour'),
         ('simulator', '{y}', 'DELIVERED', 1, now() - interval '1 hour')`,
    );
    await sql(
      `insert into inbound_message (account_id, id, channel, carrier, sender_id, from_address, to_address, text, keyword, reply)
       select 1, $1, 'SMS', 'simulator', id, '+15005560000', address, 'STOP', 'STOP', 'Bye' from sender where channel = 'SMS'`,
      messageUuid(newOperationUuid(Date.now() - 60_000), 0),
    );
    // Subscriptions: of three that something is due for one waits behind a try to come and one rests; of two that are disabled
    // one is so by its owner. And outbox events that no node routes.
    const due = `insert into event_delivery (account_id, subscription_id, event_id, subject_id, tries, due_at)
      select 1, $1, uuid_floor(now() + $2 * interval '1 second'), $3, $4, now() + $5 * interval '1 hour'`;
    const about = newOperationUuid(Date.now());
    const forgotten = await subscribe(sql, 'ENABLED', null);
    await sql(due, forgotten, 0, about, 0, -1);
    const behind = await subscribe(sql, 'ENABLED', null);
    await sql(due, behind, 0, about, 1, 1);
    await sql(due, behind, 1, about, 0, -1);
    const resting = await subscribe(sql, 'ENABLED', null);
    await sql(due, resting, 0, about, 0, -1);
    await sql(
      `update subscription set backoff_until = now() + interval '1 minute' where id = $1`,
      resting,
    );
    const gone = await subscribe(sql, 'DISABLED', 'It answered 410 Gone.');
    await subscribe(sql, 'DISABLED', null);
    await sql(
      `insert into event_outbox (account_id, subject_id, name, at) values (1, $1, 'operation.completed', now() - interval '1 hour')`,
      about,
    );
    await sql(`update quota_usage set used = used + 7 where resource = 'subscription'`);
    await sql(`drop table message_${day(2)}`);
    await sql(`drop table inbound_message_${day(1)}`);
    await sql('drop index dispatch_batch_operation');
    await sql(
      `update pg_index set indisvalid = false where indexrelid = 'idempotency_key_expiry'::regclass`,
    );
    await sql(`alter table suppression drop constraint suppression_pkey`);
    const today = `message_${day(0)}`;
    await sql(`alter table ${today} set (autovacuum_enabled = false)`);
    await sql(
      `insert into message (account_id, channel, address_channel, id, address)
       select 9, 'SMS', 'PHONE', uuid_floor($1::timestamptz + n * interval '1 millisecond'), 'x' from generate_series(1, 110000) n`,
      new Date(new Date().setUTCHours(0, 0, 0, 0)),
    );
    await sql('delete from message where account_id = 9');
    await sql('select pg_stat_force_next_flush()');
    const idle = new pg.Client({ connectionString: fanfare.databaseUrl, application_name: 'idle' });
    await idle.connect();
    onTestFinished(() => idle.end());
    await idle.query('begin');
    await idle.query('select txid_current()');
    await sleep(1_100);

    const before = await examine(fanfare, ['--patience', '1s']);
    const at = (check: string) => before.found.filter((each) => each['check'] === check);
    expect(before.checks.join(' ')).toBe(
      'batches carriers counters inbound indexes leases orphans overdue partitions quotas receipts status subscriptions transactions vacuum',
    );
    expect(at('subscriptions').map(({ where, what }) => [where, what])).toEqual([
      [
        encodeTypeId('comms_subscription', gone),
        expect.stringContaining(`${SID}: It answered 410`),
      ],
      ['event_delivery', 'Deliveries to 1 subscription due for up to 60 min.'],
      [
        'event_outbox',
        expect.stringMatching(/^\d+ outbox events? not in the event log for up to 60 min\.$/),
      ],
    ]);
    expect(at('quotas')).toMatchObject([
      { where: SID, what: expect.stringContaining('Wrong counts: subscription.') },
    ]);
    expect(at('counters')).toMatchObject([
      { where: done, what: expect.stringContaining('attempts is 9, counted 3') },
    ]);
    expect(at('status')).toMatchObject([{ where: still }]);
    expect(
      at('orphans')
        .map((each) => each['where'])
        .toSorted(),
    ).toEqual([later, lost].toSorted());
    expect(at('batches')).toHaveLength(2);
    expect(at('receipts')).toHaveLength(4);
    expect(at('partitions')).toHaveLength(2);
    expect(
      at('indexes')
        .map((each) => each['where'])
        .toSorted(),
    ).toEqual(['dispatch_batch_operation', 'idempotency_key_expiry', 'suppression (primary key)']);
    expect(at('transactions')[0]?.['what']).toContain('idle in transaction (idle)');

    const shown = await runCommand(
      ['doctor', '--patience', '1s', '-c', join(fanfare.folder, 'config.json')],
      { DATABASE_URL: fanfare.databaseUrl },
    );
    expect(shown.code).toBe(1);
    for (const each of before.found)
      expect(shown.out).toContain(`${each['check']}  ${each['where']}\n`);
    expect(shown.out).toContain(`${before.found.length} finding`);

    const repaired = await examine(fanfare, ['--repair']);
    expect(repaired.found.filter((each) => each['repaired'] !== null).length).toBeGreaterThan(7);
    // Old enough for those who are patient, however quick this machine is.
    await until(async () => {
      const { rowCount } = await fanfare.database.query(
        `select from pg_stat_activity where application_name = 'idle' and xact_start < now() - interval '5 s'`,
      );
      return rowCount === 1;
    });
    const rest = await examine(fanfare, ['--repair']);
    expect(rest.checks).toEqual(
      'carriers inbound indexes leases receipts subscriptions transactions vacuum'.split(' '),
    );
    await idle.query('commit');
    await sql('create index dispatch_batch_operation on dispatch_batch (account_id, operation_id)');
    await sql(
      `update pg_index set indisvalid = true where indexrelid = 'idempotency_key_expiry'::regclass`,
    );
    await sql('alter table suppression add primary key (account_id, id)');
    await sql(`vacuum ${today}`);
    await sql(`update dispatch_batch set carrier = 'simulator' where carrier = 'gone'`);
    await sql('delete from parked_carrier_receipt where tries = 9');
    await sql('delete from subscription');
    // A server does the rest: leases, answers, parked receipts.
    await fanfare.restart();
    for (const id of [lost, strange])
      await fanfare.request('POST', `/v1/Messages/Operations/${id}/Resume`);
    const last = await fanfare.watch(lost, ({ status }) => status === 'COMPLETED');
    // Messages that may have been submitted with its lost batch are not sent again.
    expect(last['stats'].undelivered + last['stats'].delivered).toBe(5);
    expect(last['stats'].undelivered).toBeGreaterThanOrEqual(4);
    for (const id of [leased, strange])
      await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    expect((await fanfare.operation(later))['stats'].scheduled).toBe(4);
    expect((await fanfare.operation(done))['stats']).toMatchObject({ total: 3, attempts: 3 });
    expect((await fanfare.operation(still))['status']).toBe('COMPLETED');
    await fanfare.database.query('delete from parked_carrier_receipt');
    expect((await examine(fanfare)).found).toEqual([]);
  }, 180_000);

  it('is not looked at where its schema is behind, and nothing is migrated', async () => {
    const fanfare = await useFanfare({ config: { roles: ALL_ROLES } });
    const { rows } = await fanfare.database.query(
      'delete from migration where name = (select max(name) from migration) returning *',
    );
    onTestFinished(async () => {
      await fanfare.database.query(
        'insert into migration select * from json_populate_record(null::migration, $1)',
        [JSON.stringify(rows[0])],
      );
    });
    const { found } = await examine(fanfare);
    expect(found).toMatchObject([
      { check: 'migrations', what: expect.stringContaining(rows[0].name) },
    ]);
    expect(
      (await fanfare.database.query('select 1 from migration where name = $1', [rows[0].name]))
        .rowCount,
    ).toBe(0);
  }, 60_000);
});

describe('tasks of operations', () => {
  it('are found when no node does their steps, and done; their messages are no orphans', async () => {
    const fanfare = await startFanfare({ config: { roles: ['api', 'events'] } });
    const { database } = fanfare;
    const later = new Date(Date.now() + 3_600_000);
    const [stuck, stray, gone] = [
      await acceptInChunks(fanfare, { count: 600, chunkMax: 100, sendAt: later }),
      await acceptInChunks(fanfare, { count: 600, chunkMax: 100, sendAt: later }),
      await acceptInChunks(fanfare, { count: 600, chunkMax: 100, state: 'ABANDONED' }),
    ];
    expect((await examine(fanfare)).found).toEqual([]);
    await database.query(
      `update operation_task set updated_at = now() - interval '1 hour' where operation_id = $1`,
      [uuidOf(stuck)],
    );
    await database.query('delete from operation_task where operation_id = any($1)', [
      [uuidOf(stray), uuidOf(gone)],
    ]);
    const { found, checks } = await examine(fanfare);
    expect(checks).toEqual(['tasks']);
    expect(found.map(({ where }) => where)).toEqual([stuck, 'operation_chunk']);
    const { found: repaired } = await examine(fanfare, ['--repair']);
    expect(repaired.map((each) => each['repaired'])).toEqual(['Did all steps.', 'Added 2 tasks.']);
    await database.query(`update operation_task set updated_at = now() - interval '1 hour'`);
    expect((await examine(fanfare, ['--repair'])).found).toHaveLength(2);
    expect((await examine(fanfare)).found).toEqual([]);
    const { rows } = await database.query(
      `select operation_id as id, sum(cardinality(ordinals))::int as n from dispatch_batch group by 1 order by 1`,
    );
    expect(rows).toEqual([stuck, stray].map((id) => ({ id: uuidOf(id), n: 600 })));
    const { rows: left } = await database.query(
      `select count(*)::int as n from message where operation_of(id) = $1`,
      [uuidOf(gone)],
    );
    expect(left[0].n).toBe(0);
  }, 60_000);
});

describe('messages that lost their batch in mid-send', () => {
  it('are not sent twice when they are repaired beside a running server', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fanfare-doctor-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const journalFile = join(folder, 'journal.ndjson');
    const fanfare = await startFanfare({
      config: {
        roles: ALL_ROLES,
        dispatch: { leaseMs: 2_000 },
        carriers: {
          simulator: { ...QUICK, journalFile, windowMax: 20, answerDelayMs: { min: 40, max: 120 } },
        },
      },
    });
    const readJournal = async () =>
      (await readFile(journalFile, 'utf8')).split('\n').filter(Boolean);
    const id = await fanfare.send({ to: recipients(1_500), content: text('Hi'), ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.attempts > 100);
    await fanfare.database.query('delete from dispatch_batch');
    // What was at work notices that its lease is lost.
    let handed = (await readJournal()).length;
    await until(async () => {
      await sleep(1_000);
      const before = handed;
      handed = (await readJournal()).length;
      return handed === before;
    });
    expect(handed).toBeLessThan(1_500);
    const [first, second] = await Promise.all([
      examine(fanfare, ['--repair']),
      examine(fanfare, ['--repair']),
    ]);
    expect([...first.checks, ...second.checks]).toContain('orphans');
    const { stats } = await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    expect(stats.undelivered).toBeGreaterThan(0);
    const sent = (await readJournal()).map((line) => (JSON.parse(line) as Json)['to']);
    expect(new Set(sent).size).toBe(sent.length);
    expect((await examine(fanfare)).found).toEqual([]);
  }, 120_000);
});

describe('a machine that is wrong', () => {
  it('shows its clock, and when it cannot look', async () => {
    const fanfare = await useFanfare({ config: { roles: ALL_ROLES } });
    const ahead =
      'data:text/javascript,const now = Date.now; Date.now = () => now() + 60_000'.replaceAll(
        ' ',
        '%20',
      );
    // Less by what the database took to answer.
    const { found } = await examine(fanfare, [], { NODE_OPTIONS: `--import ${ahead}` });
    expect(found).toMatchObject([
      { check: 'clock', what: expect.stringMatching(/ [3-6]\d s apart/) },
    ]);

    const look = (env: Record<string, string>, ...args: string[]) =>
      runCommand(['doctor', ...args], env, fanfare.folder);
    const nowhere = await look({ DATABASE_URL: 'postgres://x:y@127.0.0.1:1/z' });
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringContaining('does not answer')]);
    const none = await look({ FANFARE_DATA_DIR: join(fanfare.folder, 'none') });
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('no database')]);
    const empty = new URL(fanfare.databaseUrl);
    empty.pathname = '/postgres';
    const foreign = await look({ DATABASE_URL: empty.href });
    expect([foreign.code, foreign.err]).toEqual([2, expect.stringContaining('never been started')]);
    const env = { DATABASE_URL: fanfare.databaseUrl };
    expect((await look(env, '--since', 'yesterday')).code).toBe(2);
    expect((await look(env, '--operation', 'x')).code).toBe(2);
    expect((await look(env, '--since', '7d')).out).toBe('All is well.\n');
  }, 60_000);
});
