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
    expect(body['errors'][0]).toMatchObject({ code: 20011, context: '$.to[0].variables.1' });
  });
});
