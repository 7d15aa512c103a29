/** Webhooks against receivers on loopback: good ones, and those that fail, hang, redirect, drip, flood and lie. */
import { createHash, createHmac } from 'node:crypto';
import { createServer as createHttpsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it } from 'vitest';
import type { Resolve } from '../../src/net/address-guard.ts';
import type { EventBatch, EventSink, Target } from '../../src/events/sink.ts';
import { judgeOutcome } from '../../src/events/webhook-answer.ts';
import { createWebhookSink, type WebhookSinkOptions } from '../../src/events/webhook-sink.ts';
import { newWebhookSecret } from '../../src/lib/secrets.ts';
import { makeCertificate } from '../support/certificate.ts';
import {
  breakOff,
  findDeadOrigin,
  reply,
  sayNothing,
  startProvider,
  startRawServer,
  type Behaviour,
  type Provider,
} from '../support/http-provider.ts';
import { until } from '../support/until.ts';

const SECRET = newWebhookSecret();
/** Long enough for what is quick, on a machine that is not. */
const SHORT_MS = 1_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function sink(options: Partial<WebhookSinkOptions> = {}): EventSink {
  const made = createWebhookSink({ allowTargets: ['127.0.0.1'], timeoutMs: 20_000, ...options });
  closing.push(() => made.stop());
  return made;
}

async function provide(first: Behaviour): Promise<Provider> {
  const provider = await startProvider(first);
  closing.push(() => provider.close());
  return provider;
}

async function serve(talk: (socket: Socket) => void): Promise<string> {
  const { origin, close } = await startRawServer(talk);
  closing.push(close);
  return origin;
}

const target = (url: string, changes: Partial<Target> = {}): Target => ({
  url,
  secrets: [SECRET],
  authToken: null,
  ...changes,
});

function batch(...data: readonly unknown[]): EventBatch {
  const events = (data.length === 0 ? ['👋'] : data).map((each, i) => {
    const id = `evt_${i}`;
    return { id, type: 'com.example.test', key: 'op_1', json: JSON.stringify({ id, data: each }) };
  });
  return { id: 'evb_1', at: new Date(), events };
}

/** An answer that lacks its end. */
const partOf = (status: number) => `HTTP/1.1 ${status} So\r\ncontent-length: 100\r\n\r\nwords`;

/** Resolves these names so, and no others. */
const names =
  (known: Readonly<Record<string, string>>): Resolve =>
  (host, _, callback) => {
    const address = known[host];
    if (address !== undefined) return callback(null, [{ address, family: 4 }]);
    callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), []);
  };

const failed = (detail: RegExp | string, status: number | null = null) => ({
  kind: 'failed',
  status,
  detail: typeof detail === 'string' ? detail : expect.stringMatching(detail),
  retryAfterMs: null,
});
const delivered = (status = 200) => ({
  kind: 'delivered',
  status,
  detail: null,
  retryAfterMs: null,
});

describe('a delivery', () => {
  it('is one JSON array with both signatures', async () => {
    const { origin, seen } = await provide(reply(204, ''));
    const older = newWebhookSecret();
    const url = `${origin}/hooks/it's?a='b'&c=%20d&é`;
    const result = await sink().deliver(
      target(url, { secrets: [SECRET, older], authToken: 'token' }),
      batch('one', 'two'),
    );
    expect(result).toEqual(delivered(204));
    const { method, headers, body, url: called } = seen[0]!;
    expect(method).toBe('POST');
    expect(JSON.parse(body)).toEqual([
      { id: 'evt_0', data: 'one' },
      { id: 'evt_1', data: 'two' },
    ]);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': expect.stringMatching(/^Fanfare\/\d+\.\d+\.\d+$/),
      'webhook-id': 'evb_1',
    });
    for (const secret of [SECRET, older])
      expect(() => new Webhook(secret).verify(body, headers as never)).not.toThrow();
    const path = `${called.pathname}${called.search}`;
    expect(path).toBe(
      `/hooks/it's?a=%27b%27&c=%20d&%C3%A9&bodySHA256=${createHash('sha256').update(body).digest('hex')}`,
    );
    expect(headers['x-twilio-signature']).toBe(
      createHmac('sha1', 'token').update(`http://${headers.host}${path}`).digest('base64'),
    );
  });

  it('is signed with the text of the newest secret where there is no auth token', async () => {
    const { origin, seen } = await provide(reply(200, ''));
    const url = origin.replace('127.0.0.1', 'localhost');
    await sink({ allowTargets: ['localhost'] }).deliver(target(url), batch());
    const { headers, url: called } = seen[0]!;
    expect(headers['x-twilio-signature']).toBe(
      createHmac('sha1', SECRET)
        .update(`http://${headers.host}${called.pathname}${called.search}`)
        .digest('base64'),
    );
  });

  it('goes over TLS only to the host that the certificate names', async () => {
    const { key, cert } = makeCertificate('hooks.test');
    const server = createHttpsServer({ key, cert }, (request, response) => {
      request.resume().on('end', () => response.end('ok'));
    });
    const origin = await listen(server, 'https');
    const lookup = names({ 'hooks.test': '127.0.0.1', 'other.test': '127.0.0.1' });
    const at = (host: string) => target(origin.replace('127.0.0.1', host));
    const trusting = sink({ lookup, ca: cert });
    expect(await trusting.deliver(at('hooks.test'), batch())).toEqual(delivered());
    for (const _ of [1, 2])
      expect(await trusting.deliver(at('other.test'), batch())).toEqual(
        failed(
          /^The certificate of other\.test:\d+ is not good \(ERR_TLS_CERT_ALTNAME_INVALID\)\.$/,
        ),
      );
    expect(await sink({ lookup }).deliver(at('hooks.test'), batch())).toEqual(
      failed(/^The certificate of hooks\.test:\d+ is not good \(DEPTH_ZERO_SELF_SIGNED_CERT\)\.$/),
    );
  });

  it('without a secret is a bug', async () => {
    const deliver = sink().deliver(target('http://127.0.0.1/', { secrets: [] }), batch());
    await expect(deliver).rejects.toThrow('no secret');
  });
});

describe('an answer', () => {
  it('of 2xx is a delivery, 410 the end, all else a failure', async () => {
    const { origin, behave } = await provide(sayNothing);
    const webhooks = sink();
    for (const status of [200, 201, 202, 204, 299]) {
      behave(reply(status, ''));
      expect(await webhooks.deliver(target(origin), batch())).toEqual(delivered(status));
    }
    for (const status of [304, 400, 401, 404, 408, 422, 500, 502, 599]) {
      behave(reply(status, 'words of the house', { 'retry-after': '5' }));
      expect(await webhooks.deliver(target(origin), batch())).toEqual(
        // What a host inside says is not passed on.
        failed(`${origin.slice(7)} answered HTTP ${status}.`, status),
      );
    }
    behave(reply(410, ''));
    expect(await webhooks.deliver(target(origin), batch())).toEqual({
      kind: 'gone',
      status: 410,
      detail: `${origin.slice(7)} answered HTTP 410.`,
      retryAfterMs: null,
    });
  });

  it('that redirects is not followed', async () => {
    const inside = await provide(reply(200, ''));
    const { origin, behave, seen } = await provide(sayNothing);
    const webhooks = sink();
    for (const status of [300, 301, 302, 303, 307, 308]) {
      behave(reply(status, '', { location: `${inside.origin}/admin` }));
      expect(await webhooks.deliver(target(origin), batch())).toEqual(
        failed(
          `${origin.slice(7)} answered HTTP ${status}, a redirect, which is not followed.`,
          status,
        ),
      );
    }
    expect([inside.seen.length, seen.length]).toEqual([0, 6]);
  });

  it.each([
    [429, '7', 7_000],
    [503, '120', 120_000],
    [503, '999999', 3_600_000],
    [503, 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
    [429, 'Fri, 31 Dec 2100 00:00:00 GMT', 3_600_000],
    [429, 'soon', null],
    [500, '7', null],
  ])('of %i with Retry-After %j', async (status, header, retryAfterMs) => {
    const { origin } = await provide(reply(status, '', { 'retry-after': header }));
    expect(await sink().deliver(target(origin), batch())).toMatchObject({
      kind: 'failed',
      status,
      retryAfterMs,
    });
  });

  it('without end is cut off, and its status counts', async () => {
    let closed = 0;
    const origin = await serve((socket) => {
      socket.once('data', (chunk) => {
        const status = String(chunk).includes('/good') ? '200 OK' : '500 Oh';
        socket.write(`HTTP/1.1 ${status}\r\ntransfer-encoding: chunked\r\n\r\n`);
        const flood = () => {
          while (!socket.destroyed && socket.write(`1000\r\n${'x'.repeat(4_096)}\r\n`));
        };
        socket.on('drain', flood).on('close', () => (closed += 1));
        flood();
      });
    });
    const webhooks = sink();
    expect(await webhooks.deliver(target(`${origin}/good`), batch())).toEqual(delivered());
    expect(await webhooks.deliver(target(`${origin}/bad`), batch())).toEqual(
      failed(/answered HTTP 500\.$/, 500),
    );
    await until(() => closed === 2);
  });

  it('that breaks off after its status counts by that', async () => {
    const broken = (status: number) =>
      serve((socket) => socket.once('data', () => socket.end(partOf(status))));
    const webhooks = sink();
    expect(await webhooks.deliver(target(await broken(200)), batch())).toEqual(delivered());
    expect(await webhooks.deliver(target(await broken(500)), batch())).toEqual(
      failed(/answered HTTP 500\.$/, 500),
    );
  });

  it.each(['103 Early Hints', '100 Continue', '102 Processing', '199 So'])(
    'may have %s before it',
    async (status) => {
      const origin = await serve((socket) =>
        socket.once('data', () =>
          socket.end(`HTTP/1.1 ${status}\r\n\r\nHTTP/1.1 201 Yes\r\ncontent-length: 0\r\n\r\n`),
        ),
      );
      expect(await sink().deliver(target(origin), batch())).toEqual(delivered(201));
    },
  );

  it('of whatever bytes is a result with words for people', async () => {
    let bytes = new Uint8Array();
    const origin = await serve((socket) => socket.once('data', () => socket.end(bytes)));
    const webhooks = sink();
    const answer = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(fc.integer({ min: 90, max: 700 }), fc.string(), fc.uint8Array({ maxLength: 300 }))
        .map(([status, name, body]) =>
          Buffer.concat([
            Buffer.from(`HTTP/1.1 ${status} ${name}\r\nx: ${name}\r\nretry-after: ${name}\r\n\r\n`),
            body,
          ]),
        ),
    );
    await fc.assert(
      fc.asyncProperty(answer, async (given) => {
        bytes = Uint8Array.from(given);
        const { kind, status, detail } = await webhooks.deliver(target(origin), batch());
        expect(kind === 'delivered').toBe(status !== null && status >= 200 && status < 300);
        if (kind !== 'delivered') expect(detail).toMatch(/^[\x20-\x7e]{1,500}$/);
      }),
      { numRuns: 50 },
    );
  });
});

describe('words of an answer', () => {
  const judge = (
    status: number,
    headers: Record<string, string>,
    start: string | Buffer,
    quotes = true,
  ) =>
    judgeOutcome(
      { kind: 'answer', status, headers, start: Buffer.from(start) },
      { host: 'hooks.example', timeoutMs: 1, quotes, nowMs: Date.now() },
    ).detail;

  it('are quoted from the internet, cut and without control characters', () => {
    expect(
      judge(400, { 'content-type': 'text/plain' }, ' no\u0000\u001b[31m\r\n\u202e"field" '),
    ).toBe('hooks.example answered HTTP 400: no [31m "field"');
    expect(judge(500, {}, 'x'.repeat(1_024))).toBe(
      `hooks.example answered HTTP 500: ${'x'.repeat(200)}`,
    );
    expect(judge(500, { 'content-type': 'application/problem+json' }, '{"a":1}')).toMatch(
      '{"a":1}',
    );
    // Half of a pair could not be stored.
    const cut = judge(500, {}, `${'x'.repeat(199)}👋`);
    expect(cut?.isWellFormed()).toBe(true);
    expect(judge(302, { location: 'https://b.example/' }, '<html>')).toBe(
      'hooks.example answered HTTP 302, a redirect, which is not followed: https://b.example/',
    );
  });

  it('are not quoted where they are no words, or from inside', () => {
    expect(judge(500, { 'content-type': 'image/png' }, 'PNG')).toBe(
      'hooks.example answered HTTP 500.',
    );
    expect(judge(500, { 'content-encoding': 'gzip' }, 'x')).toBe(
      'hooks.example answered HTTP 500.',
    );
    expect(judge(500, {}, '')).toBe('hooks.example answered HTTP 500.');
    expect(judge(500, {}, 'root:x:0:0', false)).toBe('hooks.example answered HTTP 500.');
    expect(judge(302, { location: 'http://inside/' }, '', false)).toBe(
      'hooks.example answered HTTP 302, a redirect, which is not followed.',
    );
  });
});

describe('a receiver that does not answer', () => {
  it('is left when the time is over, whatever it is at', async () => {
    const reading = await provide(sayNothing);
    const deaf = await serve((socket) => socket.pause());
    const drips = await serve((socket) => {
      const timer = setInterval(() => socket.write('x'), 20);
      socket.write('HTTP/1.1 200 OK\r\nx: ');
      socket.on('close', () => clearInterval(timer));
    });
    const shy = (await serve(() => undefined)).replace('http:', 'https:');
    const half = (status: number) =>
      serve((socket) => socket.once('data', () => socket.write(partOf(status))));
    const halves = [await half(202), await half(503)];
    const webhooks = sink({ timeoutMs: SHORT_MS });
    const nameless = sink({ timeoutMs: SHORT_MS, lookup: () => undefined });
    const long = batch('x'.repeat(8_000_000));
    const before = performance.now();
    const results = await Promise.all([
      webhooks.deliver(target(deaf), long),
      webhooks.deliver(target(reading.origin), batch()),
      webhooks.deliver(target(drips), batch()),
      webhooks.deliver(target(shy), batch()),
      nameless.deliver(target('http://hooks.test'), batch()),
      ...halves.map((origin) => webhooks.deliver(target(origin), batch())),
    ]);
    expect(results).toEqual([
      failed(`${deaf.slice(7)} did not answer within ${SHORT_MS} ms.`),
      failed(`${reading.origin.slice(7)} did not answer within ${SHORT_MS} ms.`),
      failed(`${drips.slice(7)} did not answer within ${SHORT_MS} ms.`),
      failed(`There was no connection to ${shy.slice(8)} within ${SHORT_MS} ms.`),
      failed(`There was no connection to hooks.test within ${SHORT_MS} ms.`),
      // Their status had come.
      delivered(202),
      failed(/answered HTTP 503\.$/, 503),
    ]);
    expect(performance.now() - before).toBeLessThan(8 * SHORT_MS);
  });

  it('for other reasons is described by the reason', async () => {
    const dead = await findDeadOrigin();
    const breaking = await provide(breakOff);
    const ending = await serve((socket) => socket.once('data', () => socket.end()));
    const resetting = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const chatty = await serve((socket) => socket.write('220 mail.example ESMTP\r\n'));
    const heady = await serve((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`)),
    );
    const plain = breaking.origin.replace('http:', 'https:');
    const webhooks = sink();
    const tell = async (url: string, at = webhooks) => {
      const { kind, status, detail } = await at.deliver(target(url), batch());
      expect([kind, status]).toEqual(['failed', null]);
      return detail?.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST');
    };
    expect(await tell(dead)).toBe('HOST refused the connection (ECONNREFUSED).');
    expect(await tell(breaking.origin)).toBe(
      'HOST closed the connection before it answered (UND_ERR_SOCKET).',
    );
    expect(await tell(ending)).toBe(
      'HOST closed the connection before it answered (UND_ERR_SOCKET).',
    );
    expect(await tell(resetting)).toBe(
      'HOST closed the connection before it answered (ECONNRESET).',
    );
    expect(await tell(chatty)).toMatch(/^HOST did not answer in proper HTTP \(\w+\)\.$/);
    expect(await tell(heady)).toBe(
      'HOST did not answer in proper HTTP (UND_ERR_HEADERS_OVERFLOW).',
    );
    expect(await tell(plain)).toMatch(/^TLS with HOST failed \(\w+\)\.$/);
    const lookup = names({});
    expect(await tell('http://nowhere.test/', sink({ lookup }))).toBe(
      'The name of nowhere.test is not known in DNS (ENOTFOUND).',
    );
    const away: Resolve = (_host, _options, callback) =>
      callback(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' }), []);
    expect(await tell('http://nowhere.test/', sink({ lookup: away }))).toBe(
      'DNS did not answer for nowhere.test (EAI_AGAIN).',
    );
  });

  it.each([
    ['The name of', 'ENOTFOUND EAI_NONAME'],
    [
      'DNS did not answer',
      'EAI_AGAIN EAI_FAIL EAI_NODATA EAI_MEMORY ESERVFAIL EREFUSED ETIMEOUT ENODATA',
    ],
    ['a.example refused', 'ECONNREFUSED'],
    ['Fanfare had no more', 'EMFILE ENFILE ENOBUFS ENOMEM EADDRINUSE'],
    [
      'a.example cannot be reached',
      'ETIMEDOUT UND_ERR_CONNECT_TIMEOUT EHOSTUNREACH ENETUNREACH EHOSTDOWN ENETDOWN EADDRNOTAVAIL EAFNOSUPPORT EACCES EPERM ERR_SOCKET_CONNECTION_TIMEOUT',
    ],
    ['a.example closed', 'ECONNRESET ECONNABORTED ENETRESET EPIPE UND_ERR_SOCKET'],
    [
      'The certificate of',
      'CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_UNTRUSTED CERT_REJECTED CERT_SIGNATURE_FAILURE CERT_CHAIN_TOO_LONG CRL_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY ERROR_IN_CERT_NOT_AFTER_FIELD ERR_TLS_CERT_ALTNAME_INVALID INVALID_CA INVALID_PURPOSE PATH_LENGTH_EXCEEDED HOSTNAME_MISMATCH',
    ],
    [
      'TLS with',
      'EPROTO ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION ERR_TLS_HANDSHAKE_TIMEOUT',
    ],
    [
      'a.example did not answer in proper HTTP',
      'HPE_INVALID_CONSTANT HPE_INVALID_EOF_STATE UND_ERR_HEADERS_OVERFLOW UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
    ],
  ])('is told by the codes of Node.js: "%s"', (words, codes) => {
    for (const code of codes.split(' ')) {
      const error = Object.assign(new Error('secret'), { code });
      const { detail } = judgeOutcome(
        { kind: 'error', error },
        { host: 'a.example', timeoutMs: 1, quotes: true, nowMs: 0 },
      );
      expect(detail).toMatch(new RegExp(`^${words}.*\\(${code}\\)\\.$`));
      expect(detail).not.toContain('secret');
    }
  });

  it('is described by its name and not by its address', async () => {
    const dead = await findDeadOrigin();
    const lookup: Resolve = (_host, _options, callback) =>
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ]);
    const url = dead.replace('127.0.0.1', 'hooks.test');
    const result = await sink({ lookup }).deliver(target(url), batch());
    expect(result).toEqual(failed(/^hooks\.test:\d+ refused the connection \(ECONNREFUSED\)\.$/));
  });
});

describe('a denied target', () => {
  it('is not connected to, by address or by name', async () => {
    const { origin, seen } = await provide(reply(200, ''));
    const { port } = new URL(origin);
    const webhooks = sink({ allowTargets: [], lookup: names({ 'inside.test': '127.0.0.1' }) });
    for (const host of [
      '127.0.0.1',
      '2130706433',
      '0x7f.1',
      '127.1',
      '[::ffff:7f00:1]',
      'localhost',
      'inside.test',
    ])
      expect(await webhooks.deliver(target(`http://${host}:${port}/`), batch())).toEqual(
        failed(/added to the setting events\.allowTargets\.$/),
      );
    expect(await webhooks.deliver(target('ftp://127.0.0.1/'), batch())).toEqual(
      failed(/not an absolute URL/),
    );
    expect(seen).toEqual([]);
  });

  it('is judged at each connection, not once for a name', async () => {
    const { origin, seen } = await provide(reply(200, '', { connection: 'close' }));
    const answers = ['127.0.0.1', '10.255.255.1', '127.0.0.1'];
    const webhooks = sink({
      lookup: (_host, _options, callback) =>
        callback(null, [{ address: answers.shift() ?? '', family: 4 }]),
    });
    const url = origin.replace('127.0.0.1', 'rebind.test');
    expect(await webhooks.deliver(target(url), batch())).toEqual(delivered());
    expect(await webhooks.deliver(target(url), batch())).toEqual(
      failed(/^rebind\.test leads to no public address\./),
    );
    expect(await webhooks.deliver(target(url), batch())).toEqual(delivered());
    expect(seen).toHaveLength(2);
  });
});

describe('connections', () => {
  /** A receiver that counts its connections. */
  async function count(port = 0) {
    const counts = { ever: 0, now: 0, most: 0, origin: '' };
    const server = createTcpServer((socket) => {
      counts.ever += 1;
      counts.now += 1;
      counts.most = Math.max(counts.most, counts.now);
      socket.on('error', () => undefined).on('close', () => (counts.now -= 1));
      socket.on('data', (chunk) => {
        if (!String(chunk).includes(']')) return;
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'));
      });
    });
    counts.origin = await listen(server, 'http', port);
    return counts;
  }

  it('are kept, and used again', async () => {
    const counts = await count();
    const webhooks = sink();
    for (let i = 0; i < 20; i += 1)
      expect(await webhooks.deliver(target(`${counts.origin}/${i}`), batch())).toEqual(delivered());
    expect(counts.ever).toBe(1);
  });

  it('are bounded for each origin, also when it was away', async () => {
    const dead = await findDeadOrigin();
    const webhooks = sink({ connectionsPerOriginMax: 2 });
    const deliverMany = () =>
      Promise.all(Array.from({ length: 20 }, () => webhooks.deliver(target(dead), batch())));
    expect(new Set((await deliverMany()).map(({ kind }) => kind))).toEqual(new Set(['failed']));
    const counts = await count(Number(new URL(dead).port));
    expect(await deliverMany()).toEqual(Array.from({ length: 20 }, () => delivered()));
    expect(counts).toMatchObject({ ever: 2, most: 2 });
  });

  it('that are all taken are waited for in line', async () => {
    const answers: (() => void)[] = [];
    const { origin, seen } = await provide((_, response) => {
      answers.push(() => response.end('ok'));
    });
    const webhooks = sink({ connectionsPerOriginMax: 1 });
    const ends: number[] = [];
    for (const i of [0, 1, 2])
      void webhooks.deliver(target(`${origin}/${i}`), batch()).then(() => ends.push(i));
    for (const i of [0, 1, 2]) {
      await until(() => answers.length === i + 1);
      expect(seen.map(({ url }) => url.pathname)).toEqual(['/0', '/1', '/2'].slice(0, i + 1));
      answers[i]?.();
    }
    await until(() => ends.length === 3);
    expect(ends).toEqual([0, 1, 2]);
  });

  it('that are all taken are not waited for longer than the time', async () => {
    const { origin } = await provide(sayNothing);
    const webhooks = sink({ connectionsPerOriginMax: 1, timeoutMs: SHORT_MS });
    const host = origin.slice(7);
    const deliver = () => webhooks.deliver(target(origin), batch());
    expect(await Promise.all([deliver(), deliver(), deliver()])).toEqual([
      failed(`${host} did not answer within ${SHORT_MS} ms.`),
      failed(`All 1 connections to ${host} were taken for most of ${SHORT_MS} ms.`),
      failed(`All 1 connections to ${host} were taken for most of ${SHORT_MS} ms.`),
    ]);
  });

  it('to one origin are not held up by another', async () => {
    const hanging = await provide(sayNothing);
    const counts = await count();
    const webhooks = sink({ connectionsPerOriginMax: 1 });
    const held = webhooks.deliver(target(hanging.origin), batch());
    await until(() => hanging.seen.length === 1);
    expect(await webhooks.deliver(target(counts.origin), batch())).toEqual(delivered());
    await hanging.close();
    expect((await held).detail).toMatch(/closed the connection/);
  });

  it('end with the sink, after the requests under way', async () => {
    const answers: (() => void)[] = [];
    const slow = await provide((_, response) => {
      answers.push(() => response.end('ok'));
    });
    const counts = await count();
    const webhooks = sink();
    await webhooks.deliver(target(counts.origin), batch());
    const held = webhooks.deliver(target(slow.origin), batch());
    await until(() => answers.length === 1);
    let stopped = false;
    const stopping = webhooks.stop().then(() => (stopped = true));
    expect(await webhooks.deliver(target(counts.origin), batch())).toEqual(
      failed('Fanfare is stopping.'),
    );
    expect([stopped, counts.now]).toEqual([false, 1]);
    answers[0]?.();
    expect(await held).toEqual(delivered());
    await stopping;
    await until(() => counts.now === 0);
    expect(counts.ever).toBe(1);
    await webhooks.stop();
  });
});

async function listen(server: Server, scheme: string, port = 0): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
