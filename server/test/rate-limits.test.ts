import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  launchFanfare,
  QUICK,
  special,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

const HOUR_MS = 3_600_000;
const isDone = (operation: Json) =>
  operation['status'] === 'COMPLETED' && operation['stats'].sent === 0;

/** Numbers of no country: their clock is UTC's. */
const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    address: `+999${String(1_000_000 + from + i)}`,
    channel: 'PHONE',
  }));

const folder = await mkdtemp(join(tmpdir(), 'fanfare-rate-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A configuration whose simulator writes down what it takes. */
const journaled = (name: string) => ({
  carriers: { simulator: { ...QUICK, journalFile: join(folder, name) } },
});
/** What the server of most tests has; `readJournal` tells its senders apart. */
const SHARED = { config: journaled('shared') };

/** What the simulator took, all of it or from one sender. */
async function readJournal(name: string, from?: string): Promise<Json[]> {
  const lines = (await readFile(join(folder, name), 'utf8')).split('\n').filter(Boolean);
  const journal = lines.map((line) => JSON.parse(line) as Json);
  return from === undefined ? journal : journal.filter((line) => line['from'] === from);
}

async function addSender(fanfare: FanfareClient, address: string, more: Json): Promise<string> {
  const { status, body } = await fanfare.request('POST', '/v1/Senders', {
    address,
    channel: 'SMS',
    ...more,
  });
  expect(body).toMatchObject(status === 201 ? {} : { status: 201 });
  return body['id'];
}

async function addPool(fanfare: FanfareClient, senderIds: string[]): Promise<string> {
  const { body } = await fanfare.request('POST', '/v1/SenderPools', {
    name: `pool of ${senderIds.join()}`.slice(0, 60),
    senders: senderIds.map((senderId) => ({ senderId })),
  });
  const list = await fanfare.get(`/v1/SenderPools?operationId=${body['operationId']}`);
  return list.body['senderPools'][0].id;
}

const timesOf = (journal: Json[]) => journal.map((line) => Date.parse(line['at'])).toSorted();

/**
 * What was asked for at `startedAt` keeps its rate limit, however slow the machine is: no message goes before its slot, and no stretch
 * has more than the limit allows. A message that is late does not make the next one of its batch hurry; but what holds one up
 * after its slot began, before the carrier has it, and batches that run side by side, which may each be late, need the slack.
 */
function expectRate(
  journal: Json[],
  { perSecond, startedAt, unitsEach = 1, slackMs = 500 }: Json,
): void {
  const eachMs = (unitsEach * 1000) / perSecond;
  const times = timesOf(journal);
  expect(times.length).toBeGreaterThan(1);
  for (const [i, from] of times.entries()) {
    expect(from + 20).toBeGreaterThan(startedAt + i * eachMs);
    for (const [k, to] of times.slice(i).entries())
      expect(to - from + slackMs).toBeGreaterThan(k * eachMs);
  }
}

/** Messages of one batch come one by one rather than in bursts: no less than half of them after a good part of their time. */
function expectSpaced(journal: Json[], eachMs: number): void {
  const times = timesOf(journal);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const spaced = gaps.filter((gap) => gap > eachMs / 2);
  expect(spaced.length).toBeGreaterThanOrEqual(gaps.length / 2);
}

describe('throughput', () => {
  it('spaces messages, and segments of SMS', async () => {
    const fanfare = await useFanfare(SHARED);
    const long = text('x'.repeat(400));
    // Three senders at once, each with its own limit: what each sends, and what its messages cost.
    await Promise.all(
      [
        { address: '+15005559001', more: {}, count: 60, content: text('Hi'), unitsEach: 1 },
        { address: '+15005559015', more: {}, count: 20, content: long, unitsEach: 3 },
        {
          address: '+15005559002',
          more: { throughputUnit: 'MESSAGES' },
          count: 20,
          content: long,
          unitsEach: 1,
        },
      ].map(async ({ address, more, count, content, unitsEach }) => {
        const senderId = await addSender(fanfare, address, { throughput: 40, ...more });
        const startedAt = Date.now();
        const id = await fanfare.send({ to: people(count), content, from: { senderId } });
        await fanfare.watch(id, isDone);
        const journal = await readJournal('shared', address);
        expect(journal).toHaveLength(count);
        expectRate(journal, { perSecond: 40, startedAt, unitsEach });
        expectSpaced(journal, (unitsEach * 1000) / 40);
      }),
    );
  });

  it('holds over all nodes', async () => {
    const fanfare = await useFanfare(SHARED);
    const second = await launchFanfare({
      env: { DATABASE_URL: fanfare.databaseUrl },
      ...SHARED,
    });
    try {
      const senderId = await addSender(fanfare, '+15005559003', { throughput: 50 });
      const authorization = `Basic ${Buffer.from(`${fanfare.sid}:${fanfare.token}`).toString('base64')}`;
      const startedAt = Date.now();
      const operations = await Promise.all(
        [0, 1, 2, 3].map((i) =>
          (i % 2 === 0 ? fanfare : second).send(
            { to: people(30, i * 100), content: text('Hi'), from: { senderId } },
            { authorization },
          ),
        ),
      );
      for (const id of operations) await fanfare.watch(id, isDone);
      const journal = await readJournal('shared', '+15005559003');
      expect(journal).toHaveLength(120);
      // Up to four batches, each about a reservation behind at worst.
      expectRate(journal, { perSecond: 50, startedAt, slackMs: 1_000 });
    } finally {
      await second.stop();
    }
  });

  it('of one sender holds up no other, survives a restart, is changed and yields to cancel', async () => {
    const fanfare = await startFanfare({ config: journaled('restarted') });
    const slow = await addSender(fanfare, '+15005559004', { throughput: 1 });
    const free = await addSender(fanfare, '+15005559005', {});
    const waiting = await Promise.all(
      Array.from({ length: 12 }, () =>
        fanfare.send({ to: people(300), content: text('slow'), from: { senderId: slow } }),
      ),
    );
    const [first = ''] = waiting;
    const quick = await fanfare.send({
      to: people(1_000),
      content: text('quick'),
      from: { senderId: free },
    });
    const done = await fanfare.watch(quick, isDone);
    expect(done['stats']).toMatchObject({ delivered: 1_000, attempts: 1_000 });
    expect((await fanfare.operation(first))['stats'].queued).toBeGreaterThan(200);

    await fanfare.terminate();
    await fanfare.restart();
    for (const id of waiting.slice(1))
      await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    await fanfare.request('PATCH', `/v1/Senders/${slow}`, { throughput: 1_000 });
    const all = await fanfare.watch(first, isDone);
    expect(all['stats']).toMatchObject({ delivered: 300, attempts: 300, undelivered: 0 });
    for (const id of waiting.slice(1)) {
      const { stats } = await fanfare.watch(
        id,
        (each) => each['stats'].sent === 0 && each['stats'].queued === 0,
      );
      expect(stats.canceled + stats.delivered).toBe(300);
    }
    const references = (await readJournal('restarted')).map((line) => line['reference']);
    expect(references.length).toBeGreaterThanOrEqual(1_300);
    expect(new Set(references).size).toBe(references.length);
  });
});

describe('a fallback', () => {
  it('does not wait behind rate-limited messages of another sender', async () => {
    const fanfare = await useFanfare(SHARED);
    const slow = await addSender(fanfare, '+15005559106', { throughput: 15 });
    const waiting = await Promise.all(
      Array.from({ length: 3 }, (_, i) =>
        fanfare.send({ to: people(500, i * 500), content: text('slow'), from: { senderId: slow } }),
      ),
    );
    // Refused over RCS, delivered by SMS.
    const pool = await addPool(fanfare, [
      await addSender(fanfare, 'fallback_agent', { channel: 'RCS' }),
      await addSender(fanfare, '+15005559107', {}),
    ]);
    const id = await fanfare.send({
      to: [special(6)],
      content: text('quick'),
      from: { senderPoolId: pool },
    });
    const { stats } = await fanfare.watch(id, isDone);
    expect(stats).toMatchObject({ delivered: 1, attempts: 2 });
    let left = 0;
    for (const each of waiting) {
      left += (await fanfare.operation(each))['stats'].queued;
      await fanfare.request('POST', `/v1/Messages/Operations/${each}/Cancel`);
    }
    // What 15 a second are in 20 s: on a slow machine, too, far from all of them.
    expect(left).toBeGreaterThan(1_200);
  });
});

describe('a daily cap', () => {
  it('leaves the rest for the next day, or for another sender of the pool', async () => {
    const fanfare = await useFanfare(SHARED);
    const senderId = await addSender(fanfare, '+15005559006', { dailyCap: 5 });
    const id = await fanfare.send({ to: people(8), content: text('Hi'), from: { senderId } });
    const capped = await fanfare.watch(id, ({ stats }) => stats.delivered === 5);
    expect(capped).toMatchObject({ status: 'PROCESSING', stats: { queued: 3, attempts: 5 } });
    const { rows } = await until(async () => {
      const found = await fanfare.database.query<{ off: number }>(
        `select abs(extract(epoch from due_at - (date_trunc('day', now() at time zone 'UTC') + interval '1 day')
           at time zone 'UTC'))::float as off from dispatch_batch
         where due_at > now() and account_id = (select id from account where sid = $1)`,
        [fanfare.sid],
      );
      return found.rows.length === 1 && found;
    });
    expect(rows[0]?.off).toBeLessThan(5);
    // A message that costs more than a day's cap has a day of its own.
    const tiny = await addSender(fanfare, '+15005559007', { dailyCap: 1 });
    const long = { to: people(2), content: text('x'.repeat(400)), from: { senderId: tiny } };
    const { stats } = await fanfare.watch(
      await fanfare.send(long),
      (each) => each['stats'].delivered === 1,
    );
    expect(stats.queued).toBe(1);

    const pool = await addPool(fanfare, [
      await addSender(fanfare, '+15005559008', { dailyCap: 6 }),
      await addSender(fanfare, '+15005559009', { dailyCap: 6 }),
    ]);
    const shared = await fanfare.send({
      to: people(12),
      content: text('Hi'),
      from: { senderPoolId: pool },
    });
    const all = await fanfare.watch(shared, isDone);
    expect(all['stats']).toMatchObject({ delivered: 12, attempts: 12 });
  });
});

describe('a pool', () => {
  it('moves on to its next sender when a carrier does not take the first', async () => {
    const fanfare = await useFanfare(SHARED);
    const pool = await addPool(fanfare, [
      await addSender(fanfare, '+15005559010', { throughput: 100 }),
      await addSender(fanfare, '+15005559011', { throughput: 100 }),
    ]);
    const id = await fanfare.send({
      to: [{ address: '+15005550011', channel: 'PHONE' }],
      content: text('Hi'),
      from: { senderPoolId: pool },
    });
    const { stats } = await fanfare.watch(id, isDone);
    expect(stats).toMatchObject({ delivered: 1, attempts: 2 });
    const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
    const { body } = await fanfare.get(`/v1/Messages/${list.body['messages'][0].id}`);
    expect(body['attempts']).toMatchObject([
      { status: 'FAILED', error: { code: 30034 } },
      { status: 'DELIVERED' },
    ]);
    const senders = body['attempts'].map((each: Json) => each['from'].address);
    expect(senders.toSorted()).toEqual(['+15005559010', '+15005559011']);
  });
});

const clock = (at: number) => new Date(at).toISOString().slice(11, 16);

describe('quiet hours', () => {
  it('move accepted messages to the next allowed minute of each recipient', async () => {
    const fanfare = await useFanfare(SHARED);
    const now = Date.now();
    const end = now - (now % 60_000) + 2 * HOUR_MS;
    const quietHours = { start: clock(now - HOUR_MS), end: clock(end) };
    const senderId = await addSender(fanfare, '+15005559012', { quietHours });
    // UTC is within them, India (half past five hours ahead) is not.
    const id = await fanfare.send({
      to: [...people(1), { address: '+919876543210', channel: 'PHONE' }],
      content: text('Hi'),
      from: { senderId },
    });
    const operation = await fanfare.watch(id, ({ stats }) => stats.delivered === 1);
    expect(operation).toMatchObject({ status: 'PROCESSING', stats: { scheduled: 1, total: 2 } });
    const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
    expect(list.body['messages'].toReversed()).toMatchObject([
      { status: 'SCHEDULED', scheduledFor: new Date(end).toISOString() },
      { status: 'DELIVERED', scheduledFor: null },
    ]);
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    expect((await fanfare.operation(id))['stats']).toMatchObject({ canceled: 1, delivered: 1 });
  });

  it('hold at the time of sending, whenever they were set', async () => {
    const fanfare = await useFanfare(SHARED);
    const senderId = await addSender(fanfare, '+15005559013', {});
    const now = Date.now();
    const id = await fanfare.send({
      to: [...people(1), { address: '+919876543210', channel: 'PHONE' }],
      content: text('Hi'),
      from: { senderId },
      schedule: { sendAt: [new Date(now + HOUR_MS).toISOString()] },
    });
    const quietHours = { start: clock(now - HOUR_MS), end: clock(now + 2 * HOUR_MS) };
    await fanfare.request('PATCH', `/v1/Senders/${senderId}`, { quietHours });
    // Now it is time for both.
    const own = 'account_id = (select id from account where sid = $1)';
    await fanfare.database.query(`update dispatch_batch set due_at = now() where ${own}`, [
      fanfare.sid,
    ]);
    const { stats } = await fanfare.watch(id, (each) => each['stats'].delivered === 1);
    expect(stats).toMatchObject({ queued: 1, delivered: 1, attempts: 1 });
    const rows = await until(async () => {
      const found = await fanfare.database.query(
        `select due_at > now() + interval '1 hour' as later, cardinality(ordinals) as count from dispatch_batch where ${own}`,
        [fanfare.sid],
      );
      return found.rows.every((row) => row.later) && found.rows;
    });
    expect(rows).toEqual([{ later: true, count: 1 }]);
  });
});

describe('senders of a pool that had no limits', () => {
  const COUNT = 90;
  /** A send that is accepted, and the messages that each sender is to have. */
  async function sendLater(fanfare: FanfareClient, addresses: string[]) {
    const ids: string[] = [];
    for (const each of addresses) ids.push(await addSender(fanfare, each, {}));
    const request = {
      to: people(COUNT),
      content: text('Hi'),
      from: { senderPoolId: await addPool(fanfare, ids) },
      schedule: { sendAt: [new Date(Date.now() + HOUR_MS).toISOString()] },
    };
    const { body } = await fanfare.request('POST', '/v1/Messages', { ...request, dryRun: true });
    const counts = addresses.map(
      (each) => body['messages'].filter((message: Json) => message['from'] === each).length,
    );
    expect(Math.min(...counts)).toBeGreaterThan(10);
    const own = [fanfare.sid];
    const batches = `from dispatch_batch where account_id = (select id from account where sid = $1)`;
    const id = await fanfare.send(request);
    const { rows } = await fanfare.database.query(`select sender_id, ordinals ${batches}`, own);
    expect(rows.map(({ sender_id: one, ordinals }) => [one, ordinals.length])).toEqual([
      [null, COUNT],
    ]);
    const change = (place: number, limits: Json) =>
      fanfare.request('PATCH', `/v1/Senders/${ids[place]}`, limits);
    const begin = () =>
      fanfare.database.query(
        `update dispatch_batch set due_at = now() where account_id =
        (select id from account where sid = $1)`,
        own,
      );
    return { id, ids, counts, change, begin, batches, own };
  }

  it('share a batch, and those that get a cap or a throughput keep to it all the same', async () => {
    const fanfare = await useFanfare(SHARED);
    const addresses = ['+15005559020', '+15005559021', '+15005559022'];
    const { id, change, begin } = await sendLater(fanfare, addresses);
    await change(0, { dailyCap: 3 });
    await change(1, { throughput: 100 });
    const startedAt = Date.now();
    await begin();
    const { stats } = await fanfare.watch(id, isDone);
    expect(stats).toMatchObject({ delivered: COUNT, attempts: COUNT });
    const journals = await Promise.all(addresses.map((each) => readJournal('shared', each)));
    expect(journals[0]).toHaveLength(3);
    expectRate(journals[1] ?? [], { perSecond: 100, startedAt });
    const sent = journals.flat().map((line) => line['to']);
    expect([sent.length, new Set(sent).size]).toEqual([COUNT, COUNT]);
  });

  it('keep the others of their batch waiting for no quiet hours', async () => {
    const fanfare = await useFanfare(SHARED);
    const shared = await sendLater(fanfare, ['+15005559023', '+15005559024', '+15005559025']);
    const { id, ids, counts, change, begin, batches, own } = shared;
    const now = Date.now();
    const quietHours = { start: clock(now - HOUR_MS), end: clock(now + 2 * HOUR_MS) };
    await change(2, { quietHours });
    await begin();
    const asleep = counts[2] ?? 0;
    const { stats } = await fanfare.watch(id, (each) => each['stats'].delivered === COUNT - asleep);
    expect(stats).toMatchObject({ queued: asleep, attempts: COUNT - asleep });
    const rows = await until(async () => {
      const found = await fanfare.database.query(
        `select due_at > now() + interval '1 hour' as later, sender_id, cardinality(ordinals) as count ${batches}`,
        own,
      );
      return found.rows.length === 1 && found.rows[0].later && found.rows;
    });
    expect(rows).toMatchObject([{ count: asleep }]);
    const { body } = await fanfare.get(`/v1/Senders/${ids[2]}`);
    expect(body['quietHours']).toEqual(quietHours);
  });
});

describe('limits that are none', () => {
  it.each([
    [{ quietHours: { start: '9:00', end: '10:00' } }, '$.quietHours.start'],
    [{ quietHours: { start: '09:00' } }, '$.quietHours.end'],
    [{ quietHours: { start: '09:00', end: '09:00' } }, '$.quietHours.end'],
    [{ throughput: 0 }, '$.throughput'],
    [{ throughput: 10_001 }, '$.throughput'],
    [{ dailyCap: 0 }, '$.dailyCap'],
    [{ dailyCap: 1.5 }, '$.dailyCap'],
    [{ throughputUnit: 'BYTES' }, '$.throughputUnit'],
  ])('%j', async (limits, path) => {
    const fanfare = await useFanfare(SHARED);
    const { status, body } = await fanfare.request('POST', '/v1/Senders', {
      address: '+15005559014',
      channel: 'SMS',
      ...limits,
    });
    expect(status).toBe(400);
    expect(body['errors'][0].context).toBe(path);
  });
});

describe('a time without a zone', () => {
  const at = (hours: number) => Date.now() - (Date.now() % 1_000) + hours * HOUR_MS;
  const local = (time: number) => new Date(time).toISOString().slice(0, 19);
  const india = { address: '+919876543210', channel: 'PHONE' };
  const tokyo = { address: '+81312345678', channel: 'PHONE' };

  it("is by each recipient's clock", async () => {
    const fanfare = await useFanfare(SHARED);
    const time = at(24);
    const id = await fanfare.send({
      to: [...people(1), india, tokyo],
      content: text('Hi'),
      schedule: { sendAt: [local(time)] },
    });
    expect(await fanfare.operation(id)).toMatchObject({
      status: 'SCHEDULED',
      stats: { scheduled: 3 },
    });
    const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
    expect(list.body['messages'].toReversed().map((each: Json) => each['scheduledFor'])).toEqual(
      [0, 5.5, 9].map((ahead) => new Date(time - ahead * HOUR_MS).toISOString()),
    );
  });

  it('has passed for some recipients, who get the message now', async () => {
    const fanfare = await useFanfare(SHARED);
    const id = await fanfare.send({
      to: [...people(1), india, tokyo],
      content: text('Hi'),
      schedule: { sendAt: [local(at(2))] },
    });
    const operation = await fanfare.watch(id, ({ stats }) => stats.delivered === 2);
    expect(operation).toMatchObject({ status: 'PROCESSING', stats: { scheduled: 1, total: 3 } });
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    expect(await fanfare.operation(id)).toMatchObject({
      status: 'CANCELED',
      stats: { canceled: 1, delivered: 2 },
    });
  });

  it('limits the other expressions, and is limited by them', async () => {
    const fanfare = await useFanfare(SHARED);
    const time = at(24);
    const send = (to: Json[], sendAt: string[], more: Json = {}) =>
      fanfare.request('POST', '/v1/Messages', {
        to,
        content: text('Hi'),
        schedule: { sendAt },
        ...more,
      });
    const instant = new Date(time).toISOString();
    const there = local(time + 5.5 * HOUR_MS);
    const offset = `${there}+05:30`;
    const sendAt = [there, instant, offset];
    const shown = await send([india], sendAt, { dryRun: true });
    expect(shown).toMatchObject({ status: 200, body: { scheduledFor: instant } });
    const id = (await send([india], sendAt)).body['operationId'];
    const { body } = await fanfare.get('/v1/Messages/Operations?details=true&pageSize=1');
    expect(body['operations']).toMatchObject([
      { id, status: 'SCHEDULED', details: { scheduledFor: instant } },
    ]);
    const clash = await send([india, tokyo, ...people(2)], sendAt);
    expect(clash.status).toBe(400);
    expect(
      clash.body['errors'].map((each: Json) => [each['code'], each['context'], each['message']]),
    ).toEqual(
      [
        ['Asia/Tokyo', 9],
        ['UTC', 0],
      ].map(([zone, ahead]) => [
        20013,
        '$.schedule.sendAt[0]',
        `"${there}" in ${zone} (${new Date(time + (5.5 - Number(ahead)) * HOUR_MS).toISOString()}) excludes "${instant}" (sendAt[1]): no time is both.`,
      ]),
    );
    const never = await send([india], [instant, new Date(time + 1_000).toISOString()]);
    expect(never.body['errors'][0]).toMatchObject({ context: '$.schedule.sendAt[1]' });
  });

  it('is refused where it is more than seven days ahead or too late, with the zone', async () => {
    const fanfare = await useFanfare(SHARED);
    const send = (to: Json[], more: Json) =>
      fanfare.request('POST', '/v1/Messages', { to, content: text('Hi'), ...more });
    const sendAt = [local(at(7 * 24 + 1))];
    expect((await send([india], { schedule: { sendAt } })).status).toBe(202);
    const late = await send([india, ...people(2)], { schedule: { sendAt } });
    expect(late).toMatchObject({ status: 400, body: { total: 1 } });
    expect(late.body['errors'][0]).toMatchObject({
      code: 20013,
      context: '$.schedule.sendAt[0]',
      message: expect.stringContaining('in UTC'),
    });
    const expired = await send([india, ...people(1)], {
      schedule: { sendAt: [local(at(24))] },
      expireAt: new Date(at(22)).toISOString(),
    });
    expect(expired).toMatchObject({ status: 400, body: { total: 1 } });
    expect(expired.body['errors'][0]).toMatchObject({ context: '$.expireAt' });
  });
});
