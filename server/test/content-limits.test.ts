/** Every limit of a content: accepted at the limit, refused one past it, with the JSON path of the fault. */
import { beforeAll, describe, expect, it } from 'vitest';
import { useFanfare, special, type FanfareClient, type Json } from './support/fanfare.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare();
});

const preview = (content: unknown, variables?: Json) =>
  fanfare.request('POST', '/v1/Messages', {
    to: [{ ...special(3), ...(variables === undefined ? {} : { variables }) }],
    content,
    dryRun: true,
  });
const letters = (count: number) => 'x'.repeat(count);
const link = (length: number) => `https://example.com/${letters(length - 20)}`;

const rcs = (body: Json) => ({ modules: [{ sms: { text: 'Hi' } }, { rcs: body }] });
const suggest = (suggestion: Json) => rcs({ text: 'Hi', suggestions: [suggestion] });
const act = (action: Json, labels: Json = {}) =>
  suggest({ action: { text: 'Go', postbackData: 'go', ...labels, ...action } });
const card = (cardContent: Json, rest: Json = {}) =>
  rcs({ richCard: { standaloneCard: { cardContent, ...rest } } });
const reply = { reply: { text: 'Yes', postbackData: 'y' } };
const times = (count: number, value: unknown) => Array.from({ length: count }, () => value);
const event = (more: Json) =>
  act({
    createCalendarEventAction: {
      startTime: '2030-01-01T10:00:00Z',
      endTime: '2030-01-01T11:00:00Z',
      title: 'Party',
      description: 'With cake',
      ...more,
    },
  });

const M = '$.content.modules[1].rcs';
const S = `${M}.suggestions[0]`;
const A = `${S}.action`;
const C = `${M}.richCard.standaloneCard`;

/** A name, what is right, what is wrong, and where. */
const LIMITS: readonly (readonly [string, Json, Json, string])[] = [
  ['plain text', { text: letters(1_600) }, { text: letters(1_601) }, '$.content.text'],
  [
    'plain media',
    { media: times(10, { url: link(30) }) },
    { media: times(11, { url: link(30) }) },
    '$.content.media',
  ],
  [
    'URL of plain media',
    { media: [{ url: link(2_048) }] },
    { media: [{ url: link(2_049) }] },
    '$.content.media[0].url',
  ],
  ['modules, fewest', { modules: [{ sms: { text: 'x' } }] }, { modules: [] }, '$.content.modules'],
  [
    'modules, most',
    rcs({ text: 'x' }),
    { modules: times(5, { sms: { text: 'x' } }) },
    '$.content.modules',
  ],
  [
    'modules of one channel',
    rcs({ text: 'x' }),
    { modules: [{ sms: { text: 'x' } }, { rcs: { text: 'x' } }, { rcs: { text: 'x' } }] },
    '$.content.modules[2].rcs',
  ],
  [
    'parts of a module',
    rcs({ text: 'x' }),
    { modules: [{ sms: { text: 'x' }, rcs: { text: 'x' } }] },
    '$.content.modules[0].rcs',
  ],
  ['a module for nothing', rcs({ text: 'x' }), { modules: [{ fax: {} }] }, '$.content.modules[0]'],
  [
    'sms text',
    { modules: [{ sms: { text: letters(1_600) } }] },
    { modules: [{ sms: { text: letters(1_601) } }] },
    '$.content.modules[0].sms.text',
  ],
  [
    'sms media',
    { modules: [{ sms: { media: times(10, { url: link(30) }) } }] },
    { modules: [{ sms: { media: times(11, { url: link(30) }) } }] },
    '$.content.modules[0].sms.media',
  ],
  [
    'sms without anything',
    { modules: [{ sms: { text: 'x' } }] },
    { modules: [{ sms: {} }] },
    '$.content.modules[0].sms',
  ],
  ['rcs text', rcs({ text: letters(3_072) }), rcs({ text: letters(3_073) }), `${M}.text`],
  ['rcs without anything', rcs({ text: 'x' }), rcs({}), M],
  [
    'rcs of two forms',
    rcs({ media: { contentInfo: { fileUrl: link(30) } } }),
    rcs({ text: 'x', media: { contentInfo: { fileUrl: link(30) } } }),
    `${M}.text`,
  ],
  [
    'suggestions below a text',
    rcs({ text: 'x', suggestions: times(11, reply) }),
    rcs({ text: 'x', suggestions: times(12, reply) }),
    `${M}.suggestions`,
  ],
  [
    'suggestions below media',
    rcs({ media: { contentInfo: { fileUrl: link(30) } }, suggestions: times(11, reply) }),
    rcs({ media: { contentInfo: { fileUrl: link(30) } }, suggestions: times(12, reply) }),
    `${M}.suggestions`,
  ],
  [
    'suggestions beside a card',
    card({ title: 'x', suggestions: times(4, reply) }),
    rcs({ richCard: { standaloneCard: { cardContent: { title: 'x' } } }, suggestions: [reply] }),
    `${M}.suggestions`,
  ],
  [
    'suggestions on a card',
    card({ title: 'x', suggestions: times(4, reply) }),
    card({ title: 'x', suggestions: times(5, reply) }),
    `${C}.cardContent.suggestions`,
  ],
  [
    'URL of a file',
    rcs({ media: { contentInfo: { fileUrl: link(2_048) } } }),
    rcs({ media: { contentInfo: { fileUrl: link(2_049) } } }),
    `${M}.media.contentInfo.fileUrl`,
  ],
  [
    'URL of a thumbnail',
    rcs({ media: { contentInfo: { fileUrl: link(30), thumbnailUrl: link(2_048) } } }),
    rcs({ media: { contentInfo: { fileUrl: link(30), thumbnailUrl: link(2_049) } } }),
    `${M}.media.contentInfo.thumbnailUrl`,
  ],
  [
    'forceRefresh',
    rcs({ media: { contentInfo: { fileUrl: link(30), forceRefresh: true } } }),
    rcs({ media: { contentInfo: { fileUrl: link(30), forceRefresh: 'yes' } } }),
    `${M}.media.contentInfo.forceRefresh`,
  ],
  ...['TALL', 'MEDIUM', 'SHORT'].map(
    (height) =>
      [
        `height ${height}`,
        rcs({ media: { contentInfo: { fileUrl: link(30) }, height } }),
        rcs({ media: { contentInfo: { fileUrl: link(30) }, height: height.toLowerCase() } }),
        `${M}.media.height`,
      ] as const,
  ),
  [
    'media without a file',
    rcs({ media: { contentInfo: { fileUrl: link(30) } } }),
    rcs({ media: { contentInfo: {} } }),
    `${M}.media.contentInfo.fileUrl`,
  ],
  [
    'title of a card',
    card({ title: letters(200) }),
    card({ title: letters(201) }),
    `${C}.cardContent.title`,
  ],
  [
    'description of a card',
    card({ description: letters(2_000) }),
    card({ description: letters(2_001) }),
    `${C}.cardContent.description`,
  ],
  [
    'an empty card',
    card({ media: { contentInfo: { fileUrl: link(30) } } }),
    card({ suggestions: [reply] }),
    `${C}.cardContent`,
  ],
  [
    'orientation',
    card({ title: 'x' }, { cardOrientation: 'HORIZONTAL', thumbnailImageAlignment: 'LEFT' }),
    card({ title: 'x' }, { cardOrientation: 'DIAGONAL' }),
    `${C}.cardOrientation`,
  ],
  [
    'alignment',
    card({ title: 'x' }, { cardOrientation: 'VERTICAL', thumbnailImageAlignment: 'RIGHT' }),
    card({ title: 'x' }, { thumbnailImageAlignment: 'TOP' }),
    `${C}.thumbnailImageAlignment`,
  ],
  [
    'text of a reply',
    suggest({ reply: { text: letters(25), postbackData: 'y' } }),
    suggest({ reply: { text: letters(26), postbackData: 'y' } }),
    `${S}.reply.text`,
  ],
  [
    'postback of a reply',
    suggest({ reply: { text: 'x', postbackData: letters(2_048) } }),
    suggest({ reply: { text: 'x', postbackData: letters(2_049) } }),
    `${S}.reply.postbackData`,
  ],
  [
    'a reply without postback',
    suggest(reply),
    suggest({ reply: { text: 'x' } }),
    `${S}.reply.postbackData`,
  ],
  ['a suggestion of nothing', suggest(reply), suggest({}), S],
  [
    'a suggestion of both',
    suggest(reply),
    suggest({ ...reply, action: { text: 'x', postbackData: 'x', shareLocationAction: {} } }),
    `${S}.action`,
  ],
  [
    'text of an action',
    act({ shareLocationAction: {} }, { text: letters(25) }),
    act({ shareLocationAction: {} }, { text: letters(26) }),
    `${A}.text`,
  ],
  [
    'postback of an action',
    act({ shareLocationAction: {} }, { postbackData: letters(2_048) }),
    act({ shareLocationAction: {} }, { postbackData: letters(2_049) }),
    `${A}.postbackData`,
  ],
  ['an action of nothing', act({ shareLocationAction: {} }), act({}), A],
  [
    'an action of two',
    act({ openUrlAction: { url: link(30) } }),
    act({ openUrlAction: { url: link(30) }, dialAction: { phoneNumber: '+15005550001' } }),
    `${A}.dialAction`,
  ],
  [
    'URL of an action',
    act({ openUrlAction: { url: link(2_048) } }),
    act({ openUrlAction: { url: link(2_049) } }),
    `${A}.openUrlAction.url`,
  ],
  [
    'number of an action',
    act({ dialAction: { phoneNumber: '+123456789012345' } }),
    act({ dialAction: { phoneNumber: '+1234567890123456' } }),
    `${A}.dialAction.phoneNumber`,
  ],
  ...(
    [
      ['latitude', 90, 90.1],
      ['latitude', -90, -90.1],
      ['longitude', 180, 180.1],
      ['longitude', -180, -180.1],
    ] as const
  ).map(
    ([name, right, wrong]) =>
      [
        `${name} ${right}`,
        act({ viewLocationAction: { latLong: { latitude: 0, longitude: 0, [name]: right } } }),
        act({ viewLocationAction: { latLong: { latitude: 0, longitude: 0, [name]: wrong } } }),
        `${A}.viewLocationAction.latLong.${name}`,
      ] as const,
  ),
  [
    'a location of both',
    act({ viewLocationAction: { latLong: { latitude: 1, longitude: 2 }, label: letters(100) } }),
    act({ viewLocationAction: { latLong: { latitude: 1, longitude: 2 }, query: 'x' } }),
    `${A}.viewLocationAction.query`,
  ],
  [
    'a location of neither',
    act({ viewLocationAction: { query: 'Big Ben', label: 'Clock' } }),
    act({ viewLocationAction: { label: 'x' } }),
    `${A}.viewLocationAction`,
  ],
  [
    'label of a location',
    act({ viewLocationAction: { query: 'x', label: letters(100) } }),
    act({ viewLocationAction: { query: 'x', label: letters(101) } }),
    `${A}.viewLocationAction.label`,
  ],
  [
    'query of a location',
    act({ viewLocationAction: { query: letters(2_000) } }),
    act({ viewLocationAction: { query: letters(2_001) } }),
    `${A}.viewLocationAction.query`,
  ],
  [
    'title of an event',
    event({ title: letters(100) }),
    event({ title: letters(101) }),
    `${A}.createCalendarEventAction.title`,
  ],
  [
    'description of an event',
    event({ description: letters(500) }),
    event({ description: letters(501) }),
    `${A}.createCalendarEventAction.description`,
  ],
  [
    'end of an event',
    event({ endTime: '2030-01-01T10:00:01Z' }),
    event({ endTime: '2030-01-01T10:00:00Z' }),
    `${A}.createCalendarEventAction.endTime`,
  ],
  [
    'zone of an event',
    event({ startTime: '2030-01-01T10:00:00+02:00' }),
    event({ startTime: '2030-01-01T10:00:00' }),
    `${A}.createCalendarEventAction.startTime`,
  ],
  [
    'parts of an event',
    event({}),
    act({ createCalendarEventAction: { title: 'x' } }),
    `${A}.createCalendarEventAction.startTime`,
  ],
  [
    'shareLocationAction',
    act({ shareLocationAction: {} }),
    act({ shareLocationAction: { now: true } }),
    `${A}.shareLocationAction.now`,
  ],
  ['id of a template', { text: 'x' }, { contentId: `HX${letters(25)}` }, '$.content.contentId'],
];

describe('limits of contents', () => {
  it.each(LIMITS)('%s', async (_name, right, wrong, path) => {
    expect((await preview(right)).body['errors']).toBeUndefined();
    const answer = await preview(wrong);
    expect([answer.status, answer.body['errors'].map((each: Json) => each['context'])]).toEqual([
      400,
      expect.arrayContaining([path]),
    ]);
  });

  it('hold for what is rendered, and name the recipient and the field', async () => {
    for (const [content, right, wrong, field] of [
      [
        suggest({ reply: { text: '{{ v }}', postbackData: 'y' } }),
        letters(25),
        letters(26),
        'reply.text',
      ],
      [card({ title: '{{ v }}' }), letters(200), letters(201), 'cardContent.title'],
      [act({ dialAction: { phoneNumber: '+1{{ v }}' } }), '5005550001', 'x', 'phoneNumber'],
      [
        act({ openUrlAction: { url: 'https://{{ v }}/' } }),
        'a.example',
        'a b',
        'openUrlAction.url',
      ],
      [event({ endTime: '{{ v }}' }), '2031-01-01T00:00:00Z', '2029-01-01T00:00:00Z', 'endTime'],
      [event({ startTime: '{{ v }}' }), '2029-01-01T00:00:00Z', 'soon', 'startTime'],
      [
        { media: [{ url: 'https://example.com/{{ v }}' }] },
        letters(2_028),
        letters(2_029),
        'media[0].url',
      ],
      [{ media: [{ url: '{{ v }}' }] }, link(30), 'example.com/a.png', 'media[0].url'],
      [{ text: '{{ v }}{{ v }}' }, letters(800), letters(801), 'text'],
      [{ modules: [{ sms: { text: '{{ v }}{{ v }}' } }] }, letters(800), letters(801), 'sms.text'],
    ] as const) {
      expect((await preview(content, { v: right })).body['errors']).toBeUndefined();
      const { body } = await preview(content, { v: wrong });
      // The text of a message has a code of its own.
      const code = field === 'text' || field === 'sms.text' ? 21617 : 20024;
      expect(body['errors']).toMatchObject([
        { code, context: '$.to[0]', message: expect.stringContaining(field) },
      ]);
    }
  });

  it('are reported once for parts that are the same for all', async () => {
    const { body } = await fanfare.request('POST', '/v1/Messages', {
      to: times(5_000, special(3)),
      content: suggest({ reply: { text: letters(26), postbackData: 'y' } }),
    });
    expect(body).toMatchObject({ total: 1, errors: [{ code: 20422 }] });
    const long = await fanfare.request('POST', '/v1/Messages', {
      to: times(5_000, special(3)),
      content: { modules: [{ rcs: { text: letters(1_601) } }] },
    });
    expect(long.body).toMatchObject({ total: 1, errors: [{ context: '$.content.modules' }] });
  });

  it('leave a rich text alone that no plain channel gets', async () => {
    const { status } = await fanfare.request('POST', '/v1/Messages', {
      to: [special(3)],
      from: { channel: 'RCS', address: 'fanfare_agent' },
      content: { modules: [{ rcs: { text: letters(3_072) } }] },
      dryRun: true,
    });
    expect(status).toBe(200);
  });
});

describe('URLs', () => {
  it.each([
    'https://example.com',
    'HTTP://EXAMPLE.com:8080/a?b=c#d',
    'https://bücher.example/ä',
    'http://192.0.2.1/x',
    'http://[2001:db8::1]/x',
    'https://example.com/a@b',
  ])('like %s are taken', async (url) => {
    expect((await preview({ media: [{ url }] })).body['errors']).toBeUndefined();
  });

  it.each([
    'ftp://example.com/a',
    'javascript:alert(1)',
    '//example.com/a',
    '/a.png',
    'example.com/a.png',
    'https:example.com',
    'https:///example.com',
    'https://',
    'https://user@example.com/',
    'https://user:password@example.com/',
    'https://@example.com/',
    'https://exa mple.com/',
    'https://example.com/a b',
    ' https://example.com/',
    'https://example.com/\n',
    'https://example.com/\u0007',
    'https://example.com\\@evil.example',
    'https://example.com:99999/',
  ])('like %j are not', async (url) => {
    const plain = await preview({ media: [{ url }] });
    expect(plain.body['errors']).toMatchObject([
      { code: 20422, context: '$.content.media[0].url' },
    ]);
    const action = await preview(act({ openUrlAction: { url } }));
    expect(action.body['errors']).toMatchObject([{ context: `${A}.openUrlAction.url` }]);
  });
});
