/** Deliveries of the real server, verified by the client, and the types of their events. */
import { EVENT_TYPES, verifyWebhook, WebhookError, type FanfareEvent } from '@fanfare/client';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES as SERVER_TYPES, TEST_TYPE } from '../../server/src/domain/event.ts';
import { renderEvents } from '../../server/src/events/render.ts';
import { signStandard } from '../../server/src/events/signature.ts';
import { ALL_ROLES, special, until, useFanfare } from '../../server/test/support/fanfare.ts';
import { startReceiver } from '../../server/test/support/receiver.ts';

const SECRET = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(24, 2).toString('base64')}`;
const AT = new Date('2026-01-01T00:00:00Z');
const BODY = JSON.stringify([
  {
    specversion: '1.0',
    id: 'EZ1',
    source: '/v1/Subscriptions/comms_subscription_1',
    type: 'fanfare.subscription.test',
    datacontenttype: 'application/json',
    time: '2026-01-01T00:00:00.000Z',
    data: { subscription_id: 'comms_subscription_1' },
  },
]);

const sign = (...secrets: string[]) => signStandard(secrets, 'batch_1', AT, Buffer.from(BODY));

/** What is said about an event; `type` selects the data. */
function describeEvent(event: FanfareEvent): unknown {
  switch (event.type) {
    case 'fanfare.operation.progress':
      return event.data.stats.total;
    case 'com.twilio.comms-api.operation.scheduled':
    case 'com.twilio.comms-api.operation.processing':
    case 'com.twilio.comms-api.operation.completed':
    case 'fanfare.operation.canceled':
      return event.data.operation_id;
    case 'com.twilio.comms-api.message.inbound-received':
      return event.data.text;
    case 'com.twilio.comms-api.message.failed':
    case 'com.twilio.comms-api.message.undelivered':
      return event.data.message_id && event.data.error_code;
    case 'com.twilio.comms-api.message.queued':
    case 'com.twilio.comms-api.message.sent':
    case 'com.twilio.comms-api.message.delivered':
    case 'com.twilio.comms-api.message.read':
    case 'fanfare.message.canceled':
      return event.data.message_id && event.data.to?.address;
    case 'fanfare.email.failed':
    case 'fanfare.email.undelivered':
      return event.data.email_id && event.data.error_code;
    case 'fanfare.email.queued':
    case 'fanfare.email.sent':
    case 'fanfare.email.delivered':
    case 'fanfare.email.opened':
    case 'fanfare.email.canceled':
      return event.data.email_id && event.data.to?.address;
    case 'fanfare.subscription.test':
      return event.data.subscription_id;
    default:
      return event satisfies never;
  }
}

describe('the events', () => {
  it('are all types of the server', () => {
    expect([...EVENT_TYPES]).toEqual([...SERVER_TYPES, TEST_TYPE]);
  });

  it('of the server are genuine, and have the data of their type', async () => {
    const fanfare = await useFanfare({
      config: { roles: ALL_ROLES, events: { allowTargets: ['127.0.0.1'] } },
    });
    const receiver = await startReceiver();
    const { body: subscription } = await fanfare.request('POST', '/v1/Subscriptions', {
      url: receiver.url,
      batch: { delayMs: 0 },
    });
    const content = { text: 'Hello!' };
    const from = { address: '+15005550100', channel: 'SMS' };
    await fanfare.send({ to: [1, 2, 3].map(special), content, from });
    const schedule = { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] };
    const later = await fanfare.send({ to: [special(100)], content, from, schedule });
    await fanfare.request('POST', `/v1/Messages/Operations/${later}/Cancel`);
    const email = {
      from: { address: 'fanfare@example.com' },
      content: { subject: 'Hi', html: '<p>Hi</p>' },
    };
    const mailboxes = ['refused', 'bounced', 'opened'];
    await fanfare.request('POST', '/v1/Emails', {
      ...email,
      to: mailboxes.map((name) => ({ address: `${name}@example.org` })),
    });
    const { body } = await fanfare.request('POST', '/v1/Emails', {
      ...email,
      to: [{ address: 'ada@example.org' }],
      schedule,
    });
    await fanfare.request('POST', `/v1/Emails/Operations/${body['operationId']}/Cancel`);
    await fanfare.request('POST', `/v1/Subscriptions/${subscription['id']}/Test`);
    // Nobody writes to the simulator's numbers.
    const expected = EVENT_TYPES.filter((type) => !type.endsWith('inbound-received'));
    await until(async () => {
      const types = new Set(receiver.events.map(({ type }) => type));
      return expected.every((type) => types.has(type));
    });

    const types = new Set<string>();
    for (const { body: raw, headers } of receiver.requests)
      for (const event of await verifyWebhook(raw, headers, subscription['secret'])) {
        types.add(event.type);
        expect(event.time).toBeInstanceOf(Date);
        expect([event.type, describeEvent(event)]).toEqual([event.type, expect.anything()]);
      }
    expect([...types].toSorted()).toEqual([...expected].toSorted());
  });

  it('of inbound messages have the data of their type', () => {
    const id = '01a21405-7e95-7007-8000-000000000001';
    const message = {
      id,
      senderId: id,
      channel: 'SMS',
      from: '+4917012345678',
      to: '+15005550199',
      text: 'When do you open?',
    };
    const row = {
      id,
      subjectId: id,
      name: 'message.inbound',
      at: AT,
      attempt: 0,
      candidate: 0,
      errorCode: null,
      ordinals: null,
      stats: null,
    } as const;
    const facts = { operations: new Map(), messages: new Map(), inbound: new Map([[id, message]]) };
    const [event] = renderEvents(row, facts as never, { accountSid: 'AC1', tags: {} });
    expect(describeEvent(JSON.parse(event?.json ?? ''))).toBe('When do you open?');
  });
});

describe('a delivery', () => {
  it('is genuine with any of several secrets and signatures, in text and bytes', async () => {
    const now = new Date(AT.getTime() + 299_000);
    const [event] = await verifyWebhook(BODY, { ...sign(SECRET) }, SECRET, { now });
    expect(event).toMatchObject({ id: 'EZ1', time: AT });
    for (const [signers, known] of [
      [[OTHER, SECRET], SECRET],
      [[SECRET], [OTHER, SECRET]],
    ] as const)
      for (const body of [BODY, Buffer.from(BODY), new Uint8Array(Buffer.from(BODY)).buffer])
        for (const headers of [{ ...sign(...signers) }, new Headers({ ...sign(...signers) })])
          expect(await verifyWebhook(body, headers, known, { now })).toHaveLength(1);
    const newer = {
      ...sign(SECRET),
      'webhook-signature': `v2,x ${sign(SECRET)['webhook-signature']}`,
    };
    expect(await verifyWebhook(BODY, newer, SECRET, { now })).toHaveLength(1);
  });

  const headers = { ...sign(SECRET) };
  const seconds = (count: number) => ({ now: new Date(AT.getTime() + count * 1_000) });
  const verify = verifyWebhook as (...given: unknown[]) => Promise<unknown>;
  it.each([
    ['a changed body', [`${BODY} `, headers, SECRET, seconds(0)], 'signature', /No signature/],
    ['another secret', [BODY, headers, OTHER, seconds(0)], 'signature', /No signature/],
    [
      'another id',
      [BODY, { ...headers, 'webhook-id': 'batch_2' }, SECRET, seconds(0)],
      'signature',
      /No signature/,
    ],
    ['an old time', [BODY, headers, SECRET, seconds(301)], 'timestamp', /is 301 s old/],
    [
      'a time ahead',
      [BODY, headers, SECRET, seconds(-301)],
      'timestamp',
      /is 301 s ahead of the clock/,
    ],
    [
      'a time older than asked for',
      [BODY, headers, SECRET, { ...seconds(11), toleranceSeconds: 10 }],
      'timestamp',
      /more than 10 s/,
    ],
    [
      'a time that is none',
      [BODY, { ...headers, 'webhook-timestamp': 'now' }, SECRET],
      'headers',
      /webhook-timestamp is no Unix time/,
    ],
    [
      'no signature',
      [BODY, { ...headers, 'webhook-signature': undefined }, SECRET],
      'headers',
      /no header webhook-signature/,
    ],
    [
      'a signature of another version',
      [BODY, { ...headers, 'webhook-signature': 'v1a,AAAA' }, SECRET],
      'headers',
      /no signature "v1,…"/,
    ],
    ['a parsed body', [JSON.parse(BODY), headers, SECRET], 'body', /must be the raw one/],
    ['a secret that is none', [BODY, headers, 'x'], 'secret', /not "whsec_" and base64/],
    ['no secret', [BODY, headers, []], 'secret', /There is no secret/],
  ] as const)('with %s is refused', async (_what, given, fault, message) => {
    const error = await verify(...given).catch((reason: unknown) => reason as WebhookError);
    expect(error).toBeInstanceOf(WebhookError);
    expect(error).toMatchObject({ fault, message: expect.stringMatching(message) });
  });
});
