/** Descriptions: templates, pointers, Retry-After, and refusals at the start. */
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Submission } from '../../src/carriers/carrier.ts';
import { createBackoff } from '../../src/carriers/backoff.ts';
import { createClassifier } from '../../src/carriers/http/classify.ts';
import type { BodyTemplate, HttpDescription } from '../../src/carriers/http/description.ts';
import { createHttpCarrier, HTTP_LIMITS } from '../../src/carriers/http/http-carrier.ts';
import { findPlaces, findValue, parsePointer, placeOf } from '../../src/carriers/http/pointer.ts';
import { PRESETS } from '../../src/carriers/http/presets.ts';
import { createReceiptParser } from '../../src/carriers/http/receipt-parser.ts';
import { createComposer } from '../../src/carriers/http/request.ts';
import { compileBody, scopeOf } from '../../src/carriers/http/template.ts';
import { readRetryAfter } from '../../src/lib/retry-after.ts';

const AT = new Date('2026-01-02T03:04:05Z');
const SUBMISSION: Submission = {
  reference: '2s-0192f0a0aaaa2bcd9e01234500000012',
  channel: 'SMS',
  from: '+15005550100',
  to: '+491700000001',
  text: 'Hi',
  mediaUrls: [],
  rich: null,
  email: null,
  expireAt: null,
};
const scope = (changes: Partial<Submission> = {}) =>
  scopeOf({ ...SUBMISSION, ...changes }, AT, {
    fitted: { form: 'plain', ...SUBMISSION, ...changes },
    messageUuid: 'uuid',
    receiptsUrl: null,
  });
const render = (template: BodyTemplate, changes: Partial<Submission> = {}) =>
  compileBody(template)(scope(changes));

const BASE: HttpDescription = {
  request: { method: 'POST', url: 'https://a.example/send', auth: { kind: 'none' } },
  response: { id: { pointer: '/id' } },
};

describe('pointers', () => {
  // The examples of RFC 6901, section 5.
  const document = {
    foo: ['bar', 'baz'],
    '': 0,
    'a/b': 1,
    'c%d': 2,
    'e^f': 3,
    'g|h': 4,
    'i\\j': 5,
    'k"l': 6,
    ' ': 7,
    'm~n': 8,
  };
  it.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
    ['/foo/01', undefined],
    ['/foo/-', undefined],
    ['/foo/length', undefined],
    ['/constructor', undefined],
    ['/__proto__', undefined],
    ['3/foo', undefined],
  ])('%j', (source, value) => {
    expect(findValue(placeOf(document), parsePointer(source))).toEqual(value);
  });

  it('climb from the match of a wildcard', () => {
    const from = placeOf({
      a: [
        { name: 'x', list: [1, 2] },
        { name: 'y', list: [3] },
      ],
    });
    const places = findPlaces(from, parsePointer('/a/*/list/*'));
    expect(places.map((each) => [each.value, findValue(each, parsePointer('2/name'))])).toEqual([
      [1, 'x'],
      [2, 'x'],
      [3, 'y'],
    ]);
  });

  it.each(['a', 'a/b', '/a~2', '~', '?a/b', '?'])('%j is none', (source) => {
    expect(() => parsePointer(source)).toThrow('is not a pointer');
  });
});

describe('body templates', () => {
  it('leave out values that render empty, and keep literal ones', () => {
    const template = {
      text: '{{ text }}',
      media: { $value: '/mediaUrls' },
      inner: { only: '{{ expireAt }}' },
      list: ['{{ mediaUrl }}'],
      empty: '',
      none: null,
      no: false,
      zero: 0,
      plain: {},
    };
    expect(render(template)).toEqual({
      text: 'Hi',
      empty: '',
      none: null,
      no: false,
      zero: 0,
      plain: {},
    });
    expect(render({ a: '{{ text }}' }, { text: null })).toBeUndefined();
  });

  it('choose, repeat and take the first', () => {
    const mediaUrls = ['https://a.example/1', 'https://a.example/2'];
    const each = { $each: '/mediaUrls', item: { url: '{{ item }}', to: '{{ toDigits }}' } };
    expect(render(each, { mediaUrls })).toEqual([
      { url: 'https://a.example/1', to: '491700000001' },
      { url: 'https://a.example/2', to: '491700000001' },
    ]);
    expect(render({ $first: '/mediaUrls', item: '{{ item }}' }, { mediaUrls })).toBe(mediaUrls[0]);
    expect(render(each)).toBeUndefined();
    const choice = {
      $switch: [
        { when: '/channel', is: 'RCS', use: 'rcs' },
        { when: '/mediaUrls/1', use: 'many' },
        { use: 'other' },
      ],
    };
    expect(render(choice, { channel: 'RCS' })).toBe('rcs');
    expect(render(choice, { mediaUrls })).toBe('many');
    expect(render(choice)).toBe('other');
  });

  it('carry any text whole, and never as structure', () => {
    const composer = createComposer(
      {
        method: 'POST',
        url: 'https://a.example/to/{{ text }}?x={{ text }}&y=1',
        auth: { kind: 'none' },
        body: { kind: 'json', template: { a: '{{ text }}', b: 'fixed' } },
      },
      null,
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const composed = composer.compose({ ...SUBMISSION, text }, AT);
        if (text === '.' || text === '..') {
          expect(composed.ok).toBe(false);
          return;
        }
        if (!composed.ok) throw new Error(composed.problem);
        const { body, path } = composed.request;
        const expected = text === '' ? { b: 'fixed' } : { a: text, b: 'fixed' };
        expect(JSON.parse(body ?? '')).toEqual(expected);
        const url = new URL(`https://a.example${path}`);
        expect(url.searchParams.get('x')).toBe(text);
        expect(url.searchParams.get('y')).toBe('1');
        expect(path.split('/')).toHaveLength(3);
      }),
    );
  });

  it('report submissions that a provider cannot be sent', () => {
    const compose = (headers: Record<string, string>, changes: Partial<Submission>) =>
      createComposer({ ...BASE.request, headers }, null).compose({ ...SUBMISSION, ...changes }, AT);
    expect(compose({ 'X-Ref': '{{ reference }}' }, {})).toMatchObject({
      ok: true,
      request: { headers: { 'x-ref': SUBMISSION.reference } },
    });
    const up = createComposer({ ...BASE.request, url: 'https://a.example/{{ from }}/x' }, null);
    expect(up.compose({ ...SUBMISSION, from: '..' }, AT).ok).toBe(false);
    expect(up.compose({ ...SUBMISSION, from: '\ud800' }, AT)).toMatchObject({
      request: { path: '/%EF%BF%BD/x' },
    });
    expect(compose({ 'x-text': '{{ text }}' }, { text: 'a\r\nb: c' })).toMatchObject({ ok: false });
    expect(
      compose(
        { 'x-media': '{% if mediaUrls %}{% endif %}' },
        { mediaUrls: Array.from({ length: 11 }, () => 'https://a.example') },
      ),
    ).toEqual({
      ok: false,
      problem: 'As SMS it has 11 media; at most 10 can be sent in one message.',
    });
    expect(compose({}, { mediaUrls: ['https://a.example'] })).toEqual({
      ok: false,
      problem: 'As SMS no media can be sent.',
    });
  });
});

describe('invalid descriptions are refused at the start', () => {
  const cases: readonly (readonly [string, Partial<HttpDescription['request']>, string])[] = [
    ['a host that messages choose', { url: 'https://{{ to }}.example/' }, 'fixed host'],
    ['no URL', { url: 'a.example/send' }, 'fixed host'],
    ['a password in the URL', { url: 'https://u:p@a.example/' }, 'fixed host'],
    ['a path with blanks', { url: 'https://a.example/a b' }, 'path'],
    ['a variable that is none', { url: 'https://a.example/{{ too }}' }, 'no variable "too"'],
    ['Liquid that is none', { headers: { a: '{{ to' } }, 'not a template'],
    ['a form that is none', { body: { kind: 'json', template: { $valeu: '/a' } } }, '$valeu'],
    ['a stray member', { body: { kind: 'json', template: { $value: '/a', b: 1 } } }, '"b"'],
    ['a pointer that is none', { body: { kind: 'json', template: { $value: 'a' } } }, 'pointer'],
    ['a case without use', { body: { kind: 'json', template: { $switch: [{}] } } }, '"use"'],
    [
      'a form with depth',
      { body: { kind: 'form', template: { a: { b: '1' } } } },
      'text or a list',
    ],
  ];
  it.each(cases)('%s', (_, request, message) => {
    const create = () =>
      createHttpCarrier({
        name: 'x',
        channels: ['SMS'],
        ambiguous: 'hold',
        windowMax: 1,
        description: { ...BASE, request: { ...BASE.request, ...request } },
        limits: HTTP_LIMITS,
        receiptsUrl: null,
      });
    expect(create).toThrow(message);
  });
});

describe('answers', () => {
  const classify = (status: number, body: unknown, description: Partial<HttpDescription> = {}) =>
    createClassifier({ ...BASE, ...description })(
      { kind: 'answer', status, headers: {}, body: JSON.stringify(body), isWhole: true },
      scope(),
      AT.getTime(),
    );

  it.each([
    ['{"id":12345678901234567891}', '12345678901234567891'],
    ['{"a":1.5,"id" : -9007199254740993 }', '-9007199254740993'],
    ['{"a":"x\\" 12345678901234567891 ,","id":7}', '7'],
    ['{"a":0.12345678901234567891,"id":9007199254740993}', '9007199254740993'],
    ['{"id":"12345678901234567891"}', '12345678901234567891'],
  ])('keep each digit of an id: %s', (body, providerId) => {
    const answer = { kind: 'answer', status: 200, headers: {}, body, isWhole: true } as const;
    expect(createClassifier(BASE)(answer, scope(), AT.getTime())).toEqual({
      kind: 'accepted',
      providerId,
    });
  });

  it('may begin with a byte order mark', () => {
    const body = `\ufeff${JSON.stringify({ id: 'p1' })}`;
    const answer = { kind: 'answer', status: 200, headers: {}, body, isWhole: true } as const;
    const read = createClassifier(BASE);
    expect(read(answer, scope(), AT.getTime())).toEqual({ kind: 'accepted', providerId: 'p1' });
  });

  it.each([
    [200, 'accepted'],
    [204, 'accepted'],
    [302, 'throttled'],
    [400, 'rejected'],
    [401, 'throttled'],
    [402, 'throttled'],
    [404, 'rejected'],
    [407, 'throttled'],
    [408, 'retry'],
    [421, 'retry'],
    [425, 'retry'],
    [429, 'throttled'],
    [500, 'retry'],
    [502, 'unknown'],
    [503, 'throttled'],
    [504, 'unknown'],
    [511, 'throttled'],
  ])('%i by default: %s', (status, kind) => {
    expect(classify(status, { id: 7 }).kind).toBe(kind);
  });

  it('follow the tables: the provider’s code first, then the status', () => {
    const description: Partial<HttpDescription> = {
      response: {
        accepts: [202],
        id: { pointer: '/id' },
        errorCode: '/code',
        errorDetail: '/why',
        statuses: { '502': { kind: 'retry' } },
      },
      errors: { busy: { kind: 'throttled' }, '12': { kind: 'rejected', code: 30006 } },
      sharesCodes: true,
    };
    expect(classify(202, { id: 'a' }, description)).toEqual({ kind: 'accepted', providerId: 'a' });
    expect(classify(200, { id: 'a' }, description).kind).toBe('rejected');
    // Some providers say 200 to everything.
    expect(classify(202, { id: 'a', code: 12, why: 'No' }, description)).toEqual({
      kind: 'rejected',
      code: 30006,
      detail: 'HTTP 202, code 12: No',
    });
    expect(classify(502, { code: 'busy' }, description).kind).toBe('throttled');
    expect(classify(502, {}, description).kind).toBe('retry');
    expect(classify(400, { code: 21610 }, description)).toMatchObject({ code: 21610 });
    expect(classify(400, { code: 99999 }, description)).toMatchObject({ code: 30008 });
  });

  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.json(),
        fc.string(),
        (status, json, after) => {
          const read = createClassifier({ ...BASE, errors: { a: { kind: 'retry' } } });
          const answer = {
            kind: 'answer',
            status,
            headers: { 'retry-after': after },
            isWhole: true,
          } as const;
          for (const body of [json, after, null])
            expect(read({ ...answer, body }, scope(), AT.getTime()).kind).toBeTypeOf('string');
        },
      ),
    );
  });
});

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['999999999', 3_600_000],
    ['Fri, 02 Jan 2026 03:05:05 GMT', 60_000],
    ['Friday, 02-Jan-26 03:05:05 GMT', 60_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['-1', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    ['2026', 2_026_000],
  ])('%j', (header, ms) => {
    expect(readRetryAfter(header, AT.getTime())).toBe(ms);
  });
});

describe('back-off', () => {
  it('counts failures that come together once, and starts anew after a success', () => {
    const backoff = createBackoff();
    expect([backoff.fail(0), backoff.fail(0), backoff.fail(100)]).toEqual([500, 500, 400]);
    expect(backoff.fail(500)).toBe(1_000);
    expect(backoff.remaining(1_000)).toBe(500);
    expect(backoff.hold(1_000, 200)).toBe(500);
    expect(backoff.hold(1_000, 2_000)).toBe(2_000);
    backoff.succeed();
    expect(backoff.remaining(1_000)).toBe(2_000);
    expect(backoff.fail(9_000)).toBe(500);
    let wait = 0;
    for (let i = 0, now = 10_000; i < 20; i += 1, now += wait) wait = backoff.fail(now);
    expect(wait).toBe(60_000);
  });
});

describe('docs/carriers/http.md', () => {
  const text = readFileSync(new URL('../../../docs/carriers/http.md', import.meta.url), 'utf8');
  const examples = [...text.matchAll(/```json\n([\s\S]*?)```/g)].map(
    ([, json = '']) => JSON.parse(json) as Example,
  );
  interface Example {
    readonly description?: HttpDescription;
    readonly carriers?: Readonly<
      Record<string, { readonly preset: keyof typeof PRESETS; readonly settings: object }>
    >;
  }
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

  it('has examples that work', () => {
    const descriptions = examples.flatMap(({ description, carriers = {} }) =>
      description === undefined
        ? Object.values(carriers).map(({ preset, settings }) => {
            const filled = 'privateKey' in settings ? { ...settings, privateKey: pem } : settings;
            return (PRESETS[preset] as (settings: object) => HttpDescription)(filled);
          })
        : [description],
    );
    expect(descriptions).toHaveLength(4);
    for (const description of descriptions) {
      createReceiptParser(description);
      createHttpCarrier({
        name: 'x',
        channels: ['SMS'],
        ambiguous: 'hold',
        windowMax: 1,
        description,
        limits: HTTP_LIMITS,
        receiptsUrl: null,
      });
    }
  });
});
