/** Erasure: no personal data is left in any table, counters stay, and nothing in flight is interrupted. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import { runCommand } from './support/command-host.ts';
import {
  ALL_ROLES,
  expectExact,
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
import { startReceiver } from './support/receiver.ts';
import { runs } from './support/runs.ts';
import { deliverSm, startSmsc } from './support/smsc.ts';

/** Words that stand nowhere else: of each test its own, since the tests share a database. */
let NAME = '';
let TAG = '';
let WORDS = '';
let tests = 0;
beforeEach(() => {
  tests += 1;
  NAME = `Zebedee-Quartz-${tests}-`;
  TAG = `vip-of-oslo-${tests}-`;
  WORDS = `flamingo sale ${tests} `;
});

/** Receipts take their time, so that some erasing comes before them. */
const useErasing = () =>
  useFanfare({
    config: {
      retry: { delayMs: 10 },
      carriers: {
        simulator: { answerDelayMs: { min: 0, max: 2 }, receiptDelayMs: { min: 700, max: 700 } },
      },
    },
  });

/** All rows of all tables as text, but for those whose purpose it is to remember an opt-out. */
async function dump({ database }: FanfareClient): Promise<string> {
  const { rows } = await database.query(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
       and relname <> 'suppression'`,
  );
  let all = '';
  for (const { name } of rows)
    all += (await database.query(`select string_agg(t::text, ' ') as rows from "${name}" t`))
      .rows[0].rows;
  return all;
}

const person = (address: string) => ({
  address,
  channel: 'PHONE',
  variables: { name: NAME, kind: TAG },
});

const personal = (to: readonly string[]) => ({
  to: to.map(person),
  content: text(`${WORDS} for {{ name }}`),
  tags: { kind: '{{ kind }}' },
});

async function messagesOf(fanfare: FanfareClient, id: string): Promise<Json[]> {
  return (await fanfare.get(`/v1/Messages?operationId=${id}&pageSize=1000`)).body['messages'];
}

const erase = (fanfare: FanfareClient, path: string) => fanfare.request('DELETE', `/v1/${path}`);

const fetchBody = async (fanfare: FanfareClient, path: string): Promise<Json> => {
  const { status, body } = await fanfare.get(`/v1/${path}`);
  expect(status).toBe(200);
  return body;
};

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** What is left of a message or e-mail, as its reader sees it. */
const leftOf = (whole: Json, to: object, content: object) => ({
  id: whole['id'],
  from: whole['from'],
  to: [to],
  status: whole['status'],
  related: whole['related'],
  tags: {},
  scheduledFor: whole['scheduledFor'],
  createdAt: whole['createdAt'],
  updatedAt: INSTANT,
  deletedAt: INSTANT,
  content,
  attempts: [],
});
const NOBODY = { address: '', channel: 'PHONE' };

describe('a message', () => {
  it('is emptied and leaves every list, and its counters stay', async () => {
    const fanfare = await useErasing();
    const flaky = special(5)['address'];
    const id = await fanfare.send({ ...personal([flaky]), ...smsOnly });
    const { stats } = await fanfare.watch(id, (now) => now['stats'].delivered === 1);
    const [message] = await messagesOf(fanfare, id);
    const path = `Messages/${message?.['id']}`;
    const whole = await fetchBody(fanfare, path);
    expect(whole).toMatchObject({ tags: { kind: TAG }, deletedAt: null });
    const attempt = whole['attempts'][0].id;
    const before = Date.now();
    expect(await dump(fanfare)).toMatch(new RegExp(NAME));

    expect((await erase(fanfare, path)).status).toBe(204);
    const left = await fetchBody(fanfare, path);
    expect(left).toEqual(leftOf(whole, NOBODY, { text: '' }));
    expect(left['updatedAt']).toBe(left['deletedAt']);
    // The database runs by the same clock, in microseconds.
    expect(Date.parse(left['deletedAt'])).toBeGreaterThanOrEqual(before - 1);
    expect((await erase(fanfare, path)).status).toBe(204);
    expect((await fanfare.request('POST', `/v1/${path}/Cancel`)).body).toEqual(left);
    expect(await fetchBody(fanfare, path)).toEqual(left);
    expect((await fetchBody(fanfare, `${path}/Receipts`))['receipts']).toEqual([]);
    expect((await fanfare.get(`/v1/Messages/Seek/${attempt}`)).status).toBe(404);
    const { address } = left['to'][0];
    const nobody = await fanfare.request('POST', '/v1/Messages/Search', { address });
    expect(nobody.status).toBe(400);
    expect(await messagesOf(fanfare, id)).toEqual([]);
    const found = await fanfare.request('POST', '/v1/Messages/Search', { address: flaky });
    expect(found.body['messages']).toEqual([]);
    expect((await fanfare.operation(id))['stats']).toEqual(stats);
    const rows = await dump(fanfare);
    for (const mark of [NAME, TAG, flaky]) expect(rows).not.toContain(mark);
    // Data for all recipients belongs to the operation.
    expect(rows).toContain(WORDS);
    expect((await erase(fanfare, 'Messages/comms_message_x')).status).toBe(404);
  }, 60_000);

  it('leaves the pages of a list, and its operation and the others stay in them', async () => {
    const fanfare = await useErasing();
    const numbers = recipients(25).map((each) => each['address']);
    const id = await fanfare.send({ ...personal(numbers), ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.delivered === 25);
    const all = (await messagesOf(fanfare, id)).map((each) => each['id']);
    const erased = all.filter((_, i) => i % 3 === 0);
    for (const each of erased) expect((await erase(fanfare, `Messages/${each}`)).status).toBe(204);
    const listed: string[] = [];
    let next: string | null = `?operationId=${id}&pageSize=5`;
    while (next !== null) {
      const page: Json = await fetchBody(fanfare, `Messages${next}`);
      expect(page['messages'].length).toBeGreaterThan(0);
      for (const each of page['messages']) {
        expect(each).toMatchObject({ tags: { kind: TAG }, deletedAt: null });
        listed.push(each.id);
      }
      const token: string | null = page['pagination'].next;
      next = token && `?operationId=${id}&pageSize=5&pageToken=${encodeURIComponent(token)}`;
    }
    expect(listed).toEqual(all.filter((each) => !erased.includes(each)));
    const operations = await fetchBody(fanfare, 'Messages/Operations');
    expect(operations['operations'].map((each: Json) => each['id'])).toEqual([id]);
    expect(await fanfare.operation(id)).not.toHaveProperty('deletedAt');
  }, 60_000);

  it('shows its sender where the plan has one of its channel, else their pool', async () => {
    const fanfare = await useErasing();
    const senders: Json[] = [];
    for (const address of ['+15005550171', '+15005550172']) {
      const made = await fanfare.request('POST', '/v1/Senders', { address, channel: 'SMS' });
      senders.push({ senderId: made.body['id'] });
    }
    const pools: string[] = [];
    for (const members of [senders, senders.slice(1)]) {
      const name = `Of ${members.length}`;
      const made = await fanfare.request('POST', '/v1/SenderPools', {
        name,
        senders: members,
      });
      const list = await fanfare.get(`/v1/SenderPools?operationId=${made.body['operationId']}`);
      pools.push(list.body['senderPools'][0].id);
    }
    const left: Json[] = [];
    for (const senderPoolId of pools) {
      const to = recipients(1);
      const id = await fanfare.send({ to, content: text('Hi'), from: { senderPoolId } });
      await fanfare.watch(id, ({ stats }) => stats.delivered === 1);
      const [message] = await messagesOf(fanfare, id);
      expect((await erase(fanfare, `Messages/${message?.['id']}`)).status).toBe(204);
      left.push((await fetchBody(fanfare, `Messages/${message?.['id']}`))['from']);
    }
    expect(left).toEqual([
      { address: '', channel: 'SMS', senderPoolId: pools[0] },
      { address: '+15005550172', channel: 'SMS', senderPoolId: pools[1], ...senders[1] },
    ]);
  }, 60_000);

  it('is canceled first, and never sent', async () => {
    const fanfare = await useErasing();
    const id = await fanfare.send({
      ...personal(['+15005561234']),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const [message] = await messagesOf(fanfare, id);
    expect((await erase(fanfare, `Messages/${message?.['id']}`)).status).toBe(204);
    expect((await fanfare.operation(id))['stats']).toMatchObject({ canceled: 1, attempts: 0 });
    expect(await fetchBody(fanfare, `Messages/${message?.['id']}`)).toEqual({
      ...leftOf(message ?? {}, NOBODY, { text: '' }),
      status: 'CANCELED',
    });
    expect(await dump(fanfare)).not.toContain(NAME);
  }, 60_000);

  it('is not erased while a carrier takes it', async () => {
    const fanfare = await useErasing();
    // Where the carrier has answered before both were asked, once more.
    const id = await until(async () => {
      const sent = await fanfare.send({ ...personal([special(9)['address']]), ...smsOnly });
      const [message] = await messagesOf(fanfare, sent);
      await until(
        async () =>
          (
            await fanfare.database.query(
              'select 1 from dispatch_batch where operation_id = $1 and high_water_mark > 0',
              [decodeTypeId('comms_operation', sent)],
            )
          ).rowCount,
      );
      for (const path of [`Messages/${message?.['id']}`, `Messages/Operations/${sent}`]) {
        const refused = await erase(fanfare, path);
        if (refused.status === 204) {
          // A message that is erased alone leaves the words of its operation.
          await erase(fanfare, `Messages/Operations/${sent}`);
          return null;
        }
        expect([refused.status, refused.body['code']]).toEqual([409, 20409]);
        expect(refused.headers.get('retry-after')).toBe('1');
      }
      return sent;
    });
    await until(async () => (await erase(fanfare, `Messages/Operations/${id}`)).status === 204);
    await fanfare.watch(id, ({ stats }) => stats.delivered === 1);
    expect(await dump(fanfare)).not.toMatch(new RegExp(`${NAME}|${WORDS}`));
  }, 60_000);

  it('takes part in no fallback, and later receipts bring nothing back', async () => {
    const fanfare = await useErasing();
    // Where the receipts were there first, once more.
    let erased: Json[] = [];
    const id = await until(async () => {
      // Two candidates each: an UNDELIVERED receipt would start a fallback.
      const sent = await fanfare.send(personal([special(2)['address'], '+15005562222']));
      await fanfare.watch(sent, ({ stats }) => stats.attempts >= 2);
      erased = [];
      for (const { id: message } of await messagesOf(fanfare, sent)) {
        await until(async () => (await erase(fanfare, `Messages/${message}`)).status === 204);
        erased.push(await fetchBody(fanfare, `Messages/${message}`));
      }
      const { stats } = await fanfare.operation(sent);
      return stats.sent === 2 && stats.attempts === 2 ? sent : null;
    });
    const { stats } = await fanfare.watch(
      id,
      (now) => now['stats'].undelivered + now['stats'].delivered === 2,
    );
    expect(stats).toMatchObject({ attempts: 2, undelivered: 1, delivered: 1 });
    const { rows } = await fanfare.database.query(
      'select count(*)::int as n from message where operation_of(id) = $1 and error_detail is not null',
      [decodeTypeId('comms_operation', id)],
    );
    expect(rows[0].n).toBe(0);
    const later = await Promise.all(
      erased.map((each) => fetchBody(fanfare, `Messages/${each['id']}`)),
    );
    expect(later.map((each) => each['status']).toSorted()).toEqual(['DELIVERED', 'UNDELIVERED']);
    for (const [i, { updatedAt, status, error, ...rest }] of later.entries()) {
      const { updatedAt: then, status: _, ...same } = erased[i] ?? {};
      expect(rest).toEqual(same);
      expect(updatedAt > then).toBe(true);
      // The error of the table, without the words of the carrier.
      expect(error).toEqual(
        status === 'UNDELIVERED'
          ? { code: 30003, message: expect.any(String), infoUrl: expect.any(String) }
          : undefined,
      );
    }
    expect((await fetchBody(fanfare, `Messages/Operations/${id}/Errors`))['errors']).toEqual([]);
    expect(await dump(fanfare)).not.toContain(NAME);
  }, 60_000);

  it(
    'may be erased at any moment of its way',
    { tags: ['property'], timeout: 120_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fanfare-erasure-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const journalFile = join(folder, 'journal.ndjson');
      const fanfare = await useFanfare({
        config: {
          retry: { delayMs: 20 },
          carriers: {
            simulator: {
              journalFile,
              windowMax: 20,
              answerDelayMs: { min: 0, max: 40 },
              receiptDelayMs: { min: 0, max: 40 },
              failureRate: 0.2,
              undeliveredRate: 0.2,
            },
          },
        },
      });
      const count = runs(200, 400);
      const numbers = recipients(count).map((each) => each['address']);
      const id = await fanfare.send(personal(numbers));
      const messages = await messagesOf(fanfare, id);
      expect(messages).toHaveLength(count);
      await Promise.all(
        Array.from({ length: 8 }, async (_, worker) => {
          for (const message of messages.filter((_each, i) => i % 8 === worker))
            await until(
              async () => (await erase(fanfare, `Messages/${message['id']}`)).status === 204,
            );
        }),
      );
      const last = await fanfare.watch(
        id,
        ({ status, stats }) => status !== 'PROCESSING' && stats.sent === 0,
      );
      expectExact(last);
      const handed = (await readFile(journalFile, 'utf8').catch(() => '')).split('\n');
      expect(handed.filter(Boolean)).toHaveLength(last['stats'].attempts);
      const left = await dump(fanfare);
      for (const mark of [NAME, ...numbers]) expect(left).not.toContain(mark);
      const doctor = await runCommand(['doctor'], { DATABASE_URL: fanfare.databaseUrl });
      expect(doctor.out).toBe('All is well.\n');
    },
  );
});

describe('an operation', () => {
  it('is emptied of people, words and files, and keeps its counters', async () => {
    const fanfare = await useErasing();
    const optedOut = '+15005569999';
    await fanfare.request('POST', '/v1/Suppressions', { address: optedOut });
    const id = await fanfare.send({
      ...personal([special(1)['address'], '+15005563333', optedOut]),
      ...smsOnly,
    });
    const { stats } = await fanfare.watch(id, (now) => now['stats'].delivered === 1);
    const path = `Messages/Operations/${id}`;
    const report = await fetchBody(fanfare, `${path}/Report`);
    // Receipts took 0.7 s. An erasure now would be another time.
    expect(report['buckets']).not.toEqual([]);
    await until(async () => Date.now() > Date.parse(report['buckets'].at(-1).at) + 2_000);
    expect((await fanfare.get(`/v1/${path}/Errors`)).body['errors']).toHaveLength(2);
    const whole = await Promise.all(
      (await messagesOf(fanfare, id)).map((each) => fetchBody(fanfare, `Messages/${each['id']}`)),
    );
    expect(whole).toHaveLength(2);
    const [single] = whole;
    const alone = async () => fetchBody(fanfare, `Messages/${single?.['id']}`);
    expect((await erase(fanfare, `Messages/${single?.['id']}`)).status).toBe(204);
    const first = await alone();
    for (let times = 0; times < 2; times += 1)
      await until(async () => (await erase(fanfare, path)).status === 204);
    expect(await fanfare.operation(id)).toMatchObject({ status: 'COMPLETED', stats });
    const { stepSeconds, buckets, senders } = report;
    expect(await fetchBody(fanfare, `${path}/Report`)).toMatchObject({
      stepSeconds,
      buckets,
      senders,
    });
    expect((await fanfare.get(`/v1/${path}/Errors`)).body['errors']).toEqual([]);
    expect(await messagesOf(fanfare, id)).toEqual([]);
    for (const each of whole) {
      const now = await fetchBody(fanfare, `Messages/${each['id']}`);
      expect(now).toMatchObject(leftOf(each, NOBODY, { text: '' }));
      expect(now['error']?.detail).toBeUndefined();
    }
    // The time is that of its own erasure, which came first.
    expect(await alone()).toEqual(first);
    const left = await dump(fanfare);
    for (const mark of [NAME, TAG, WORDS, optedOut, '+15005563333'])
      expect(left).not.toContain(mark);
    const kept = await fanfare.get('/v1/Suppressions');
    expect(kept.body['suppressions']).toHaveLength(1);

    const email = await fanfare.request('POST', '/v1/Emails', {
      from: { address: 'fanfare@example.com' },
      to: [{ address: 'zebedee@quartz.example' }],
      content: {
        subject: WORDS,
        html: WORDS,
        attachments: [{ filename: 'a.txt', contentType: 'text/plain', content: 'SGVsbG8=' }],
      },
    });
    const emails = `Emails/Operations/${email.body['operationId']}`;
    expect((await erase(fanfare, `Messages/Operations/${email.body['operationId']}`)).status).toBe(
      404,
    );
    const [sent] = (await fetchBody(fanfare, `Emails?operationId=${email.body['operationId']}`))[
      'emails'
    ];
    await until(async () => (await erase(fanfare, emails)).status === 204);
    const now = await fetchBody(fanfare, `Emails/${sent.id}`);
    expect(now).toEqual({
      ...leftOf(sent, { address: '' }, { subject: '', html: '', attachments: [] }),
      status: now['status'],
    });
    expect((await erase(fanfare, `Emails/${sent.id}`)).status).toBe(204);
    expect((await fetchBody(fanfare, `Emails/${sent.id}/Receipts`))['receipts']).toEqual([]);
    expect(await fetchBody(fanfare, `Emails/${sent.id}`)).toMatchObject({
      deletedAt: now['deletedAt'],
    });
    expect((await fanfare.get(`/v1/${emails}`)).body['stats'].total).toBe(1);
    expect(await dump(fanfare)).not.toMatch(new RegExp(`quartz\\.example|${WORDS}`));
    const files = await fanfare.database.query(
      'select 1 from email_attachment where account_id = (select id from account where sid = $1)',
      [fanfare.sid],
    );
    expect(files.rowCount).toBe(0);
  }, 60_000);
});

describe('a message from a person', () => {
  it('is emptied, and leads to no answer', async () => {
    const smsc = await startSmsc();
    onTestFinished(() => smsc.close());
    // What comes for a sender of the configuration is the first account's.
    const fanfare = await startFanfare({
      config: {
        carriers: {
          smsc: { kind: 'smpp', host: '127.0.0.1', port: smsc.port, systemId: 'x', password: 'x' },
        },
        senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'smsc' }],
        roles: ALL_ROLES,
        events: {
          allowTargets: ['127.0.0.1'],
          retryDelaysMs: Array.from({ length: 50 }, () => 100),
        },
      },
    });
    const receiver = await startReceiver();
    receiver.behaviour = () => 500;
    await fanfare.request('POST', '/v1/Subscriptions', {
      url: receiver.url,
      batch: { delayMs: 20 },
      types: ['com.twilio.comms-api.message.inbound-received'],
    });
    await until(async () => smsc.sessions.some((each) => each.boundAs !== null));
    const say = (words: string) =>
      smsc.session.send(
        deliverSm({
          text: words,
          source: { ton: 1, npi: 1, address: '4917012345678' },
          destination: { ton: 1, npi: 1, address: '15005550100' },
        }),
      );
    say(NAME);
    const inbound = async () =>
      (await fanfare.get('/v1/Messages?status=INBOUND')).body['messages'] as Json[];
    const [message] = await until(async () => ((await inbound()).length > 0 ? inbound() : null));
    expect((await erase(fanfare, `Messages/${message?.['id']}`)).status).toBe(204);
    const left = await fetchBody(fanfare, `Messages/${message?.['id']}`);
    expect(left).toEqual({
      ...leftOf(message ?? {}, message?.['to'][0], { text: '' }),
      from: { ...message?.['from'], address: '' },
    });
    expect(left['updatedAt']).toBe(left['deletedAt']);
    expect((await erase(fanfare, `Messages/${message?.['id']}`)).status).toBe(204);
    expect(await fetchBody(fanfare, `Messages/${message?.['id']}`)).toEqual(left);
    expect(await inbound()).toEqual([]);
    expect(await dump(fanfare)).not.toMatch(new RegExp(`${NAME}|4917012345678`));
    // No event speaks of it: the first is about the message behind it.
    say('Hello');
    const { length } = receiver.requests;
    await until(async () => receiver.requests.length >= length + 2);
    receiver.behaviour = () => 200;
    await until(async () => receiver.events.length > 0);
    expect(receiver.events.map(({ data }) => data['text'])).toEqual(['Hello']);
  }, 60_000);
});
