/** Credentials: failed and successful sign-ins from one address; scopes, expiry and last use of API keys; access tokens. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { newKeySid } from '../src/lib/secrets.ts';
import { noteKeyUses } from '../src/store/accounts.ts';
import { openDatabase } from '../src/store/database.ts';
import {
  recipients,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

const WRONG_MAX = 3;

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare({
    config: {
      limits: { wrongCredentialsPerMinute: WRONG_MAX, requestsPerSecond: 100_000 },
      trustProxy: 1,
    },
  });
});

const basic = (sid: string, secret: string) =>
  `Basic ${Buffer.from(`${sid}:${secret}`).toString('base64')}`;

/** Asks with credentials, from an address that the trusted proxy has seen. */
async function ask(
  authorization: string,
  address: string,
  { headers = {}, method = 'GET', path = '/v1/Senders', body }: Asked = {},
): Promise<{ status: number; headers: Headers; body: Json }> {
  const answer = await fetch(`${fanfare.url}${path}`, {
    method,
    headers: {
      authorization,
      'x-forwarded-for': address,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const isJson =
    method !== 'HEAD' &&
    (answer.headers.get('content-type')?.startsWith('application/json') ?? false);
  if (!isJson) await answer.body?.cancel();
  return {
    status: answer.status,
    headers: answer.headers,
    body: isJson ? ((await answer.json()) as Json) : {},
  };
}

interface Asked {
  readonly headers?: Record<string, string>;
  readonly method?: string;
  readonly path?: string;
  readonly body?: object;
}

const signIn = (sid: string, secret: string, address: string) =>
  ask('', address, {
    method: 'POST',
    path: '/session',
    headers: { 'x-fanfare-session': '1' },
    body: { sid, secret },
  });

/** A key of the account, with its Authorization header. */
async function makeKey(request: object = {}) {
  const made = await fanfare.request('POST', '/v1/ApiKeys', request);
  expect(made.status).toBe(201);
  const { sid, secret } = made.body;
  return { sid, secret, header: basic(sid, secret), made: made.body };
}

const FORM = 'application/x-www-form-urlencoded';

interface TokenRequest {
  readonly form?: Record<string, string> | string;
  readonly headers?: Record<string, string>;
  readonly address?: string;
  readonly method?: string;
  readonly query?: string;
  readonly url?: string;
}

/** Asks the token endpoint. A text is sent as it is. */
async function askForToken({
  form = {},
  headers = {},
  address = '192.0.2.10',
  method = 'POST',
  query = '',
  url = fanfare.url,
}: TokenRequest): Promise<{ status: number; headers: Headers; body: Json }> {
  const body = typeof form === 'string' ? form : new URLSearchParams(form).toString();
  const answer = await fetch(`${url}/v2/token${query}`, {
    method,
    headers: { 'x-forwarded-for': address, 'content-type': FORM, ...headers },
    ...(method === 'GET' ? {} : { body }),
  });
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
}

/** The parameters of a client. */
const client = ({ sid, secret }: { sid: string; secret: string }, rest: object = {}) => ({
  grant_type: 'client_credentials',
  client_id: sid,
  client_secret: secret,
  ...rest,
});

/** A token of a key, as an Authorization header. */
async function makeToken(key: { sid: string; secret: string }, rest: object = {}, url?: string) {
  const { status, body } = await askForToken({
    form: client(key, rest),
    ...(url === undefined ? {} : { url }),
  });
  expect(status).toBe(200);
  return { header: `Bearer ${body['access_token']}`, body };
}

const listed = async (sid: string) =>
  (await fanfare.get('/v1/ApiKeys')).body['apiKeys'].find((each: Json) => each['sid'] === sid);

describe('right credentials', () => {
  it('pass from an address with thousands of wrong ones, while these go on', async () => {
    const address = '198.51.100.7';
    const right = await makeKey();
    let isOver = false;
    const statuses = new Map<number, number>();
    const failSignIn = async () => {
      for (let i = 0; !isOver; i += 1) {
        const sid = i % 2 === 0 ? fanfare.sid : newKeySid();
        const { status } = await ask(basic(sid, 'wrong'), address);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const attackers = Array.from({ length: 24 }, failSignIn);
    await until(async () => (statuses.get(429) ?? 0) > 2_000);
    // Neither was ever seen here before: nothing but the database knows that they are right.
    expect((await ask(right.header, address)).status).toBe(200);
    expect((await ask(basic(fanfare.sid, fanfare.token), address)).status).toBe(200);
    expect((await signIn(fanfare.sid, fanfare.token, address)).status).toBe(200);
    expect((await signIn(right.sid, right.secret, address)).status).toBe(200);
    isOver = true;
    await Promise.all(attackers);
    expect([...statuses.keys()].toSorted()).toEqual([401, 429]);
    expect(statuses.get(401)).toBeLessThanOrEqual(10 * WRONG_MAX);
    const held = await ask(basic(fanfare.sid, 'wrong'), address);
    expect([held.status, held.body['code']]).toEqual([429, 20429]);
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
    // Failed sign-ins with its SID from there do not count elsewhere.
    expect((await ask(basic(fanfare.sid, 'wrong'), '198.51.100.8')).status).toBe(401);
  });
});

describe('the limit on wrong tries', () => {
  const wrong = (sid = fanfare.sid) => basic(sid, 'wrong');
  const hex = (bytes: number) => randomBytes(bytes).toString('hex');
  /** Statuses of tries; what is the same in the end is counted together. */
  const WAYS: Record<string, (i: number) => Promise<{ status: number }>> = {
    'an entry before that of the proxy': (i) => ask(wrong(), `10.0.0.${i}, 203.0.113.1`),
    'a header of another name': (i) =>
      ask(wrong(), '203.0.113.2', {
        headers: { forwarded: `for=10.0.0.${i}`, 'x-real-ip': `10.0.0.${i}`, via: `1.1 p${i}` },
      }),
    'a cookie beside it': (i) =>
      ask(wrong(), '203.0.113.3', { headers: { cookie: `fanfare_session=x${i}` } }),
    'the sign-in of the dashboard': (i) =>
      i % 2 === 0 ? signIn(fanfare.sid, 'wrong', '203.0.113.4') : ask(wrong(), '203.0.113.4'),
    'another spelling of the SID': (i) =>
      ask(
        wrong(
          [
            fanfare.sid.toLowerCase(),
            `${fanfare.sid.slice(0, 2)}0${fanfare.sid.slice(2)}`,
            ` ${fanfare.sid}`,
            fanfare.sid.toUpperCase().replace(/\d/g, 'A'),
            `${fanfare.sid}\0`,
          ][i % 5],
        ),
        '203.0.113.5',
      ),
    'what is no credential': (i) =>
      ask(['', 'Basic', 'Bearer x', 'Basic AAAA', basic('x', 'y')][i % 5] ?? '', '203.0.113.6'),
    'the token endpoint': (i) =>
      i % 2 === 0
        ? askForToken({
            form: client({ sid: fanfare.sid, secret: 'wrong' }),
            address: '203.0.113.10',
          })
        : ask(wrong(), '203.0.113.10'),
    'no client at the token endpoint': (i) =>
      askForToken({
        form: {
          grant_type: 'client_credentials',
          ...(i % 2 === 0 && { client_id: `x${i}`, client_secret: 'y' }),
        },
        headers: i % 2 === 0 ? {} : { authorization: `Bearer ${i}` },
        address: '203.0.113.11',
      }),
    'other access tokens': (i) =>
      ask(`Bearer ${randomBytes(120 + i).toString('base64url')}`, '203.0.113.12'),
    'an address of the same /64': () => ask(wrong(), `2001:db8:1:2:${hex(2)}::${hex(2)}`),
    'IPv4 written as IPv6': (i) => ask(wrong(), i % 2 === 0 ? '203.0.113.7' : '::ffff:203.0.113.7'),
    'what is no address': (i) => ask(wrong(), `unknown${i}`),
  };
  it.each(Object.keys(WAYS))('cannot be walked around by %s', async (name) => {
    const statuses: number[] = [];
    for (let i = 0; i < WRONG_MAX + 2; i += 1) statuses.push((await WAYS[name]?.(i))?.status ?? 0);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
  });

  it('counts a network of IPv6 apart from its neighbour, and IPv4 addresses from each other', async () => {
    for (const address of ['2001:db8:1:3::1', '::ffff:203.0.113.8'])
      expect((await ask(wrong(), address)).status).toBe(401);
  });

  it('holds for all SIDs of an address together', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 10 * WRONG_MAX + 1; i += 1)
      statuses.push((await ask(wrong(newKeySid()), '203.0.113.9')).status);
    expect(statuses.filter((each) => each === 401)).toHaveLength(10 * WRONG_MAX);
    expect(statuses.at(-1)).toBe(429);
  });
});

describe('the scopes of an API key', () => {
  it('allow exactly the scopes of the route table', async () => {
    const document = (await (await fetch(`${fanfare.url}/openapi.json`)).json()) as Json;
    const routes = Object.entries(document['paths'])
      .filter(([path]) => path.startsWith('/v1/'))
      .flatMap(([path, methods]) =>
        Object.entries(methods as Record<string, Json>).flatMap(([method, { security }]) =>
          (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]).map((each) => ({
            method: each,
            path: path.replaceAll(/\{\w+\}/g, 'none'),
            needs: security[0].basic as string[],
          })),
        ),
      );
    expect(routes.length).toBeGreaterThan(70);
    const wrong: string[] = [];
    for (const scope of ['send', 'read', 'manage']) {
      const { header } = await makeKey({ scopes: [scope] });
      for (const { method, path, needs } of routes) {
        const body = method === 'POST' || method === 'PATCH' ? { body: {} } : {};
        const { status, body: answer } = await ask(header, '192.0.2.1', { method, path, ...body });
        const isAllowed = needs.includes(scope);
        if ((status !== 403) !== isAllowed) wrong.push(`${scope} ${method} ${path}: ${status}`);
        if (!isAllowed && needs[0] !== undefined && method !== 'HEAD')
          expect([answer['code'], answer['message']]).toEqual([
            20006,
            `This needs the scope "${needs[0]}"; the API key has "${scope}" only.`,
          ]);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('are for sending, for reading, for managing', async () => {
    const [send, read, manage, all] = await Promise.all([
      makeKey({ scopes: ['send'] }),
      makeKey({ scopes: ['read'] }),
      makeKey({ scopes: ['manage'] }),
      makeKey(),
    ]);
    expect(all.made['scopes']).toEqual(['send', 'read', 'manage']);
    const message = { to: recipients(1), content: text('Hi') };
    const number = () => `+1500555${Math.floor(Math.random() * 8_000) + 1_000}`;
    const cases: readonly [string, string, object | undefined, object, number][] = [
      ['POST', '/v1/Messages', message, send, 202],
      ['POST', '/v1/Messages', { ...message, dryRun: true }, send, 200],
      ['GET', '/v1/Messages', undefined, read, 200],
      ['POST', '/v1/Messages/Search', {}, read, 200],
      ['POST', '/v1/Suppressions', { address: number() }, manage, 201],
    ];
    for (const [method, path, body, able, status] of cases)
      for (const key of [send, read, manage, all]) {
        const asked = { method, path, ...(body === undefined ? {} : { body }) };
        const answer = await ask(key.header, '192.0.2.1', asked);
        const isOnList = path === '/v1/Suppressions' && answer.status === 200;
        expect([path, isOnList ? status : answer.status]).toEqual([
          path,
          key === able || key === all ? status : 403,
        ]);
      }
  });

  it('are those of a session that it opens, too', async () => {
    const { sid, secret } = await makeKey({ scopes: ['send'] });
    const opened = await signIn(sid, secret, '192.0.2.1');
    const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const answer = await fetch(`${fanfare.url}/v1/Senders`, {
      headers: { cookie, 'x-fanfare-session': '1' },
    });
    expect(answer.status).toBe(403);
  });

  it.each([
    ['$.scopes[0]', { scopes: ['write'] }],
    ['$.scopes', { scopes: [] }],
    ['$.scopes', { scopes: ['read', 'read'] }],
    ['$.expiresAt', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['$.expiresAt', { expiresAt: '2099-01-01T00:00:00' }],
    ['$.expiresAt', { expiresAt: 'soon' }],
  ])('and the expiry are checked: %s of %j', async (context, request) => {
    const { status, body } = await fanfare.request('POST', '/v1/ApiKeys', request);
    expect([status, body['errors'][0].context]).toEqual([400, context]);
  });
});

describe('an API key', () => {
  it('is refused within five seconds of its expiry, and a session that it has opened', async () => {
    const expiresAt = new Date(Date.now() + 2_000);
    const { sid, secret, header, made } = await makeKey({ expiresAt: expiresAt.toISOString() });
    expect(made['expiresAt']).toBe(expiresAt.toISOString());
    expect((await ask(header, '192.0.2.1')).status).toBe(200);
    const opened = await signIn(sid, secret, '192.0.2.1');
    const cookie = opened.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const session = { cookie, 'x-fanfare-session': '1' };
    const ofSession = () => fetch(`${fanfare.url}/v1/Senders`, { headers: session });
    expect((await ofSession()).status).toBe(200);
    await until(async () => (await ask(header, '192.0.2.1')).status === 401);
    await until(async () => (await ofSession()).status === 401);
    // A second more, for a machine that is slow.
    expect(Date.now() - expiresAt.getTime()).toBeLessThan(6_000);
    expect((await signIn(sid, secret, '192.0.2.2')).status).toBe(401);
  });

  it('says when it was last used, soon after it was', async () => {
    const { sid, header, made } = await makeKey();
    expect(made['lastUsedAt']).toBeNull();
    const before = Date.now();
    expect((await ask(header, '192.0.2.1')).status).toBe(200);
    const at = await until(async () => (await listed(sid))['lastUsedAt']);
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(at)).toBeLessThanOrEqual(Date.now());
  });

  it('has its last use written at most once a minute, whatever number of nodes says so', async () => {
    const [lately, earlier] = [await makeKey(), await makeKey()];
    const now = new Date();
    const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);
    const set = (sid: string, at: Date) =>
      fanfare.database.query('update api_key set last_used_at = $2 where sid = $1', [sid, at]);
    await set(lately.sid, ago(59));
    await set(earlier.sid, ago(60));
    const database = openDatabase({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
    try {
      const uses = new Map([
        [lately.sid, now],
        [earlier.sid, now],
      ]);
      await noteKeyUses(database, uses);
    } finally {
      await database.close();
    }
    expect((await listed(lately.sid))['lastUsedAt']).toBe(ago(59).toISOString());
    expect((await listed(earlier.sid))['lastUsedAt']).toBe(now.toISOString());
  });
});

describe('an access token', () => {
  it('is made for an API key, by parameters or by HTTP Basic, and works as the key does', async () => {
    const key = await makeKey();
    const asked = await Promise.all([
      askForToken({ form: client(key) }),
      askForToken({
        form: { grant_type: 'client_credentials' },
        headers: { authorization: key.header },
      }),
      askForToken({
        // Empty parameters are absent, unknown ones are ignored (RFC 6749, section 3.2).
        form: {
          grant_type: 'client_credentials',
          client_id: key.sid,
          client_secret: '',
          scope: '',
          audience: 'x',
        },
        headers: { authorization: key.header, 'content-type': `${FORM};charset=UTF-8` },
      }),
    ]);
    const tokens = asked.map(({ body }) => body['access_token']);
    expect(new Set(tokens).size).toBe(3);
    for (const { status, headers, body } of asked) {
      expect([status, headers.get('pragma')]).toEqual([200, 'no-cache']);
      expect(body).toEqual({
        access_token: expect.stringMatching(/^[\w-]{150,300}$/),
        token_type: 'Bearer',
        expires_in: 3_600,
        scope: 'send read manage',
      });
      const header = `bearer  ${body['access_token']}`;
      const sent = await ask(header, '192.0.2.1', {
        method: 'POST',
        path: '/v1/Messages',
        body: { to: recipients(1), content: text('Hi') },
      });
      expect(sent.status).toBe(202);
      const { operationId } = sent.body;
      const path = `/v1/Messages/Operations/${operationId}`;
      expect((await ask(header, '192.0.2.1', { path })).status).toBe(200);
      const exported = await ask(header, '192.0.2.1', { path: '/v1/Suppressions/Export' });
      expect(exported.status).toBe(200);
      const sought = await ask(header, '192.0.2.1', {
        path: `/v1/Messages/Seek/SM${'0'.repeat(32)}`,
      });
      expect(sought.status).toBe(404);
    }
    await until(async () => (await listed(key.sid))['lastUsedAt']);
  });

  it('gets the scopes that were asked for, and refuses what needs others', async () => {
    const key = await makeKey({ scopes: ['read', 'send'] });
    expect((await makeToken(key)).body['scope']).toBe('read send');
    const { header, body } = await makeToken(key, { scope: 'read read' });
    expect(body['scope']).toBe('read');
    expect((await ask(header, '192.0.2.1')).status).toBe(200);
    const send = await ask(header, '192.0.2.1', { method: 'POST', path: '/v1/Messages', body: {} });
    expect([send.status, send.body['code'], send.body['message']]).toEqual([
      403,
      20006,
      'This needs the scope "send"; the access token has "read" only.',
    ]);
    expect(send.headers.get('www-authenticate')).toBe(
      'Bearer realm="Fanfare", error="insufficient_scope", scope="send"',
    );
    for (const method of ['GET', 'POST']) {
      const keys = await ask(header, '192.0.2.1', { method, path: '/v1/ApiKeys' });
      expect([keys.status, keys.headers.get('www-authenticate')]).toEqual([
        403,
        'Bearer realm="Fanfare", error="insufficient_scope"',
      ]);
    }
  });

  it('has the scopes of the route table', async () => {
    const { body } = await fanfare.get('/openapi.json');
    const { flows } = body['components'].securitySchemes.oauth2;
    expect(flows.clientCredentials.tokenUrl).toBe('/v2/token');
    expect(Object.keys(flows.clientCredentials.scopes)).toEqual(['send', 'read', 'manage']);
    expect(body['paths']['/v1/Messages'].post.security).toEqual([
      { basic: ['send'] },
      { oauth2: ['send'] },
    ]);
    expect(body['paths']['/v1/ApiKeys'].post.security).toEqual([{ basic: [] }]);
  });

  it('is refused at once when its time is over, also on a stream', async () => {
    const expiresAt = Date.now() + 5_000;
    const key = await makeKey({ expiresAt: new Date(expiresAt).toISOString() });
    const askedAt = Date.now();
    const { header, body } = await makeToken(key);
    const lifetimeMs = Number(body['expires_in']) * 1_000;
    // Not longer than its key.
    expect(lifetimeMs).toBeGreaterThan(0);
    expect(askedAt + lifetimeMs).toBeLessThanOrEqual(expiresAt);
    const stream = await fetch(`${fanfare.url}/v1/Stream`, { headers: { authorization: header } });
    expect(stream.status).toBe(200);
    const streamed = stream.text();
    const over = await until(async () => {
      const answer = await ask(header, '203.0.113.20');
      return answer.status === 200 ? null : answer;
    });
    expect(Date.now()).toBeGreaterThanOrEqual(askedAt + lifetimeMs);
    const message = 'The access token has expired. Request another at POST /v2/token.';
    expect([over.status, over.body['code'], over.body['message']]).toEqual([401, 20003, message]);
    expect(over.headers.get('www-authenticate')).toBe(
      `Bearer realm="Fanfare", error="invalid_token", error_description="${message}"`,
    );
    // Not a failed sign-in, however many requests a busy client has at work.
    for (let i = 0; i < WRONG_MAX + 2; i += 1)
      expect((await ask(header, '203.0.113.20')).status).toBe(401);
    expect(await streamed).toContain('no longer valid');
  });

  it('ends with its key within five seconds, and so does its stream', async () => {
    const key = await makeKey();
    const { header } = await makeToken(key);
    expect((await ask(header, '203.0.113.21')).status).toBe(200);
    const stream = await fetch(`${fanfare.url}/v1/Stream`, { headers: { authorization: header } });
    const streamed = stream.text();
    const revokedAt = Date.now();
    expect((await fanfare.request('DELETE', `/v1/ApiKeys/${key.sid}`)).status).toBe(204);
    const over = await until(async () => {
      const answer = await ask(header, '203.0.113.21');
      return answer.status === 200 ? null : answer;
    });
    // A second more, for a machine that is slow.
    expect(Date.now() - revokedAt).toBeLessThan(6_000);
    expect([over.status, over.body['message']]).toEqual([
      401,
      'The API key of the access token was revoked or has expired.',
    ]);
    expect(over.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(await streamed).toContain('no longer valid');
    const again = await askForToken({ form: client(key), address: '203.0.113.22' });
    expect([again.status, again.body['error']]).toEqual([401, 'invalid_client']);
  });

  it('ends when its key gets another secret', async () => {
    const key = await makeKey();
    const { header } = await makeToken(key);
    await fanfare.database.query('update api_key set secret_hash = $2 where sid = $1', [
      key.sid,
      randomBytes(32),
    ]);
    expect((await ask(header, '203.0.113.23')).status).toBe(401);
  });

  it('is valid whole, for its purpose, and in the header only', async () => {
    const key = await makeKey();
    const { header, body } = await makeToken(key);
    const token = body['access_token'] as string;
    const opened = await signIn(key.sid, key.secret, '192.0.2.1');
    const cookie = /=([^;]+)/.exec(opened.headers.getSetCookie()[0] ?? '')?.[1] ?? '';
    const changed = `${token.slice(0, 60)}${token[60] === 'A' ? 'B' : 'A'}${token.slice(61)}`;
    const wrong = [
      changed,
      `${token}=`,
      `${token} x`,
      token.slice(1),
      token.repeat(4),
      '',
      cookie,
      Buffer.from(`${key.sid}:${key.secret}`).toString('base64'),
    ];
    for (const [i, each] of wrong.entries()) {
      const answer = await ask(`Bearer ${each}`, `203.0.114.${i}`);
      expect([each, answer.status, answer.body['code']]).toEqual([each, 401, 20003]);
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer realm="Fanfare", error="invalid_token", error_description="[^"]+"$/,
      );
      expect(JSON.stringify(answer.body)).not.toContain(token.slice(1, 20));
    }
    expect((await ask(header, '203.0.114.0')).status).toBe(200);
    const elsewhere = await fetch(`${fanfare.url}/v1/Senders?access_token=${token}`, {
      headers: { 'x-forwarded-for': '203.0.114.20' },
    });
    expect([elsewhere.status, elsewhere.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="Fanfare", Bearer realm="Fanfare"',
    ]);
    const session = await fetch(`${fanfare.url}/v1/Senders`, {
      headers: { cookie: `fanfare_session=${token}`, 'x-fanfare-session': '1' },
    });
    expect(session.status).toBe(401);
  });

  it('works on all nodes, and after a restart', async () => {
    const node = await startFanfare({
      env: { DATABASE_URL: fanfare.databaseUrl },
      config: { roles: ['api'], logLevel: 'trace', limits: { accessTokenSeconds: 1 } },
    });
    const at = (url: string, header: string) =>
      fetch(`${url}/v1/Senders`, { headers: { authorization: header } });
    const key = await makeKey({ scopes: ['read'] });
    const { header, body } = await makeToken(key);
    expect((await at(node.url, header)).status).toBe(200);
    const short = await makeToken(key, {}, node.url);
    expect(short.body['expires_in']).toBe(1);
    await until(async () => (await at(fanfare.url, short.header)).status === 401);
    expect((await at(node.url, short.header)).status).toBe(401);
    const logged = node.output() + node.errors();
    for (const secret of [body['access_token'], short.body['access_token'], key.secret])
      expect(logged).not.toContain(secret);
    await node.terminate();
    await node.restart({ roles: ['api'], limits: { requestsPerSecond: 2 } });
    expect((await at(node.url, header)).status).toBe(200);
    // Any requests of one address, with or without a client.
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        askForToken({ url: node.url, form: i % 2 === 0 ? client(key) : '' }),
      ),
    );
    const held = many.filter(({ status }) => status === 429);
    expect(held.length).toBeGreaterThan(10);
    for (const { body: refused, headers } of held)
      expect([refused['error'], headers.get('retry-after')]).toEqual([
        'temporarily_unavailable',
        '1',
      ]);
  });
});

describe('the token endpoint', () => {
  type Key = { sid: string; secret: string; header: string };
  /** Status, error, and a part of its description. */
  const WRONG: Record<string, (key: Key) => readonly [TokenRequest, number, string, string]> = {
    'no body': () => [{ form: '' }, 400, 'invalid_request', 'grant_type is missing'],
    'another grant': (key) => [
      { form: client(key, { grant_type: 'password' }) },
      400,
      'unsupported_grant_type',
      'client_credentials',
    ],
    'a parameter twice': (key) => [
      { form: `${new URLSearchParams(client(key)).toString()}&scope=read&scope=send` },
      400,
      'invalid_request',
      'scope occurs more than once',
    ],
    'an odd name twice': (key) => [
      { form: `${new URLSearchParams(client(key)).toString()}&%22%5C%0a=1&%22%5C%0a=2` },
      400,
      'invalid_request',
      "The parameter ''' occurs",
    ],
    JSON: (key) => [
      { form: JSON.stringify(client(key)), headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
      FORM,
    ],
    'parameters in the URL': (key) => [
      { query: `?${new URLSearchParams(client(key)).toString()}` },
      400,
      'invalid_request',
      'in the body',
    ],
    'a long body': (key) => [
      { form: client(key, { x: 'x'.repeat(4_096) }) },
      413,
      'invalid_request',
      'too large',
    ],
    'a compressed body': (key) => [
      { form: client(key), headers: { 'content-encoding': 'gzip' } },
      415,
      'invalid_request',
      'Content-Encoding: gzip',
    ],
    PUT: (key) => [{ form: client(key), method: 'PUT' }, 405, 'invalid_request', 'POST'],
    GET: () => [{ method: 'GET' }, 405, 'invalid_request', 'POST'],
    'credentials in both places': (key) => [
      { form: client(key), headers: { authorization: key.header } },
      400,
      'invalid_request',
      'not both',
    ],
    'two clients': (key) => [
      {
        form: { grant_type: 'client_credentials', client_id: newKeySid() },
        headers: { authorization: key.header },
      },
      400,
      'invalid_request',
      'not both',
    ],
    'no client': () => [
      { form: { grant_type: 'client_credentials' } },
      401,
      'invalid_client',
      'client_id and client_secret',
    ],
    'no secret': ({ sid }) => [
      { form: { grant_type: 'client_credentials', client_id: sid } },
      401,
      'invalid_client',
      'client_id and client_secret',
    ],
    'another scheme': () => [
      { form: { grant_type: 'client_credentials' }, headers: { authorization: 'Bearer x' } },
      401,
      'invalid_client',
      'HTTP Basic',
    ],
    'a wrong secret': ({ sid }) => [
      { form: client({ sid, secret: 'wrong' }) },
      401,
      'invalid_client',
      'no API key with this SID and secret',
    ],
    'a wrong secret as HTTP Basic': ({ sid }) => [
      {
        form: { grant_type: 'client_credentials' },
        headers: { authorization: basic(sid, 'wrong') },
      },
      401,
      'invalid_client',
      'no API key',
    ],
    'an unknown key': ({ secret }) => [
      { form: client({ sid: newKeySid(), secret }) },
      401,
      'invalid_client',
      'no API key',
    ],
    "the account's own token": () => [
      { form: client({ sid: fanfare.sid, secret: fanfare.token }) },
      401,
      'invalid_client',
      'secret of an API key',
    ],
    'an unknown scope': (key) => [
      { form: client(key, { scope: 'read write"' }) },
      400,
      'invalid_scope',
      "no scope 'write''",
    ],
    'two spaces': (key) => [
      { form: client(key, { scope: 'read  read' }) },
      400,
      'invalid_scope',
      'with a space between',
    ],
    'a scope that the key does not have': (key) => [
      { form: client(key, { scope: 'read manage' }) },
      400,
      'invalid_scope',
      'does not have the scope manage',
    ],
  };
  it.each(Object.keys(WRONG))('refuses %s in the form of RFC 6749', async (name) => {
    const key = await makeKey({ scopes: ['read'] });
    const [request, status, error, part] = WRONG[name]?.(key) ?? [{}, 0, '', ''];
    const address = `203.0.115.${Object.keys(WRONG).indexOf(name)}`;
    const answer = await askForToken({ ...request, address });
    expect([answer.status, answer.body['error']]).toEqual([status, error]);
    expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
    expect(answer.body['error_description']).toContain(part);
    // RFC 6749, section 5.2.
    expect(answer.body['error_description']).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    expect(answer.body['error_description']).not.toContain(key.secret);
    expect(answer.headers.get('www-authenticate')).toBe(
      status === 401 ? 'Basic realm="Fanfare"' : null,
    );
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'POST' : null);
  });

  it('refuses failed sign-ins beyond the limit with Retry-After, and never right ones', async () => {
    const key = await makeKey();
    const address = '203.0.113.30';
    const wrong = { form: client({ sid: key.sid, secret: 'wrong' }), address };
    for (let i = 0; i < WRONG_MAX; i += 1) expect((await askForToken(wrong)).status).toBe(401);
    const held = await askForToken(wrong);
    expect([held.status, held.body['error']]).toEqual([429, 'temporarily_unavailable']);
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await askForToken({ form: client(key), address })).status).toBe(200);
  });
});
