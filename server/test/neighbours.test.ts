/** Neighbours: an account that misbehaves, accidentally or deliberately, delays no other and gets the refusals itself. */
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  ALL_ROLES,
  recipients,
  smsOnly,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

const config = { limits: { accountInFlightRequestsMax: 40, inFlightRequestsMax: 60 } };
let hostile: FanfareClient;
let other: FanfareClient;

beforeAll(async () => {
  hostile = await useFanfare({ config });
  other = await useFanfare({ config });
  expect(other.url).toBe(hostile.url);
});

const basic = ({ sid, token }: FanfareClient) =>
  `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
const one = { to: recipients(1), content: text('Hi'), ...smsOnly };
/** Each recipient costs a second's thousandth and more. */
const LOOP = '{% for i in (1..250) %}{% endfor %}{{ name }}';
const heavy = (count: number): Json => ({
  to: recipients(count).map((each) => ({ ...each, variables: { name: 'Ada' } })),
  content: text(LOOP),
  ...smsOnly,
  dryRun: true,
});

it.each([
  ['small ones, of 64 kB at most', 100],
  ['large ones', 1_000],
])('heavy requests share processor time fairly: %s', async (_name, count) => {
  const CROWD = 6;
  const SENDS = 4;
  let answered = 0;
  let isOver = false;
  const statuses = new Set<number>();
  const crowd = Array.from({ length: CROWD }, async () => {
    while (!isOver) {
      statuses.add((await hostile.request('POST', '/v1/Messages', heavy(count))).status);
      answered += 1;
    }
  });
  await until(async () => answered >= CROWD);
  const before = answered;
  for (let i = 0; i < SENDS; i += 1) {
    const dryRun = i % 2 === 1;
    const { status } = await other.request('POST', '/v1/Messages', { ...one, dryRun });
    expect(status).toBe(dryRun ? 200 : 202);
  }
  // One after the other they would each wait for all of the crowd.
  expect(answered - before).toBeLessThan((CROWD * SENDS) / 2);
  isOver = true;
  await Promise.all(crowd);
  expect(statuses).toEqual(new Set([200]));
});

it('requests in progress are bounded for each account', async () => {
  const sockets: Socket[] = [];
  onTestFinished(() => sockets.forEach((each) => each.destroy()));
  const answers: string[] = [];
  const hold = (client: FanfareClient) => {
    const { hostname, port } = new URL(client.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => answers.push(data.toString('latin1').slice(9, 12)));
    socket.write(
      `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
    );
  };
  for (let i = 0; i < 45; i += 1) hold(hostile);
  await until(async () => answers.length >= 5);
  expect(answers).toEqual(Array.from({ length: 5 }, () => '429'));
  const refused = await hostile.get('/v1/Messages');
  expect(refused).toMatchObject({ status: 429, body: { code: expect.any(Number) } });
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect((await other.request('POST', '/v1/Messages', one)).status).toBe(202);

  sockets.forEach((each) => each.destroy());
  await until(async () => (await hostile.get('/v1/Messages')).status === 200);
});

it('requests whose clients have gone hold nothing once they are done, and until then they do', async () => {
  const ask = (client: FanfareClient, body: string) => {
    const { hostname, port } = new URL(client.url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
    return new Promise((resolve) => socket.on('close', resolve));
  };
  const body = JSON.stringify(heavy(250));
  for (let i = 0; i < 50; i += 1) await ask(hostile, body);
  await until(async () => (await hostile.get('/v1/Messages')).status === 429);
  expect((await other.get('/v1/Messages')).status).toBe(200);
  await until(async () => (await hostile.get('/v1/Messages')).status === 200, 60_000);
});

it('requests that were sent ahead on a connection that ends hold nothing either', async () => {
  const { hostname, port } = new URL(hostile.url);
  const body = JSON.stringify(heavy(50));
  const request = `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(hostile)}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  // More of them than an account may have at work, one connection after the other.
  for (let i = 0; i < 4; i += 1) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(request.repeat(30));
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  }
  await until(async () => (await hostile.get('/v1/Messages')).status === 200);
  expect((await hostile.get('/v1/Messages')).status).toBe(200);
});

it.each([
  [
    'of a type that is not read',
    415,
    (client: FanfareClient) =>
      `POST /v1/Messages HTTP/1.1\r\nAuthorization: ${basic(client)}\r\nContent-Type: text/plain\r\n`,
  ],
  ['of nobody', 401, () => 'POST /v1/Messages HTTP/1.1\r\nContent-Type: application/json\r\n'],
  ['that is too large', 413, () => 'POST /nowhere HTTP/1.1\r\nContent-Type: application/json\r\n'],
  [
    'that grows too large',
    413,
    (client: FanfareClient) =>
      `POST /v1/Senders HTTP/1.1\r\nAuthorization: ${basic(client)}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n`,
  ],
  [
    'that no GET has',
    200,
    (client: FanfareClient) => `GET /v1/Senders HTTP/1.1\r\nAuthorization: ${basic(client)}\r\n`,
  ],
])('a body %s is read slowly, once it is answered', async (_name, expected, head) => {
  const { hostname, port } = new URL(hostile.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const answers: { status: number; at: number }[] = [];
  socket.on('data', (data: Buffer) => {
    for (const [, status] of data.toString('latin1').matchAll(/HTTP\/1\.1 (\d+)/g))
      answers.push({ status: Number(status), at: performance.now() });
  });
  const SIZE = 8_000_000;
  const body = Buffer.alloc(SIZE, ' ');
  const begin = head(hostile);
  if (begin.includes('chunked')) {
    socket.write(`${begin}Host: a\r\n\r\n${SIZE.toString(16)}\r\n`);
    socket.write(body);
    socket.write('\r\n0\r\n\r\n');
  } else {
    socket.write(`${begin}Host: a\r\nContent-Length: ${SIZE}\r\n\r\n`);
    socket.write(body);
  }
  // Answered once all before it has been read.
  socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(async () => answers.length === 2);
  expect(answers.map(({ status }) => status)).toEqual([expected, 200]);
  const [first = { at: 0 }, last = { at: 0 }] = answers;
  // Without fair shares that is some ten milliseconds.
  expect(last.at - first.at).toBeGreaterThan(200);
});

it('streams that are not read hold up no request, of whomever they are', async () => {
  const withEvents = { config: { roles: ALL_ROLES } };
  const [first, second, third] = [
    await useFanfare(withEvents),
    await useFanfare(withEvents),
    await useFanfare(withEvents),
  ];
  const sockets: Socket[] = [];
  onTestFinished(() => sockets.forEach((each) => each.destroy()));
  for (const account of [first, second]) {
    const id = await account.send({ ...one, to: recipients(2_000) });
    await account.watch(id, ({ status }) => status === 'COMPLETED');
    for (let i = 0; i < 9; i += 1) {
      const { hostname, port } = new URL(account.url);
      const socket = connect(Number(port), hostname).pause();
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.write(
        `GET /v1/Stream?lastEventId=EZ${'0'.repeat(32)} HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(account)}\r\n\r\n`,
      );
    }
  }
  for (let i = 0; i < 5; i += 1)
    for (const account of [first, third])
      expect((await account.get('/v1/Senders')).status).toBe(200);
});

it('receivers that never answer hold up no deliveries of another account', async () => {
  const withEvents = {
    config: {
      roles: ALL_ROLES,
      events: { allowTargets: ['127.0.0.1'], subscriptionsAtOnceMax: 4 },
    },
  };
  const [many, few] = [await useFanfare(withEvents), await useFanfare(withEvents)];
  const asked: string[] = [];
  const receiver = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    asked.push(path);
    if (path === '/well') response.end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  const at = (path: string) =>
    `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${path}`;
  for (let i = 0; i < 12; i += 1) await many.send({ ...one, statusCallback: at(`/never${i}`) });
  await until(async () => asked.filter((path) => path !== '/well').length >= 3);
  await few.send({ ...one, statusCallback: at('/well') });
  await until(async () => asked.includes('/well'));
  expect(new Set(asked.filter((path) => path !== '/well')).size).toBeLessThanOrEqual(3);
});

describe('what is parsed or rendered at one go', () => {
  it('is bounded for requests that send nothing', async () => {
    const { status } = await hostile.request('POST', '/v1/Senders', {
      address: 'a'.repeat(2_200_000),
    });
    expect(status).toBe(413);
  });

  it('is bounded in values', async () => {
    const { status, body } = await hostile.request('POST', '/v1/Suppressions', {
      x: Array.from({ length: 110_000 }, () => ({})),
    });
    expect([status, body['message']]).toEqual([
      400,
      'The body has more than 100000 values; split it.',
    ]);
  });

  it.each([
    ['lists in lists, and twins in them', `${'['.repeat(100_000)}{"a":1${',"a":1'.repeat(100)}}`],
    ['objects in objects', '{"a":'.repeat(100_000)],
    ['a name of digits', `{"${'1'.repeat(900_000)}":1,"${'1'.repeat(900_000)}":2}`],
  ])('answers %s with little', async (_name, body) => {
    for (const path of ['/v1/Messages', '/v1/Senders']) {
      const answer = await fetch(`${hostile.url}${path}`, {
        method: 'POST',
        headers: { authorization: basic(hostile), 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(400);
      expect((await answer.text()).length).toBeLessThan(10_000);
    }
  });

  it('is bounded in variables', async () => {
    const variables = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`v${i}`, '1']));
    const { status, body } = await hostile.request('POST', '/v1/Messages', {
      ...one,
      to: [{ ...recipients(1)[0], variables }],
    });
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([
      { context: '$.to[0].variables', message: 'Must have at most 500 entries, not 501.' },
    ]);
    const long = { ...one, to: [{ ...recipients(1)[0], variables: { name: 'a'.repeat(65_537) } }] };
    const answer = await hostile.request('POST', '/v1/Messages', long);
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ context: '$.to[0].variables.name' }] },
    });
  });

  it('shows the words of a message whose template takes time, as those of any', async () => {
    for (const template of [
      LOOP,
      `${'{{ name }} '.repeat(100)}${'{% comment %} {% endcomment %}'.repeat(200)}`,
    ]) {
      const id = await other.send({
        to: recipients(1).map((each) => ({ ...each, variables: { name: 'Ada' } })),
        content: text(template),
        ...smsOnly,
      });
      await other.watch(id, ({ status }) => status === 'COMPLETED');
      const { body } = await other.get(`/v1/Messages?operationId=${id}`);
      const shown = await other.get(`/v1/Messages/${body['messages'][0].id}`);
      expect(shown.body['content'].text).toMatch(/^(Ada ){0,100}Ada$|^(Ada )+$/);
    }
  });
});
