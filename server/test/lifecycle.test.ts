import { describe, expect, it } from 'vitest';
import {
  QUICK,
  recipients,
  smsOnly,
  special,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const isHandedOver = (operation: Json) => operation.status === 'COMPLETED';

/** What the server of most tests has: a quick carrier, one that throttles, and one that takes its time. */
const SHARED = {
  config: {
    retry: { delayMs: 1_000 },
    carriers: {
      simulator: QUICK,
      throttling: {
        kind: 'simulator',
        answerDelayMs: { min: 0, max: 0 },
        receiptDelayMs: { min: 0, max: 0 },
        throughputPerSecond: 100,
      },
      slow: {
        kind: 'simulator',
        answerDelayMs: { min: 100, max: 400 },
        receiptDelayMs: { min: 0, max: 20 },
        windowMax: 50,
        journalFile: '/dev/null',
      },
    },
  },
};

/** Adds a sender of this carrier; resolves with what a request says to send from it alone. */
async function senderOf(fanfare: FanfareClient, carrier: string): Promise<Json> {
  const sender = { address: '+15005550150', channel: 'SMS', carrier };
  const { status, body } = await fanfare.request('POST', '/v1/Senders', sender);
  expect(status).toBe(201);
  return { senderId: body['id'] };
}

async function messagesOf(fanfare: FanfareClient, id: string): Promise<Json[]> {
  const { body } = await fanfare.get(`/v1/Messages?operationId=${id}&pageSize=1000`);
  return body['messages'].toReversed();
}

/** For conditions on the rows of one account: others use the same server. */
const OWN = 'account_id = (select id from account where sid = $1)';

/** Moves all that the account has waiting to this moment. */
const makeDue = ({ database, sid }: FanfareClient) =>
  database.query(`update dispatch_batch set due_at = now() where ${OWN}`, [sid]);

/**
 * Tries something that must be done before a time, in vain when that came first: on a slow machine the time is further ahead
 * then. `attempt` gets the time, and ends with whether it was early enough, which it asks the function it is given.
 */
async function inTime(
  attempt: (time: string, isEarly: () => boolean) => Promise<boolean>,
  aheadMs = 700,
): Promise<void> {
  const time = Date.now() + aheadMs;
  if (!(await attempt(new Date(time).toISOString(), () => Date.now() < time)))
    await inTime(attempt, aheadMs * 2);
}

describe('the simulator', () => {
  it('treats its special numbers as documented', async () => {
    const fanfare = await useFanfare(SHARED);
    const id = await fanfare.send({
      to: Array.from({ length: 11 }, (_, i) => special(i)),
      content: text('Hi'),
    });
    const early = await fanfare.operation(id);
    expect(early.status).toBe('PROCESSING');
    const last = await fanfare.watch(
      id,
      (operation) => operation.stats.queued === 0 && operation.stats.sent === 1,
    );
    expect(last).toMatchObject({
      status: 'COMPLETED',
      stats: { total: 11, failed: 1, undelivered: 1, read: 2, sent: 1, delivered: 6 },
    });
    const messages = await messagesOf(fanfare, id);
    expect(messages.map((each) => each.status)).toEqual([
      'DELIVERED',
      'FAILED',
      'UNDELIVERED',
      'READ',
      'SENT',
      'DELIVERED',
      'DELIVERED',
      'DELIVERED',
      'READ',
      'DELIVERED',
      'DELIVERED',
    ]);
    const attempts = await Promise.all(
      messages.map(async (each) =>
        (await fanfare.get(`/v1/Messages/${each.id}`)).body['attempts'].map(
          (attempt: Json) => `${attempt.from.channel} ${attempt.status}`,
        ),
      ),
    );
    expect(attempts).toEqual([
      ['RCS DELIVERED'],
      ['RCS FAILED', 'SMS FAILED'],
      ['RCS UNDELIVERED', 'SMS UNDELIVERED'],
      ['RCS READ'],
      ['RCS SENT'],
      ['RCS FAILED', 'RCS FAILED', 'RCS DELIVERED'],
      ['RCS FAILED', 'SMS DELIVERED'],
      ['RCS DELIVERED'],
      ['RCS READ'],
      ['RCS DELIVERED'],
      ['RCS DELIVERED'],
    ]);
    expect(last.stats.attempts).toBe(attempts.flat().length);
    const errors = (await fanfare.get(`/v1/Messages/Operations/${id}/Errors`)).body['errors'];
    expect(errors.map((each: Json) => [each.code, each.context])).toEqual([
      [30006, '$.to[1]'],
      [30003, '$.to[2]'],
    ]);
    const page = (await fanfare.get(`/v1/Messages/Operations/${id}/Errors?pageSize=1`)).body;
    expect(page['errors']).toHaveLength(1);
    const rest = (
      await fanfare.get(
        `/v1/Messages/Operations/${id}/Errors?pageSize=1&pageToken=${page['pagination'].next}`,
      )
    ).body;
    expect([rest['errors'][0].context, rest['pagination'].next]).toEqual(['$.to[2]', null]);
  });

  it('narrows the window of a carrier that throttles, without attempts', async () => {
    const fanfare = await useFanfare(SHARED);
    const from = await senderOf(fanfare, 'throttling');
    const startedAt = performance.now();
    const id = await fanfare.send({ to: recipients(250), content: text('Hi'), from });
    const last = await fanfare.watch(id, (operation) => operation.stats.delivered === 250);
    expect(last.stats.attempts).toBe(250);
    // A bucket of 100, then 100 a second: at least 1.5 s.
    expect(performance.now() - startedAt).toBeGreaterThan(1_400);
  });
});

describe('a schedule', () => {
  it('keeps messages SCHEDULED until their time', async () => {
    const fanfare = await useFanfare(SHARED);
    await inTime(async (sendAt, isEarly) => {
      const id = await fanfare.send({
        to: recipients(700),
        content: text('Hi'),
        schedule: { sendAt: [sendAt] },
      });
      const operation = await fanfare.operation(id);
      const [message] = await messagesOf(fanfare, id);
      if (!isEarly()) return false;
      expect(operation).toMatchObject({
        status: 'SCHEDULED',
        stats: { scheduled: 700, queued: 0, attempts: 0 },
      });
      expect(message).toMatchObject({ status: 'SCHEDULED', scheduledFor: sendAt });
      const last = await fanfare.watch(id, ({ stats }) => stats.delivered === 700);
      expect(Date.parse(last.updatedAt)).toBeGreaterThanOrEqual(Date.parse(sendAt));
      return true;
    });
  });

  it('is 7 days long at most, and over when it lies in the past', async () => {
    const fanfare = await useFanfare(SHARED);
    const ask = (schedule: Json, more: Json = {}) =>
      fanfare.request('POST', '/v1/Messages', {
        to: recipients(1),
        content: text('Hi'),
        schedule,
        ...more,
      });
    for (const sendAt of [inMs(7 * 86_400_000 + 60_000), 'tomorrow', '2026-02-30T10:00:00Z', ''])
      expect((await ask({ sendAt: [sendAt] })).body['errors'][0]).toMatchObject({
        code: 20013,
        context: '$.schedule.sendAt[0]',
      });
    const past = await ask({ sendAt: ['2020-01-01T00:00:00'] });
    await fanfare.watch(past.body['operationId'], isHandedOver);
    const wrong = await ask({ sendAt: [inMs(60_000)] }, { expireAt: inMs(30_000) });
    expect(wrong.body['errors'][0].context).toBe('$.expireAt');
  });

  it('keeps an Idempotency-Key until 24 hours past it', async () => {
    const fanfare = await useFanfare(SHARED);
    await fanfare.send(
      { to: recipients(1), content: text('Hi'), schedule: { sendAt: [inMs(3_600_000)] } },
      { 'idempotency-key': 'k' },
    );
    const { rows } = await fanfare.database.query(
      `select extract(epoch from expires_at - now())::int as left from idempotency_key where ${OWN}`,
      [fanfare.sid],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].left).toBeGreaterThan(86_400 + 3_500);
  });
});

describe('expiry', () => {
  it('fails messages that no carrier accepted in time, and no others', async () => {
    // Nothing is tried again before it has expired.
    const fanfare = await useFanfare({ config: { retry: { delayMs: 60_000 } } });
    await inTime(async (expireAt, isEarly) => {
      const { status, body } = await fanfare.request('POST', '/v1/Messages', {
        to: [special(5), ...recipients(20)],
        content: text('Hi'),
        expireAt,
        ...smsOnly,
      });
      // What has expired when it arrives is refused.
      if (status === 400 && !isEarly()) return false;
      expect(status).toBe(202);
      const id: string = body['operationId'];
      await fanfare.watch(id, ({ stats }) => stats.delivered === 20 || stats.failed > 1);
      if (!isEarly()) return false;
      const last = await fanfare.watch(
        id,
        (operation) => isHandedOver(operation) && operation.stats.sent === 0,
      );
      expect(isEarly()).toBe(false);
      expect(last.stats).toMatchObject({ failed: 1, delivered: 20 });
      const [message] = await messagesOf(fanfare, id);
      expect((await fanfare.get(`/v1/Messages/${message?.['id']}`)).body).toMatchObject({
        status: 'FAILED',
        error: { code: 30036 },
      });
      return true;
    });
  });
});

describe('cancel', () => {
  it('ends all of a scheduled operation, and again is as once', async () => {
    const fanfare = await useFanfare(SHARED);
    const id = await fanfare.send({
      to: recipients(1_500),
      content: text('Hi'),
      schedule: { sendAt: [inMs(3_600_000)] },
    });
    for (let times = 0; times < 2; times += 1) {
      const answer = await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        status: 'CANCELED',
        stats: { canceled: 1_500, scheduled: 0, attempts: 0 },
      });
    }
    expect(
      (
        await fanfare.database.query(`select count(*)::int as n from dispatch_batch where ${OWN}`, [
          fanfare.sid,
        ])
      ).rows[0].n,
    ).toBe(0);
  });

  it('ends one message and leaves the others', async () => {
    const fanfare = await useFanfare(SHARED);
    const id = await fanfare.send({
      to: recipients(3),
      content: text('Hi'),
      schedule: { sendAt: [inMs(3_600_000)] },
    });
    const [, second] = await messagesOf(fanfare, id);
    const canceled = await fanfare.request('POST', `/v1/Messages/${second?.['id']}/Cancel`);
    expect([canceled.status, canceled.body['status']]).toEqual([200, 'CANCELED']);
    // Now it is time for the others.
    await makeDue(fanfare);
    const last = await fanfare.watch(id, (operation) => operation.stats.delivered === 2);
    expect(last).toMatchObject({ status: 'COMPLETED', stats: { canceled: 1 } });
    const late = await fanfare.request(
      'POST',
      `/v1/Messages/${(await messagesOf(fanfare, id))[0]?.['id']}/Cancel`,
    );
    expect([late.status, late.body['status']]).toEqual([200, 'DELIVERED']);
  });

  it('in mid-send has one outcome for each message', async () => {
    const fanfare = await useFanfare(SHARED);
    const from = await senderOf(fanfare, 'slow');
    // At 200 a second: it is at it for much longer than it takes to see that it has begun.
    const id = await fanfare.send({ to: recipients(2_000), content: text('Hi'), from });
    await fanfare.watch(id, (operation) => operation.stats.attempts > 100);
    const answer = await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    expect(answer.body['status']).toBe('CANCELED');
    const last = await fanfare.watch(id, ({ stats }) => stats.queued === 0 && stats.sent === 0);
    expect(last.status).toBe('CANCELED');
    expect(last.stats.canceled).toBeGreaterThan(0);
    expect(last.stats.delivered).toBeGreaterThan(100);
    expect(last.stats.canceled + last.stats.delivered).toBe(2_000);
    // Exactly those that were not canceled were submitted.
    expect(last.stats.attempts).toBe(last.stats.delivered);
  });
});

describe('pause', () => {
  it('hands nothing more over, over a restart too, until resumed', async () => {
    const slow = { answerDelayMs: { min: 100, max: 200 }, receiptDelayMs: { min: 0, max: 5 } };
    const fanfare = await startFanfare({
      config: { carriers: { simulator: { ...slow, windowMax: 20 } } },
    });
    const id = await fanfare.send({ to: recipients(1_000), content: text('Hi'), ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.attempts > 100);
    const path = `/v1/Messages/Operations/${id}`;
    const paused = await fanfare.request('POST', `${path}/Pause`);
    expect(paused.body).toMatchObject({
      status: 'PROCESSING',
      pausedAt: expect.stringMatching(/Z$/),
    });
    // Active batches go on: at most a window of each batch at work.
    const leases = async () =>
      (
        await fanfare.database.query(
          'select count(*)::int as n from dispatch_batch where leased_until is not null',
        )
      ).rows[0].n;
    await until(async () => (await leases()) === 0);
    const still = await fanfare.operation(id);
    expect(still.stats.queued).toBeGreaterThan(500);
    expect((await fanfare.request('POST', `${path}/Pause`)).body['pausedAt']).toBe(
      paused.body['pausedAt'],
    );
    await fanfare.terminate();
    // The rest need not take as long.
    await fanfare.restart({ carriers: { simulator: QUICK } });
    const other = await fanfare.send({ to: recipients(50), content: text('Hi'), ...smsOnly });
    await fanfare.watch(other, ({ stats }) => stats.delivered === 50);
    expect((await fanfare.operation(id)).stats.attempts).toBe(still.stats.attempts);
    const resumed = await fanfare.request('POST', `${path}/Resume`);
    expect(resumed.body['pausedAt']).toBeNull();
    const last = await fanfare.watch(id, ({ stats }) => stats.delivered === 1_000);
    expect(last).toMatchObject({ status: 'COMPLETED', stats: { attempts: 1_000 } });
    expect((await fanfare.request('POST', `${path}/Pause`)).body['pausedAt']).toBeNull();
  });

  it('yields to cancel and to expiry', async () => {
    const fanfare = await useFanfare(SHARED);
    const ids: string[] = [];
    for (const more of [{}, { expireAt: inMs(7_200_000) }]) {
      const id = await fanfare.send({
        to: recipients(10),
        content: text('Hi'),
        schedule: { sendAt: [inMs(3_600_000)] },
        ...more,
      });
      await fanfare.request('POST', `/v1/Messages/Operations/${id}/Pause`);
      ids.push(id);
    }
    const [canceled = '', expired = ''] = ids;
    // Now it is time for both.
    await makeDue(fanfare);
    for (const id of ids) await fanfare.watch(id, ({ stats }) => stats.queued === 10);
    for (const table of ['operation', 'dispatch_batch'])
      await fanfare.database.query(
        `update ${table} set expire_at = now() where expire_at is not null and ${OWN}`,
        [fanfare.sid],
      );
    await fanfare.request('POST', `/v1/Messages/Operations/${canceled}/Cancel`);
    // A batch that is leased at that moment is ended by its dispatcher.
    expect(await fanfare.watch(canceled, ({ status }) => status !== 'PROCESSING')).toMatchObject({
      status: 'CANCELED',
      pausedAt: null,
      stats: { canceled: 10, attempts: 0 },
    });
    expect(
      (await fanfare.watch(expired, ({ stats }) => stats.queued === 0 && stats.scheduled === 0))
        .stats,
    ).toMatchObject({ failed: 10, attempts: 0 });
    expect((await fanfare.request('POST', '/v1/Messages/Operations/junk/Pause')).status).toBe(404);
  });
});

describe('accounts', () => {
  it('see only their own resources', async () => {
    const fanfare = await useFanfare(SHARED);
    const id = await fanfare.send({ to: recipients(1), content: text('Hi') });
    const [message] = await messagesOf(fanfare, id);
    const other = await useFanfare(SHARED);
    expect([fanfare.url, fanfare.sid === other.sid]).toEqual([other.url, false]);
    const status = async (method: string, path: string) =>
      (await other.request(method, path)).status;
    expect(await status('GET', `/v1/Messages/Operations/${id}`)).toBe(404);
    expect(await status('GET', `/v1/Messages/Operations/${id}/Errors`)).toBe(404);
    expect(await status('POST', `/v1/Messages/Operations/${id}/Cancel`)).toBe(404);
    expect(await status('GET', `/v1/Messages/${message?.['id']}`)).toBe(404);
    expect(await status('POST', `/v1/Messages/${message?.['id']}/Cancel`)).toBe(404);
    const lists = [await other.get('/v1/Messages'), await other.get('/v1/Messages/Operations')];
    expect(lists.map((each) => each.body['messages'] ?? each.body['operations'])).toEqual([[], []]);
  });
});

describe('retention', () => {
  it('drops whole days that are older and at rest, while messages flow', async () => {
    const fanfare = await startFanfare({ config: { retentionDays: 1 } });
    const { database } = fanfare;
    // An operation of ten days ago, as a server of that day left it.
    const day = new Date(Date.now() - 10 * 86_400_000);
    const at = day.getTime().toString(16).padStart(12, '0');
    const uuid = `${at.slice(0, 8)}-${at.slice(8)}-7000-8000-000000000000`;
    await database.query('select ensure_day($1)', [day.toISOString().slice(0, 10)]);
    await database.query(
      `insert into operation (account_id, id, status, total, recipients, unaddressable, delivered, content, plan, tags, updated_at)
       values (1, $1, 'COMPLETED', 1, 1, 0, 1, '{"text":"x","mediaUrls":[]}', '{"senders":[{"channel":"SMS","address":"+1","carrier":"simulator"}]}', '{}', $2)`,
      [uuid, day],
    );
    await database.query(
      `insert into message (account_id, id, status, channel, address_channel, address) values (1, $1, 'DELIVERED', 'SMS', 'PHONE', '+15005550123')`,
      [`${uuid.slice(0, -1)}1`],
    );
    const before = await fanfare.get('/v1/Messages?endDate=2100-01-01T00:00:00Z');
    expect(before.body['messages']).toHaveLength(1);
    // As a crash in the middle of dropping leaves it.
    await database.query(
      `alter table unaddressable detach partition unaddressable_${day.toISOString().slice(0, 10).replaceAll('-', '')}`,
    );
    await fanfare.kill();
    await fanfare.restart();
    const id = await fanfare.send({ to: recipients(300), content: text('Hi') });
    await until(async () => {
      const { rows } = await database.query(
        `select count(*)::int as n from pg_class where relname ~ $1`,
        [`_${day.toISOString().slice(0, 10).replaceAll('-', '')}`],
      );
      return rows[0].n === 0;
    });
    await fanfare.watch(id, (operation) => operation.stats.delivered === 300);
    expect((await fanfare.get('/v1/Messages/Operations')).body['operations']).toHaveLength(1);
  });
});
