import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import {
  recipients,
  smsOnly,
  special,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { runs } from './support/runs.ts';

/** Order of states: a status of an operation never goes back. */
const RANK: Record<string, number> = { SCHEDULED: 0, PROCESSING: 1, COMPLETED: 2, CANCELED: 2 };
const COUNTERS = [
  'scheduled',
  'queued',
  'sent',
  'delivered',
  'read',
  'undelivered',
  'failed',
  'canceled',
];

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare({
    config: {
      retry: { triesMax: 3, delayMs: 20 },
      carriers: {
        simulator: {
          seed: 7,
          windowMax: 40,
          answerDelayMs: { min: 0, max: 30 },
          receiptDelayMs: { min: 0, max: 60 },
          failureRate: 0.1,
          lossRate: 0.05,
          undeliveredRate: 0.1,
          readRate: 0.3,
        },
      },
    },
  });
});

/** Numbers that behave oddly and quickly: refused, undelivered, read, lost, retried, no RCS, early, thrice. */
const oddNumber = fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8).map(special);
const plainNumber = fc.integer({ min: 0, max: 9_999 }).map((i) => recipients(1, i)[0] as Json);
const connected = fc
  .tuple(fc.constantFrom('WHATSAPP', 'PHONE'), plainNumber)
  .map(([channel, second]) => ({
    addresses: [{ address: '+15005560001', channel }, second],
  }));
const recipient = fc.oneof(
  { weight: 5, arbitrary: plainNumber },
  { weight: 4, arbitrary: oddNumber },
  { weight: 1, arbitrary: connected },
);

const scenario = fc.record({
  to: fc.array(recipient, { minLength: 1, maxLength: 700 }),
  smsOnly: fc.boolean(),
  /** Milliseconds ahead; 0 is now. */
  scheduleMs: fc.constantFrom(0, 0, 0, 200),
  expireMs: fc.constantFrom(null, null, 300),
  /** After how many milliseconds to cancel the operation. */
  cancelMs: fc.constantFrom(null, null, 0, 30, 100),
  /** How many single messages to cancel. */
  cancelMessages: fc.constantFrom(0, 0, 5),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer Value> ? Value : never;

async function countMessages(id: string): Promise<Json> {
  const messages: Json[] = [];
  for (let token = ''; token !== null;) {
    const { body } = await fanfare.get(
      `/v1/Messages?operationId=${id}&pageSize=1000${token && `&pageToken=${token}`}`,
    );
    messages.push(...body['messages']);
    token = body['pagination'].next;
  }
  const counts: Json = Object.fromEntries(COUNTERS.map((name) => [name, 0]));
  for (const message of messages) counts[message['status'].toLowerCase()] += 1;
  return counts;
}

async function sumAttempts(id: string): Promise<number> {
  const { rows } = await fanfare.database.query(
    'select coalesce(sum(attempt), 0)::int as attempts from message where operation_of(id) = $1',
    [decodeTypeId('comms_operation', id)],
  );
  return rows[0].attempts;
}

/** Between two looks, so that looking leaves time for what is looked at; in the long form none. */
const LOOK_MS = runs(5, 0);

/** Polls until it is stopped; all that it sees must be exact and never go back. */
async function observe(id: string, isOver: () => boolean): Promise<void> {
  let before: Json | null = null;
  while (!isOver()) {
    const now = await fanfare.operation(id);
    if (before !== null) {
      expect(RANK[now['status']]).toBeGreaterThanOrEqual(RANK[before['status']] ?? 0);
      expect(now['stats'].attempts).toBeGreaterThanOrEqual(before['stats'].attempts);
      expect(now['stats'].canceled).toBeGreaterThanOrEqual(before['stats'].canceled);
      expect(now['stats'].failed).toBeGreaterThanOrEqual(before['stats'].failed);
      expect(now['stats'].read).toBeGreaterThanOrEqual(before['stats'].read);
      expect(now['stats'].scheduled).toBeLessThanOrEqual(before['stats'].scheduled);
      expect(now['stats'].total).toBe(before['stats'].total);
      expect(Date.parse(now['updatedAt'])).toBeGreaterThanOrEqual(Date.parse(before['updatedAt']));
      if (RANK[before['status']] === 2) expect(now['status']).toBe(before['status']);
    }
    before = now;
    await sleep(LOOK_MS);
  }
}

/** Nothing of the operation is queued, parked or about to come. */
async function isQuiet(id: string): Promise<boolean> {
  const { stats } = await fanfare.operation(id);
  const { rows } = await fanfare.database.query(
    `select (select count(*) from dispatch_batch where operation_id = $1)::int
       + (select count(*) from parked_receipt where operation_of(message_id) = $1)::int as n`,
    [decodeTypeId('comms_operation', id)],
  );
  return rows[0].n === 0 && stats.queued === 0 && stats.scheduled === 0;
}

/** Sends what a plan says. Where its time of expiry is over before the request is looked at, again with a later one. */
async function begin(plan: Scenario): Promise<string> {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  for (let expireMs = plan.expireMs ?? 0; ; expireMs *= 2) {
    const { status, body } = await fanfare.request('POST', '/v1/Messages', {
      to: plan.to,
      content: text('Hi'),
      ...(plan.smsOnly ? smsOnly : {}),
      ...(plan.scheduleMs > 0 ? { schedule: { sendAt: [at(plan.scheduleMs)] } } : {}),
      ...(plan.expireMs === null ? {} : { expireAt: at(plan.scheduleMs + expireMs) }),
    });
    if (status === 202) return body['operationId'];
    expect(plan.expireMs).not.toBeNull();
    expect([status, body['errors']]).toMatchObject([400, [{ context: '$.expireAt' }]]);
  }
}

async function play(plan: Scenario): Promise<void> {
  const id = await begin(plan);
  let over = false;
  const observers = [observe(id, () => over), observe(id, () => over)];
  if (plan.cancelMessages > 0) {
    const { body } = await fanfare.get(
      `/v1/Messages?operationId=${id}&pageSize=${plan.cancelMessages}`,
    );
    for (const message of body['messages'])
      expect((await fanfare.request('POST', `/v1/Messages/${message.id}/Cancel`)).status).toBe(200);
  }
  if (plan.cancelMs !== null) {
    const due = performance.now() + plan.cancelMs;
    await until(async () => performance.now() >= due);
    expect((await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`)).status).toBe(
      200,
    );
  }
  // Quiet, and still the same after longer than any receipt takes.
  let last = '';
  let since = performance.now();
  await until(async () => {
    const now = JSON.stringify((await fanfare.operation(id)).stats);
    if (now !== last || !(await isQuiet(id))) {
      last = now;
      since = performance.now();
    }
    return performance.now() - since > 150;
  });
  over = true;
  await Promise.all(observers);
  // Counted while nothing changed: a receipt that comes late may change both.
  const [operation, counts] = await until(async () => {
    const before = await fanfare.operation(id);
    const counted = { ...(await countMessages(id)), attempts: await sumAttempts(id) };
    return isDeepStrictEqual(before, await fanfare.operation(id)) ? [before, counted] : null;
  });
  expect(['COMPLETED', 'CANCELED']).toContain(operation['status']);
  expect(operation['stats']).toMatchObject(counts);
}

describe('counters', () => {
  it(
    'are those of GROUP BY at the end, and exact and never backwards at every moment, for any mix',
    { tags: ['property'], timeout: 180_000 },
    async () => {
      await fc.assert(fc.asyncProperty(scenario, play), {
        numRuns: runs(12, 40),
        seed: 20_261_123,
        endOnFailure: true,
      });
    },
  );

  it(
    'hold while several operations run at once',
    { tags: ['property'], timeout: 120_000 },
    async () => {
      const plans = fc.sample(scenario, { numRuns: runs(16, 24), seed: 42 });
      await Promise.all(plans.map(play));
    },
  );
});
