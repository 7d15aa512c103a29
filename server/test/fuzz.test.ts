/** Mutated send requests: whatever is wrong with a body, it is the sender's fault and never a 500. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import emails from './data/email-requests.json' with { type: 'json' };
import examples from './data/send-requests.json' with { type: 'json' };
import { useFanfare, type FanfareClient } from './support/fanfare.ts';
import { runs } from './support/runs.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare({
    config: {
      senders: [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator' },
        { address: 'fanfare_demo_agent', channel: 'RCS', carrier: 'simulator' },
        { address: '+15005550100', channel: 'WHATSAPP', carrier: 'simulator' },
        { address: '*@example.com', channel: 'EMAIL', carrier: 'simulator' },
      ],
    },
  });
});

/** A body that uses every part of a content. */
const RICH = {
  to: [
    { address: '+15005550003', channel: 'PHONE', variables: { name: 'Ada' } },
    { addresses: [{ address: '+15005550004', channel: 'WHATSAPP' }] },
  ],
  content: {
    modules: [
      {
        rcs: {
          text: "Hi {{ name | default: 'you' }}",
          suggestions: [
            { reply: { text: 'Yes', postbackData: 'y' } },
            {
              action: {
                text: 'Go',
                postbackData: 'g',
                openUrlAction: { url: 'https://a.example' },
              },
            },
            {
              action: {
                text: 'Call',
                postbackData: 'c',
                dialAction: { phoneNumber: '+15005550001' },
              },
            },
            {
              action: {
                text: 'See',
                postbackData: 's',
                viewLocationAction: { latLong: { latitude: 1, longitude: 2 }, label: 'x' },
              },
            },
            {
              action: {
                text: 'Note',
                postbackData: 'n',
                createCalendarEventAction: {
                  startTime: '2030-01-01T10:00:00Z',
                  endTime: '2030-01-01T11:00:00Z',
                  title: 'x',
                  description: 'y',
                },
              },
            },
            { action: { text: 'Share', postbackData: 'h', shareLocationAction: {} } },
          ],
        },
      },
      { sms: { text: 'Hi', media: [{ url: 'https://a.example/{{ name }}.png' }] } },
    ],
  },
  from: { channel: 'SMS', address: '+15005550100' },
  schedule: { sendAt: ['2025-01-01T00:00:00Z'] },
  expireAt: '2099-01-01T00:00:00Z',
  tags: { a: "{{ name | default: 'x' }}" },
};
/** An e-mail that uses every part. */
const EMAIL = {
  from: { address: 'fanfare@example.com', name: 'Fanfare' },
  to: [{ address: 'a@example.org', name: 'A', variables: { name: 'Ada' } }],
  content: {
    subject: 'Hi {{ name }}',
    html: '<p>{{ name }}</p>',
    text: 'Hi',
    headers: { 'X-A': '{{ name }}', 'Reply-To': 'b@example.com' },
    attachments: [{ filename: 'a', contentType: 'text/plain', content: 'AA==' }],
  },
  schedule: { sendAt: ['2025-01-01T00:00:00Z'] },
  expireAt: '2099-01-01T00:00:00Z',
  tags: { a: "{{ name | default: 'x' }}" },
  ipPoolName: 'pool',
  unsubscribe: false,
  trackOpens: false,
};
/** Those that name a pool or a template would not get far. */
const BODIES: readonly (readonly [path: string, body: object])[] = [
  ['Messages', RICH],
  ...examples
    .map((each) => each.body)
    .filter((body) => !JSON.stringify(body).includes('<'))
    .map((body) => ['Messages', body] as const),
  ['Emails', EMAIL],
  ...emails.map((each) => ['Emails', each.body] as const),
];

const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    'x\0y',
    '\ud800',
    '{{',
    '{% for %}',
    '{{ a.b[c] | default: d }}',
    '{{1}}',
    -1,
    1e308,
    true,
    [],
    {},
    [[]],
    { toString: 'x' },
    'SMS',
    'x'.repeat(70_000),
    'https://a.example/\u202e',
    `HX${'0'.repeat(32)}`,
    'comms_sender_01h9krwprkeee8fzqspvwy6nq8',
  ),
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: 'binary' }),
);

/** Replaces, removes, adds or doubles at the place that the numbers lead to. */
const mutation = fc.record({
  steps: fc.array(fc.nat(11), { minLength: 1, maxLength: 9 }),
  kind: fc.constantFrom('replace', 'remove', 'add', 'double'),
  name: fc.oneof(fc.constantFrom('__proto__', 'constructor', 'text', 'rcs', 'x\0'), fc.string()),
  value: junk,
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(body: unknown, { steps, kind, name, value: drawn }: Mutation): void {
  // A later mutation may change what this one puts in: a value of its own each time, since those drawn are shared.
  const value = structuredClone(drawn);
  let here = body as Record<string, unknown>;
  for (const [i, step] of steps.entries()) {
    const keys = Object.keys(here);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) return;
    const next = here[key];
    if (i < steps.length - 1 && typeof next === 'object' && next !== null) {
      here = next as Record<string, unknown>;
      continue;
    }
    if (kind === 'replace') here[key] = value;
    else if (kind === 'remove') delete here[key];
    else if (Array.isArray(here)) here.push(kind === 'add' ? value : structuredClone(next));
    else
      Object.defineProperty(here, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    return;
  }
}

describe('a mutated request', () => {
  it('is never answered with a 500', { tags: ['property'] }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...BODIES),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async ([path, body], mutations, dryRun) => {
          const mutated = structuredClone({ ...body, dryRun });
          for (const each of mutations) mutate(mutated, each);
          const answer = await fanfare.request('POST', `/v1/${path}`, mutated);
          expect([200, 202, 400]).toContain(answer.status);
        },
      ),
      { numRuns: runs(150, 2_000), interruptAfterTimeLimit: 5_000, endOnFailure: true },
    );
    expect((await fanfare.get('/healthz')).status).toBe(200);
  });

  it('finds NUL and lone surrogates wherever they stand, in any request', async () => {
    const to = [{ address: '+15005550003', channel: 'PHONE' }];
    const sends = ['a\0', 'a\ud800'].flatMap((value) => [
      { to, content: { text: value } },
      { to, content: { text: 'x' }, tags: { a: value } },
      { to, content: { text: 'x' }, from: { channel: 'SMS', address: value } },
      { to, content: { modules: [{ rcs: { text: value } }] } },
      { to: [{ ...to[0], variables: { [value]: 'x' } }], content: { text: 'x' } },
    ]);
    for (const body of sends)
      expect((await fanfare.request('POST', '/v1/Messages', body)).status).toBe(400);
    const email = { from: EMAIL.from, to: EMAIL.to, content: EMAIL.content };
    const subscription = { url: 'https://a.example' };
    const made = await fanfare.request('POST', '/v1/Subscriptions', subscription);
    const path = `Subscriptions/${made.body['id']}`;
    for (const [resource, body] of [
      ...['a\0', 'a\ud800'].flatMap((value) => [
        ['Emails', { ...email, from: { ...EMAIL.from, name: value } }] as const,
        ['Emails', { ...email, to: [{ ...EMAIL.to[0], name: value }] }] as const,
        ['Emails', { ...email, content: { ...EMAIL.content, html: value } }] as const,
        ['Emails', { ...email, content: { ...EMAIL.content, headers: { 'X-A': value } } }] as const,
      ]),
      ['Emails/Search', { address: 'a\0' }],
      ['Senders', { channel: 'SMS', address: 'a\0' }],
      ['SenderPools', { name: 'a\0' }],
      ['Suppressions', { address: '+15005550003', reason: 'a\0' }],
      ...['a\0', 'a\ud800'].flatMap((value) => [
        ['Subscriptions', { ...subscription, description: value }] as const,
        ['Subscriptions', { ...subscription, authToken: value }] as const,
        ['Subscriptions', { ...subscription, types: [value] }] as const,
        ['Subscriptions', { ...subscription, tags: { a: value } }] as const,
        ['Subscriptions', { url: `https://a.example/${value}` }] as const,
        ['Subscriptions', { sink: value }] as const,
        [`${path}/RotateSecret`, { secret: value }] as const,
        [`${path}/Replay`, { startDate: value }] as const,
      ]),
      ['Messages/Search', { address: 'a\0' }],
      ['Content', { friendlyName: 'a\0', types: { 'twilio/text': { body: 'x' } } }],
      ['Content', { variables: { 'a\0': 'x' }, types: { 'twilio/text': { body: 'x' } } }],
    ] as const)
      expect((await fanfare.request('POST', `/v1/${resource}`, body)).status).toBe(400);
    const change = { description: 'a\0' };
    expect((await fanfare.request('PATCH', `/v1/${path}`, change)).status).toBe(400);
    expect((await fanfare.get('/v1/Messages?tags=a:%00')).status).toBe(400);
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const nested = `{"to":[],"content":${deep},"from":${deep},"tags":${deep}}`;
    expect((await fanfare.request('POST', '/v1/Messages', nested)).status).toBe(400);
    expect((await fanfare.request('POST', '/v1/Content', `{"types":${deep}}`)).status).toBe(400);
  });

  it('is refused for literal tags that are none, once', async () => {
    const { body } = await fanfare.request('POST', '/v1/Messages', {
      to: Array.from({ length: 3 }, () => ({ address: '+15005550003', channel: 'PHONE' })),
      content: { text: 'x' },
      tags: { a: 'two words', b: "{{ c | default: 'd' }}" },
    });
    expect(body).toMatchObject({ total: 1, errors: [{ code: 20014, context: '$.tags.a' }] });
  });

  it(
    'stores no template that a send by its id could not render',
    { tags: ['property'] },
    async () => {
      const types = {
        'twilio/text': { body: 'Hi {{1}}' },
        'twilio/media': { body: 'x', media: ['https://a.example/{{1}}'] },
        'twilio/quick-reply': { body: 'x', actions: [{ title: 'Yes', id: 'y' }] },
        'twilio/call-to-action': {
          body: 'x',
          actions: [
            { type: 'URL', title: 'Go', url: 'https://a.example' },
            { type: 'PHONE_NUMBER', title: 'Call', phone: '+15005550001' },
          ],
        },
        'twilio/card': { title: 'x', subtitle: 'y', body: 'z', media: ['https://a.example/b'] },
        'twilio/carousel': {
          body: 'x {{1}}',
          cards: ['a', 'b'].map((id) => ({
            title: '{{1}}',
            body: 'z',
            media: 'https://a.example/{{1}}',
            actions: [{ type: 'QUICK_REPLY', title: 'Yes', id }],
          })),
        },
      };
      const body = { friendlyName: 'x', language: 'en', variables: { 1: 'a' }, types };
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 2 }), async (mutations) => {
          const mutated = structuredClone(body);
          for (const each of mutations) mutate(mutated, each);
          const stored = await fanfare.request('POST', '/v1/Content', mutated);
          expect([201, 400]).toContain(stored.status);
          if (stored.status !== 201) return;
          const sent = await fanfare.request('POST', '/v1/Messages', {
            to: [{ address: '+15005550004', channel: 'PHONE', variables: { 1: 'a' } }],
            content: { contentId: stored.body['id'] },
            dryRun: true,
          });
          expect([200, 400]).toContain(sent.status);
        }),
        { numRuns: runs(50, 500), interruptAfterTimeLimit: 3_000, endOnFailure: true },
      );
    },
  );
});
