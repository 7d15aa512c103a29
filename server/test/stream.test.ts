/** Live streams: what happens is seen as it happens, and whoever was away goes on where they were. */
import { connect } from 'node:net';
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

const TELLING = { config: { roles: ALL_ROLES } };
const useTelling = () => useFanfare(TELLING);

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
): Promise<Reading> {
  const abort = new AbortController();
  const answer = await fetch(`${fanfare.url}/v1${path}`, {
    headers: { authorization: authorizationOf(fanfare), ...headers },
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

const send = (fanfare: FanfareClient, count: number, first = 0) =>
  fanfare.send({ to: recipients(count, first), content: text('Hello'), ...smsOnly });

describe('the stream of an operation', () => {
  it('begins with what it is, tells each change, and ends with it', async () => {
    const fanfare = await useTelling();
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
    // Whoever comes back is told that it has ended, and nothing twice.
    const again = await readStream(fanfare, `/Messages/Operations/${id}/Stream`, {
      'last-event-id': states.at(-1)?.id ?? '',
    });
    await again.ended;
    expect(again.events.map(({ event }) => event)).toEqual(['end']);
  });

  it('tells a pause, which is no news', async () => {
    const fanfare = await useTelling();
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

  it('is of what the account has', async () => {
    const fanfare = await useTelling();
    const unknown = 'comms_operation_00000000000000000000000000';
    expect((await fanfare.get(`/v1/Messages/Operations/${unknown}/Stream`)).status).toBe(404);
    const answer = await fetch(`${fanfare.url}/v1/Stream`);
    expect(answer.status).toBe(401);
  });
});

describe('the stream of an account', () => {
  it('tells everything once, in order, to all who listen', async () => {
    const fanfare = await useTelling();
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

  it('goes on behind the last event that was seen, wherever that was', async () => {
    const fanfare = await useTelling();
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

  it('tells what is asked for, and says what it does not know', async () => {
    const fanfare = await useTelling();
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

  it('is told by any node of what any other does', async () => {
    const one = await useTelling();
    const other = await launchFanfare({
      ...TELLING,
      env: { DATABASE_URL: one.databaseUrl },
    });
    onTestFinished(() => other.stop().then(() => undefined));
    const { sid, token } = one;
    const stream = await readStream({ url: other.url, sid, token }, '/Stream');
    await send(one, 50);
    await until(async () => countDelivered(stream.events) === 50);
  });

  it('lets go of who does not read, and serves the others', async () => {
    const fanfare = await useTelling();
    const { hostname, port } = new URL(fanfare.url);
    const deaf = connect(Number(port), hostname);
    onTestFinished(() => void deaf.destroy());
    let isClosed = false;
    deaf.on('close', () => (isClosed = true)).on('error', () => undefined);
    deaf.write(
      `GET /v1/Stream HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorizationOf(fanfare)}\r\n\r\n`,
    );
    deaf.pause();
    const stream = await readStream(fanfare, '/Stream?types=com.twilio.comms-api.operation.*');
    // More than the two ends of a connection keep for one who does not read.
    await send(fanfare, 10_000);
    await until(async () => stream.events.some(({ event }) => event.endsWith('completed')), 55_000);
    deaf.resume();
    await until(async () => isClosed);
  }, 120_000);

  it('ends when the server stops, at once', async () => {
    const fanfare = await startFanfare(TELLING);
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
  const fanfare = await useTelling();
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
