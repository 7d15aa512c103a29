/** The HTTP carrier against loopback servers that speak each provider's protocol. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Carrier, Submission } from '../../src/carriers/carrier.ts';
import type { HttpDescription } from '../../src/carriers/http/description.ts';
import { createHttpCarrier, HTTP_LIMITS } from '../../src/carriers/http/http-carrier.ts';
import { describeClassic } from '../../src/carriers/http/preset-classic.ts';
import { describeCloud } from '../../src/carriers/http/preset-cloud.ts';
import { describeRbm } from '../../src/carriers/http/preset-rbm.ts';
import { attemptReference } from '../../src/domain/ids.ts';
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

const REFERENCE = attemptReference(100, '0192f0a0-aaaa-7bcd-9e01-234500000012', 2);
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PRIVATE_KEY = KEYS.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function submission(changes: Partial<Submission> = {}): Submission {
  return {
    reference: REFERENCE,
    channel: 'SMS',
    from: '+15005550100',
    to: '+491700000001',
    text: 'Hi "Ada" & {{ co }}',
    mediaUrls: [],
    rich: null,
    email: null,
    expireAt: null,
    ...changes,
  };
}

async function open(
  description: HttpDescription,
  changes: { answerTimeoutMs?: number; connectionsMax?: number } = {},
): Promise<Carrier> {
  const carrier = createHttpCarrier({
    name: 'provider',
    channels: ['SMS', 'RCS', 'WHATSAPP'],
    ambiguous: 'hold',
    windowMax: 10,
    description,
    limits: { ...HTTP_LIMITS, ...changes },
    receiptsUrl: 'https://fanfare.example/carriers/provider/receipts',
  });
  await carrier.start(async () => undefined);
  closing.push(() => carrier.stop());
  return carrier;
}

async function provide(first: Behaviour): Promise<Provider> {
  const provider = await startProvider(first);
  closing.push(() => provider.close());
  return provider;
}

/** Each provider's protocol: how it accepts, refuses and says "too fast". */
interface Protocol {
  readonly name: string;
  readonly describe: (baseUrl: string) => HttpDescription;
  readonly accept: Behaviour;
  readonly providerId: string;
  readonly refuse: Behaviour;
  readonly refusedCode: number;
  readonly throttle: (retryAfter: string) => Behaviour;
}

const TOKEN = reply(200, { access_token: 'ya29.token', expires_in: 3599, token_type: 'Bearer' });

/** RCS Business Messaging with its token endpoint on the same server. */
function withTokens(behave: Behaviour): Behaviour {
  return (seen, response) =>
    seen.url.pathname === '/token' ? TOKEN(seen, response) : behave(seen, response);
}

const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'classic',
    describe: (baseUrl) =>
      describeClassic({ baseUrl, accountSid: 'AC1', apiKey: null, authToken: 'secret' }),
    accept: reply(201, { sid: 'SM00000000000000000000000000000001', status: 'queued' }),
    providerId: 'SM00000000000000000000000000000001',
    refuse: reply(400, { code: 21211, message: "Invalid 'To' Phone Number", status: 400 }),
    refusedCode: 21211,
    throttle: (after) =>
      reply(429, { code: 20429, message: 'Too Many Requests' }, { 'retry-after': after }),
  },
  {
    name: 'cloud',
    describe: (baseUrl) =>
      describeCloud({
        baseUrl,
        version: 'v23.0',
        phoneNumberId: '106540352242922',
        accessToken: 'EAAJB',
        appSecret: 'app-secret',
        verifyToken: 'verify-me',
        template: null,
      }),
    accept: reply(200, { messaging_product: 'whatsapp', messages: [{ id: 'wamid.HBgL' }] }),
    providerId: 'wamid.HBgL',
    refuse: reply(400, {
      error: { code: 131026, message: '(#131026) Message undeliverable', error_data: {} },
    }),
    refusedCode: 30003,
    throttle: (after) =>
      reply(
        400,
        { error: { code: 130429, message: '(#130429) Rate limit hit' } },
        { 'retry-after': after },
      ),
  },
  {
    name: 'rbm',
    describe: (baseUrl) =>
      describeRbm({
        baseUrl,
        clientEmail: 'fanfare@project.iam.gserviceaccount.com',
        privateKey: PRIVATE_KEY,
        tokenUrl: `${baseUrl}/token`,
        webhook: { kind: 'direct', clientToken: 'client-token' },
      }),
    accept: withTokens((seen, response) =>
      reply(200, { name: `phones/x/agentMessages/${seen.url.searchParams.get('messageId')}` })(
        seen,
        response,
      ),
    ),
    providerId: 'the UUID',
    refuse: withTokens(
      reply(404, { error: { code: 404, message: 'Not reachable', status: 'NOT_FOUND' } }),
    ),
    refusedCode: 61337,
    throttle: (after) =>
      withTokens(
        reply(
          429,
          { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } },
          { 'retry-after': after },
        ),
      ),
  },
];

const hostFree = (origin: string) => origin.replace('http://', '');

describe.each(PROTOCOLS)('$name', (protocol) => {
  const through = (behave: Behaviour) => (protocol.name === 'rbm' ? withTokens(behave) : behave);

  async function setUp(behave: Behaviour, limits: { answerTimeoutMs?: number } = {}) {
    const provider = await provide(behave);
    const carrier = await open(protocol.describe(provider.origin), limits);
    return { provider, carrier, submissions: () => provider.seen.filter(isSubmission) };
  }
  const isSubmission = ({ url }: { url: URL }) => url.pathname !== '/token';

  it('submit', async () => {
    const { carrier, submissions } = await setUp(protocol.accept);
    const result = await carrier.send(submission());
    const id =
      protocol.name === 'rbm'
        ? submissions()[0]?.url.searchParams.get('messageId')
        : protocol.providerId;
    expect(result).toEqual({ kind: 'accepted', providerId: id });
    expect(carrier.state?.()).toMatchObject({ connected: 1, detail: null });
  });

  it('submit keeps its connections', async () => {
    const { carrier, submissions } = await setUp(protocol.accept);
    for (let i = 0; i < 5; i += 1) await carrier.send(submission());
    expect(submissions()).toHaveLength(5);
    // A second one may open: an answer is handed on a moment before its connection is free again.
    expect(carrier.state?.().connected).toBeLessThanOrEqual(2);
  });

  it('refuse', async () => {
    const { carrier } = await setUp(protocol.refuse);
    const result = await carrier.send(submission());
    expect(result).toMatchObject({ kind: 'rejected', code: protocol.refusedCode });
    expect(carrier.state?.().detail).toMatch(/^HTTP 40[04], code /);
  });

  it('throttle, for seconds', async () => {
    const { carrier, submissions } = await setUp(protocol.throttle('7'));
    expect(await carrier.send(submission())).toEqual({ kind: 'throttled', afterMs: 7_000 });
    // It is left alone until then.
    const again = await carrier.send(submission());
    expect(again.kind).toBe('throttled');
    expect(submissions()).toHaveLength(1);
  });

  it('throttle, until a date', async () => {
    const at = new Date(Date.now() + 90_000).toUTCString();
    const { carrier } = await setUp(protocol.throttle(at));
    const result = await carrier.send(submission());
    expect(result.kind === 'throttled' && result.afterMs).toBeGreaterThan(60_000);
    expect(result.kind === 'throttled' && result.afterMs).toBeLessThanOrEqual(90_000);
  });

  it('lose the connection before it is there: nothing was taken', async () => {
    const origin = await findDeadOrigin();
    const carrier = await open(protocol.describe(origin));
    const result = await carrier.send(submission());
    expect(result.kind).toBe('throttled');
    expect(carrier.state?.()).toMatchObject({ connected: 0 });
    expect(carrier.state?.().detail).toContain('ECONNREFUSED');
  });

  it('lose the connection after the request was read: in doubt', async () => {
    const { carrier, submissions } = await setUp(through(breakOff));
    const result = await carrier.send(submission());
    expect(result).toMatchObject({
      kind: 'unknown',
      detail: expect.stringMatching(/^No answer: /),
    });
    expect(submissions()).toHaveLength(1);
  });

  it('answer late', async () => {
    const { carrier, submissions } = await setUp(through(sayNothing), { answerTimeoutMs: 100 });
    const result = await carrier.send(submission());
    expect(result).toEqual({ kind: 'unknown', detail: 'No answer: no answer within 100 ms' });
    expect(submissions()).toHaveLength(1);
  });

  it('answer in drops: one deadline for all', async () => {
    const drip: Behaviour = (_, response) => {
      response.writeHead(500);
      const timer = setInterval(() => response.write('.'), 10);
      response.on('close', () => clearInterval(timer));
    };
    const { carrier } = await setUp(through(drip), { answerTimeoutMs: 600 });
    expect(await carrier.send(submission())).toMatchObject({ kind: 'retry' });
  });

  it('garbage', async () => {
    const { carrier, provider } = await setUp(protocol.accept);
    await carrier.send(submission());
    provider.behave(through(reply(500, '<html>\n<h1>Oops</h1></html>')));
    expect(await carrier.send(submission())).toEqual({
      kind: 'retry',
      code: 30008,
      detail: 'HTTP 500: <html> <h1>Oops</h1></html>',
    });
    provider.behave(through(reply(400, 'x'.repeat(1_000_000))));
    expect(await carrier.send(submission())).toMatchObject({
      kind: 'rejected',
      detail: 'HTTP 400: the answer broke off or was too long',
    });
    provider.behave(through(reply(301, '', { location: 'https://elsewhere.example/' })));
    provider.behave(through(reply(504, '')));
    expect((await carrier.send(submission())).kind).toBe(
      protocol.name === 'rbm' ? 'retry' : 'unknown',
    );
  });

  it('is led elsewhere: the messages wait, and the way is not taken', async () => {
    const { carrier } = await setUp(
      through(reply(301, '', { location: 'https://elsewhere.example/' })),
    );
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect(carrier.state?.().detail).toContain(
      'HTTP 301: redirects are not followed; the URL should be https://elsewhere.example/',
    );
  });

  it('is refused its credentials: the messages wait', async () => {
    const { carrier, provider } = await setUp(through(reply(401, {})));
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect(carrier.state?.().detail).toContain('HTTP 401');
    expect(provider.seen.length).toBeGreaterThan(0);
  });

  it('takes nothing once it is stopped', async () => {
    const { carrier, submissions } = await setUp(protocol.accept);
    await carrier.stop();
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect(submissions()).toEqual([]);
  });
});

/** Where the answer itself brings the id. */
describe.each(PROTOCOLS.filter(({ name }) => name !== 'rbm'))('$name', (protocol) => {
  it.each([
    ['no JSON', 'OK'],
    ['another type', '[1, 2]'],
    ['an id of another type', '{"sid": {"a": 1}, "messages": [{"id": []}]}'],
    ['no id', '{"sid": null, "messages": []}'],
    [
      'an endless id',
      JSON.stringify({ sid: 'x'.repeat(300), messages: [{ id: 'x'.repeat(300) }] }),
    ],
    ['too much', `{"pad": "${'x'.repeat(100_000)}"}`],
  ])('garbage accepted with %s: nobody knows', async (_, body) => {
    const provider = await provide(reply(200, body));
    const carrier = await open(protocol.describe(provider.origin));
    const result = await carrier.send(submission());
    expect(result).toMatchObject({
      kind: 'unknown',
      detail: expect.stringContaining('without an id'),
    });
  });
});

describe('raw servers', () => {
  const describeOn = (origin: string) =>
    describeClassic({ baseUrl: origin, accountSid: 'AC1', apiKey: null, authToken: 's' });
  const answerOf = (sid: string) => {
    const body = JSON.stringify({ sid });
    return `HTTP/1.1 201 Created\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  };

  it('answer twice: the second answer is ignored', async () => {
    let requests = 0;
    const server = await startRawServer((socket) =>
      socket.on('data', () => {
        requests += 1;
        socket.write(answerOf(`SM${requests}`) + answerOf('SM-stale'));
      }),
    );
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin), { connectionsMax: 1 });
    const results = [await carrier.send(submission()), await carrier.send(submission())];
    expect(results).toEqual([
      { kind: 'accepted', providerId: 'SM1' },
      { kind: 'accepted', providerId: 'SM2' },
    ]);
  });

  const json = '{"sid": "SM1", "note": "Z\u00fcrich \u20ac"}';
  const wide = Buffer.from(json, 'utf16le');
  const head = (fields = '') => `HTTP/1.1 201 Created\r\n${fields}\r\n`;
  const sized = (body: Buffer | string, fields = '') =>
    Buffer.concat([
      Buffer.from(head(`${fields}content-length: ${Buffer.byteLength(body)}\r\n`)),
      Buffer.from(body),
    ]);
  const packed = (encoding: string, body: Buffer) =>
    sized(body, `content-encoding: ${encoding}\r\n`);
  const typed = (type: string, body: Buffer | string) => sized(body, `content-type: ${type}\r\n`);
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n';

  it.each<readonly [string, readonly (string | Buffer)[]]>([
    ['100 (Continue) before it', [interim, sized(json)]],
    ['100 and it at once', [Buffer.concat([Buffer.from(interim), sized(json)])]],
    ['100 in drops', [...interim, sized(json)]],
    [
      'many before it',
      [interim.repeat(3), 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', sized(json)],
    ],
    ['100 after 103', [`HTTP/1.1 103 Early Hints\r\n\r\n${interim}`, sized(json)]],
    ['100 with fields', ['HTTP/1.0 100 Go on\r\nserver: x\r\n\r\n', sized(json)]],
    ['a body that looks like one', [head('content-length: 39\r\n'), `${interim}{"sid":"SM1"} `]],
    ['gzip', [packed('gzip', gzipSync(json))]],
    ['x-gzip', [packed('X-GZIP', gzipSync(json))]],
    ['gzip without its end', [packed('gzip', gzipSync(json).subarray(0, -8))]],
    ['gzip and NULs behind', [packed('gzip', Buffer.concat([gzipSync(json), Buffer.alloc(8)]))]],
    ['deflate', [packed('deflate', deflateSync(json))]],
    ['deflate without its head', [packed('deflate', deflateRawSync(json))]],
    ['br', [packed('br', brotliCompressSync(json))]],
    ['gzip twice', [packed('gzip, gzip', gzipSync(gzipSync(json)))]],
    ['gzip that is said and not so', [packed('gzip', Buffer.from(json))]],
    ['identity', [packed('identity', Buffer.from(json))]],
    ['UTF-8 with a mark', [sized(`\ufeff${json}`)]],
    ['UTF-16 with a mark', [sized(Buffer.concat([Buffer.from([0xff, 0xfe]), wide]))]],
    [
      'UTF-16, the other way round',
      [sized(Buffer.from(Buffer.concat([Buffer.from([0xff, 0xfe]), wide])).swap16())],
    ],
    ['UTF-16 without a mark', [typed('application/json; charset=utf-16', wide)]],
    ['UTF-16, said nowhere', [sized(Buffer.from(wide).swap16())]],
    ['UTF-8 that is said to be UTF-16', [typed('application/json; charset=UTF-16', json)]],
    [
      'Windows-1252',
      [
        typed(
          'application/json; charset="windows-1252"',
          Buffer.from(json.replace('\u20ac', ''), 'latin1'),
        ),
      ],
    ],
    ['Latin-1, said nowhere', [sized(Buffer.from(json, 'latin1'))]],
    ['a charset that nobody knows', [typed('application/json; charset=klingon', json)]],
    ['a type of HTML', [typed('text/html', json)]],
    ['a NUL behind', [sized(`${json}\0`)]],
    ['a comment behind', [sized(`${json}\n<!-- 0.02 s -->`)]],
    [
      'a warning before it',
      [sized(`<br />\n<b>Warning</b>: x in /a.php on line 3<br />\n${json}`)],
    ],
    [
      'chunks with trailers',
      [
        `${head('transfer-encoding: chunked\r\ntrailer: x-a\r\n')}${json.length.toString(16)};a=b\r\n`,
        `${json.replaceAll(/[^\x20-\x7e]/g, 'u')}\r\n0\r\nx-a: b\r\n\r\n`,
      ],
    ],
    ['no length', [`${head('connection: close\r\n')}${json}`]],
    ['a length too long', [`${head('content-length: 900\r\n')}${json}`]],
    ['chunks without an end', [`${head('transfer-encoding: chunked\r\n')}e\r\n{"sid": "SM1"}\r\n`]],
  ])('answer in another way, with %s: it is understood', async (_, pieces) => {
    const server = await startRawServer((socket) =>
      socket.setNoDelay().once('data', async () => {
        for (const piece of pieces) {
          socket.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        }
        socket.end();
      }),
    );
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    expect(await carrier.send(submission())).toEqual({ kind: 'accepted', providerId: 'SM1' });
  });

  it.each<readonly [string, Buffer]>([
    ['an encoding that nobody knows', packed('zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))],
    ['gzip that is none', packed('gzip', Buffer.from('nonsense'))],
    [
      'gzip that grows beyond all bounds',
      packed('gzip', gzipSync(`{"a":"${'x'.repeat(2_000_000)}","sid":"SM1"}`)),
    ],
    ['two objects', sized('{"sid":"SM1"}\n{"sid":"SM2"}')],
    ['half an object', Buffer.from(`${head('content-length: 900\r\n')}{"sid":"SM1","n`)],
    ['a length too short', Buffer.from(`${head('content-length: 9\r\n')}{"sid":"SM1"}`)],
    ['100 alone', Buffer.from(interim)],
    ['half of 100', Buffer.from('HTTP/1.1 10')],
    [
      'a switch of protocols',
      Buffer.from('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
  ])('answer with %s: nobody knows', async (_, bytes) => {
    const server = await startRawServer((socket) => socket.once('data', () => socket.end(bytes)));
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    expect((await carrier.send(submission())).kind).toBe('unknown');
  });

  it('answer after 100 on a connection that is kept', async () => {
    const server = await startRawServer((socket) =>
      socket.on('data', () => {
        socket.write(interim);
        setImmediate(() => socket.write(answerOf('SM1')));
      }),
    );
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin), { connectionsMax: 1 });
    for (let i = 0; i < 3; i += 1) expect((await carrier.send(submission())).kind).toBe('accepted');
  });

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'x-pad: aaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2_000)}`],
    ['a status of letters', 'HTTP/1.1 abc OK\r\n\r\n'],
  ])('garbage: %s', async (_, bytes) => {
    const server = await startRawServer((socket) => socket.once('data', () => socket.end(bytes)));
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    expect((await carrier.send(submission())).kind).toBe('unknown');
  });

  it('lose the connection within the answer: its status counts', async () => {
    const server = await startRawServer((socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 900\r\n\r\n{"code'),
      ),
    );
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    expect((await carrier.send(submission())).kind).toBe('rejected');
  });

  it('lose the connection before the request was read: never taken for accepted', async () => {
    const server = await startRawServer((socket) => socket.destroy());
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    const result = await carrier.send(submission());
    // Which of the two depends on whether it breaks before or after the first bytes were written.
    expect(['unknown', 'throttled']).toContain(result.kind);
  });

  it('lose an idle connection: the next message gets a new one', async () => {
    const server = await startRawServer((socket) => {
      socket.once('data', () => socket.end(answerOf('SM1')));
    });
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin), { connectionsMax: 1 });
    for (let i = 0; i < 5; i += 1) {
      expect((await carrier.send(submission())).kind).toBe('accepted');
      // Until it has seen the end of the connection; one that ends as a request goes out is `unknown`.
      while (carrier.state?.().connected !== 0)
        await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it('lose the connection while it says hello in TLS: nothing was taken', async () => {
    const server = await startRawServer((socket) =>
      socket.once('data', () => socket.end('no TLS')),
    );
    closing.push(server.close);
    const carrier = await open(describeOn(`https://${hostFree(server.origin)}`));
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect(carrier.state?.().detail).toMatch(/^Not connected: /);
  });

  it('cannot be reached safely, or at all: nothing was taken, and the operator reads why', async () => {
    const { key, cert } = makeCertificate('provider.test');
    let requests = 0;
    const server = createServer({ key, cert }, (_, response) => {
      requests += 1;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    const carriers = [
      [`https://127.0.0.1:${port}`, /^Not connected: .*self.signed/],
      ['http://nowhere.invalid', /^Not connected: .*nowhere\.invalid/],
      [await findDeadOrigin(), /^Not connected: .*ECONNREFUSED/],
      [`http://127.0.0.1:${port}`, /^No answer: /],
    ] as const;
    for (const [origin, why] of carriers) {
      const carrier = await open(describeOn(origin));
      const { kind } = await carrier.send(submission());
      expect(carrier.state?.().detail).toMatch(why);
      // Words were written to it: nobody can know that it is deaf to them.
      expect(kind).toBe(origin === `http://127.0.0.1:${port}` ? 'unknown' : 'throttled');
    }
    expect(requests).toBe(0);
  });

  it('never opens more connections than allowed', async () => {
    let [present, most] = [0, 0];
    const server = await startRawServer((socket) => {
      present += 1;
      most = Math.max(most, present);
      socket.on('close', () => (present -= 1));
      socket.on('data', () => setImmediate(() => socket.write(answerOf('SM1'))));
    });
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin), { connectionsMax: 3 });
    const results = await Promise.all(Array.from({ length: 30 }, () => carrier.send(submission())));
    expect(results.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(most).toBe(3);
  });

  it('stop breaks off requests under way', async () => {
    const server = await startRawServer(() => undefined);
    closing.push(server.close);
    const carrier = await open(describeOn(server.origin));
    const sent = carrier.send(submission());
    while (carrier.state?.().connected !== 1) await new Promise((resolve) => setImmediate(resolve));
    await carrier.stop();
    expect(['unknown', 'throttled']).toContain((await sent).kind);
  });
});

describe('a request', () => {
  it('classic: a form, with our reference in the callback', async () => {
    const provider = await provide(PROTOCOLS[0]?.accept ?? sayNothing);
    const carrier = await open(PROTOCOLS[0]?.describe(provider.origin) as HttpDescription);
    await carrier.send(
      submission({
        mediaUrls: ['https://a.example/1.png', 'https://a.example/2.png'],
        expireAt: new Date(Date.now() + 90_500),
      }),
    );
    await carrier.send(submission({ from: 'MG123', channel: 'RCS' }));
    const [first, second] = provider.seen.map(({ body }) => new URLSearchParams(body));
    expect(provider.seen[0]?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('AC1:secret').toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect([...(first ?? [])]).toEqual([
      ['To', '+491700000001'],
      ['From', '+15005550100'],
      ['Body', 'Hi "Ada" & {{ co }}'],
      ['MediaUrl', 'https://a.example/1.png'],
      ['MediaUrl', 'https://a.example/2.png'],
      [
        'StatusCallback',
        `https://fanfare.example/carriers/provider/receipts?reference=${REFERENCE}`,
      ],
      ['ValidityPeriod', expect.stringMatching(/^(90|89)$/)],
    ]);
    expect(Object.fromEntries(second ?? [])).toMatchObject({
      To: 'rcs:+491700000001',
      MessagingServiceSid: 'MG123',
    });
    expect(second?.has('From')).toBe(false);
  });

  it('cloud: JSON, by kind of content', async () => {
    const provider = await provide(PROTOCOLS[1]?.accept ?? sayNothing);
    const carrier = await open(PROTOCOLS[1]?.describe(provider.origin) as HttpDescription);
    const media = { contentInfo: { fileUrl: 'https://a.example/p.png' } };
    const cases: Partial<Submission>[] = [
      {},
      { mediaUrls: ['https://a.example/film.mp4?x=1'] },
      {
        rich: {
          text: 'Hi',
          suggestions: [
            {
              action: {
                text: 'Open',
                postbackData: 'o',
                openUrlAction: { url: 'https://u.example' },
              },
            },
          ],
        },
      },
      {
        rich: {
          richCard: {
            standaloneCard: {
              cardContent: {
                title: 'Hi',
                media,
                suggestions: [{ reply: { text: 'Yes', postbackData: 'y' } }],
              },
            },
          },
        },
      },
      { rich: { media } },
    ];
    for (const each of cases)
      expect((await carrier.send(submission({ channel: 'WHATSAPP', ...each }))).kind).toBe(
        'accepted',
      );
    const head = {
      messaging_product: 'whatsapp',
      recipient_type: 'individual',
      to: '491700000001',
      biz_opaque_callback_data: REFERENCE,
    };
    const text = 'Hi "Ada" & {{ co }}';
    expect(provider.seen[0]?.url.pathname).toBe('/v23.0/106540352242922/messages');
    expect(provider.seen.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { ...head, type: 'text', text: { body: text } },
      { ...head, type: 'video', video: { link: 'https://a.example/film.mp4?x=1', caption: text } },
      {
        ...head,
        type: 'interactive',
        interactive: {
          type: 'cta_url',
          body: { text: 'Hi' },
          action: {
            name: 'cta_url',
            parameters: { display_text: 'Open', url: 'https://u.example' },
          },
        },
      },
      {
        ...head,
        type: 'interactive',
        interactive: {
          type: 'button',
          header: { type: 'image', image: { link: 'https://a.example/p.png' } },
          body: { text: 'Hi' },
          action: { buttons: [{ type: 'reply', reply: { id: 'y', title: 'Yes' } }] },
        },
      },
      { ...head, type: 'image', image: { link: 'https://a.example/p.png' } },
    ]);
    const tooMany = await carrier.send(
      submission({ mediaUrls: ['https://a.example/1', 'https://a.example/2'] }),
    );
    expect(tooMany).toMatchObject({ kind: 'rejected', code: 20016 });
  });

  it('cloud: an approved template', async () => {
    const provider = await provide(PROTOCOLS[1]?.accept ?? sayNothing);
    const carrier = await open(
      describeCloud({
        baseUrl: provider.origin,
        version: 'v23.0',
        phoneNumberId: null,
        accessToken: 'EAAJB',
        appSecret: 's',
        verifyToken: 'v',
        template: { name: 'notice', language: 'en_US' },
      }),
    );
    await carrier.send(submission({ from: '1065/..?x', text: 'Hello' }));
    expect(provider.seen[0]?.url.pathname).toBe('/v23.0/1065%2F..%3Fx/messages');
    expect(JSON.parse(provider.seen[0]?.body ?? '')).toMatchObject({
      type: 'template',
      template: {
        name: 'notice',
        language: { code: 'en_US' },
        components: [{ type: 'body', parameters: [{ type: 'text', text: 'Hello' }] }],
      },
    });
  });
});

describe('rbm', () => {
  const rbm = PROTOCOLS[2] as Protocol;

  it('signs for an access token once, and uses it until it is refused', async () => {
    const provider = await provide(rbm.accept);
    const carrier = await open(rbm.describe(provider.origin));
    const results = await Promise.all([1, 2, 3].map(() => carrier.send(submission())));
    expect(results.every(({ kind }) => kind === 'accepted')).toBe(true);
    const [asked, ...others] = provider.seen.filter(({ url }) => url.pathname === '/token');
    expect(others).toEqual([]);
    const form = new URLSearchParams(asked?.body);
    expect(form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [head = '', claims = '', signature = ''] = form.get('assertion')?.split('.') ?? [];
    expect(
      createVerify('RSA-SHA256')
        .update(`${head}.${claims}`)
        .verify(KEYS.publicKey, signature, 'base64url'),
    ).toBe(true);
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'fanfare@project.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/rcsbusinessmessaging',
      aud: `${provider.origin}/token`,
    });
    const sent = provider.seen.find(({ url }) => url.pathname !== '/token');
    expect(sent?.headers.authorization).toBe('Bearer ya29.token');
    expect(sent?.url.pathname).toBe('/v1/phones/%2B491700000001/agentMessages');
    expect(sent?.url.searchParams.get('messageId')).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(sent?.url.searchParams.get('agentId')).toBe('+15005550100');
  });

  it.each([
    ['an elliptic curve', generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey],
    ['1,024 bits', generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey],
  ])('refuses a key of %s before it sends anything', async (_, key) => {
    const description = describeRbm({
      baseUrl: 'https://provider.example',
      clientEmail: 'fanfare@project.iam.gserviceaccount.com',
      privateKey: key.export({ type: 'pkcs8', format: 'pem' }) as string,
      tokenUrl: 'https://provider.example/token',
      webhook: { kind: 'direct', clientToken: 'client-token' },
    });
    await expect(open(description)).rejects.toThrow('needs an RSA key of at least 2048 bits');
  });

  it('asks for another access token when one is refused', async () => {
    const provider = await provide(TOKEN);
    const carrier = await open(rbm.describe(provider.origin));
    provider.behave(TOKEN, reply(401, {}, { 'retry-after': '0' }), TOKEN, rbm.accept);
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect((await carrier.send(submission())).kind).toBe('accepted');
    expect((await carrier.send(submission())).kind).toBe('accepted');
    const paths = provider.seen.map(({ url }) => (url.pathname === '/token' ? 'token' : 'message'));
    expect(paths).toEqual(['token', 'message', 'token', 'message', 'message']);
  });

  it('gives all attempts of a message one id, another message another', async () => {
    const provider = await provide(rbm.accept);
    const carrier = await open(rbm.describe(provider.origin));
    const again = attemptReference(100, '0192f0a0-aaaa-7bcd-9e01-234500000012', 3);
    const other = attemptReference(100, '0192f0a0-aaaa-7bcd-9e01-234500000013', 2);
    for (const reference of [REFERENCE, again, other])
      await carrier.send(submission({ reference }));
    await carrier.send(submission({ from: 'another_agent' }));
    const ids = provider.seen.map(({ url }) => url.searchParams.get('messageId')).filter(Boolean);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it.each([
    ['refuses', reply(400, { error: 'invalid_grant' })],
    ['talks nonsense', reply(200, 'null')],
    ['gives what no header can have', reply(200, { access_token: 'a\r\nb: c', expires_in: 9 })],
    ['breaks off', breakOff],
  ])('waits while the token endpoint %s', async (_, behave) => {
    const provider = await provide(behave);
    const carrier = await open(rbm.describe(provider.origin));
    expect((await carrier.send(submission())).kind).toBe('throttled');
    expect(carrier.state?.().detail).toMatch(/^No access token: /);
    expect(provider.seen).toHaveLength(1);
  });

  it.each([
    [409, 'ALREADY_EXISTS', 'Requested entity already exists', 'accepted'],
    [409, 'ABORTED', 'Concurrent change', 'rejected'],
    [403, 'PERMISSION_DENIED', 'The agent has not launched on the carrier of the user', 'rejected'],
    [403, 'PERMISSION_DENIED', 'The caller does not have permission', 'throttled'],
    [403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.', 'throttled'],
    [
      403,
      'PERMISSION_DENIED',
      'RCS API has not been used in project 1 before or it is disabled',
      'throttled',
    ],
    [404, 'NOT_FOUND', 'Requested entity was not found.', 'rejected'],
  ] as const)('%i %s "%s" is %s', async (status, word, message, kind) => {
    const answer = reply(status, { error: { code: status, message, status: word } });
    const provider = await provide(rbm.accept);
    const carrier = await open(rbm.describe(provider.origin));
    provider.behave(TOKEN, answer);
    const result = await carrier.send(submission({ channel: 'RCS' }));
    expect(result.kind).toBe(kind);
    if (result.kind === 'accepted') expect(result.providerId).toMatch(/^[0-9a-f-]{36}$/);
    if (status !== 409 && result.kind === 'rejected') expect(result.code).toBe(61337);
  });

  it('sends rich content in its own words', async () => {
    const provider = await provide(rbm.accept);
    const carrier = await open(rbm.describe(provider.origin));
    const contentInfo = { fileUrl: 'https://a.example/p.png' };
    const suggestions = [{ reply: { text: 'Yes', postbackData: 'y' } }];
    const expireAt = new Date('2031-01-01T00:00:00Z');
    for (const each of [
      { text: 'Hi', expireAt },
      { text: 'Hi', rich: { media: { contentInfo, height: 'TALL' as const }, suggestions } },
      { text: 'Hi', rich: { text: 'Hi', suggestions } },
      { text: null, mediaUrls: ['https://a.example/p.png'] },
    ])
      await carrier.send(submission({ channel: 'RCS', ...each }));
    const bodies = provider.seen
      .filter(({ url }) => url.pathname !== '/token')
      .map(({ body }) => JSON.parse(body) as unknown);
    expect(bodies).toEqual([
      { contentMessage: { text: 'Hi' }, expireTime: '2031-01-01T00:00:00.000Z' },
      { contentMessage: { contentInfo, suggestions } },
      { contentMessage: { text: 'Hi', suggestions } },
      { contentMessage: { contentInfo } },
    ]);
  });
});
