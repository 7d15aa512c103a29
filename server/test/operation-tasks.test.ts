/**
 * Steps of operations: release, cancel, erasure and deletion in pieces. Each message is sent or canceled exactly once, and the
 * counters are exact, whoever does the steps and wherever they are interrupted.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import { cancelMessage, cancelOperation } from '../src/store/cancels.ts';
import { openDatabase, type Database } from '../src/store/database.ts';
import { eraseOperation } from '../src/store/erasure.ts';
import { stepTask, stepTaskOf } from '../src/store/operation-tasks.ts';
import { acceptInChunks } from './support/accepted.ts';
import {
  QUICK,
  startFanfare,
  until,
  useFanfare,
  type Fanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { startFaultyPostgres } from './support/faulty-postgres.ts';
import { runs } from './support/runs.ts';

const uuidOf = (id: string) => decodeTypeId('comms_operation', id) ?? '';
const ALONE = {
  after: 0,
  except: [],
  onFailed: (_: string, error: unknown) => expect(error).toBe(null),
};

async function rowsLeft({ database }: FanfareClient, id: string): Promise<Json> {
  const { rows } = await database.query(
    `select (select count(*)::int from operation_task where operation_id = $1) as tasks,
       (select count(*)::int from operation_chunk where operation_id = $1) as chunks,
       (select count(*)::int from dispatch_batch where operation_id = $1) as batches,
       (select count(*)::int from message where operation_of(id) = $1) as messages,
       (select count(*)::int from message where operation_of(id) = $1 and address <> '') as named,
       (select count(*)::int from unaddressable where operation_of(id) = $1) as unaddressable`,
    [uuidOf(id)],
  );
  return rows[0];
}

/** The messages of an operation by status, and its counters as they stand. */
async function expectCounted(fanfare: FanfareClient, id: string): Promise<Json> {
  // In one statement: receipts may still come.
  const { rows } = await fanfare.database.query(
    `select (select jsonb_object_agg(s, n) from (
         select lower(m.status::text) as s, count(*)::int as n from message m where operation_of(m.id) = o.id group by 1) c) as counted,
       jsonb_build_object('scheduled', scheduled, 'queued', queued, 'sent', sent, 'delivered', delivered, 'read', read,
         'undelivered', undelivered, 'failed', failed, 'canceled', canceled) as recorded
     from operation o where id = $1`,
    [uuidOf(id)],
  );
  const { counted, recorded } = rows[0] as Json;
  const some = Object.entries(recorded as Json).filter(([, count]) => count > 0);
  expect(Object.fromEntries(some)).toEqual(counted ?? {});
  return fanfare.operation(id);
}

/** References that the simulator has got, each once. */
async function submitted(fanfare: FanfareClient): Promise<string[]> {
  const journal = await readFile(join(fanfare.folder, 'journal.ndjson'), 'utf8').catch(() => '');
  const all = journal
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as Json)['reference']);
  expect(new Set(all).size).toBe(all.length);
  return all;
}

async function startJournaled(): Promise<Fanfare> {
  const fanfare = await startFanfare();
  await fanfare.terminate();
  await fanfare.restart({
    carriers: { simulator: { ...QUICK, journalFile: join(fanfare.folder, 'journal.ndjson') } },
  });
  return fanfare;
}

/** A server that neither sends nor does steps, and the database for those of the test. */
async function startStill(): Promise<{ fanfare: Fanfare; database: Database }> {
  const fanfare = await startFanfare({ config: { roles: ['api'] } });
  const database = openDatabase({ url: fanfare.databaseUrl, connectionsMax: 4, name: 'test' });
  onTestFinished(() => database.close());
  return { fanfare, database };
}

const isOver = ({ stats }: Json) => stats.delivered + stats.failed + stats.canceled === stats.total;
const cancel = (fanfare: FanfareClient, id: string) =>
  fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
const later = () => new Date(Date.now() + 3_600_000);

/** Does all steps that there are, by some steppers at once. */
async function stepAll(database: Database, steppers = 1): Promise<void> {
  const one = async () => {
    while ((await stepTask(database, ALONE)) !== null);
  };
  await Promise.all(Array.from({ length: steppers }, one));
}

/** Ordinals whose batches were released, from the events of the operation. */
async function queuedEvents({ database }: FanfareClient, id: string): Promise<number[]> {
  const { rows } = await database.query(
    `select unnest(ordinals) as ordinal from event_outbox where subject_id = $1 and name = 'message.queued'`,
    [uuidOf(id)],
  );
  return rows.map(({ ordinal }) => ordinal).toSorted((a: number, b: number) => a - b);
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a release', () => {
  it('sends each message once', async () => {
    const fanfare = await startJournaled();
    const id = await acceptInChunks(fanfare, { count: 2_500, chunkMax: 1_000, batchMax: 300 });
    await fanfare.watch(id, isOver);
    expect((await expectCounted(fanfare, id))['stats']).toMatchObject({
      delivered: 2_500,
      attempts: 2_500,
    });
    expect(await submitted(fanfare)).toHaveLength(2_500);
    expect(await queuedEvents(fanfare, id)).toEqual(numbers(2_500));
    await until(async () => (await rowsLeft(fanfare, id))['tasks'] === 0);
  }, 60_000);

  it('is by its number, one chunk in a step', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 900, chunkMax: 300, batchMax: 100 });
    for (const released of [300, 600, 900]) {
      expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('stepped');
      const { rows } = await fanfare.database.query(
        `select array_agg(o order by b.id) as ordinals from dispatch_batch b, unnest(ordinals) o where operation_id = $1`,
        [uuidOf(id)],
      );
      expect(rows[0].ordinals).toEqual(numbers(released));
    }
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('ended');
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('none');
  }, 60_000);

  it('keeps the time of sending, a pause and an expiry', async () => {
    const fanfare = await useFanfare();
    const soon = await acceptInChunks(fanfare, { count: 600, chunkMax: 200, sendAt: later() });
    const paused = await acceptInChunks(fanfare, { count: 600, chunkMax: 200, sendAt: later() });
    const expired = await acceptInChunks(fanfare, {
      count: 600,
      chunkMax: 200,
      expireAt: new Date(Date.now() - 1_000),
    });
    await fanfare.watch(expired, ({ stats }) => stats.failed === 600);
    await fanfare.request('POST', `/v1/Messages/Operations/${paused}/Pause`);
    for (const id of [soon, paused]) {
      await until(async () => (await rowsLeft(fanfare, id))['tasks'] === 0);
      expect((await expectCounted(fanfare, id))['stats']).toMatchObject({ scheduled: 600 });
      await fanfare.database.query(
        'update dispatch_batch set due_at = now() where operation_id = $1',
        [uuidOf(id)],
      );
    }
    await fanfare.watch(soon, ({ stats }) => stats.delivered === 600);
    await fanfare.watch(paused, ({ stats }) => stats.queued === 600);
    await fanfare.request('POST', `/v1/Messages/Operations/${paused}/Resume`);
    await fanfare.watch(paused, ({ stats }) => stats.delivered === 600);
    for (const id of [soon, paused, expired]) await expectCounted(fanfare, id);
  }, 60_000);

  it('goes on after a kill, and doubles nothing', async () => {
    const fanfare = await startJournaled();
    const id = await acceptInChunks(fanfare, { count: 6_000, chunkMax: 60, batchMax: 60 });
    await until(async () => (await rowsLeft(fanfare, id))['chunks'] < 90);
    await fanfare.kill();
    const { chunks } = await rowsLeft(fanfare, id);
    expect(chunks).toBeGreaterThan(0);
    await fanfare.restart();
    // The simulator forgets receipts when it is killed: some messages stay SENT.
    await fanfare.watch(id, ({ stats }) => stats.queued === 0);
    const { stats } = await expectCounted(fanfare, id);
    // What the killed server was submitting is in doubt.
    expect(stats.undelivered).toBeLessThanOrEqual(1_000);
    expect(await queuedEvents(fanfare, id)).toEqual(numbers(6_000));
    await submitted(fanfare);
    await until(async () => {
      const { tasks, batches } = await rowsLeft(fanfare, id);
      return tasks + batches === 0;
    });
  }, 120_000);

  it('that fails delays no other, and goes on when it can', async () => {
    const fanfare = await startFanfare();
    const { database } = fanfare;
    const bad = await acceptInChunks(fanfare, { count: 10, sendAt: later() });
    await until(async () => (await rowsLeft(fanfare, bad))['tasks'] === 0);
    await database.query(
      `create table refused (id uuid);
       create function refuse() returns trigger language plpgsql as $$ begin
         if new.operation_id in (select id from refused) then raise exception 'refused' using errcode = '23514'; end if;
         return new;
       end $$;
       create trigger refuse before insert on dispatch_batch for each row execute function refuse();
       create function refuse_it() returns trigger language plpgsql as $$ begin
         insert into refused select new.operation_id where not exists (select from refused);
         return new;
       end $$;
       create trigger refuse_it before insert on operation_task for each row execute function refuse_it();`,
    );
    const first = await acceptInChunks(fanfare, { count: 10 });
    const others = [
      await acceptInChunks(fanfare, { count: 600, chunkMax: 100 }),
      await acceptInChunks(fanfare, { count: 600, chunkMax: 100 }),
    ];
    for (const id of others) await fanfare.watch(id, isOver);
    expect(await rowsLeft(fanfare, first)).toMatchObject({ tasks: 1, chunks: 1, batches: 0 });
    const { body } = await fanfare.get('/metrics');
    expect(body['text']).toMatch(
      /fanfare_maintenance_failures_total\{task="operation-tasks"\} [1-9]/,
    );
    expect(fanfare.output() + fanfare.errors()).toContain('A step of an operation failed');
    await database.query('drop trigger refuse on dispatch_batch');
    await fanfare.watch(first, isOver);
  }, 60_000);
});

describe('a cancel', () => {
  it('of a large operation is done in pieces, and can be repeated', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 26_000, sendAt: later() });
    for (let i = 0; i < 3; i += 1) await stepTaskOf(database, 1, uuidOf(id));
    expect(await rowsLeft(fanfare, id)).toMatchObject({ chunks: 3, batches: 30 });
    expect(await cancelOperation(database, 1, uuidOf(id))).toBe('begun');
    const seen: number[] = [];
    while ((await stepTaskOf(database, 1, uuidOf(id))) !== 'none') {
      const { status, stats } = await expectCounted(fanfare, id);
      expect(status).toBe('CANCELED');
      seen.push(stats.canceled);
    }
    expect(seen).toEqual([5_000, 10_000, 11_000, 21_000, 26_000, 26_000]);
    for (let i = 0; i < 2; i += 1) {
      const { status, body } = await cancel(fanfare, id);
      expect([status, body['stats'].canceled]).toEqual([200, 26_000]);
    }
    expect(await rowsLeft(fanfare, id)).toMatchObject({ tasks: 0, chunks: 0, batches: 0 });
  }, 60_000);

  it('is finished by its request', async () => {
    const { fanfare } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 12_000 });
    expect((await cancel(fanfare, id)).body).toMatchObject({
      status: 'CANCELED',
      stats: { canceled: 12_000, queued: 0 },
    });
    expect(await rowsLeft(fanfare, id)).toMatchObject({ tasks: 0, chunks: 0, batches: 0 });
  }, 60_000);

  it('of a small operation needs no task, unless its batches are many', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 1_300, batchMax: 1 });
    while ((await stepTaskOf(database, 1, uuidOf(id))) !== 'none');
    expect(await cancelOperation(database, 1, uuidOf(id))).toBe('begun');
    expect((await expectCounted(fanfare, id))['stats'].canceled).toBe(500);
    await stepAll(database);
    expect((await expectCounted(fanfare, id))['stats'].canceled).toBe(1_300);
    const small = await acceptInChunks(fanfare, { count: 300, batchMax: 1 });
    while ((await stepTaskOf(database, 1, uuidOf(small))) !== 'none');
    expect(await cancelOperation(database, 1, uuidOf(small))).toBe('done');
    expect((await expectCounted(fanfare, small))['stats'].canceled).toBe(300);
  }, 60_000);

  it('of a message finds it in a chunk, or in the batch that the chunk becomes meanwhile', async () => {
    const { fanfare, database } = await startStill();
    const count = runs(40, 400);
    const id = await acceptInChunks(fanfare, { count, chunkMax: 2, batchMax: 2 });
    const all = numbers(count).filter((each) => each % 2 === 0);
    const one = all.map((each) => cancelMessage(database, 1, uuidOf(id), each));
    await Promise.all([stepAll(database), ...one]);
    await stepAll(database);
    const { stats } = await expectCounted(fanfare, id);
    expect(stats).toMatchObject({ canceled: all.length, queued: count - all.length });
    const { rows } = await fanfare.database.query(
      'select array_agg(o order by o) as ordinals from dispatch_batch, unnest(ordinals) o where operation_id = $1',
      [uuidOf(id)],
    );
    expect(rows[0].ordinals).toEqual(numbers(count).filter((each) => each % 2 === 1));
  }, 60_000);

  it('of all messages of a chunk leaves nothing to release', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 3, batchMax: 1 });
    for (const ordinal of [2, 0, 1, 1]) await cancelMessage(database, 1, uuidOf(id), ordinal);
    expect((await expectCounted(fanfare, id))['stats'].canceled).toBe(3);
    await stepAll(database, 2);
    expect(await rowsLeft(fanfare, id)).toMatchObject({ tasks: 0, chunks: 0, batches: 0 });
    expect(await queuedEvents(fanfare, id)).toEqual([]);
  }, 60_000);
});

describe('at any time', () => {
  it(
    'each message is either sent or canceled, and released at most once',
    async () => {
      const fanfare = await startJournaled();
      const database = openDatabase({
        url: fanfare.databaseUrl,
        connectionsMax: 4,
        name: 'test',
      });
      onTestFinished(() => database.close());
      const COUNT = 3_000;
      let sent = 0;
      for (let round = 0; round < runs(6, 60); round += 1) {
        const id = await acceptInChunks(fanfare, { count: COUNT, chunkMax: 250, batchMax: 50 });
        // Two nodes and the server.
        const steps = stepAll(database, 2);
        await until(async () => (await rowsLeft(fanfare, id))['chunks'] <= 11 - (round % 6) * 2);
        await Promise.all([
          cancel(fanfare, id),
          cancelMessage(database, 1, uuidOf(id), COUNT - 1 - round),
          cancel(fanfare, id),
        ]);
        await steps;
        await fanfare.watch(id, isOver);
        const { stats, status } = await expectCounted(fanfare, id);
        // The cancel of a single message does not cancel its operation.
        expect(stats.canceled).toBeGreaterThanOrEqual(status === 'CANCELED' ? 1 : 0);
        if (stats.canceled > 1) expect(status).toBe('CANCELED');
        sent += stats.delivered;
        expect(stats.attempts).toBe(stats.delivered);
        expect(await submitted(fanfare)).toHaveLength(sent);
        const released = await queuedEvents(fanfare, id);
        expect(new Set(released).size).toBe(released.length);
        await until(async () => {
          const left = await rowsLeft(fanfare, id);
          return left['tasks'] + left['chunks'] + left['batches'] === 0;
        });
      }
    },
    runs(120_000, 600_000),
  );

  it.each([
    ['errors', { kind: 'error', code: '57014' }],
    ['deadlocks', { kind: 'error', code: '40P01' }],
    ['answers lost after the commit', { kind: 'lost' }],
    ['connections reset', { kind: 'reset' }],
  ] as const)(
    'a statement may fail, by %s',
    async (_, fault) => {
      const { fanfare } = await startStill();
      const postgres = await startFaultyPostgres(fanfare.databaseUrl);
      const database = openDatabase({ url: postgres.url, connectionsMax: 4, name: 'test' });
      onTestFinished(async () => {
        await database.close();
        postgres.close();
      });
      const released = await acceptInChunks(fanfare, { count: 3_000, chunkMax: 200 });
      const canceled = await acceptInChunks(fanfare, { count: 3_000, chunkMax: 200 });
      const erased = await acceptInChunks(fanfare, { count: 12_000, chunkMax: 4_000 });
      const gone = await acceptInChunks(fanfare, { count: 12_000, state: 'RECEIVING' });
      await cancel(fanfare, erased);
      postgres.inject(fault, 9, 7);
      const patiently = <Value>(ask: () => Promise<Value>) =>
        until(
          () =>
            ask().then(
              (value) => ({ value }),
              () => null,
            ),
          60_000,
        );
      for (let i = 0; i < 4; i += 1)
        await patiently(() => stepTaskOf(database, 1, uuidOf(canceled)));
      await patiently(() => cancelOperation(database, 1, uuidOf(canceled)));
      await patiently(() => eraseOperation(database, 1, uuidOf(erased)));
      let failed = 0;
      const how = { after: 0, except: [], onFailed: () => (failed += 1) };
      const step = () => patiently(() => stepTask(database, how));
      while ((await step()).value !== null);
      expect(postgres.failed).toBeGreaterThan(10);
      postgres.heal();
      expect((await expectCounted(fanfare, released))['stats'].queued).toBe(3_000);
      expect(await queuedEvents(fanfare, released)).toEqual(numbers(3_000));
      expect((await expectCounted(fanfare, canceled))['stats'].canceled).toBe(3_000);
      expect(await rowsLeft(fanfare, canceled)).toMatchObject({ chunks: 0, batches: 0 });
      expect((await expectCounted(fanfare, erased))['stats'].canceled).toBe(12_000);
      expect(await rowsLeft(fanfare, erased)).toMatchObject({
        messages: 12_000,
        named: 0,
        tasks: 0,
      });
      expect(await rowsLeft(fanfare, gone)).toEqual({
        tasks: 0,
        chunks: 0,
        batches: 0,
        messages: 0,
        named: 0,
        unaddressable: 0,
      });
    },
    120_000,
  );
});

describe('an erasure', () => {
  const erase = (fanfare: FanfareClient, id: string) =>
    fanfare.request('DELETE', `/v1/Messages/Operations/${id}`);

  it('of a large operation is done in pieces, the operation last', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 12_000 });
    expect(await cancelOperation(database, 1, uuidOf(id))).toBe('begun');
    // Its chunks are still to be canceled.
    expect(await eraseOperation(database, 1, uuidOf(id))).toBe('busy');
    await stepAll(database);
    expect(await eraseOperation(database, 1, uuidOf(id))).toBe('begun');
    for (const named of [7_000, 2_000, 0]) {
      expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('stepped');
      expect((await rowsLeft(fanfare, id))['named']).toBe(named);
      const { rows } = await database.query('select content from operation where id = $1', [
        uuidOf(id),
      ]);
      expect(rows[0]?.['content']).toMatchObject({ text: 'Hi' });
    }
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('ended');
    const { rows } = await database.query('select content from operation where id = $1', [
      uuidOf(id),
    ]);
    expect(rows[0]?.['content']).toEqual({});
    expect((await erase(fanfare, id)).status).toBe(204);
    expect((await expectCounted(fanfare, id))['stats'].canceled).toBe(12_000);
  }, 60_000);

  it('waits for a batch that a receipt adds meanwhile, and is finished by repeated requests', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 12_000 });
    await cancel(fanfare, id);
    expect(await eraseOperation(database, 1, uuidOf(id))).toBe('begun');
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('stepped');
    await database.query(
      `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, due_at, ordinals, high_water_mark)
       values (1, $1, 'simulator', 0, 2, false, now(), '{11999}', 1)`,
      [uuidOf(id)],
    );
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('waiting');
    expect((await erase(fanfare, id)).status).toBe(409);
    expect((await rowsLeft(fanfare, id))['named']).toBe(7_000);
    await database.query('delete from dispatch_batch where operation_id = $1', [uuidOf(id)]);
    await until(async () => (await erase(fanfare, id)).status === 204);
    expect(await rowsLeft(fanfare, id)).toMatchObject({ named: 0, tasks: 0, messages: 12_000 });
  }, 60_000);
});

describe('an abandoned request', () => {
  it.each(['RECEIVING', 'ABANDONED'] as const)(
    'that is %s is deleted in pieces, and nothing else is',
    async (state) => {
      const { fanfare, database } = await startStill();
      const before = await acceptInChunks(fanfare, { count: 30, sendAt: later() });
      const id = await acceptInChunks(fanfare, { count: 12_000, chunkMax: 50, state });
      const after = await acceptInChunks(fanfare, { count: 30, sendAt: later() });
      await database.query(
        `insert into email_attachment select 1, $1, 0, '' where exists (select from message where operation_of(id) = $1)`,
        [uuidOf(id)],
      );
      expect((await fanfare.get(`/v1/Messages/Operations/${id}`)).status).toBe(404);
      const seen: number[] = [];
      while ((await stepTaskOf(database, 1, uuidOf(id))) !== 'ended')
        seen.push((await rowsLeft(fanfare, id))['messages']);
      // 240 chunks go after the messages.
      expect(seen).toEqual([7_000, 2_000, 0, 0, 0, 0]);
      expect(Object.values(await rowsLeft(fanfare, id)).every((n) => n === 0)).toBe(true);
      const files = await database.query('select from email_attachment where operation_id = $1', [
        uuidOf(id),
      ]);
      expect(files.rowCount).toBe(0);
      for (const other of [before, after])
        expect(await rowsLeft(fanfare, other)).toMatchObject({ tasks: 1, chunks: 1, named: 30 });
    },
    60_000,
  );

  it('is left alone while its lease lasts', async () => {
    const { fanfare, database } = await startStill();
    const id = await acceptInChunks(fanfare, { count: 100, state: 'RECEIVING' });
    await database.query(
      `update operation_task set leased_until = now() + interval '1 minute' where operation_id = $1`,
      [uuidOf(id)],
    );
    expect(await stepTask(database, ALONE)).toBe(null);
    expect(await stepTaskOf(database, 1, uuidOf(id))).toBe('none');
    expect(await rowsLeft(fanfare, id)).toMatchObject({ tasks: 1, chunks: 1, messages: 100 });
  }, 60_000);
});
