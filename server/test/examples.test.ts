/** Requests as programs of the hosted API write them, and the shape of its answers. */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import sends from './data/send-requests.json' with { type: 'json' };
import { useFanfare, type FanfareClient, type Json } from './support/fanfare.ts';

let fanfare: FanfareClient;
let pool = '';
let template = '';
let senderIds: string[] = [];
beforeAll(async () => {
  fanfare = await useFanfare();
  const { body } = await fanfare.get('/v1/Senders?status=ACTIVATED');
  senderIds = body['senders'].map((each: Json) => each['id']);
  pool = await createPool('Everyone', senderIds);
  const content = await fanfare.request('POST', '/v1/Content', {
    types: { 'twilio/text': { body: 'Hello {{1}} {{2}}' } },
    variables: { 2: 'there' },
  });
  template = content.body['id'];
});

async function createPool(name: string, members: string[]): Promise<string> {
  const { status, body } = await fanfare.request('POST', '/v1/SenderPools', {
    name,
    senders: members.map((senderId) => ({ senderId })),
  });
  expect(status).toBe(202);
  expect(body).toEqual({
    operationId: expect.stringMatching(/^comms_operation_/),
    operationLocation: expect.stringContaining(`/v1/SenderPools/Operations/`),
  });
  const list = await fanfare.get(`/v1/SenderPools?operationId=${body['operationId']}`);
  return list.body['senderPools'][0].id;
}

/** Keys of an answer, and of what is in it. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? null : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, shapeOf(each)]));
}

describe('a send', () => {
  it.each(sends.map((each) => [each.name, each.body] as const))('%s', async (_name, body) => {
    const known = JSON.stringify(body)
      .replaceAll('<pool>', pool)
      .replaceAll('<template>', template);
    const { status, body: answer } = await fanfare.request('POST', '/v1/Messages', known);
    expect(answer).toEqual({
      operationId: expect.stringMatching(/^comms_operation_[0-7][a-hjkmnp-tv-z0-9]{25}$/),
      operationLocation: `${fanfare.url}/v1/Messages/Operations/${answer['operationId']}`,
    });
    expect(status).toBe(202);
    const done = await fanfare.watch(
      answer['operationId'],
      (each) => each['status'] === 'COMPLETED',
    );
    expect(done['stats'].failed).toBe(0);
  });

  it('with channels in lower case gets a hint', async () => {
    const { status, body } = await fanfare.request('POST', '/v1/Messages', {
      to: [{ address: '+18015679900', channel: 'phone' }],
      content: { text: 'Hi' },
    });
    expect(status).toBe(400);
    expect(body['errors'][0]).toMatchObject({
      context: '$.to[0].channel',
      message: expect.stringContaining('PHONE'),
    });
  });
});

describe('dates', () => {
  /** Every list, search and selection with dates: its path, and its body if the dates are there. */
  async function listDated(): Promise<[path: string, inBody: boolean][]> {
    const subscription = await fanfare.request('POST', '/v1/Subscriptions', {
      url: 'https://example.com/dates',
      types: ['*'],
    });
    const document = (await fanfare.get('/openapi.json')).body;
    return Object.entries<Json>(document['paths']).flatMap(([path, methods]) => {
      const { get, post } = methods as { get?: Json; post?: Json };
      const real = path
        .replace('{poolId}', pool)
        .replace('{senderPoolId}', pool)
        .replace('{subscriptionId}', subscription.body['id']);
      const shape = post?.['requestBody']?.content?.['application/json']?.schema.$ref
        ?.split('/')
        .at(-1);
      const fields = document['components'].schemas[shape]?.properties ?? {};
      const isListed = get?.['parameters']?.some((each: Json) => each['name'] === 'startDate');
      return [
        ...(isListed ? [[real, false] as [string, boolean]] : []),
        ...('startDate' in fields ? [[real, true] as [string, boolean]] : []),
      ];
    });
  }

  const ask = (path: string, inBody: boolean, startDate: string, endDate: string) =>
    inBody
      ? fanfare.request('POST', path, { startDate, endDate })
      : fanfare.get(`${path}?startDate=${startDate}&endDate=${endDate}`);
  const countOf = (body: Json): number =>
    body['replayed'] ??
    Object.values<unknown[]>(body).find((each) => Array.isArray(each))?.length ??
    NaN;
  const dayFromNow = (days: number) =>
    new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

  it('are plain dates too, in every list that has dates', async () => {
    await fanfare.send(sends[0]?.body ?? {});
    const dated = await listDated();
    const [today, tomorrow] = [dayFromNow(0), dayFromNow(1)];
    const counts: Record<string, number> = {};
    for (const [path, inBody] of dated) {
      for (const day of ['2024-01-15', today]) {
        const same = await ask(path, inBody, day, day);
        expect([path, same.status, countOf(same.body)]).toEqual([path, 200, 0]);
      }
      const now = new Date().toISOString();
      expect([path, (await ask(path, inBody, now, now)).status]).toEqual([path, 200]);
      const listed = await ask(path, inBody, dayFromNow(-1), tomorrow);
      expect([path, listed.status]).toEqual([path, 200]);
      counts[path] = countOf(listed.body);
      for (const [startDate, endDate, context, words] of [
        ['2024-02-30', '2024-03-01', '$.startDate', '"2024-02-30" is not a date'],
        ['2024-02-01', '2024-02-30', '$.endDate', '"2024-02-30" is not a date'],
        ['2024-01-16', '2024-01-15', '$.endDate', 'before startDate'],
        ['2024-01-15T00:00:01Z', '2024-01-15', '$.endDate', 'before startDate'],
      ] as const) {
        const refused = await ask(path, inBody, startDate, endDate);
        expect([path, refused.status]).toEqual([path, 400]);
        expect(refused.body['errors']).toEqual([
          expect.objectContaining({ context, message: expect.stringContaining(words) }),
        ]);
      }
    }
    // So the lists above are the ones of the samples, and are not all empty.
    const some = expect.not.closeTo(0, 0);
    expect(counts).toMatchObject({
      '/v1/Messages': some,
      '/v1/Messages/Search': some,
      '/v1/Messages/Operations': some,
      '/v1/Emails': 0,
      '/v1/Emails/Search': 0,
      '/v1/Emails/Operations': 0,
      '/v1/Senders': some,
      '/v1/SenderPools': 1,
      '/v1/SenderPools/Operations': 1,
      [`/v1/SenderPools/${pool}/Senders`]: some,
    });
    expect(dated.filter(([path]) => path.includes('/Subscriptions/'))).toHaveLength(3);
  });

  it('of one day list that day', async () => {
    const id = await fanfare.send(sends[0]?.body ?? {});
    const { createdAt } = await fanfare.operation(id);
    const day = createdAt.slice(0, 10);
    const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10);
    const { body: listed } = await ask('/v1/Messages/Operations', false, day, next);
    expect(listed['operations'][0].id).toBe(id);
    const after = await ask('/v1/Messages/Operations', false, next, next);
    expect(after.body['operations']).toEqual([]);
  });
});

describe('an answer', () => {
  const instants = { createdAt: 'string', updatedAt: 'string' };
  const counters =
    'total recipients attempts unaddressable queued sent scheduled delivered read undelivered failed canceled';
  const stats = Object.fromEntries(counters.split(' ').map((name) => [name, 'number']));
  const operation = { id: 'string', status: 'string', stats, ...instants };

  it('about an operation and a list of them', async () => {
    const { body } = await fanfare.get('/v1/Messages/Operations?pageSize=1');
    expect(shapeOf(body)).toMatchObject({
      operations: [operation],
      pagination: { next: 'string', self: 'string' },
    });
    const { id } = body['operations'][0];
    expect(shapeOf(await fanfare.operation(id))).toMatchObject(operation);
  });

  it('about messages, filtered as programs do', async () => {
    const now = encodeURIComponent(new Date(Date.now() + 1_000).toISOString());
    const query = `startDate=2024-01-15T09:30:00Z&endDate=${now}&channel=SMS&status=DELIVERED&tags=campaign:summer_sale;region:EMEA;&pageSize=50`;
    const { status, body } = await fanfare.get(`/v1/Messages?${query}`);
    expect(status).toBe(200);
    expect(body['messages'].length).toBeGreaterThan(0);
    expect(shapeOf(body['messages'][0])).toMatchObject({
      id: 'string',
      from: { address: 'string', channel: 'string', senderId: 'string' },
      to: [{ address: 'string', channel: 'string' }],
      related: [{ name: 'string', id: 'string', uri: 'string' }],
      scheduledFor: null,
      status: 'string',
      tags: { campaign: 'string', region: 'string' },
      deletedAt: null,
      ...instants,
    });
    const none =
      'sessionId=comms_session_01h9krwprkeee8fzqspvwy6nq8&profile=mem_profile_01h9krwprkeee8fzqspvwy6nq8';
    expect((await fanfare.get(`/v1/Messages?${none}`)).body['messages']).toEqual([]);
  });

  it('about senders', async () => {
    const sender = {
      id: 'string',
      channel: 'string',
      address: 'string',
      status: 'string',
      tags: {},
      ...instants,
    };
    const list = await fanfare.get('/v1/Senders?status=ACTIVATED');
    expect(shapeOf(list.body)).toMatchObject({
      senders: [sender],
      pagination: { next: null, self: 'string' },
    });
    const search = await fanfare.request('POST', '/v1/Senders/Search', {
      address: '+15005550100',
      channel: 'SMS',
    });
    expect(search.body['senders']).toHaveLength(1);
    expect(shapeOf(search.body)).toMatchObject({ senders: [sender] });
  });

  it('about which sender reaches whom', async () => {
    const { status, body } = await fanfare.request('POST', '/v1/Senders/Resolve', {
      senderPoolId: pool,
      recipientAddresses: [
        { address: '+14155552671', channel: 'PHONE' },
        { address: '+14155552671', channel: 'WHATSAPP' },
      ],
      channels: {
        filterIn: ['SMS', 'WHATSAPP'],
        priority: [
          { channel: 'SMS', priority: 1 },
          { channel: 'WHATSAPP', priority: 2 },
        ],
      },
    });
    expect(status).toBe(200);
    expect(body['results']).toMatchObject([
      { from: { channel: 'SMS', address: '+15005550100' }, to: { channel: 'PHONE' }, priority: 0 },
      { from: { channel: 'WHATSAPP' }, to: { channel: 'WHATSAPP' }, priority: 0 },
    ]);
    expect(Object.keys(body['results'][0].from).toSorted()).toEqual([
      'address',
      'channel',
      'displayName',
      'senderId',
    ]);
  });

  it('about a pool that is made, changed, filled and emptied', async () => {
    const created = await createPool('Sales Leads - APAC', []);
    const path = `/v1/SenderPools/${created}`;
    const changed = await fanfare.request('PATCH', path, {
      name: 'Customer Support Senders - Tier 1',
      tags: { tier: '1' },
    });
    expect(changed.status).toBe(202);
    const [senderId = ''] = senderIds;
    const added = await fanfare.request('POST', `${path}/Senders`, [{ senderId }]);
    expect(added.status).toBe(202);
    const members = `${path}/Senders?status=ACTIVATED&startDate=2024-01-15T09:30:00Z&pageSize=50`;
    expect((await fanfare.get(members)).body['senders']).toHaveLength(1);
    const removed = await fanfare.request('DELETE', `${path}/Senders/${senderId}`);
    expect(removed.status).toBe(202);
    const list = await fanfare.get('/v1/SenderPools');
    expect(shapeOf(list.body)).toMatchObject({
      senderPools: [{ id: 'string', name: 'string', tags: { tier: 'string' }, ...instants }],
      pagination: { next: null, self: 'string' },
    });
  });

  it('about what is not there, and what is no id', async () => {
    const error = { code: 'number', message: 'string', infoUrl: 'string', context: 'string' };
    const missing = await fanfare.get(`/v1/Messages/Seek/SM${'0'.repeat(32)}`);
    expect([missing.status, shapeOf(missing.body)]).toMatchObject([404, { errors: [error] }]);
    const wrong = await fanfare.get('/v1/Messages/Seek/nothing');
    expect([wrong.status, shapeOf(wrong.body)]).toMatchObject([400, { errors: [error] }]);
  });
});

describe('the prefix /preview', () => {
  const bare = (path: string, init: RequestInit = {}) => fetch(`${fanfare.url}${path}`, init);

  it('has everything that /v1 has', async () => {
    const address = '+15005557701';
    const { status, body } = await fanfare.request('POST', '/preview/Messages', {
      to: [{ address, channel: 'PHONE' }],
      from: { address: '+15005550001', channel: 'SMS' },
      content: { text: 'Hi' },
    });
    const { operationId: id, operationLocation } = body;
    expect([status, operationLocation]).toEqual([
      202,
      `${fanfare.url}/v1/Messages/Operations/${id}`,
    ]);
    await fanfare.watch(id, (each) => each['status'] === 'COMPLETED');
    const found = await fanfare.request('POST', '/PREVIEW/Messages/Search?pageSize=1', { address });
    const [message] = found.body['messages'];
    expect(message.to[0].address).toBe(address);
    const whole = await fanfare.get(`/preview/Messages/${message.id}/`);
    expect(whole.body).toEqual((await fanfare.get(`/v1/Messages/${message.id}`)).body);
    // Links lead to /v1.
    const seek = await fanfare.get(`/preview/Messages/Seek/${whole.body['attempts'][0].id}`);
    expect([seek.status, seek.headers.get('location')]).toEqual([
      301,
      `${fanfare.url}/v1/Messages/${message.id}`,
    ]);
    const emails = await fanfare.request('POST', '/preview/Emails/Search?pageSize=2', {
      startDate: '2024-01-15',
    });
    expect([emails.status, emails.body['emails']]).toEqual([200, []]);
  });

  it('has the credentials, limits and refusals of /v1', async () => {
    const missing = await bare('/preview/Messages');
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="Fanfare", Bearer realm="Fanfare"',
    ]);
    const method = await fanfare.request('PUT', '/preview/Messages', {});
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST, GET']);
    const large = { address: 'x'.repeat(2_200_000) };
    const refused = await fanfare.request('POST', '/preview/Senders/Search', large);
    expect([refused.status, refused.body['code']]).toEqual([413, 20413]);
    for (const path of ['/preview/Nothing', '/preview', '/previews/Messages', '/v1/preview'])
      expect((await fanfare.get(path)).body['message']).toBe(`There is nothing at GET ${path}.`);
    // Only the beginning of the path is the prefix.
    const query = await fanfare.get('/preview/Messages?tags=x:/preview/y');
    expect([query.status, query.body['messages']]).toEqual([200, []]);
  });

  it('of a stream has the events', async () => {
    const stop = new AbortController();
    const authorization = `Basic ${Buffer.from(`${fanfare.sid}:${fanfare.token}`).toString('base64')}`;
    const { status, headers } = await bare('/preview/Stream', {
      headers: { authorization },
      signal: stop.signal,
    });
    expect([status, headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/event-stream'),
    ]);
    stop.abort();
  });

  it('is counted as /v1, and described once', async () => {
    const metrics = await (await bare('/metrics')).text();
    expect(metrics).toContain('route="/v1/Messages/:messageId"');
    expect(metrics).not.toMatch(/route="[^"]*preview/i);
    const { paths, info } = (await fanfare.get('/openapi.json')).body;
    expect(Object.keys(paths).filter((path) => !path.startsWith('/v1/'))).toEqual(['/v2/token']);
    expect(info.description).toContain('`/preview`');
  });

  it('is read in the absolute form of a target too', async () => {
    const { port } = new URL(fanfare.url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `GET http://127.0.0.1/preview/Nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toContain('404 Not Found');
    socket.destroy();
    const known = connect(Number(port), '127.0.0.1');
    known.write(
      `GET http://127.0.0.1/preview/Messages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    // It is found, so it needs credentials.
    expect(Buffer.concat(await known.toArray()).toString()).toContain('401 Unauthorized');
  });
});

describe('codes of errors', () => {
  const to = [{ address: '+15005557710', channel: 'PHONE' }];
  const content = { text: 'Hi' };
  const long = 'x'.repeat(1_601);
  it.each([
    ['a wrong value', { to, content, from: { address: '+15005550001', channel: 'FAX' } }, 20422],
    ['an unknown field', { to, content, form: {} }, 20001],
    ['a recipient', { to: [{ address: '12', channel: 'PHONE' }], content }, 21211],
    ['a sender', { to, content, from: { address: 'a\tb', channel: 'SMS' } }, 21212],
    ['a statusCallback', { to, content, statusCallback: 'ftp://example.com' }, 21609],
    ['an empty statusCallback', { to, content, statusCallback: '' }, 21609],
    ['a long text', { to, content: { text: long } }, 21617],
    [
      'a text made long by a variable',
      { to: [{ ...to[0], variables: { name: long } }], content: { text: '{{ name }}' } },
      21617,
    ],
  ])("of %s are the dictionary's", async (_what, body, code) => {
    const refused = await fanfare.request('POST', '/v1/Messages', body);
    expect([refused.status, refused.body['errors'][0].code]).toEqual([400, code]);
    expect(refused.body['errors'][0].infoUrl).toBe(`${fanfare.url}/docs/errors#${code}`);
  });
});
