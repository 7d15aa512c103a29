/** Sessions of the dashboard: sign-in, sign-out, the end of a session, and attacks from other pages. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSealer } from '../src/lib/sealer.ts';
import { hashSecret } from '../src/lib/secrets.ts';
import {
  launchFanfare,
  recipients,
  SID,
  startFanfare,
  text,
  TOKEN,
  until,
  type Fanfare,
} from './support/fanfare.ts';

let fanfare: Fanfare;
beforeAll(async () => {
  fanfare = await launchFanfare();
});
afterAll(() => fanfare.stop());

const OWN = { 'x-fanfare-session': '1' };

function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
  base = fanfare.url,
): Promise<Response> {
  return fetch(`${base}${path}`, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
}

const signIn = (sid: string, secret: string, headers: Record<string, string> = OWN) =>
  ask('POST', '/session', headers, { sid, secret });

async function openSession(sid = SID, secret = TOKEN): Promise<string> {
  const answer = await signIn(sid, secret);
  expect(answer.status).toBe(200);
  return answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

/** Attributes of a cookie, sorted: their order means nothing. */
const attributesOf = (cookie = '') => cookie.split('; ').slice(1).toSorted();

describe('a session', () => {
  it('is opened by the account or an API key, and says whose it is', async () => {
    const answer = await signIn(SID, TOKEN);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^fanfare_session=[\w-]+;/);
    expect(attributesOf(cookie)).toEqual([
      'HttpOnly',
      'Max-Age=43200',
      'Path=/',
      'SameSite=Strict',
    ]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toMatchObject({ accountSid: SID, credential: SID });
    const session = { ...OWN, cookie: cookie.split(';')[0] ?? '' };
    const shown = await ask('GET', '/session', session);
    expect(await shown.json()).toMatchObject({ accountSid: SID, credential: SID });
    expect((await ask('GET', '/v1/Messages/Operations', session)).status).toBe(200);
    const sent = await ask('POST', '/v1/Messages', session, {
      to: recipients(1),
      content: text('Hi'),
    });
    expect(sent.status).toBe(202);
  });

  it('has a cookie for HTTPS only when the page came by it', async () => {
    const { host } = new URL(fanfare.url);
    const answer = await signIn(SID, TOKEN, { ...OWN, origin: `https://${host}` });
    expect(attributesOf(answer.headers.getSetCookie()[0])).toContain('Secure');
  });

  it('is not opened by wrong credentials, nor by something that is none', async () => {
    for (const [sid, secret] of [
      [SID, 'wrong-token-0123456789'],
      [`SK${'0'.repeat(32)}`, TOKEN],
    ] as const) {
      const answer = await signIn(sid, secret);
      expect(answer.status).toBe(401);
      expect(answer.headers.getSetCookie()).toEqual([]);
      // The browser would ask for a password itself.
      expect(answer.headers.get('www-authenticate')).toBeNull();
    }
    expect((await ask('POST', '/session', OWN, { sid: SID })).status).toBe(400);
    expect((await ask('GET', '/session', OWN)).status).toBe(204);
  });

  it('never makes a browser ask for a password itself, also when its cookie has expired', async () => {
    const answer = await ask('GET', '/v1/Messages/Operations', OWN);
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, null]);
    const program = await ask('GET', '/v1/Messages/Operations', {});
    expect([program.status, program.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="Fanfare", Bearer realm="Fanfare"',
    ]);
  });

  it('ends by signing out, for this browser', async () => {
    const answer = await ask('DELETE', '/session', OWN);
    expect(answer.status).toBe(204);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^fanfare_session=;/);
    expect(attributesOf(cookie)).toEqual(expect.arrayContaining(['Max-Age=0', 'Path=/']));
  });

  it('ends with its time', async () => {
    const { rows } = await fanfare.database.query(
      `select secret from installation_secret where name = 'credentials'`,
    );
    const print = createHash('sha256').update(hashSecret(TOKEN)).digest('base64url').slice(0, 22);
    const seal = (untilMs: number, purpose = 'session') =>
      createSealer(rows[0].secret).seal(purpose, `${SID} ${untilMs} ${print} nonce`);
    const status = async (token: string) =>
      (await ask('GET', '/v1/Senders', { ...OWN, cookie: `fanfare_session=${token}` })).status;
    expect(await status(seal(Date.now() + 60_000))).toBe(200);
    expect(await status(seal(Date.now() - 1))).toBe(401);
    expect(await status(seal(Date.now() + 60_000, 'unsubscribe'))).toBe(401);
    expect(await status(`${seal(Date.now() + 60_000)}A`)).toBe(401);
  });

  it('ends with the API key that opened it', async () => {
    const made = await fanfare.request('POST', '/v1/ApiKeys', { name: 'page' });
    const { sid, secret } = made.body;
    const session = { ...OWN, cookie: await openSession(sid, secret) };
    expect((await ask('GET', '/v1/Senders', session)).status).toBe(200);
    expect((await fanfare.request('DELETE', `/v1/ApiKeys/${sid}`)).status).toBe(204);
    await until(async () => (await ask('GET', '/v1/Senders', session)).status === 401);
  });

  it('ends with the token that opened it', async () => {
    const session = { ...OWN, cookie: await openSession() };
    await fanfare.database.query('update account set token_hash = $2 where sid = $1', [
      SID,
      hashSecret('another-token-0123456789'),
    ]);
    try {
      await until(async () => (await ask('GET', '/v1/Senders', session)).status === 401);
    } finally {
      await fanfare.database.query('update account set token_hash = $2 where sid = $1', [
        SID,
        hashSecret(TOKEN),
      ]);
    }
  });
});

describe('pages of others', () => {
  it('can neither use a session nor open or close one', async () => {
    const cookie = await openSession();
    const send = { to: recipients(1), content: text('Hi') };
    const { host } = new URL(fanfare.url);
    const refused: Record<string, string>[] = [
      {},
      { ...OWN, origin: 'https://evil.example' },
      { ...OWN, origin: 'null' },
      { ...OWN, origin: `http://${host}0` },
      { ...OWN, 'sec-fetch-site': 'cross-site' },
      { ...OWN, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of refused) {
      expect((await ask('POST', '/v1/Messages', { ...headers, cookie }, send)).status).toBe(401);
      expect((await signIn(SID, TOKEN, headers)).status).toBe(403);
      expect((await ask('DELETE', '/session', headers)).status).toBe(403);
    }
    const own = { ...OWN, cookie, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' };
    expect((await ask('POST', '/v1/Messages', own, send)).status).toBe(202);
  });

  it('gain nothing by a cookie beside credentials', async () => {
    const cookie = await openSession();
    const headers = { ...OWN, cookie, authorization: 'Basic AAAA' };
    expect((await ask('GET', '/v1/Senders', headers)).status).toBe(401);
  });
});

it('counts failed sign-ins at /session with those at the API', async () => {
  const limited = await startFanfare({ config: { limits: { wrongCredentialsPerMinute: 3 } } });
  let tries = 0;
  // No proxy is trusted, so what a client says of its address changes nothing.
  const failSignIn = () =>
    ask(
      'POST',
      '/session',
      { ...OWN, 'x-forwarded-for': `203.0.113.${(tries += 1)}`, forwarded: `for=${tries}` },
      { sid: SID, secret: 'wrong-token-0123456789' },
      limited.url,
    );
  expect((await failSignIn()).status).toBe(401);
  expect((await failSignIn()).status).toBe(401);
  const basic = { authorization: `Basic ${btoa(`${SID}:nope`)}` };
  expect((await ask('GET', '/v1/Senders', basic, undefined, limited.url)).status).toBe(401);
  const answer = await failSignIn();
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  const right = { sid: SID, secret: TOKEN };
  expect((await ask('POST', '/session', OWN, right, limited.url)).status).toBe(200);
});

it('has neither page nor sessions where they are switched off', async () => {
  const without = await startFanfare({ config: { dashboard: { enabled: false } } });
  expect((await ask('GET', '/', {}, undefined, without.url)).status).toBe(404);
  const right = { sid: SID, secret: TOKEN };
  expect((await ask('POST', '/session', OWN, right, without.url)).status).toBe(404);
});
