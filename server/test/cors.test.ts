/** Programs in browsers: which origins may call the API, and what they may read. */
import { describe, expect, it } from 'vitest';
import { useFanfare } from './support/fanfare.ts';

const ORIGIN = 'https://app.example.com';
const useOrigins = () =>
  useFanfare({ config: { cors: { origins: [ORIGIN, 'http://localhost:5173'] } } });

const preflight = (url: string, origin: string, method = 'POST') =>
  fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-type,idempotency-key',
    },
  });

const corsOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

describe('a preflight request', () => {
  it.each(['/v1/Messages', '/preview/Messages', '/v1/Messages/Operations/x/Cancel', '/v1/None'])(
    'to %s is answered without credentials',
    async (path) => {
      const { url } = await useOrigins();
      const answer = await preflight(`${url}${path}`, ORIGIN);
      expect([answer.status, await answer.text()]).toEqual([204, '']);
      expect(corsOf(answer)).toEqual({
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-methods': 'GET, HEAD, POST, PATCH, DELETE',
        'access-control-allow-headers':
          'Authorization, Content-Type, Idempotency-Key, Last-Event-ID',
        'access-control-expose-headers': expect.stringContaining('operation-id'),
        'access-control-max-age': '7200',
      });
      expect(answer.headers.get('vary')).toContain('Origin');
    },
  );

  it.each([
    'https://evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.example',
    'null',
  ])('of %s gets no header', async (origin) => {
    const { url } = await useOrigins();
    const answer = await preflight(`${url}/v1/Messages`, origin);
    expect([answer.ok, corsOf(answer)]).toEqual([false, {}]);
  });
});

describe('a request of an allowed origin', () => {
  it('gets the answer, and may read its headers', async () => {
    const { url, sid, token } = await useOrigins();
    const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
    const answer = await fetch(`${url}/v1/Messages`, {
      method: 'POST',
      headers: { origin: ORIGIN, authorization, 'content-type': 'application/json' },
      body: JSON.stringify({
        to: [{ address: '+15005558801', channel: 'PHONE' }],
        content: { text: 'Hi' },
      }),
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    // Never with cookies.
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const exposed = (answer.headers.get('access-control-expose-headers') ?? '').split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining([
        'operation-id',
        'Location',
        'Retry-After',
        'Idempotent-Replayed',
        'X-RateLimit-Remaining',
      ]),
    );
    expect(answer.headers.get('operation-id')).toMatch(/^comms_operation_/);
  });

  it('may read refusals and streams too', async () => {
    const { url, sid, token } = await useOrigins();
    const refused = await fetch(`${url}/v1/Messages`, { headers: { origin: ORIGIN } });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([
      401,
      ORIGIN,
    ]);
    const stop = new AbortController();
    const stream = await fetch(`${url}/v1/Stream`, {
      signal: stop.signal,
      headers: {
        origin: ORIGIN,
        authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`,
      },
    });
    expect([stream.status, stream.headers.get('access-control-allow-origin')]).toEqual([
      200,
      ORIGIN,
    ]);
    stop.abort();
  });

  it('is no session of the dashboard', async () => {
    const { url } = await useOrigins();
    const session = await fetch(`${url}/session`, { headers: { origin: ORIGIN } });
    expect([session.status, corsOf(session)]).toEqual([403, {}]);
  });

  it('with OPTIONS that is no preflight request gets 405', async () => {
    const { url, sid, token } = await useOrigins();
    const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
    const answer = await fetch(`${url}/v1/Messages`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, authorization },
    });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST, GET']);
  });
});

describe('without the option', () => {
  it('no origin gets a header', async () => {
    const { url } = await useFanfare();
    const answer = await preflight(`${url}/v1/Messages`, ORIGIN);
    expect([answer.status, corsOf(answer), answer.headers.get('vary')]).toEqual([401, {}, null]);
  });
});
