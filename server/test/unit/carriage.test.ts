/**
 * Every carrier with every kind of content: the request holds all of it, or it is refused. Nothing arrives cut down. The
 * table is also the one of docs/content.md.
 */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Submission } from '../../src/carriers/carrier.ts';
import type { RequestDescription } from '../../src/carriers/http/description.ts';
import { PRESETS } from '../../src/carriers/http/presets.ts';
import { createComposer } from '../../src/carriers/http/request.ts';
import { composeMessages } from '../../src/carriers/smpp/messages.ts';
import { CARRIAGE, fitContent, narrowestText } from '../../src/domain/carriage.ts';
import type { CarouselCard, TemplateAction } from '../../src/domain/content-template.ts';
import {
  chooseContent,
  type OperationContent,
  type TemplateContent,
} from '../../src/domain/content.ts';
import { EMAIL_BODY_MAX } from '../../src/domain/email-content.ts';
import type { Channel } from '../../src/domain/message.ts';
import type { RcsSuggestion } from '../../src/domain/rcs.ts';
import { optionsFor } from '../support/smpp-options.ts';

const file = (name: string) => `https://f.example/${name}`;
const reply = (text: string): RcsSuggestion => ({ reply: { text, postbackData: `id-${text}` } });
const link = (text: string): RcsSuggestion => ({
  action: { text, postbackData: 'o', openUrlAction: { url: `https://l.example/${text}` } },
});
const call: RcsSuggestion = {
  action: { text: 'Call', postbackData: 'c', dialAction: { phoneNumber: '+15005550009' } },
};
const place: RcsSuggestion = {
  action: {
    text: 'Where',
    postbackData: 'w',
    viewLocationAction: { latLong: { latitude: 52.5, longitude: 13.4 }, label: 'Office' },
  },
};
const day: RcsSuggestion = {
  action: {
    text: 'Save',
    postbackData: 's',
    createCalendarEventAction: {
      startTime: '2030-01-01T10:00:00Z',
      endTime: '2030-01-01T11:00:00Z',
      title: 'Party',
      description: 'Cake',
    },
  },
};
const plain = (text: string | null, ...names: string[]): OperationContent => ({
  text,
  mediaUrls: names.map(file),
});
const card = (suggestions: RcsSuggestion[], media?: string): OperationContent => ({
  modules: [
    {
      rcs: {
        richCard: {
          standaloneCard: {
            cardContent: {
              title: 'Title',
              description: 'Words',
              ...(media === undefined
                ? {}
                : { media: { contentInfo: { fileUrl: file(media) }, height: 'TALL' } }),
              ...(suggestions.length === 0 ? {} : { suggestions }),
            },
          },
        },
      },
    },
  ],
});
const below = (suggestions: RcsSuggestion[], text = 'Words'): OperationContent => ({
  modules: [{ rcs: { text, suggestions } }],
});
const long = (length: number) => 'x'.repeat(length);
const see = { type: 'URL', title: 'See', url: 'https://l.example/see' } as const;
const dial = { type: 'PHONE_NUMBER', title: 'Call', phone: '+15005550009' } as const;
const pick = (id: string) => ({ title: 'Pick', id });
const carousel = (
  cards: readonly (readonly [string, readonly TemplateAction[]])[],
  body = 'Above',
): OperationContent => ({
  contentId: '',
  variables: {},
  types: {
    'twilio/carousel': {
      body,
      cards: cards.map(([name, actions]) => ({
        title: `Title ${name}`,
        body: `Words ${name}`,
        media: file(name),
        actions,
      })),
    },
  },
});
const ON_BOTH = ['a.png', 'b.png'].flatMap((name) => [
  `Title ${name}`,
  `Words ${name}`,
  file(name),
]);

/** Contents, and all that people would miss if it did not arrive. */
const CONTENTS: Readonly<Record<string, readonly [OperationContent, readonly string[]]>> = {
  'a text': [plain('Words'), ['Words']],
  'a text of 1,600': [plain(long(1_600)), [long(1_600)]],
  'an image': [plain(null, 'a.png'), [file('a.png')]],
  'text and an image': [plain('Words', 'a.png'), ['Words', file('a.png')]],
  'text and a video': [plain('Words', 'a.mp4'), ['Words', file('a.mp4')]],
  'text and audio': [plain('Words', 'a.mp3'), ['Words', file('a.mp3')]],
  'text and a document': [plain('Words', 'a.pdf'), ['Words', file('a.pdf')]],
  audio: [plain(null, 'a.mp3'), [file('a.mp3')]],
  'a text of 1,025 and an image': [plain(long(1_025), 'a.png'), [long(1_025), file('a.png')]],
  'two images': [plain(null, 'a.png', 'b.png'), [file('a.png'), file('b.png')]],
  'text and ten images': [
    plain('Words', ...Array.from({ length: 10 }, (_, i) => `${i}.png`)),
    ['Words', ...Array.from({ length: 10 }, (_, i) => file(`${i}.png`))],
  ],
  'a card': [card([]), ['Title', 'Words']],
  'a card with an image': [card([], 'a.png'), ['Title', 'Words', file('a.png')]],
  'a card with a video': [card([], 'a.mp4'), ['Title', 'Words', file('a.mp4')]],
  'a card with replies': [
    card([reply('Yes'), reply('No')], 'a.png'),
    ['Title', 'Words', file('a.png'), 'Yes', 'No'],
  ],
  'a card with a link': [
    card([link('Open')], 'a.mp4'),
    ['Title', 'Words', file('a.mp4'), 'Open', 'https://l.example/Open'],
  ],
  'a card with a number': [card([call], 'a.png'), ['Title', file('a.png'), 'Call', '+15005550009']],
  'a rich file': [
    { modules: [{ rcs: { media: { contentInfo: { fileUrl: file('a.pdf') } } } }] },
    [file('a.pdf')],
  ],
  'a rich file with replies': [
    {
      modules: [
        {
          rcs: { media: { contentInfo: { fileUrl: file('a.png') } }, suggestions: [reply('Yes')] },
        },
      ],
    },
    [file('a.png'), 'Yes'],
  ],
  'three replies': [below(['Aa', 'Bb', 'Cc'].map(reply)), ['Words', 'Aa', 'Bb', 'Cc']],
  'four replies': [below(['Aa', 'Bb', 'Cc', 'Dd'].map(reply)), ['Words', 'Aa', 'Bb', 'Cc', 'Dd']],
  'a reply of 21': [below([reply(long(21))]), ['Words', long(21)]],
  'a reply and a link': [
    below([reply('Yes'), link('Open')]),
    ['Words', 'Yes', 'https://l.example/Open'],
  ],
  'two links': [
    below([link('One'), link('Two')]),
    ['https://l.example/One', 'https://l.example/Two'],
  ],
  'a place and a day': [
    below([place, day]),
    ['Words', 'Where', '52.5', '13.4', 'Office', 'Save', '2030-01-01T10:00:00Z', 'Party', 'Cake'],
  ],
  'a carousel of links': [
    carousel([
      ['a.png', [see]],
      ['b.png', [see]],
    ]),
    [...ON_BOTH, 'See', see.url],
  ],
  'a carousel of replies': [
    carousel([
      ['a.png', [pick('a'), pick('b')]],
      ['b.png', [pick('c'), pick('d')]],
    ]),
    [...ON_BOTH, 'Pick'],
  ],
  'a carousel of replies and numbers': [
    carousel([
      ['a.png', [pick('a'), dial]],
      ['b.png', [pick('b'), dial]],
    ]),
    [...ON_BOTH, 'Pick', 'Call', dial.phone],
  ],
  'a carousel of an image and a video': [
    carousel([
      ['a.png', [see]],
      ['b.mp4', [see]],
    ]),
    [file('a.png'), file('b.mp4'), see.url],
  ],
  'a rich text of 1,601': [below([], long(1_601)), [long(1_601)]],
  'a rich text of 1,025 with replies': [below([reply('Yes')], long(1_025)), [long(1_025), 'Yes']],
};

const KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
}) as string;
const baseUrl = 'https://p.example';
const generic = (template: RequestDescription['body']): RequestDescription => ({
  method: 'POST',
  url: baseUrl,
  auth: { kind: 'none' },
  ...(template && { body: template }),
});
const REQUESTS: Readonly<Record<string, RequestDescription>> = {
  classic: PRESETS.classic({ baseUrl, accountSid: 'AC1', apiKey: null, authToken: 't' }).request,
  cloud: PRESETS.cloud({
    baseUrl,
    version: 'v23.0',
    phoneNumberId: '1',
    accessToken: 't',
    appSecret: 's',
    verifyToken: 'v',
    template: null,
  }).request,
  rbm: PRESETS.rbm({
    baseUrl,
    clientEmail: 'a@b.example',
    privateKey: KEY,
    tokenUrl: baseUrl,
    webhook: { kind: 'direct', clientToken: 't' },
  }).request,
  'own, of text': generic({ kind: 'json', template: { body: '{{ text }}' } }),
  'own, of one medium': generic({
    kind: 'json',
    template: { body: '{{ text }}', file: '{{ mediaUrl }}' },
  }),
  'own, of all': generic({
    kind: 'json',
    template: {
      body: '{{ text }}',
      files: { $value: '/mediaUrls' },
      rich: { $value: '/rich' },
    },
  }),
};

/** Everything that the request holds, as one text; null when it is refused. */
function handOver(carrier: string, submission: Submission): string | null {
  if (carrier === 'smpp') {
    const bodies = composeMessages(submission, optionsFor(0), () => 1, 0);
    if (!Array.isArray(bodies)) return null;
    return bodies
      .map(({ shortMessage, esmClass }) => shortMessage.toString('latin1', esmClass === 0 ? 0 : 6))
      .join('');
  }
  const request = REQUESTS[carrier];
  if (request === undefined) throw new Error(carrier);
  const composed = createComposer(request, null).compose(submission, new Date(0));
  if (!composed.ok) return null;
  const body = composed.request.body ?? '';
  return request.body?.kind === 'form'
    ? [...new URLSearchParams(body).values()].join('\n')
    : JSON.stringify(JSON.parse(body));
}

/** What a carrier refuses that carries words only. */
const ALL_BUT_WORDS = [
  'an image',
  'text and an image',
  'text and a video',
  'text and audio',
  'text and a document',
  'audio',
  'a text of 1,025 and an image',
  'two images',
  'text and ten images',
  'a rich text of 1,601',
];

/** Carrier and channel, and the contents that it refuses; all others it carries whole. */
const REFUSALS: readonly (readonly [string, Channel, readonly string[]])[] = [
  ['smpp', 'SMS', ALL_BUT_WORDS],
  ['classic', 'SMS', ['a rich text of 1,601']],
  [
    'classic',
    'RCS',
    [
      'text and audio',
      'text and a document',
      'two images',
      'text and ten images',
      'a rich text of 1,601',
    ],
  ],
  [
    'classic',
    'WHATSAPP',
    [
      'text and audio',
      'text and a document',
      'a text of 1,025 and an image',
      'two images',
      'text and ten images',
      'a rich text of 1,601',
    ],
  ],
  [
    'cloud',
    'WHATSAPP',
    ['text and audio', 'a text of 1,025 and an image', 'two images', 'text and ten images'],
  ],
  ['rbm', 'RCS', ['text and audio', 'text and a document', 'two images', 'text and ten images']],
  ['own, of text', 'SMS', ALL_BUT_WORDS],
  ['own, of one medium', 'WHATSAPP', ['two images', 'text and ten images', 'a rich text of 1,601']],
  ['own, of all', 'RCS', []],
];

describe.each(REFUSALS)('%s over %s', (carrier, channel, refused) => {
  it.each(Object.entries(CONTENTS))('carries all of, or refuses: %s', (name, [content, parts]) => {
    const submission: Submission = {
      reference: '2s-0192f0a0aaaa2bcd9e01234500000012',
      channel,
      from: '+15005550100',
      to: '+491700000001',
      // As a template would give it to WhatsApp.
      ...chooseContent(content, 'modules' in content && channel !== 'SMS' ? 'RCS' : channel),
      email: null,
      expireAt: null,
    };
    const sent = handOver(carrier, submission);
    expect(sent === null).toBe(refused.includes(name));
    if (sent !== null) for (const part of parts) expect(sent).toContain(part);
    // What intake asks says the same.
    const known: Readonly<Record<string, unknown>> = CARRIAGE;
    if (Object.hasOwn(known, carrier)) {
      const carriage = (known[carrier] as Record<string, never>)[channel];
      expect(fitContent(submission, carriage as never).ok).toBe(sent !== null);
    }
  });
});

describe('WhatsApp', () => {
  it.each([
    ['a card with replies', 'button', 'image'],
    ['a card with a link', 'cta_url', 'video'],
    ['three replies', 'button', undefined],
  ])('shows %s as buttons', (name, type, header) => {
    const content = CONTENTS[name]?.[0];
    if (content === undefined) throw new Error(name);
    const sent = handOver('cloud', {
      reference: '2s-0192f0a0aaaa2bcd9e01234500000012',
      channel: 'WHATSAPP',
      from: '+15005550100',
      to: '+491700000001',
      text: 'all',
      mediaUrls: [],
      rich: (content as { modules: { rcs: never }[] }).modules[0]?.rcs ?? null,
      email: null,
      expireAt: null,
    });
    const { interactive } = JSON.parse(sent ?? '{}') as {
      interactive: { type: string; header?: { type: string } };
    };
    expect([interactive.type, interactive.header?.type]).toEqual([type, header]);
  });
});

describe('a carousel over WhatsApp', () => {
  const send = (name: string, channel: Channel = 'WHATSAPP') => {
    const content = CONTENTS[name]?.[0];
    if (content === undefined) throw new Error(name);
    const sent = handOver(channel === 'RCS' ? 'rbm' : 'cloud', {
      reference: '2s-0192f0a0aaaa2bcd9e01234500000012',
      channel,
      from: '+15005550100',
      to: '+491700000001',
      ...chooseContent(content, channel),
      email: null,
      expireAt: null,
    });
    return JSON.parse(sent ?? '{}') as Record<string, Record<string, unknown>>;
  };
  const cardOf = (i: number, name: string, action: object) => ({
    card_index: i,
    type: 'cta_url',
    header: { type: 'image', image: { link: file(name) } },
    body: { text: `Title ${name}\nWords ${name}` },
    action,
  });

  it('has a link on each card', () => {
    const action = { name: 'cta_url', parameters: { display_text: 'See', url: see.url } };
    expect(send('a carousel of links')).toMatchObject({
      type: 'interactive',
      interactive: {
        type: 'carousel',
        body: { text: 'Above' },
        action: { cards: [cardOf(0, 'a.png', action), cardOf(1, 'b.png', action)] },
      },
    });
    expect(send('a carousel of links')['interactive']).not.toHaveProperty('header');
  });

  it('has the same number of replies on each card', () => {
    const of = (...ids: string[]) => ({
      buttons: ids.map((id) => ({ type: 'quick_reply', quick_reply: { id, title: 'Pick' } })),
    });
    expect(send('a carousel of replies')['interactive']?.['action']).toEqual({
      cards: [cardOf(0, 'a.png', of('a', 'b')), cardOf(1, 'b.png', of('c', 'd'))],
    });
  });

  const two = (...actions: TemplateAction[]) =>
    carousel(actions.map((action, i) => [`${i}.png`, [action]]));
  const changed = (change: (card: CarouselCard) => CarouselCard) => {
    const content = two(see, see) as TemplateContent;
    const { body = '', cards = [] } = content.types['twilio/carousel'] ?? {};
    return { ...content, types: { 'twilio/carousel': { body, cards: cards.map(change) } } };
  };
  it.each<[string, OperationContent, boolean]>([
    ['a label of 20', two({ ...see, title: long(20) }, see), true],
    ['a label of 21', two({ ...see, title: long(21) }, see), false],
    ['a number', two(dial, dial), false],
    ['the same reply twice', two(pick('a'), pick('a')), false],
    ['replies', two(pick('a'), pick('b')), true],
    ['three lines', changed((each) => ({ ...each, body: 'a\nb' })), true],
    ['four lines', changed((each) => ({ ...each, body: 'a\nb\nc' })), false],
    ['160 characters', changed((each) => ({ ...each, title: 'x', body: long(158) })), true],
    ['161 characters', changed((each) => ({ ...each, title: 'x', body: long(159) })), false],
  ])('is one or plain text: with %s', (_name, content, isOne) => {
    const fit = fitContent(chooseContent(content, 'WHATSAPP'), CARRIAGE.cloud.WHATSAPP);
    expect(fit).toMatchObject({ ok: true, fitted: { form: isOne ? 'cards' : 'plain' } });
  });

  it('is above the cards in words, and RCS has none', () => {
    const text = send('a carousel of replies and numbers')['text']?.['body'];
    expect(text).toBe(
      ['a', 'b'].reduce(
        (all, name) =>
          `${all}\n\nTitle ${name}.png\nWords ${name}.png\n${file(`${name}.png`)}\nPick\nCall: +15005550009`,
        'Above',
      ),
    );
    const rcs = send('a carousel of links', 'RCS')['contentMessage'];
    const suggestion = {
      action: { text: 'See', postbackData: 'See', openUrlAction: { url: see.url } },
    };
    expect(rcs).toEqual({
      richCard: {
        carouselCard: {
          cardWidth: 'MEDIUM',
          cardContents: ['a.png', 'b.png'].map((name) => ({
            title: `Title ${name}`,
            description: `Words ${name}`,
            media: { height: 'MEDIUM', contentInfo: { fileUrl: file(name) } },
            suggestions: [suggestion],
          })),
        },
      },
    });
  });
});

it('says how long a text may be that need not be rendered to be checked', () => {
  const way = (carriage: (typeof CARRIAGE)['cloud']['WHATSAPP']) => ({
    channel: 'WHATSAPP' as const,
    carrier: 'c',
    carriage,
  });
  expect(narrowestText([way(CARRIAGE.cloud.WHATSAPP)], false)).toBe(4_096);
  // Thousands of e-mails with a long body are not rendered to be checked.
  for (const { EMAIL: carriage } of [CARRIAGE.smtp, CARRIAGE.simulator])
    expect(narrowestText([{ channel: 'EMAIL', carrier: 'm', carriage }], false)).toBe(
      EMAIL_BODY_MAX,
    );
  expect(narrowestText([way(CARRIAGE.cloud.WHATSAPP)], true)).toBe(0);
  expect(
    narrowestText([{ channel: 'SMS', carrier: 's', carriage: CARRIAGE.simulator.SMS }], true),
  ).toBe(1_600);
});

it('is in the documents, carrier by carrier', () => {
  const document = readFileSync(new URL('../../../docs/content.md', import.meta.url), 'utf8');
  for (const [carrier, channels] of Object.entries(CARRIAGE))
    for (const [channel, { textMax, mediaMax, captionMax }] of Object.entries(channels)) {
      if (carrier === 'simulator' || carrier === 'smtp') continue;
      const row = document
        .split('\n')
        .find((line) => line.includes(`\`${carrier}\``) && line.includes(channel));
      expect(row, `${carrier} ${channel}`).toBeDefined();
      for (const number of [textMax, mediaMax, ...(mediaMax === 0 ? [] : [captionMax])])
        expect(row).toContain(number.toLocaleString('en-US'));
    }
});
