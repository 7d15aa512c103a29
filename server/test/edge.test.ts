/**
 * The edge of HTTP: meaningless and ambiguous requests are refused in the usual envelope, and announced bodies delay no
 * other client.
 */
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  recipients,
  smsOnly,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare();
});

const basic = (sid: string, token: string) =>
  `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;

function open(url = fanfare.url): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** Sends bytes, and resolves with the status, the headers and the body of the first answer. */
async function talk(request: string): Promise<{ status: number; head: string; body: Json }> {
  const socket = open();
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
  socket.write(request, 'latin1');
  await until(async () => {
    const [head = '', body] = answer.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Infinity);
    return body !== undefined && body.length >= length;
  });
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { status: Number(head.slice(9, 12)), head, body: JSON.parse(body) as Json };
}

it('ends the connection of an ambiguous head when all of its body has come', async () => {
  const socket = open();
  let answer = '';
  let hasEnded = false;
  socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
  socket.on('end', () => (hasEnded = true));
  const body = ' '.repeat(200_000);
  socket.write(
    `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n {`,
  );
  await until(async () => answer.includes('more than one host') || null);
  expect(hasEnded).toBe(false);
  socket.write(body.slice(2));
  await until(async () => hasEnded || null);
});

describe('a request', () => {
  const post = (fields: string, body = '{}') =>
    `POST /v1/Messages HTTP/1.1\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
  const own = () => `Authorization: ${basic(fanfare.sid, fanfare.token)}\r\n`;
  const json = 'Content-Type: application/json\r\n';
  const one = (words: string) =>
    JSON.stringify({ to: recipients(1), content: { text: words }, ...smsOnly });

  it.each([
    ['two hosts', 400, () => post(`Host: a\r\nHost: b\r\n${own()}${json}`)],
    ['the same host twice', 400, () => post(`Host: a\r\nHost: a\r\n${own()}${json}`)],
    ['no host', 400, () => post(`${own()}${json}`)],
    ['a host that is none', 400, () => post(`Host: a b\r\n${own()}${json}`)],
    ['a host with a path', 400, () => post(`Host: a/b\r\n${own()}${json}`)],
    ['two credentials', 400, () => post(`Host: a\r\n${own()}${own()}${json}`)],
    ['two types', 400, () => post(`Host: a\r\n${own()}${json}${json}`)],
    [
      'two keys',
      400,
      () => post(`Host: a\r\n${own()}${json}Idempotency-Key: a\r\nIdempotency-Key: b\r\n`),
    ],
    [
      'a coding before the chunks',
      501,
      () =>
        `POST /v1/Messages HTTP/1.1\r\nHost: a\r\n${own()}${json}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['a compressed body', 415, () => post(`Host: a\r\n${own()}${json}Content-Encoding: gzip\r\n`)],
    ['a body in br', 415, () => post(`Host: a\r\n${own()}${json}Content-Encoding: br\r\n`)],
    ['an expectation', 417, () => post(`Host: a\r\n${own()}${json}Expect: a miracle\r\n`)],
    [
      'a path that cannot be read',
      400,
      () => `GET /v1/Messages/%zz HTTP/1.1\r\nHost: a\r\n${own()}\r\n`,
    ],
    ['another below', 400, () => `GET /%c0%af HTTP/1.1\r\nHost: a\r\n\r\n`],
    [
      'a filter without a value',
      400,
      () => `GET /v1/SenderPools?operationId= HTTP/1.1\r\nHost: a\r\n${own()}\r\n`,
    ],
    [
      'another filter without a value',
      400,
      () => `GET /v1/Messages?status= HTTP/1.1\r\nHost: a\r\n${own()}\r\n`,
    ],
    [
      'UTF-16',
      400,
      () => post(`Host: a\r\n${own()}Content-Type: application/json; charset=utf-16\r\n`),
    ],
    [
      'Latin-1',
      400,
      () => post(`Host: a\r\n${own()}Content-Type: application/json;charset="iso-8859-1"\r\n`),
    ],
    ['bytes that are no UTF-8', 400, () => post(`Host: a\r\n${own()}${json}`, one('Caf\xe9'))],
    ['half a character', 400, () => post(`Host: a\r\n${own()}${json}`, `{"a":"\xe2\x82`)],
    ['a surrogate in UTF-8', 400, () => post(`Host: a\r\n${own()}${json}`, one('\xed\xa0\x80'))],
    [
      'such bytes where a sender is made',
      400,
      () =>
        post(`Host: a\r\n${own()}${json}`, '{"address":"Caf\xe9","channel":"RCS"}').replace(
          'Messages',
          'Senders',
        ),
    ],
  ])('with %s is answered with %i, in the envelope, under an id', async (_name, status, make) => {
    const answer = await talk(make());
    expect(answer).toMatchObject({
      status,
      body: { status, errors: [{ code: expect.any(Number), message: expect.any(String) }] },
    });
    expect(answer.head).toMatch(/^x-request-id: RQ[0-9a-f]{32}$/im);
    expect(answer.head).toMatch(/^content-type: application\/json/im);
  });

  it('says where its bytes are wrong', async () => {
    const request = post(`Host: a\r\n${own()}${json}`, '{"a":"\xe2\x82\xac\xe9"}');
    expect((await talk(request)).body['message']).toContain('byte 9 ');
  });

  it('may have headers that change nothing', async () => {
    for (const fields of [
      'Content-Type: application/json; charset=UTF-8\r\n',
      'Content-Type: application/json;charset="us-ascii"\r\n',
      `${json}Content-Encoding: identity\r\n`,
      `${json}Expect: 100-continue\r\n`,
    ]) {
      const socket = open();
      let answer = '';
      socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
      socket.write(post(`Host: [::1]:80\r\n${own()}${fields}`, one('Hi')));
      await until(async () => answer.includes(' 202 '));
      expect(answer).not.toContain(' 400 ');
    }
  });

  it('is not taken for JSON when it is compressed without saying so', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', gzipSync(one('Hi')));
    expect(answer.status).toBe(400);
  });
});

describe('a client that closes its half behind its requests', () => {
  const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
  const own = () => `Authorization: ${basic(fanfare.sid, fanfare.token)}\r\n`;
  const send = () => {
    const body = JSON.stringify({ to: recipients(1), content: text('Hi'), ...smsOnly });
    return `POST /v1/Messages HTTP/1.1\r\nHost: a\r\n${own()}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };

  it.each<readonly [string, number[], () => string]>([
    ['a question about health', [200], () => get('/healthz')],
    ['a question for the database', [200], () => get('/v1/Messages/Operations', own())],
    ['a send', [202], send],
    ['several', [200, 202, 401], () => get('/readyz') + send() + get('/v1/Messages')],
    ['a stream, which ends', [200], () => get('/v1/Stream', own())],
    ['half a head', [400], () => get('/healthz').slice(0, -4)],
    ['half a body', [400], () => send().slice(0, -1)],
    ['nothing', [], () => ''],
  ])('is answered, and closed: %s', async (_, statuses, make) => {
    const socket = open();
    let answer = '';
    let isClosed = false;
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
    socket.on('close', () => (isClosed = true));
    socket.end(make());
    await until(async () => isClosed);
    const heads = answer.match(/HTTP\/1\.1 \d+/g) ?? [];
    expect(heads.map((head) => Number(head.slice(9)))).toEqual(statuses);
  });
});

describe('credentials with control characters', () => {
  it.each(['\0:x', 'AC\0:x', 'a:\0', '\x1b[2J:x', 'AC\r\nX: y:z'])(
    '%j are wrong ones',
    async (pair) => {
      const authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
      const answer = await fanfare.request('GET', '/v1/Messages', undefined, { authorization });
      expect(answer.status).toBe(401);
      const [sid, secret] = [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)];
      const session = await fanfare.request(
        'POST',
        '/session',
        { sid, secret },
        { 'x-fanfare-session': '1' },
      );
      expect([400, 401]).toContain(session.status);
      expect(fanfare.errors()).not.toContain('A request failed');
    },
  );
});

describe('NUL', () => {
  it('in any part of any URL is an error of the client', async () => {
    const { body } = await fanfare.get('/openapi.json');
    for (const [path, methods] of Object.entries<Json>(body['paths']))
      for (const [method, { parameters = [] }] of Object.entries<Json>(methods)) {
        const named = path.replaceAll(/\{\w+\}/g, 'a%00b');
        const query = (parameters as Json[]).filter((each) => each['in'] === 'query');
        for (const url of [named, ...query.map(({ name }) => `${named}?${name}=a%00b`)]) {
          if (url === path) continue;
          const sent = method === 'get' ? undefined : {};
          const { status } = await fanfare.request(method.toUpperCase(), url, sent);
          expect([url, status >= 400 && status < 500]).toEqual([url, true]);
        }
      }
  });
});

describe('bodies that are announced and do not come', () => {
  it('delay no other client, nor do requests without a length', async () => {
    const server = await useFanfare({
      config: { limits: { inFlightBytesMax: 65_536, accountInFlightBytesMax: 32_768 } },
    });
    const head = (length: number) =>
      `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(server.sid, server.token)}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    for (let i = 0; i < 50; i += 1) open(server.url).write(head(10_000_000));
    const sent = await server.request('POST', '/v1/Messages', {
      to: recipients(100),
      content: text('Hi'),
      ...smsOnly,
    });
    expect(sent.status).toBe(202);
    const gone = await server.request('DELETE', '/v1/SenderPools/none');
    expect(gone.status).toBe(404);
  });

  it('are charged to their account, byte by byte', async () => {
    const config = { limits: { inFlightBytesMax: 65_536, accountInFlightBytesMax: 32_768 } };
    const hostile = await useFanfare({ config });
    const other = await useFanfare({ config });
    expect(other.url).toBe(hostile.url);
    const head = `POST /v1/Messages HTTP/1.1\r\nHost: a\r\nAuthorization: ${basic(hostile.sid, hostile.token)}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`;
    const answers: string[] = [];
    for (let i = 0; i < 8; i += 1) {
      const socket = open(hostile.url);
      socket.on('data', (data: Buffer) => answers.push(data.toString('latin1').slice(9, 12)));
      socket.write(`${head}{"to":"${'a'.repeat(9_000)}`);
    }
    await until(async () => answers.length >= 5);
    expect(new Set(answers)).toEqual(new Set(['429']));
    const body = { to: recipients(1), content: text('Hi'), ...smsOnly };
    expect((await other.request('POST', '/v1/Messages', body)).status).toBe(202);
  });
});

describe('an operation that was erased', () => {
  it('has no request any more, and says so', async () => {
    const id = await fanfare.send({ to: recipients(2), content: text('Hi'), ...smsOnly });
    await fanfare.watch(id, ({ stats }) => stats.delivered === 2);
    const path = `/v1/Messages/Operations/${id}`;
    expect((await fanfare.request('DELETE', path)).status).toBe(204);
    for (const below of ['/Request', '/Errors', '/Timeline', '/Report', '/Export', '/Failures'])
      expect((await fanfare.get(`${path}${below}`)).status).toBeLessThan(500);
    const gone = await fanfare.get(`${path}/Request`);
    expect(gone).toMatchObject({
      status: 404,
      body: { message: expect.stringContaining('erased') },
    });
  });
});
