/** Rich content: the messages that each channel gets from modules and templates, according to the carrier's own journal. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QUICK, special, useFanfare, type FanfareClient, type Json } from './support/fanfare.ts';

let fanfare: FanfareClient;
let folder = '';
let file = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfare-content-'));
  file = join(folder, 'journal');
  const simulator = { ...QUICK, journalFile: file };
  fanfare = await useFanfare({ config: { carriers: { simulator } } });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PHOTO = 'https://example.com/a.png';
const card = (cardContent: Json) => ({ rcs: { richCard: { standaloneCard: { cardContent } } } });
const suggestions = [{ reply: { text: 'Yes, {{ name }}', postbackData: 'yes' } }];
const ada = { variables: { name: 'Ada', 1: 'Ada' } };
/** Takes RCS; has none. */
const HAS_RCS = { ...special(20), ...ada };
const NO_RCS = { ...special(6), ...ada };

/** Sends to one person and returns the submissions, attempt by attempt. */
async function sendOne(to: Json, content: Json, more: Json = {}): Promise<[string, Json[]]> {
  const id = await fanfare.send({ to: [to], content, ...more });
  await fanfare.watch(id, ({ stats }) => stats.delivered === 1);
  const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
  const messageId = list.body['messages'][0].id;
  const receipts = await fanfare.get(`/v1/Messages/${messageId}/Receipts`);
  const attempts = new Set(
    receipts.body['receipts'].map((each: Json) => each['attemptId'].slice(2)),
  );
  expect(attempts.size).toBeGreaterThan(0);
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return [
    messageId,
    lines
      .map((line) => JSON.parse(line) as Json)
      .filter((line) => attempts.has(line['reference'].split('-')[1])),
  ];
}

const channels = (lines: Json[]) => lines.map((line) => line['channel']);

describe('modules', () => {
  it('show RCS the card and SMS its own words', async () => {
    const content = {
      modules: [
        card({ title: 'Hello {{ name }}', suggestions }),
        { sms: { text: 'Dear {{ name }}' } },
      ],
    };
    const [id, rich] = await sendOne(HAS_RCS, content);
    expect(channels(rich)).toEqual(['RCS']);
    expect(rich[0]?.['rich']).toEqual({
      richCard: {
        standaloneCard: {
          cardContent: {
            title: 'Hello Ada',
            suggestions: [{ reply: { text: 'Yes, Ada', postbackData: 'yes' } }],
          },
        },
      },
    });
    const shown = await fanfare.get(`/v1/Messages/${id}`);
    expect(JSON.stringify(shown.body['content'])).toContain('Hello Ada');

    const [, plain] = await sendOne(NO_RCS, content);
    expect(channels(plain)).toEqual(['RCS', 'SMS']);
    expect(plain[1]).toMatchObject({ text: 'Dear Ada' });
    expect(plain[1]).not.toHaveProperty('rich');
  });

  it.each([
    [card({ title: 'Hello {{ name }}', description: 'Line two' }), 'Hello Ada\nLine two'],
    [card({ description: 'Only this' }), 'Only this'],
    [card({ media: { contentInfo: { fileUrl: PHOTO } } }), PHOTO],
    [{ rcs: { text: 'Hi {{ name }}', suggestions } }, 'Hi Ada\nYes, Ada'],
    [{ rcs: { media: { contentInfo: { fileUrl: `${PHOTO}?{{ name }}` } } } }, `${PHOTO}?Ada`],
  ])('degrade to words where SMS has none of its own: %j', async (module, words) => {
    const [, lines] = await sendOne(NO_RCS, { modules: [module] });
    expect(channels(lines)).toEqual(['RCS', 'SMS']);
    expect(lines[1]).toMatchObject({ text: words });
    expect(lines[1]).not.toHaveProperty('rich');
  });

  it('of SMS serve RCS and WhatsApp too', async () => {
    const content = { modules: [{ sms: { text: 'Hi', media: [{ url: PHOTO }] } }] };
    const [, rcs] = await sendOne(HAS_RCS, content);
    expect(rcs).toMatchObject([{ channel: 'RCS', text: 'Hi', mediaUrls: [PHOTO] }]);
    const [, whatsapp] = await sendOne({ address: '+15005560020', channel: 'WHATSAPP' }, content);
    expect(whatsapp).toMatchObject([{ channel: 'WHATSAPP', text: 'Hi', mediaUrls: [PHOTO] }]);
  });

  it('are previewed for each way', async () => {
    const { body } = await fanfare.request('POST', '/v1/Messages', {
      to: [HAS_RCS],
      content: { modules: [card({ title: 'T {{ name }}' }), { sms: { text: 'S {{ name }}' } }] },
      dryRun: true,
    });
    expect(body['messages']).toMatchObject([
      {
        channel: 'RCS',
        text: 'T Ada',
        segments: null,
        fallbacks: [{ channel: 'SMS', text: 'S Ada', segments: 1, rich: null }],
      },
    ]);
  });
});

describe('a template', () => {
  const types = {
    'twilio/text': { body: 'Hi {{1}}, {{2}}' },
    'twilio/card': {
      title: 'Dear {{1}}',
      subtitle: 'Small print',
      body: 'Big print',
      media: [PHOTO],
      actions: [
        { type: 'QUICK_REPLY', title: 'Yes', id: 'y' },
        { type: 'URL', title: 'See', url: 'https://example.com/{{1}}' },
      ],
    },
  };
  async function store(more: Json = {}): Promise<string> {
    const { status, body } = await fanfare.request('POST', '/v1/Content', {
      friendlyName: 'Greeting',
      language: 'en',
      variables: { 2: 'welcome' },
      types,
      ...more,
    });
    expect(status).toBe(201);
    expect(body['id']).toMatch(/^HX[0-9a-f]{32}$/);
    return body['id'];
  }

  it('is stored, listed, read, sent by its id and removed', async () => {
    const contentId = await store();
    expect((await fanfare.get(`/v1/Content/${contentId}`)).body).toMatchObject({
      friendlyName: 'Greeting',
      variables: { 2: 'welcome' },
      types,
    });
    const list = await fanfare.get('/v1/Content?pageSize=1');
    expect(list.body).toMatchObject({ contents: [{ id: contentId }] });
    expect((await fanfare.request('DELETE', `/v1/Content/${contentId}`)).status).toBe(204);
    expect((await fanfare.get(`/v1/Content/${contentId}`)).status).toBe(404);
    const gone = await fanfare.request('POST', '/v1/Messages', {
      to: [HAS_RCS],
      content: { contentId },
    });
    expect(gone).toMatchObject({
      status: 400,
      body: { errors: [{ code: 20017, context: '$.content.contentId' }] },
    });
  });

  it('shows each channel the richest type that it can show', async () => {
    const contentId = await store();
    const [id, rich] = await sendOne(HAS_RCS, { contentId });
    expect(rich).toMatchObject([
      {
        channel: 'RCS',
        rich: {
          richCard: {
            standaloneCard: {
              cardContent: {
                title: 'Dear Ada',
                description: 'Big print\nSmall print',
                suggestions: [
                  { reply: { text: 'Yes', postbackData: 'y' } },
                  { action: { openUrlAction: { url: 'https://example.com/Ada' } } },
                ],
              },
            },
          },
        },
      },
    ]);
    expect((await fanfare.get(`/v1/Messages/${id}`)).body['content']).toBeTruthy();
    const [, plain] = await sendOne(NO_RCS, { contentId });
    expect(plain[1]).toMatchObject({ channel: 'SMS', text: 'Hi Ada, welcome' });
    const only = await store({ types: { 'twilio/card': types['twilio/card'] }, variables: {} });
    const [, words] = await sendOne(NO_RCS, { contentId: only });
    expect(words[1]).toMatchObject({
      channel: 'SMS',
      text: `Dear Ada\nBig print\nSmall print\n${PHOTO}\nYes\nSee: https://example.com/Ada`,
    });
  });

  const offer = (name: string, more: Json = {}) => ({
    title: `${name} for {{1}}`,
    body: `A ${name}`,
    media: `https://example.com/${name}-{{1}}.png`,
    actions: [
      { type: 'QUICK_REPLY', title: 'Want it', id: `want-${name}` },
      { type: 'URL', title: 'See', url: `https://example.com/${name}/{{1}}` },
    ],
    ...more,
  });
  const carousel = (...cards: Json[]) => ({
    'twilio/carousel': { body: 'New, {{1}}', cards },
  });

  it('shows a carousel where a channel can show it, and all of it in words elsewhere', async () => {
    const contentId = await store({
      types: carousel(offer('Hat'), offer('Mug', { title: undefined })),
      variables: {},
    });
    const shownCard = (name: string, more: Json = {}) => ({
      description: `A ${name}`,
      media: { height: 'MEDIUM', contentInfo: { fileUrl: `https://example.com/${name}-Ada.png` } },
      suggestions: [
        { reply: { text: 'Want it', postbackData: `want-${name}` } },
        {
          action: {
            text: 'See',
            postbackData: 'See',
            openUrlAction: { url: `https://example.com/${name}/Ada` },
          },
        },
      ],
      ...more,
    });
    const richCard = {
      carouselCard: {
        cardWidth: 'MEDIUM',
        cardContents: [shownCard('Hat', { title: 'Hat for Ada' }), shownCard('Mug')],
      },
    };
    const words = [
      'New, Ada',
      'Hat for Ada\nA Hat\nhttps://example.com/Hat-Ada.png\nWant it\nSee: https://example.com/Hat/Ada',
      'A Mug\nhttps://example.com/Mug-Ada.png\nWant it\nSee: https://example.com/Mug/Ada',
    ].join('\n\n');
    const content = { contentId };

    const [id, rcs] = await sendOne(HAS_RCS, content);
    expect(rcs.map((each) => each['rich'])).toEqual([{ richCard }]);
    const shown = await fanfare.get(`/v1/Messages/${id}`);
    expect(shown.body['content']).toEqual({ contentId, modules: [{ rcs: { richCard } }] });
    const [, sms] = await sendOne(NO_RCS, content);
    expect(sms[1]).toMatchObject({ channel: 'SMS', text: words });
    expect(sms[1]).not.toHaveProperty('rich');
    const whatsapp = { address: '+15005560020', channel: 'WHATSAPP', ...ada };
    const [, chat] = await sendOne(whatsapp, content);
    expect(chat[0]?.['rich']).toEqual({ body: 'New, Ada', richCard });

    const dry = await fanfare.request('POST', '/v1/Messages', {
      to: [HAS_RCS],
      content,
      dryRun: true,
    });
    expect(dry.body['messages']).toMatchObject([
      {
        channel: 'RCS',
        rich: { richCard },
        segments: null,
        fallbacks: [{ channel: 'SMS', text: words, rich: null, segments: 2 }],
      },
    ]);
  });

  const C = '$.types["twilio/carousel"]';
  const reply = { title: 'Yes', id: 'y' };
  const withCards = (...cards: Json[]) => carousel(offer('Hat'), ...cards);
  it.each<[string, Json, string, string]>([
    ['no body', { 'twilio/carousel': { cards: [offer('a'), offer('b')] } }, `${C}.body`, ''],
    ['no cards', { 'twilio/carousel': { body: 'x' } }, `${C}.cards`, ''],
    ['one card', withCards(), `${C}.cards`, '2'],
    [
      'eleven cards',
      withCards(...Array.from({ length: 10 }, () => offer('a'))),
      `${C}.cards`,
      '10',
    ],
    ['a card without body', withCards(offer('a', { body: undefined })), `${C}.cards[1].body`, ''],
    [
      'a card without media',
      withCards(offer('a', { media: undefined })),
      `${C}.cards[1].media`,
      '',
    ],
    ['media in a list', withCards(offer('a', { media: [PHOTO] })), `${C}.cards[1].media`, ''],
    [
      'audio',
      withCards(offer('a', { media: 'https://a.example/a.mp3' })),
      `${C}.cards[1].media`,
      '"audio"',
    ],
    [
      'a wrong URL',
      withCards(offer('a', { media: 'a.png' })),
      `${C}.cards[1].media`,
      'absolute URL',
    ],
    [
      'a card without buttons',
      withCards(offer('a', { actions: [] })),
      `${C}.cards[1].actions`,
      '1',
    ],
    [
      'three buttons',
      withCards(offer('a', { actions: [reply, reply, reply] })),
      `${C}.cards[1].actions`,
      '2',
    ],
    [
      'other buttons on a card',
      withCards(offer('a', { actions: offer('a').actions.toReversed() })),
      `${C}.cards[1].actions`,
      'QUICK_REPLY, URL',
    ],
    [
      'fewer buttons on a card',
      withCards(offer('a', { actions: [reply] })),
      `${C}.cards[1].actions`,
      'same order',
    ],
    [
      'a button of no kind',
      withCards(offer('a', { actions: [{ title: 'x' }] })),
      `${C}.cards[1].actions[0]`,
      'id, url or phone',
    ],
    [
      'a long label',
      withCards(
        offer('a', { actions: [{ ...reply, title: 'x'.repeat(26) }, offer('a').actions[1]] }),
      ),
      `${C}.cards[1].actions[0].title`,
      '25',
    ],
    [
      'a wrong link',
      withCards(offer('a', { actions: [reply, { type: 'URL', title: 'x', url: 'x' }] })),
      `${C}.cards[1].actions[1].url`,
      'absolute URL',
    ],
    [
      'a long card',
      withCards(offer('a', { title: 'x', body: 'x'.repeat(160) })),
      `${C}.cards[1].body`,
      '160 characters',
    ],
    [
      'a long body',
      { 'twilio/carousel': { body: 'x'.repeat(1_025), cards: [offer('a'), offer('b')] } },
      `${C}.body`,
      '1024',
    ],
    ['broken Liquid', withCards(offer('a', { title: '{{ a b }}' })), `${C}.cards[1].title`, ''],
    [
      'a field that no card has',
      withCards(offer('a', { subtitle: 'x' })),
      `${C}.cards[1].subtitle`,
      '',
    ],
  ])('of a carousel is refused for %s', async (_name, wrong, path, words) => {
    const { status, body } = await fanfare.request('POST', '/v1/Content', { types: wrong });
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([
      { context: path, message: expect.stringContaining(words) },
    ]);
  });

  it.each([
    ['together too long', { 1: 'x'.repeat(150) }, 'cards[0].body cannot be rendered'],
    ['no image', { 1: 'a.pdf?' }, 'of the kind "document"'],
  ])(
    'of a carousel is refused for a recipient whose variables make it %s',
    async (_name, variables, words) => {
      const media = 'https://example.com/{{1}}';
      const contentId = await store({
        types: carousel(
          offer('Hat', { media: variables[1].length > 99 ? PHOTO : media, actions: [reply] }),
          offer('Mug', { title: 'x', media: PHOTO, actions: [reply] }),
        ),
        variables: {},
      });
      const { body } = await fanfare.request('POST', '/v1/Messages', {
        to: [{ ...special(20), variables }],
        content: { contentId },
      });
      expect(body['errors']).toMatchObject([
        { code: 20024, context: '$.to[0]', message: expect.stringContaining(words) },
      ]);
    },
  );

  it('is frozen into the operations that send it', async () => {
    const contentId = await store();
    const id = await fanfare.send({
      to: [{ ...special(21), ...ada }],
      content: { contentId },
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    const removed = await fanfare.request('DELETE', `/v1/Content/${contentId}`);
    expect(removed.status).toBe(204);
    expect((await fanfare.operation(id))['status']).toBe('SCHEDULED');
    await fanfare.database.query(
      `update dispatch_batch set due_at = now()
       where account_id = (select id from account where sid = $1)`,
      [fanfare.sid],
    );
    const { stats } = await fanfare.watch(id, (each) => each['stats'].delivered === 1);
    expect(stats.failed).toBe(0);
  });

  it('wants the variables that it has no values for', async () => {
    const contentId = await store();
    const { status, body } = await fanfare.request('POST', '/v1/Messages', {
      to: [special(20)],
      content: { contentId },
    });
    expect(status).toBe(400);
    expect(body['errors'][0]).toMatchObject({ code: 20019, context: '$.to[0].variables.1' });
  });
});
