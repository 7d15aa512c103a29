/** Live streams: events arrive as they happen, and a client that reconnects continues where it was. */
import { connect } from 'node:net';
import { hashSecret } from '../src/lib/secrets.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  launchFanfare,
  recipients,
  smsOnly,
  ALL_ROLES,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';

const WITH_EVENTS = { config: { roles: ALL_ROLES } };
const useEvents = () => useFanfare(WITH_EVENTS);

type Account = Pick<FanfareClient, 'url' | 'sid' | 'token'>;
const authorizationOf = ({ sid, token }: Account) =>
  `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;

interface Streamed {
  readonly id: string;
  readonly event: string;
  readonly data: Json;
}

interface Reading {
  readonly status: number;
  readonly headers: Headers;
  readonly events: readonly Streamed[];
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  readonly isOver: () => boolean;
  close(): void;
}

/** Reads a stream until it ends or is closed, at the latest with the test. */
async function readStream(
  fanfare: Account,
  path: string,
  headers: Record<string, string> = {},
  authorization: string | null = authorizationOf(fanfare),
): Promise<Reading> {
  const abort = new AbortController();
  const answer = await fetch(`${fanfare.url}/v1${path}`, {
    headers: { ...(authorization === null ? {} : { authorization }), ...headers },
    signal: abort.signal,
  });
  const events: Streamed[] = [];
  const read = async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(
          block.split('\n').map((line) => {
            const at = line.indexOf(':');
            return [line.slice(0, at), line.slice(at + 2)];
          }),
        );
        if (fields['event'] !== undefined)
          events.push({
            id: fields['id'] ?? '',
            event: fields['event'],
            data: JSON.parse(fields['data'] ?? 'null') as Json,
          });
      }
    }
  };
  let isOver = false;
  const ended = read()
    .catch(() => undefined)
    .then(() => void (isOver = true));
  const close = () => abort.abort();
  onTestFinished(async () => {
    close();
    await ended;
  });
  return {
    status: answer.status,
    headers: answer.headers,
    events,
    ended,
    isOver: () => isOver,
    close,
  };
}

/** Connections that their test reads when it wants to. */
async function openRaw(
  fanfare: Account,
  path: string,
  headers: Record<string, string> = {},
  times = 1,
): Promise<{
  readonly text: () => string;
  readonly isClosed: () => boolean;
  pause(): void;
  resume(): void;
  destroy(): void;
}> {
  const { hostname, port } = new URL(fanfare.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let got = '';
  let isClosed = false;
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  socket.on('close', () => (isClosed = true)).on('error', () => undefined);
  const head = Object.entries({ authorization: authorizationOf(fanfare), ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.write(`GET /v1${path} HTTP/1.1\r\nHost: x\r\n${head}\r\n`.repeat(times));
  await until(async () => /\r\n\r\n(\{|[\s\S]*^id: )/m.test(got));
  return {
    text: () => got,
    isClosed: () => isClosed,
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    destroy: () => socket.destroy(),
  };
}

/** More than the two ends of a connection keep for one who does not read: every event brings the tags. */
const sendBig = (fanfare: FanfareClient) =>
  fanfare.send({
    to: recipients(2_000),
    content: text('Hello'),
    tags: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`tag${i}`, 'x'.repeat(250)])),
    ...smsOnly,
  });

const isCompleted = ({ event }: Streamed) => event.endsWith('operation.completed');

const send = (fanfare: FanfareClient, count: number, first = 0) =>
  fanfare.send({ to: recipients(count, first), content: text('Hello'), ...smsOnly });

it('answers HEAD with its headers, and nothing stays open', async () => {
  const fanfare = await useEvents();
  const id = await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
  for (const path of ['/v1/Stream', `/v1/Messages/Operations/${id}/Stream`]) {
    const headers = { authorization: authorizationOf(fanfare), accept: 'text/event-stream' };
    const answer = await fetch(`${fanfare.url}${path}`, { method: 'HEAD', headers });
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, '']);
    expect(answer.headers.get('content-type')).toMatch('text/event-stream');
  }
});

describe('the stream of an operation', () => {
  it('begins with its state, sends each change, and ends with the last one', async () => {
    const fanfare = await useEvents();
    const id = await send(fanfare, 1_000);
    const stream = await readStream(fanfare, `/Messages/Operations/${id}/Stream`);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
    await stream.ended;
    const states = stream.events.filter(({ event }) => event === 'operation');
    expect(stream.events.at(-1)?.event).toBe('end');
    expect(states.at(-1)?.data).toEqual(await fanfare.operation(id));
    expect(states.at(-1)?.data['stats']).toMatchObject({ delivered: 1_000, sent: 0 });
    const delivered = states.map(({ data }) => Number(data['stats'].delivered));
    expect(delivered).toEqual(delivered.toSorted((a, b) => a - b));
    expect(new Set(states.map((each) => each.id)).size).toBe(states.length);
    // A client that comes back receives the end, and nothing twice.
    const again = await readStream(fanfare, `/Messages/Operations/${id}/Stream`, {
      'last-event-id': states.at(-1)?.id ?? '',
    });
    await again.ended;
    expect(again.events.map(({ event }) => event)).toEqual(['end']);
  });

  it('sends a pause, which is no event', async () => {
    const fanfare = await useEvents();
    const id = await fanfare.send({
      to: recipients(2),
      content: text('Hello'),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const stream = await readStream(fanfare, `/Messages/Operations/${id}/Stream`);
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Pause`);
    await until(async () => (stream.events.at(-1)?.data['pausedAt'] ?? null) !== null);
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    await stream.ended;
    expect(stream.events.at(-2)?.data['status']).toBe('CANCELED');
  });

  it('is limited to the operations of the account', async () => {
    const fanfare = await useEvents();
    const unknown = 'comms_operation_00000000000000000000000000';
    expect((await fanfare.get(`/v1/Messages/Operations/${unknown}/Stream`)).status).toBe(404);
    const answer = await fetch(`${fanfare.url}/v1/Stream`);
    expect(answer.status).toBe(401);
  });
});

describe('the stream of an account', () => {
  it('sends everything once, in order, to all listeners', async () => {
    const fanfare = await useEvents();
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => readStream(fanfare, '/Stream')),
    );
    const id = await send(fanfare, 300);
    const [first] = streams;
    // What comes behind the last receipt comes to all of them, too.
    await until(async () =>
      streams.every(
        ({ events }) => countDelivered(events) === 300 && events.length === first?.events.length,
      ),
    );
    for (const { events } of streams)
      expect(events.map((each) => each.id)).toEqual(first?.events.map((each) => each.id));
    const ids = first?.events.map((each) => each.id) ?? [];
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect(first?.events[0]).toMatchObject({
      event: 'com.twilio.comms-api.operation.processing',
      data: { specversion: '1.0', data: { operation_id: id } },
    });
  });

  it('continues after the last event of the client, wherever that is in the log', async () => {
    const fanfare = await useEvents();
    const whole = await readStream(fanfare, '/Stream');
    await send(fanfare, 200);
    await until(async () => countDelivered(whole.events) === 200);
    const steps = [0, 1, 57, 200, 201, 399, whole.events.length - 1];
    // More happens while they catch up.
    const more = send(fanfare, 200, 200);
    const parts = await Promise.all(
      steps.map((at) =>
        readStream(fanfare, '/Stream', { 'last-event-id': whole.events[at]?.id ?? '' }),
      ),
    );
    await more;
    await until(async () => countDelivered(whole.events) === 400);
    const ids = whole.events.map((each) => each.id);
    for (const [i, part] of parts.entries()) {
      const rest = ids.slice((steps[i] ?? 0) + 1);
      await until(async () => {
        // An end says more than a wait that comes to nothing.
        expect(part.isOver() ? fanfare.errors() : null).toBeNull();
        return part.events.length >= rest.length;
      });
      expect(part.events.slice(0, rest.length).map((each) => each.id)).toEqual(rest);
    }
  });

  it('sends the selected types, and refuses unknown names', async () => {
    const fanfare = await useEvents();
    const stream = await readStream(
      fanfare,
      '/Stream?types=com.twilio.comms-api.operation.completed,fanfare.*',
    );
    await send(fanfare, 5);
    await until(async () => stream.events.length > 0);
    expect(stream.events[0]?.event).toBe('com.twilio.comms-api.operation.completed');
    for (const [query, context] of [
      ['types=nonsense', '$.types'],
      ['lastEventId=nonsense', '$.lastEventId'],
    ])
      expect(await fanfare.get(`/v1/Stream?${query}`)).toMatchObject({
        status: 400,
        body: { errors: [{ context }] },
      });
  });

  it('receives from any node the changes of any other', async () => {
    const one = await useEvents();
    const other = await launchFanfare({
      ...WITH_EVENTS,
      env: { DATABASE_URL: one.databaseUrl },
    });
    onTestFinished(() => other.stop().then(() => undefined));
    const { sid, token } = one;
    const stream = await readStream({ url: other.url, sid, token }, '/Stream');
    await send(one, 50);
    await until(async () => countDelivered(stream.events) === 50);
  });

  it('waits for slow clients, and serves the others meanwhile', async () => {
    const fanfare = await useEvents();
    const slow = await openRaw(fanfare, '/Stream');
    slow.pause();
    const stream = await readStream(fanfare, '/Stream?types=com.twilio.comms-api.operation.*');
    await sendBig(fanfare);
    await until(async () => stream.events.some(isCompleted), 55_000);
    slow.resume();
    await until(async () => slow.text().split('message.delivered\n').length > 2_000, 55_000);
    expect(slow.isClosed()).toBe(false);
  }, 120_000);

  it('ends when the server stops, at once', async () => {
    const fanfare = await startFanfare(WITH_EVENTS);
    const stream = await readStream(fanfare, '/Stream');
    expect(stream.status).toBe(200);
    await fanfare.terminate();
    await stream.ended;
  });
});

function countDelivered(events: readonly Streamed[]): number {
  return events.filter(({ event }) => event === 'com.twilio.comms-api.message.delivered').length;
}

it('numbers the states of an operation, in the stream as where it is read', async () => {
  const fanfare = await useEvents();
  const id = await send(fanfare, 400);
  const stream = await readStream(fanfare, `/Messages/Operations/${id}/Stream`);
  await stream.ended;
  const states = stream.events.filter(({ event }) => event === 'operation');
  const revisions = states.map(({ data }) => Number(data['revision']));
  expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
  expect(states.map((each) => each.id)).toEqual(revisions.map(String));
  expect((await fanfare.operation(id))['revision']).toBe(revisions.at(-1));
  // What shows, and is no counter, raises it too.
  const later = await fanfare.send({
    to: recipients(2),
    content: text('Hello'),
    schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
  });
  const path = `/v1/Messages/Operations/${later}`;
  const seen = [(await fanfare.get(path)).body['revision']];
  for (const step of ['Pause', 'Resume', 'Pause', 'Cancel'])
    seen.push((await fanfare.request('POST', `${path}/${step}`)).body['revision']);
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
});

describe('the cost of streams', () => {
  const limits = {
    requestsPerSecond: 100_000,
    streamsPerAccount: 8,
    accountUnreadBytesMax: 1_572_864,
    unreadBytesMax: 4_194_304,
  };
  const useLimits = (more: object = {}) =>
    useFanfare({ config: { roles: ALL_ROLES, limits: { ...limits, ...more } } });

  it('is limited in number for an account, with the action to take', async () => {
    const [fanfare, other] = [await useLimits(), await useLimits()];
    const streams = await Promise.all(
      Array.from({ length: 8 }, () => readStream(fanfare, '/Stream')),
    );
    const refused = await fanfare.get('/v1/Stream');
    expect(refused).toMatchObject({ status: 429, body: { errors: [{ context: 'null' }] } });
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(refused.body['message']).toMatch(/has 8 streams open .* Close one/);
    expect((await readStream(other, '/Stream')).status).toBe(200);
    streams[0]?.close();
    await until(async () => (await readStream(fanfare, '/Stream')).status === 200);
  });

  it('releases the places of streams that never began on their connection', async () => {
    const fanfare = await useLimits();
    const ahead = await openRaw(fanfare, '/Stream', {}, 8);
    await until(async () => (await fanfare.get('/v1/Stream')).status === 429);
    ahead.destroy();
    const open = async () => (await readStream(fanfare, '/Stream')).status === 200;
    for (let i = 0; i < 8; i += 1) await until(open);
    expect((await fanfare.get('/v1/Stream')).status).toBe(429);
  });

  it('is bounded in bytes: a client that reads nothing is closed, gets the reason, and has lost nothing', async () => {
    const [fanfare, other] = [await useLimits(), await useLimits()];
    const deaf = await Promise.all(
      Array.from({ length: 6 }, (_, i) => openRaw(fanfare, `/Stream?types=*&n=${i}`)),
    );
    for (const each of deaf) each.pause();
    const [whole, others] = [
      await readStream(fanfare, '/Stream'),
      await readStream(other, '/Stream'),
    ];
    await Promise.all([sendBig(fanfare), send(other, 100)]);
    await until(async () => whole.events.some(isCompleted), 55_000);
    await until(async () => countDelivered(others.events) === 100);
    // A connection that is closed shows it to who reads on.
    for (const each of deaf) each.resume();
    await until(async () => deaf.some((each) => each.isClosed()));
    const closed = deaf.filter((each) => each.isClosed());
    for (const each of deaf) each.destroy();
    expect(closed.length).toBeGreaterThan(0);
    expect([whole.isOver(), others.isOver()]).toEqual([false, false]);
    const seen = [
      ...(closed[0]?.text().matchAll(/^id: (EZ\w{32})\nevent: .*\ndata: .*\n\n/gm) ?? []),
    ];
    // What the connection still held is lost with it, up to the first event; where it began is known all the same.
    const last =
      seen.at(-1)?.[1] ?? /^id: (EZ\w{32})\n\n/m.exec(closed[0]?.text() ?? '')?.[1] ?? '';
    expect(last).not.toBe('');
    const again = await readStream(fanfare, '/Stream?types=*', { 'last-event-id': last });
    await until(async () => again.events.length > whole.events.length - seen.length, 55_000);
    expect(again.events[0]).toMatchObject({ id: '', event: 'closed' });
    expect(again.events[0]?.data['message']).toMatch(/closed this stream at .* unread data/);
    expect([...seen.map(([, id]) => id), ...again.events.slice(1).map(({ id }) => id)]).toEqual(
      whole.events.map(({ id }) => id),
    );
    // It is said once.
    const third = await readStream(fanfare, '/Stream?types=*', { 'last-event-id': last });
    await until(async () => third.events.length > 0);
    expect(third.events[0]?.event).not.toBe('closed');
  }, 120_000);

  it('counts answers that are not read, and charges them to whose they are', async () => {
    const [fanfare, other] = [await useLimits(), await useLimits()];
    const id = await send(fanfare, 1_000);
    await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    const lists = await openRaw(fanfare, '/Messages?pageSize=1000', {}, 40);
    lists.pause();
    const refused = await until(async () => {
      const answer = await fanfare.get('/v1/Senders');
      return answer.status === 429 && answer;
    });
    expect(refused.body['message']).toMatch(/too much unread data/);
    expect((await other.get('/v1/Senders')).status).toBe(200);
    lists.destroy();
    await until(async () => (await fanfare.get('/v1/Senders')).status === 200);
  });

  it('closes connections that read no byte of waiting data, and no others', async () => {
    const fanfare = await useLimits({ unreadTimeoutMs: 1_000 });
    const [quiet, deaf] = [
      await readStream(fanfare, '/Stream?types=fanfare.*'),
      await openRaw(fanfare, '/Stream'),
    ];
    deaf.pause();
    await sendBig(fanfare);
    // It cannot see that it was closed before it reads.
    const isClosed = until(async () => {
      const again = await readStream(fanfare, `/Stream?lastEventId=EZ${'0'.repeat(32)}`);
      await until(async () => again.events.length > 0);
      again.close();
      return again.events[0]?.event === 'closed' && again.events[0].data['message'];
    }, 55_000);
    expect(await isClosed).toMatch(/unreadTimeoutMs/);
    expect(quiet.isOver()).toBe(false);
  }, 120_000);
});

describe('the credentials of a stream', () => {
  it('end it within five seconds, whatever it was opened with', async () => {
    const fanfare = await useEvents();
    const key = (await fanfare.request('POST', '/v1/ApiKeys', { name: 'page' })).body as Json;
    const byKey = { url: fanfare.url, sid: key['sid'], token: key['secret'] };
    const own = { 'x-fanfare-session': '1' };
    const signedIn = await fetch(`${fanfare.url}/session`, {
      method: 'POST',
      headers: { ...own, 'content-type': 'application/json' },
      body: JSON.stringify({ sid: key['sid'], secret: key['secret'] }),
    });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const id = await fanfare.send({
      to: recipients(2),
      content: text('Hello'),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const session = { ...own, cookie };
    const gone = await Promise.all([
      readStream(byKey, '/Stream'),
      readStream(byKey, `/Messages/Operations/${id}/Stream`),
      readStream(fanfare, '/Stream', session, null),
    ]);
    const stays = await readStream(fanfare, '/Stream');
    expect(gone.map(({ status }) => status)).toEqual([200, 200, 200]);
    const since = performance.now();
    await fanfare.request('DELETE', `/v1/ApiKeys/${key['sid']}`);
    // The credential cache opens no stream.
    expect((await readStream(byKey, '/Stream')).status).toBe(401);
    expect((await readStream(fanfare, '/Stream', session, null)).status).toBe(401);
    await Promise.all(gone.map(({ ended }) => ended));
    expect(performance.now() - since).toBeLessThan(5_000);
    for (const { events } of gone) expect(events.at(-1)).toMatchObject({ id: '', event: 'closed' });
    expect(stays.isOver()).toBe(false);
    await fanfare.database.query('update account set token_hash = $2 where sid = $1', [
      fanfare.sid,
      hashSecret('another-token-0123456789'),
    ]);
    await stays.ended;
    expect(stays.events.at(-1)?.data['message']).toMatch(/credentials/);
  });
});
