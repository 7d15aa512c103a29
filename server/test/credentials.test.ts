/** Credentials: failed and successful sign-ins from one address; scopes, expiry and last use of API keys. */
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { newKeySid } from '../src/lib/secrets.ts';
import { noteKeyUses } from '../src/store/accounts.ts';
import { openDatabase } from '../src/store/database.ts';
import {
  recipients,
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
    const routes = Object.entries(document['paths']).flatMap(([path, methods]) =>
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
