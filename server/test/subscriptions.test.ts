/** Subscriptions over HTTP: created, changed, tested and listed, on a node that delivers nothing, so that rows stay. */
import { readFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EVENT_NAMES, EVENT_TYPES, TEST_TYPE } from '../src/domain/event.ts';
import { decodeTypeId, encodeTypeId, newUuid } from '../src/domain/ids.ts';
import { findSecretProblem, findTypeProblem, namesOfTypes } from '../src/domain/subscription.ts';
import {
  recipients,
  text,
  until,
  useFanfare,
  type Answer,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { hold, startReceiver, type Received } from './support/receiver.ts';

const SERVER = {
  config: { roles: ['api', 'dispatch'], events: { allowTargets: ['127.0.0.1'] } },
};
let fanfare: FanfareClient;
let accountId = 0;
beforeAll(async () => {
  fanfare = await useFanfare(SERVER);
  const { rows } = await fanfare.database.query('select id from account where sid = $1', [
    fanfare.sid,
  ]);
  accountId = rows[0].id;
});

const URL_OUTSIDE = 'https://hooks.example.com/fanfare';
const post = (path: string, body?: unknown) =>
  fanfare.request('POST', `/v1/Subscriptions${path}`, body);
const patch = (id: string, body: unknown) =>
  fanfare.request('PATCH', `/v1/Subscriptions/${id}`, body);
const remove = (id: string) => fanfare.request('DELETE', `/v1/Subscriptions/${id}`);
const get = (path: string) => fanfare.get(`/v1/Subscriptions${path}`);

/** A subscription that ends with the test. */
async function subscribe(body: Json = {}): Promise<Json> {
  const answer = await post('', { url: URL_OUTSIDE, ...body });
  expect([answer.status, answer.body['errors']]).toEqual([201, undefined]);
  onTestFinished(async () => {
    await remove(answer.body['id']);
  });
  return answer.body;
}

/** What is wrong, by its place. */
const problemsOf = ({ status, body }: Answer): Json => {
  expect(status).toBe(400);
  return Object.fromEntries(body['errors'].map((each: Json) => [each['context'], each['message']]));
};

const readPage = () => readFile(new URL('../../docs/events.md', import.meta.url), 'utf8');

describe('types of events', () => {
  it('are named as they are or by their beginning, and slips are seen', () => {
    for (const type of [...EVENT_TYPES, '*', 'fanfare.*', 'fanfare.email.*', 'com.twilio.c*'])
      expect(findTypeProblem(type)).toBeNull();
    for (const [given, meant] of [
      ['com.twilio.comms-api.mesage.sent', 'com.twilio.comms-api.message.sent'],
      ['message.delivered', 'com.twilio.comms-api.message.delivered'],
      ['message.*', 'com.twilio.comms-api.message.*'],
      ['fanfare.emails.*', 'fanfare.email.*'],
      ['email.opened', 'fanfare.email.opened'],
    ] as const)
      expect(findTypeProblem(given)).toContain(`Did you mean "${meant}"?`);
    for (const strange of [TEST_TYPE, 'sms', '', 'x'.repeat(100)])
      expect(findTypeProblem(strange)).toContain('no event type');
    expect(findTypeProblem('*.sent')).toContain('only the end');
    expect(namesOfTypes(['*'])).toEqual(EVENT_NAMES);
    expect(namesOfTypes(['fanfare.email.s*', 'com.twilio.comms-api.operation.completed'])).toEqual([
      'operation.completed',
      'email.sent',
    ]);
  });

  it('are all in docs/events.md, and no others', async () => {
    const page = await readPage();
    const rows = [...page.matchAll(/^\| `((?:com|fanfare)\.[\w.-]+)`/gm)].map(([, type]) => type);
    expect(rows.toSorted()).toEqual([...EVENT_TYPES, TEST_TYPE].toSorted());
  });
});

describe('a secret', () => {
  it('is whsec_ and the base64 of 24 to 64 bytes', () => {
    const secretOf = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
    for (const bytes of [24, 25, 26, 27, 32, 63, 64])
      expect(findSecretProblem(secretOf(bytes))).toBeNull();
    for (const wrong of [
      secretOf(23),
      secretOf(65),
      secretOf(25).replaceAll('=', ''),
      secretOf(24).slice(6),
      'whsec_',
      `whsec_${'*'.repeat(32)}`,
    ])
      expect(findSecretProblem(wrong)).toContain('24 to 64 bytes');
  });
});

describe('a subscription', () => {
  it('is made, read, listed and deleted; its secret is shown once, its token never', async () => {
    const plain = await post('', { url: URL_OUTSIDE });
    expect(plain.status).toBe(201);
    const { secret, ...shown } = plain.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^comms_subscription_[0-7][a-z0-9]{25}$/),
      url: URL_OUTSIDE,
      origin: 'API',
      types: ['*'],
      tags: {},
      description: null,
      batch: { size: 100, delayMs: 200 },
      status: 'ENABLED',
      reason: null,
      failures: 0,
      failingSince: null,
      lastDeliveryAt: null,
      hasAuthToken: false,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(plain.headers.get('location')).toBe(`${fanfare.url}/v1/Subscriptions/${shown['id']}`);
    const own = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const full = await post('', {
      url: `${URL_OUTSIDE}?a=b`,
      types: ['fanfare.email.*', 'com.twilio.comms-api.message.read'],
      tags: { campaign: 'spring' },
      description: 'Reads',
      batch: { size: 1 },
      authToken: 'a token of the other side',
      secret: own,
    });
    expect(full.body).toMatchObject({
      types: ['fanfare.email.*', 'com.twilio.comms-api.message.read'],
      tags: { campaign: 'spring' },
      description: 'Reads',
      batch: { size: 1, delayMs: 200 },
      hasAuthToken: true,
      secret: own,
    });
    const { rows } = await fanfare.database.query(
      'select names, kind from subscription where id = $1',
      [decodeTypeId('comms_subscription', full.body['id'])],
    );
    expect(rows[0]).toEqual({
      kind: 'WEBHOOK',
      names: ['message.read', ...EVENT_NAMES.filter((name) => name.startsWith('email.'))],
    });
    expect((await get(`/${shown['id']}`)).body).toEqual(shown);
    const pages = await get('?pageSize=1');
    expect(pages.body['subscriptions']).toMatchObject([{ id: full.body['id'] }]);
    const next = await get(`?pageSize=1&pageToken=${pages.body['pagination'].next}`);
    expect(next.body).toEqual({
      subscriptions: [shown],
      pagination: { next: null, self: pages.body['pagination'].next },
    });
    const everything = JSON.stringify([await get(''), await get(`/${full.body['id']}`)]);
    expect(everything).not.toMatch(/whsec_|other side/);
    for (const { id } of [full.body, shown] as Json[]) {
      expect((await remove(id)).status).toBe(204);
      expect((await remove(id)).status).toBe(404);
      expect((await get(`/${id}`)).status).toBe(404);
    }
  });

  it('is refused with everything that is wrong, each at its place', async () => {
    const secret = 'whsec_too-short-and-not-to-be-seen';
    const answer = await post('', {
      url: 'ftp://example.com',
      types: ['com.twilio.comms-api.message.sent', 'message.dlivered', 'fanfare.emial.sent'],
      secret,
    });
    expect(problemsOf(answer)).toEqual({
      '$.url': expect.any(String),
      '$.types[1]': expect.stringContaining('no event type "message.dlivered"'),
      '$.types[2]': expect.stringContaining('Did you mean "fanfare.email.sent"?'),
      '$.secret': expect.stringContaining('whsec_'),
    });
    expect(JSON.stringify(answer.body)).not.toContain(secret);
    expect(problemsOf(await post('', { types: ['*'] }))['$.url']).toContain('Give url');
    expect(problemsOf(await post('', { sink: 'kafka' }))['$.sink']).toContain('has none');
    expect(problemsOf(await post('', { url: URL_OUTSIDE, sink: 'kafka' }))['$.sink']).toBeDefined();
    expect(
      problemsOf(await post('', { url: 'http://169.254.169.254/latest' }))['$.url'],
    ).toBeDefined();
    for (const [body, place] of [
      [{ types: [] }, '$.types'],
      [{ batch: { size: 1_001 } }, '$.batch.size'],
      [{ batch: { delayMs: 60_001 } }, '$.batch.delayMs'],
      [{ batch: { delay: 1 } }, '$.batch.delay'],
      [{ tags: { 'two words': 'x' } }, '$.tags["two words"]'],
      [{ authToken: '' }, '$.authToken'],
      [{ status: 'ENABLED' }, '$.status'],
      [{ urls: [] }, '$.urls'],
    ] as const)
      expect(problemsOf(await post('', { url: URL_OUTSIDE, ...body }))).toHaveProperty([place]);
  });

  it('is changed in part, disabled and enabled', async () => {
    const { id, secret, updatedAt, ...before } = await subscribe({
      authToken: 'x',
      batch: { size: 7, delayMs: 9 },
    });
    const changed = await patch(id, {
      url: `${URL_OUTSIDE}/2`,
      types: ['fanfare.*'],
      tags: { a: 'b' },
      description: 'Now with words',
      batch: { delayMs: 0 },
    });
    expect(changed.body).toEqual({
      ...before,
      id,
      url: `${URL_OUTSIDE}/2`,
      types: ['fanfare.*'],
      tags: { a: 'b' },
      description: 'Now with words',
      batch: { size: 7, delayMs: 0 },
      updatedAt: expect.any(String),
    });
    expect(changed.body['updatedAt'] > updatedAt).toBe(true);
    expect((await patch(id, { authToken: null, description: null })).body).toMatchObject({
      hasAuthToken: false,
      description: null,
      types: ['fanfare.*'],
    });
    expect((await patch(id, { status: 'DISABLED' })).body).toMatchObject({
      status: 'DISABLED',
      reason: null,
    });
    const uuid = decodeTypeId('comms_subscription', id);
    await fanfare.database.query(
      `update subscription set reason = 'Every delivery has failed.', failures = 9, failing_since = now() where id = $1`,
      [uuid],
    );
    // Disabling what is disabled forgets nothing.
    expect((await patch(id, { status: 'DISABLED' })).body).toMatchObject({ failures: 9 });
    expect((await patch(id, { status: 'ENABLED' })).body).toMatchObject({
      status: 'ENABLED',
      reason: null,
      failures: 0,
      failingSince: null,
    });
    expect(problemsOf(await patch(id, {}))).toHaveProperty(['$']);
    expect(problemsOf(await patch(id, { status: 'PAUSED' }))).toHaveProperty(['$.status']);
    expect(problemsOf(await patch(id, { types: ['x*'] }))).toHaveProperty(['$.types[0]']);
    expect(problemsOf(await patch(id, { sink: 'kafka' }))).toHaveProperty(['$.sink']);
    expect(problemsOf(await patch(id, { secret: 'x' }))).toHaveProperty(['$.secret']);
    const { rows } = await fanfare.database.query('select secret from subscription where id = $1', [
      uuid,
    ]);
    expect(rows[0].secret).toBe(secret);
  });

  it('gets a new secret beside the one before', async () => {
    const { id, secret } = await subscribe();
    const kept = async () => {
      const { rows } = await fanfare.database.query(
        `select secret, previous_secret as previous, extract(epoch from previous_until - now())::float as seconds
         from subscription where id = $1`,
        [decodeTypeId('comms_subscription', id)],
      );
      return rows[0];
    };
    const first = await post(`/${id}/RotateSecret`);
    expect(first.body).toEqual({
      secret: expect.stringMatching(/^whsec_/),
      previousUntil: expect.any(String),
    });
    expect(first.body['secret']).not.toBe(secret);
    expect(await kept()).toMatchObject({ secret: first.body['secret'], previous: secret });
    expect((await kept()).seconds).toBeGreaterThan(86_000);
    const own = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;
    const second = await post(`/${id}/RotateSecret`, { secret: own, overlapSeconds: 0 });
    expect(second.body['secret']).toBe(own);
    expect(await kept()).toMatchObject({ secret: own, previous: first.body['secret'] });
    expect((await kept()).seconds).toBeLessThanOrEqual(0);
    for (const [body, place] of [
      [{ overlapSeconds: 604_801 }, '$.overlapSeconds'],
      [{ secret: 'mine' }, '$.secret'],
      [{ overlap: 1 }, '$.overlap'],
    ] as const)
      expect(problemsOf(await post(`/${id}/RotateSecret`, body))).toHaveProperty([place]);
  });

  it('is one of a hundred at most', async () => {
    await fanfare.database.query(
      `insert into subscription (account_id, id, kind, target, types, names, batch_size, batch_delay_ms, secret)
       select $2, gen_random_uuid(), 'WEBHOOK', $1, '{}', '{}', 1, 0, 'x' from generate_series(1, 100)`,
      [URL_OUTSIDE, accountId],
    );
    const { status, body } = await post('', { url: URL_OUTSIDE });
    expect([status, body['code']]).toEqual([409, 20414]);
    await fanfare.database.query(`delete from subscription where secret = 'x'`);
  });

  it('is hidden from other accounts', async () => {
    const { id } = await subscribe();
    const other = await useFanfare(SERVER);
    const ask = (method: string, path: string, body?: unknown) =>
      other.request(method, `/v1/Subscriptions${path}`, body);
    expect([other.url, other.sid === fanfare.sid]).toEqual([fanfare.url, false]);
    expect((await ask('GET', '')).body['subscriptions']).toEqual([]);
    for (const [method, path, body] of [
      ['GET', ''],
      ['PATCH', '', { description: 'mine' }],
      ['DELETE', ''],
      ['POST', '/RotateSecret'],
      ['POST', '/Test'],
      ['POST', '/Replay', { endDate: '2030-01-01T00:00:00Z' }],
      ['GET', '/Deliveries'],
      ['GET', '/Attempts'],
    ] as const)
      expect((await ask(method, `/${id}${path}`, body)).status, `${method} ${path}`).toBe(404);
    expect((await get(`/${id}`)).body['description']).toBeNull();
  });
});

describe('trying a subscription out', () => {
  it('calls the subscriber with one signed event, also where it is disabled, and writes nothing', async () => {
    const subscriber = await startReceiver();
    const { id, secret } = await subscribe({ url: subscriber.url });
    await patch(id, { status: 'DISABLED' });
    const before = (await get(`/${id}`)).body;
    const { status, body } = await post(`/${id}/Test`);
    expect([status, body]).toEqual([
      200,
      { delivered: true, httpStatus: 200, detail: null, tookMs: expect.any(Number) },
    ]);
    expect(subscriber.requests).toHaveLength(1);
    const [request] = subscriber.requests;
    expect(request?.events).toMatchObject([
      {
        specversion: '1.0',
        type: 'fanfare.subscription.test',
        source: `/v1/Subscriptions/${id}`,
        data: { subscription_id: id },
      },
    ]);
    const headers = request?.headers as Record<string, string>;
    expect(() => new Webhook(secret).verify(request?.body ?? '', headers)).not.toThrow();
    expect(headers['x-twilio-signature']).toMatch(/^[\w+/]{27}=$/);
    // And so say the two functions that docs/events.md gives.
    const [, code = ''] = /```js\n([^]*?)```/.exec(await readPage()) ?? [];
    const { isGenuine, isGenuineAsHosted } = (await import(
      `data:text/javascript,${encodeURIComponent(code)}`
    )) as Record<string, (...args: unknown[]) => boolean>;
    const bytes = Buffer.from(request?.body ?? '');
    const url = new URL(request?.path ?? '', subscriber.url).href;
    expect(isGenuine?.(headers, bytes, secret)).toBe(true);
    expect(isGenuineAsHosted?.(url, headers, bytes, secret)).toBe(true);
    const other = Buffer.from(`${request?.body} `);
    expect(isGenuine?.(headers, other, secret)).toBe(false);
    expect(isGenuineAsHosted?.(url, headers, other, secret)).toBe(false);
    expect(isGenuineAsHosted?.(url.replace('hook', 'h'), headers, bytes, secret)).toBe(false);
    expect((await get(`/${id}`)).body).toEqual(before);
    expect((await get(`/${id}/Attempts`)).body['attempts']).toEqual([]);
  });

  it('shows the error', async () => {
    const refusing = await startReceiver();
    refusing.behaviour = () => 503;
    const { id } = await subscribe({ url: refusing.url });
    expect((await post(`/${id}/Test`)).body).toMatchObject({
      delivered: false,
      httpStatus: 503,
      detail: expect.any(String),
    });
    const hanging = await startReceiver();
    const release = hold(hanging);
    const { id: slow } = await subscribe({ url: hanging.url });
    // Four at the same time; further ones are refused while the four still wait.
    const codes: number[] = [];
    const asked = Array.from({ length: 6 }, async () =>
      codes.push((await post(`/${slow}/Test`)).status),
    );
    await until(async () => codes.length === 2 && hanging.requests.length === 4);
    expect(codes).toEqual([503, 503]);
    release();
    await Promise.all(asked);
    expect(codes).toEqual([503, 503, 200, 200, 200, 200]);
    const { id: nobody } = await subscribe({ url: 'http://127.0.0.1:1/' });
    expect((await post(`/${nobody}/Test`)).body).toMatchObject({
      delivered: false,
      httpStatus: null,
      detail: expect.any(String),
    });
    expect((await get(`/${nobody}`)).body).toMatchObject({ status: 'ENABLED', failures: 0 });
  });
});

/** Rows of the log for a subscription, a second apart, the first the oldest; with their delivery ids. */
async function fill(id: string, rows: readonly { name: string; status: string; tries?: number }[]) {
  const start = Date.now() - 3_600_000;
  const made: string[] = [];
  for (const [i, { name, status, tries = 0 }] of rows.entries()) {
    const at = new Date(start + i * 1_000);
    const uuid = `${newUuid(at.getTime()).slice(0, 24)}000000000000`;
    await fanfare.database.query(
      `insert into event_log (account_id, id, subject_id, name, at, attempt, candidate, ordinals)
       values ($5, $1, $1, $2, $3, 1, 0, $4)`,
      [uuid, name, at, name === 'message.sent' ? [0, 1, 2] : null, accountId],
    );
    await fanfare.database.query(
      `insert into event_delivery (account_id, subscription_id, event_id, subject_id, status, tries, delivered_count, due_at)
       values ($5, $1, $2, $2, $3, $4, 0, now() + interval '1 hour')`,
      [decodeTypeId('comms_subscription', id), uuid, status, tries, accountId],
    );
    made.push(encodeTypeId('comms_delivery', uuid));
  }
  return { ids: made, dateOf: (i: number) => new Date(start + i * 1_000).toISOString() };
}

describe('deliveries', () => {
  it('are listed by status and date, with their subject and the time of the next try', async () => {
    const { id } = await subscribe();
    const { ids, dateOf } = await fill(id, [
      { name: 'message.sent', status: 'DELIVERED' },
      { name: 'operation.completed', status: 'FAILED', tries: 8 },
      { name: 'message.inbound', status: 'PENDING', tries: 2 },
    ]);
    const all = (await get(`/${id}/Deliveries`)).body;
    expect(all['deliveries']).toMatchObject([
      {
        id: ids[2],
        type: 'com.twilio.comms-api.message.inbound-received',
        subject: expect.stringMatching(/^comms_message_/),
        status: 'PENDING',
        tries: 2,
        nextTryAt: expect.any(String),
        createdAt: dateOf(2),
      },
      {
        id: ids[1],
        subject: expect.stringMatching(/^comms_operation_/),
        status: 'FAILED',
        tries: 8,
        nextTryAt: null,
      },
      { id: ids[0], events: 3, status: 'DELIVERED', nextTryAt: null },
    ]);
    const listed = async (query: string) =>
      (await get(`/${id}/Deliveries?${query}`)).body['deliveries'].map((each: Json) => each['id']);
    expect(await listed('status=FAILED')).toEqual([ids[1]]);
    expect(await listed(`startDate=${dateOf(0)}`)).toEqual([ids[2], ids[1]]);
    expect(await listed(`endDate=${dateOf(1)}`)).toEqual([ids[0]]);
    const page = (await get(`/${id}/Deliveries?pageSize=2`)).body;
    expect(await listed(`pageSize=2&pageToken=${page['pagination'].next}`)).toEqual([ids[0]]);
    expect(problemsOf(await get(`/${id}/Deliveries?status=LOST`))).toHaveProperty(['$.status']);
    expect(problemsOf(await get(`/${id}/Deliveries?startDate=x`))).toHaveProperty(['$.startDate']);
  });

  it('are delivered again on request: by id, or by date and status', async () => {
    const { id } = await subscribe();
    const statuses = ['DELIVERED', 'FAILED', 'FAILED', 'PENDING', 'DELIVERED', 'FAILED'];
    const { ids, dateOf } = await fill(
      id,
      statuses.map((status) => ({ name: 'message.sent', status, tries: 3 })),
    );
    const replay = async (body: Json) => (await post(`/${id}/Replay`, body)).body['replayed'];
    const now = async () =>
      (await get(`/${id}/Deliveries`)).body['deliveries']
        .map((each: Json) => `${each['status']} ${each['tries']}`)
        .toReversed();
    expect(await replay({ startDate: dateOf(1), endDate: dateOf(5) })).toBe(1);
    expect(await now()).toEqual([
      'DELIVERED 3',
      'FAILED 3',
      'PENDING 0',
      'PENDING 3',
      'DELIVERED 3',
      'FAILED 3',
    ]);
    expect(await replay({ deliveryIds: [ids[0], ids[5]] })).toBe(2);
    expect(await replay({ deliveryIds: [ids[4]], statuses: ['FAILED'] })).toBe(0);
    expect(await replay({ endDate: dateOf(9), statuses: ['DELIVERED', 'PENDING'] })).toBe(5);
    expect(await replay({ startDate: dateOf(-1) })).toBe(1);
    expect(await now()).toEqual(Array.from({ length: 6 }, () => 'PENDING 0'));
    const due = await get(`/${id}/Deliveries`);
    for (const each of due.body['deliveries'])
      expect(Date.parse(each['nextTryAt'])).toBeLessThanOrEqual(Date.now() + 1_000);
    for (const [body, place] of [
      [{}, '$.deliveryIds'],
      [{ statuses: ['FAILED'] }, '$.deliveryIds'],
      [{ deliveryIds: [] }, '$.deliveryIds'],
      [{ deliveryIds: [ids[0]], endDate: dateOf(1) }, '$.deliveryIds'],
      [{ deliveryIds: ['comms_message_01h9krwprkeee8fzqspvwy6nq8'] }, '$.deliveryIds[0]'],
      [{ startDate: dateOf(2), endDate: dateOf(1) }, '$.endDate'],
      [{ startDate: 'yesterday' }, '$.startDate'],
    ] as const)
      expect(problemsOf(await post(`/${id}/Replay`, body))).toHaveProperty([place]);
  });

  it('are delivered again however many there are', async () => {
    const { id } = await subscribe();
    await fanfare.database.query(
      `insert into event_delivery (account_id, subscription_id, event_id, subject_id, status, due_at)
       select $2, $1, (substr(uuid_floor(now() - interval '1 minute')::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid,
         gen_random_uuid(), 'FAILED', now() from generate_series(1, 25000) n`,
      [decodeTypeId('comms_subscription', id), accountId],
    );
    const since = { startDate: new Date(Date.now() - 3_600_000).toISOString() };
    expect((await post(`/${id}/Replay`, since)).body).toEqual({ replayed: 25_000 });
    expect((await post(`/${id}/Replay`, since)).body).toEqual({ replayed: 0 });
  });

  it('have their requests listed', async () => {
    const { id } = await subscribe();
    const uuid = decodeTypeId('comms_subscription', id);
    const times = [Date.now() - 3_000, Date.now() - 2_000];
    for (const [i, time] of times.entries())
      await fanfare.database.query(
        `insert into event_attempt values ($6, $1, $2, 12, 3, $2, $2, $3, $4, $5)`,
        [
          uuid,
          newUuid(time),
          i === 1,
          i === 1 ? 204 : null,
          i === 1 ? null : 'No answer.',
          accountId,
        ],
      );
    const { attempts } = (await get(`/${id}/Attempts`)).body as { attempts: Json[] };
    expect(attempts).toEqual([
      {
        id: expect.stringMatching(/^comms_deliveryattempt_/),
        delivered: true,
        httpStatus: 204,
        detail: null,
        events: 3,
        firstDeliveryId: expect.stringMatching(/^comms_delivery_/),
        lastDeliveryId: expect.stringMatching(/^comms_delivery_/),
        tookMs: 12,
        createdAt: new Date(times[1] ?? 0).toISOString(),
      },
      expect.objectContaining({ delivered: false, httpStatus: null, detail: 'No answer.' }),
    ]);
    const listed = async (query: string) =>
      (await get(`/${id}/Attempts?${query}`)).body['attempts'].map((each: Json) => each['id']);
    expect(await listed('delivered=false')).toEqual([attempts[1]?.['id']]);
    expect(await listed('delivered=true')).toEqual([attempts[0]?.['id']]);
    expect(await listed(`startDate=${new Date(times[0] ?? 0).toISOString()}`)).toHaveLength(1);
    const page = (await get(`/${id}/Attempts?pageSize=1`)).body;
    expect(await listed(`pageToken=${page['pagination'].next}`)).toEqual([attempts[1]?.['id']]);
    expect(problemsOf(await get(`/${id}/Attempts?delivered=maybe`))).toHaveProperty([
      '$.delivered',
    ]);
  });
});

describe('the subscription of a statusCallback', () => {
  it('is listed with the others, and managed by its owner except for its events', async () => {
    const subscriber = await startReceiver();
    const sent = { to: recipients(1), content: text('Hi') };
    await fanfare.send({ ...sent, statusCallback: subscriber.url });
    await fanfare.send({ ...sent, statusCallback: subscriber.url });
    const found = (await get('')).body['subscriptions'].filter(
      (each: Json) => each['url'] === subscriber.url,
    );
    expect(found).toMatchObject([{ origin: 'STATUS_CALLBACK', types: ['*'], status: 'ENABLED' }]);
    const { id } = found[0];
    for (const body of [{ url: URL_OUTSIDE }, { types: ['*'] }, { sink: 'x' }])
      expect(Object.values(problemsOf(await patch(id, body))).join(' ')).toContain(
        'statusCallback',
      );
    expect(
      (await patch(id, { status: 'DISABLED', description: 'Mine', authToken: 'x' })).body,
    ).toMatchObject({ status: 'DISABLED', description: 'Mine', hasAuthToken: true });
    expect((await post(`/${id}/Test`)).body['delivered']).toBe(true);
    const { secret } = (await post(`/${id}/RotateSecret`, {})).body;
    await post(`/${id}/Test`);
    const { headers, body } = subscriber.requests.at(-1) as Received;
    expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow();
    expect((await post(`/${id}/Replay`, { endDate: new Date().toISOString() })).body).toEqual({
      replayed: 0,
    });
    expect((await patch(id, { status: 'ENABLED' })).body['status']).toBe('ENABLED');
    expect((await remove(id)).status).toBe(204);
    await fanfare.send({ ...sent, statusCallback: subscriber.url });
    expect((await get('')).body['subscriptions']).toMatchObject([{ url: subscriber.url }]);
  });
});
