/** Subscribers receive all events in order, whatever they do. */
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import {
  ALL_ROLES,
  recipients,
  smsOnly,
  special,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { hold, startReceiver, type Receiver } from './support/receiver.ts';

const HOSTED = 'com.twilio.comms-api.';
/** Retries that a test can wait for, and that outlast its troubles. */
const RETRY_DELAYS_MS = [50, 50, 100, 200, ...Array.from({ length: 40 }, () => 400)];

const withEvents = (events: object = {}) => ({
  config: {
    roles: ALL_ROLES,
    events: {
      allowTargets: ['127.0.0.1'],
      // Longer than any test lets a request hang.
      timeoutMs: 120_000,
      retryDelaysMs: RETRY_DELAYS_MS,
      ...events,
    },
  },
});
const useEvents = (events: object = {}) => useFanfare(withEvents(events));

async function subscribe(
  fanfare: FanfareClient,
  receiver: Receiver,
  rest: object = {},
): Promise<Json> {
  const answer = await fanfare.request('POST', '/v1/Subscriptions', {
    url: receiver.url,
    batch: { delayMs: 20 },
    ...rest,
  });
  expect(answer.status).toBe(201);
  return answer.body;
}

const typesOf = (events: readonly Json[]) => events.map(({ type }) => String(type));

function countTypes(events: readonly Json[]): Record<string, number> {
  const counts: Record<string, number> = {};
  const seen = new Set<string>();
  for (const { id, type } of events) {
    if (seen.has(id)) continue;
    seen.add(id);
    const name = String(type).replace(HOSTED, '');
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** The first delivery of each message's events must be in the order of its life. */
function expectOrder(events: readonly Json[]): void {
  const ranks = ['queued', 'sent', 'failed', 'undelivered', 'delivered', 'read'];
  const byMessage = new Map<string, number[]>();
  const seen = new Set<string>();
  for (const { id, type, data } of events) {
    const rank = ranks.indexOf(String(type).split('.').at(-1) ?? '');
    if (rank < 0 || data.message_id === undefined || seen.has(id)) continue;
    seen.add(id);
    byMessage.set(data.message_id, [...(byMessage.get(data.message_id) ?? []), rank]);
  }
  for (const life of byMessage.values()) expect(life).toEqual(life.toSorted((a, b) => a - b));
}

/** All that has happened in the account so far is in the log, and due to whom it concerns. */
async function isRouted({ database, sid }: FanfareClient): Promise<boolean> {
  const { rowCount } = await database.query(
    'select from event_outbox where account_id = (select id from account where sid = $1)',
    [sid],
  );
  return rowCount === 0;
}

const isSettled = ({ status, stats }: Json) => status === 'COMPLETED' && stats.sent === 0;

describe('a subscriber', () => {
  it('receives all of it, signed, in order, in batches', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    // All events after the first request are there by then: the number of requests is no matter of luck.
    const release = hold(receiver);
    const { secret } = await subscribe(fanfare, receiver);
    const id = await fanfare.send({
      to: [...recipients(250), special(1), special(3)],
      content: text('Hello'),
      ...smsOnly,
      tags: { campaign: 'spring' },
    });
    // One is read, a moment after it was delivered.
    await fanfare.watch(id, ({ stats }) => stats.sent === 0 && stats.read === 1);
    await until(() => isRouted(fanfare));
    release();
    await until(async () => countTypes(receiver.events)['message.read'] === 1);
    await until(async () => countTypes(receiver.events)['message.delivered'] === 251);
    expect(countTypes(receiver.events)).toMatchObject({
      'operation.processing': 1,
      'operation.completed': 1,
      'message.queued': 252,
      'message.sent': 251,
      'message.failed': 1,
      'message.delivered': 251,
      'message.read': 1,
    });
    expectOrder(receiver.events);
    const types = typesOf(receiver.events);
    expect(types[0]).toBe(`${HOSTED}operation.processing`);
    expect(types.lastIndexOf(`${HOSTED}message.sent`)).toBeLessThan(
      types.indexOf(`${HOSTED}operation.completed`),
    );
    const webhook = new Webhook(secret);
    for (const { body, headers, events } of receiver.requests) {
      webhook.verify(body, headers as Record<string, string>);
      expect(events.length).toBeLessThanOrEqual(100);
    }
    expect(receiver.requests.length).toBeLessThan(20);
  });

  it('gets the payloads that the hosted API sends', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    await subscribe(fanfare, receiver);
    const id = await fanfare.send({
      to: [special(1)],
      content: text('Hello'),
      ...smsOnly,
      tags: { campaign: 'spring' },
    });
    await until(async () => typesOf(receiver.events).includes(`${HOSTED}operation.completed`));
    const { body } = await fanfare.get(`/v1/Messages?operationId=${id}`);
    const [message] = body['messages'];
    const find = (type: string) => receiver.events.find((each) => each['type'] === HOSTED + type);
    expect(find('operation.completed')).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^EZ[0-9a-f]{32}$/),
      source: `/v1/Messages/Operations/${id}`,
      type: `${HOSTED}operation.completed`,
      dataschema: 'https://events-schemas.twilio.com/CommsApi.OperationCompleted/2',
      datacontenttype: 'application/json',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { operation_id: id },
    });
    expect(find('message.failed')).toMatchObject({
      source: `/v1/Messages/${message.id}`,
      dataschema: 'https://events-schemas.twilio.com/CommsApi.MessageFailed/4',
      data: {
        operation_id: id,
        message_id: message.id,
        account_sid: fanfare.sid,
        downstream_id: expect.stringMatching(/^SM[0-9a-f]{32}$/),
        attempt: '1',
        error_code: '30006',
        from: { id: message.from.senderId, address: '+15005550100', channel: 'SMS' },
        to: { address: '+15005550001', channel: 'PHONE' },
        tags: { campaign: 'spring' },
      },
    });
  });

  it('chooses by type and by tag', async () => {
    const fanfare = await useEvents();
    const [completed, tagged] = [await startReceiver(), await startReceiver()];
    await subscribe(fanfare, completed, { types: [`${HOSTED}operation.completed`] });
    await subscribe(fanfare, tagged, { types: [`${HOSTED}message.*`], tags: { name: 'b' } });
    const id = await fanfare.send({
      to: ['a', 'b'].map((name, i) => ({ ...recipients(1, i)[0], variables: { name } })),
      content: text('Hello'),
      ...smsOnly,
      tags: { name: '{{ name }}' },
    });
    await fanfare.watch(id, isSettled);
    await until(async () => completed.events.length > 0);
    await until(async () => typesOf(tagged.events).includes(`${HOSTED}message.delivered`));
    expect(typesOf(completed.events)).toEqual([`${HOSTED}operation.completed`]);
    expect(typesOf(tagged.events)).toEqual(
      ['queued', 'sent', 'delivered'].map((each) => `${HOSTED}message.${each}`),
    );
    for (const { data } of tagged.events) expect(data.tags).toEqual({ name: 'b' });
  });

  it('receives scheduled and canceled messages', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    await subscribe(fanfare, receiver);
    const id = await fanfare.send({
      to: recipients(3),
      content: text('Hello'),
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    await fanfare.request('POST', `/v1/Messages/Operations/${id}/Cancel`);
    await until(async () => typesOf(receiver.events).includes('fanfare.operation.canceled'));
    expect(typesOf(receiver.events)).toEqual([
      `${HOSTED}operation.scheduled`,
      ...Array.from({ length: 3 }, () => 'fanfare.message.canceled'),
      'fanfare.operation.canceled',
    ]);
  });

  it('receives events of e-mails under names of their own', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    await subscribe(fanfare, receiver, { types: ['fanfare.email.*'] });
    const { body } = await fanfare.request('POST', '/v1/Emails', {
      from: { address: 'fanfare@example.com' },
      to: [{ address: 'ada@example.org' }],
      content: { subject: 'Hello', html: '<p>Hello</p>' },
    });
    await until(async () => typesOf(receiver.events).includes('fanfare.email.delivered'));
    expect(typesOf(receiver.events).slice(0, 3)).toEqual(
      ['queued', 'sent', 'delivered'].map((each) => `fanfare.email.${each}`),
    );
    expect(receiver.events[0]).toMatchObject({
      source: expect.stringMatching(/^\/v1\/Emails\/comms_email_/),
      data: {
        operation_id: body['operationId'],
        email_id: expect.stringMatching(/^comms_email_/),
        to: { address: 'ada@example.org', channel: 'EMAIL' },
      },
    });
  });

  it('receives one operation at the URL that its request names', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    await fanfare.send({ to: recipients(1), content: text('Hello'), ...smsOnly });
    const id = await fanfare.send({
      to: recipients(2),
      content: text('Hello'),
      ...smsOnly,
      statusCallback: receiver.url,
    });
    await until(async () => countTypes(receiver.events)['message.delivered'] === 2);
    expect(new Set(receiver.events.map(({ data }) => data.operation_id))).toEqual(new Set([id]));
    const { body } = await fanfare.get('/v1/Subscriptions');
    expect(body['subscriptions']).toMatchObject([
      { url: receiver.url, origin: 'STATUS_CALLBACK', types: ['*'] },
    ]);
    const inside = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(1),
      content: text('Hello'),
      statusCallback: 'http://10.1.2.3/',
    });
    expect(inside).toMatchObject({
      status: 400,
      body: { errors: [{ context: '$.statusCallback' }] },
    });
  });

  it('receives no address of an erased person', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    receiver.behaviour = () => 500;
    await subscribe(fanfare, receiver);
    const id = await fanfare.send({ to: recipients(1), content: text('Hello'), ...smsOnly });
    await fanfare.watch(id, isSettled);
    await until(async () => receiver.requests.length > 0);
    await until(
      async () => (await fanfare.request('DELETE', `/v1/Messages/Operations/${id}`)).status === 204,
    );
    // A request that was on its way meanwhile was written before; the one behind it was not.
    const { length } = receiver.requests;
    await until(async () => receiver.requests.length >= length + 2);
    receiver.behaviour = () => 200;
    await until(async () => typesOf(receiver.events).includes(`${HOSTED}message.delivered`));
    expect(JSON.stringify(receiver.events)).not.toContain('+15005560000');
  });

  it('receives neither the tags of an erased message nor their templates', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    receiver.behaviour = () => 500;
    await subscribe(fanfare, receiver, { types: [`${HOSTED}message.delivered`] });
    const id = await fanfare.send({
      to: recipients(2).map((each, i) => ({ ...each, variables: { kind: `vip-${i}` } })),
      content: text('Hello'),
      ...smsOnly,
      tags: { kind: '{{ kind }}' },
    });
    await fanfare.watch(id, isSettled);
    const { body } = await fanfare.get(`/v1/Messages?operationId=${id}`);
    const [kept, erased] = body['messages'];
    expect((await fanfare.request('DELETE', `/v1/Messages/${erased.id}`)).status).toBe(204);
    const { length } = receiver.requests;
    await until(async () => receiver.requests.length >= length + 2);
    receiver.behaviour = () => 200;
    await until(async () => receiver.events.length >= 2);
    const dataOf = (message: Json) =>
      receiver.events.find(({ data }) => data['message_id'] === message['id'])?.['data'];
    expect(dataOf(kept)).toMatchObject({ tags: { kind: 'vip-1' }, to: kept.to[0] });
    expect(dataOf(erased)).toEqual({
      operation_id: id,
      message_id: erased.id,
      account_sid: fanfare.sid,
      attempt: '1',
      downstream_id: expect.stringMatching(/^SM/),
      tags: {},
    });
  });
});

describe('a subscriber in trouble', () => {
  it('gets everything that it refused, in order, once it takes it', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    const tries = new Map<string, number>();
    receiver.behaviour = ({ events }) => {
      const first = String(events[0]?.['id']);
      tries.set(first, (tries.get(first) ?? 0) + 1);
      return [500, 404][(tries.get(first) ?? 0) - 1] ?? 200;
    };
    await subscribe(fanfare, receiver);
    const ids = await Promise.all(
      [0, 1, 2].map((i) =>
        fanfare.send({ to: recipients(40, i * 40), content: text('Hello'), ...smsOnly }),
      ),
    );
    for (const id of ids) await fanfare.watch(id, isSettled);
    await until(async () => countTypes(receiver.events)['message.delivered'] === 120, 50_000);
    expect(countTypes(receiver.events)).toMatchObject({
      'message.queued': 120,
      'message.sent': 120,
      'operation.completed': 3,
    });
    expectOrder(receiver.events);
  });

  it('gets everything when it dies and comes back, and so does the server', async () => {
    const fanfare = await startFanfare(withEvents({ timeoutMs: 1_000 }));
    const receiver = await startReceiver();
    await subscribe(fanfare, receiver);
    const first = await fanfare.send({ to: recipients(300), content: text('Hello'), ...smsOnly });
    await until(async () => receiver.events.length > 0);
    await receiver.close();
    await fanfare.watch(first, isSettled);
    const second = await fanfare.send({ to: recipients(300), content: text('Hello'), ...smsOnly });
    await fanfare.kill();
    await fanfare.restart();
    await receiver.open();
    // Messages being sent at the kill are in doubt, and reported so.
    const { stats } = await fanfare.watch(second, isSettled);
    const ended = (status: string) => countTypes(receiver.events)[`message.${status}`] ?? 0;
    await until(async () => ended('delivered') + ended('undelivered') === 600, 55_000);
    await until(async () => countTypes(receiver.events)['operation.completed'] === 2);
    expect(ended('queued')).toBe(600);
    expect(ended('delivered')).toBe(300 + stats.delivered);
    expectOrder(receiver.events);
  }, 120_000);

  it('holds up no other, however long it hangs', async () => {
    const fanfare = await useEvents();
    const [hanging, well] = [await startReceiver(), await startReceiver()];
    hanging.behaviour = () => null;
    await subscribe(fanfare, hanging);
    await subscribe(fanfare, well);
    const id = await fanfare.send({ to: recipients(500), content: text('Hello'), ...smsOnly });
    await fanfare.watch(id, isSettled);
    await until(async () => countTypes(well.events)['message.delivered'] === 500);
    await until(async () => hanging.requests.length > 0);
    expect(hanging.requests.length).toBe(1);
  });

  it('gets the rest when it cannot take one, which is given up, listed, and replayed', async () => {
    // Long between the tries of the poison, so that other due events are delivered meanwhile; short between the first two.
    const fanfare = await useEvents({ retryDelaysMs: [1, 500, 500, 500] });
    const receiver = await startReceiver();
    receiver.behaviour = ({ events }) =>
      events.some(({ data }) => data.tags.poison === 'yes') ? 400 : 200;
    const release = hold(receiver);
    const { id } = await subscribe(fanfare, receiver, { types: [`${HOSTED}message.*`] });
    const sent = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        fanfare.send({
          to: recipients(10, i * 10),
          content: text('Hello'),
          ...smsOnly,
          tags: { poison: i === 2 ? 'yes' : 'no' },
        }),
      ),
    );
    const poison = sent[2];
    for (const each of sent) await fanfare.watch(each, isSettled);
    await until(() => isRouted(fanfare));
    release();
    await until(async () => countTypes(receiver.events)['message.delivered'] === 40, 50_000);
    expectOrder(receiver.events);
    const path = `/v1/Subscriptions/${id}`;
    const listDeliveries = async (status: string): Promise<Json[]> =>
      (await fanfare.get(`${path}/Deliveries?status=${status}`)).body['deliveries'];
    const isAllDone = async () => (await listDeliveries('PENDING')).length === 0;
    await until(isAllDone, 50_000);
    // As many as the log has rows of it: what happened to its messages at once is one.
    const failed = await listDeliveries('FAILED');
    expect(new Set(failed.map(({ subject }) => subject))).toEqual(new Set([poison]));
    expect(new Set(failed.map(({ type }) => type))).toEqual(
      new Set(['queued', 'sent', 'delivered'].map((each) => `${HOSTED}message.${each}`)),
    );
    expect(failed.reduce((sum, { events }) => sum + events, 0)).toBe(30);
    const { body: attempts } = await fanfare.get(`${path}/Attempts?delivered=false`);
    expect(attempts['attempts'][0]).toMatchObject({ delivered: false, httpStatus: 400 });
    expect((await fanfare.get(path)).body['status']).toBe('ENABLED');
    receiver.behaviour = () => 200;
    const replay = await fanfare.request('POST', `${path}/Replay`, {
      startDate: new Date(Date.now() - 600_000).toISOString(),
    });
    expect(replay.body).toEqual({ replayed: failed.length });
    await until(async () => countTypes(receiver.events)['message.delivered'] === 50);
    // Deliveries are written a moment later.
    await until(isAllDone);
    const again = await fanfare.request('POST', `${path}/Replay`, {
      deliveryIds: failed.map((each) => each['id']),
      statuses: ['DELIVERED'],
    });
    expect(again.body).toEqual({ replayed: failed.length });
    await until(async () => receiver.events.length > 150);
  }, 120_000);

  it('is disabled once it says 410, with the reason', async () => {
    const fanfare = await useEvents();
    const receiver = await startReceiver();
    receiver.behaviour = () => 410;
    const { id } = await subscribe(fanfare, receiver);
    await fanfare.send({ to: recipients(1), content: text('Hello'), ...smsOnly });
    const path = `/v1/Subscriptions/${id}`;
    const gone = await until(async () => {
      const { body } = await fanfare.get(path);
      return body['status'] === 'DISABLED' ? body : null;
    });
    expect(gone['reason']).toContain('410');
    receiver.behaviour = () => 200;
    const before = receiver.requests.length;
    const second = await fanfare.send({ to: recipients(1), content: text('Hello'), ...smsOnly });
    await fanfare.watch(second, isSettled);
    await until(() => isRouted(fanfare));
    expect(receiver.requests.length).toBe(before);
    await fanfare.request('PATCH', path, { status: 'ENABLED' });
    // Events while it was disabled are not delivered; pending ones from before are.
    await until(async () => receiver.events.length > 0);
    for (const { data } of receiver.events) expect(data.operation_id).not.toBe(second);
  });
});
