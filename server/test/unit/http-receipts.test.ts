/** Callbacks of providers: signatures, challenges, receipts and inbound messages. No call makes the parser throw. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpDescription, VerifyDescription } from '../../src/carriers/http/description.ts';
import { describeClassic } from '../../src/carriers/http/preset-classic.ts';
import { describeCloud } from '../../src/carriers/http/preset-cloud.ts';
import { describeRbm } from '../../src/carriers/http/preset-rbm.ts';
import { createReceiptParser } from '../../src/carriers/http/receipt-parser.ts';
import type { InboundHttp } from '../../src/domain/receipt-call.ts';
import { attemptReference } from '../../src/domain/ids.ts';
import { parseForm } from '../../src/lib/decode-text.ts';
import { runs } from '../support/runs.ts';

const AT = new Date('2026-01-02T03:04:05Z');
const REFERENCE = attemptReference(100, '0192f0a0-aaaa-7bcd-9e01-234500000012', 2);
const URL_OUTSIDE = 'https://fanfare.example/carriers/provider/receipts';

const CLASSIC = describeClassic({
  baseUrl: 'https://api.example',
  accountSid: 'AC1',
  apiKey: null,
  authToken: '12345',
});
const CLOUD = describeCloud({
  baseUrl: 'https://graph.example',
  version: 'v23.0',
  phoneNumberId: '1065',
  accessToken: 'EAAJB',
  appSecret: 'app-secret',
  verifyToken: 'verify-me',
  template: null,
});
const RBM_SETTINGS = {
  baseUrl: 'https://rbm.example',
  clientEmail: 'a@b.example',
  privateKey: '',
  tokenUrl: 'https://token.example/token',
};
const RBM = describeRbm({
  ...RBM_SETTINGS,
  webhook: { kind: 'direct', clientToken: 'SJENCPGJESMGUFPY' },
});

/** A call as the server passes it on. */
function call(
  changes: Partial<Omit<InboundHttp, 'rawBody'>> & { body?: string } = {},
): InboundHttp {
  const { body = '', ...rest } = changes;
  const fullUrl = rest.fullUrl ?? URL_OUTSIDE;
  return {
    method: 'POST',
    path: '/carriers/provider/receipts',
    fullUrl,
    headers: {},
    query: Object.fromEntries(new URL(fullUrl).searchParams),
    rawBody: Buffer.from(body),
    ...rest,
  };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };

function classicCall(
  fields: readonly (readonly [string, string])[],
  fullUrl = `${URL_OUTSIDE}?reference=${REFERENCE}`,
): InboundHttp {
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([n, v]) => n + v);
  const signature = createHmac('sha1', '12345')
    .update(fullUrl + sorted.join(''))
    .digest('base64');
  return call({
    fullUrl,
    headers: { ...FORM, 'x-twilio-signature': signature },
    body: new URLSearchParams(
      fields.map(([name, value]): [string, string] => [name, value]),
    ).toString(),
  });
}

function cloudCall(value: unknown): InboundHttp {
  const body = JSON.stringify({
    object: 'whatsapp_business_account',
    entry: [{ id: '1', changes: [{ field: 'messages', value }] }],
  });
  const digest = createHmac('sha256', 'app-secret').update(body).digest('hex');
  return call({ body, headers: { 'x-hub-signature-256': `sha256=${digest}` } });
}

function rbmCall(event: unknown): InboundHttp {
  const data = Buffer.from(JSON.stringify(event));
  return call({
    body: JSON.stringify({ message: { data: data.toString('base64') } }),
    headers: {
      'x-goog-signature': createHmac('sha512', 'SJENCPGJESMGUFPY').update(data).digest('base64'),
    },
  });
}

describe('classic', () => {
  const parse = createReceiptParser(CLASSIC);
  const delivered = [
    ['MessageSid', 'SM1'],
    ['MessageStatus', 'delivered'],
    ['To', '+49170'],
  ] as const;

  it('agrees with a published signature', () => {
    // The example of the API's documentation.
    const fields = [
      ['CallSid', 'CA1234567890ABCDE'],
      ['Caller', '+12349013030'],
      ['Digits', '1234'],
      ['From', '+12349013030'],
      ['To', '+18005551212'],
    ] as const;
    const request = classicCall(fields, 'https://mycompany.com/myapp.php?foo=1&bar=2');
    expect(request.headers['x-twilio-signature']).toBe('0/KCTR6DLpKmkAf8muzZqo1nDgQ=');
    expect(parse(request, AT).answer.status).toBe(200);
  });

  it('receipt before answer, and after: by our reference', () => {
    expect(parse(classicCall(delivered), AT)).toEqual({
      answer: { status: 200, headers: {}, body: '' },
      receipts: [{ reference: REFERENCE, status: 'DELIVERED' }],
      inbound: [],
    });
  });

  it('falls back on the provider’s id', () => {
    const { receipts } = parse(classicCall(delivered, URL_OUTSIDE), AT);
    expect(receipts).toEqual([{ providerIds: ['SM1'], status: 'DELIVERED' }]);
  });

  it('takes codes that we share, and words', () => {
    const failed = [
      ['MessageSid', 'SM1'],
      ['MessageStatus', 'failed'],
      ['ErrorCode', '30003'],
      ['ErrorMessage', 'Unreachable'],
    ] as const;
    expect(parse(classicCall(failed), AT).receipts).toEqual([
      {
        reference: REFERENCE,
        status: 'UNDELIVERED',
        code: 30003,
        detail: 'Unreachable (code 30003)',
      },
    ]);
    const strange = [
      ['MessageStatus', 'undelivered'],
      ['ErrorCode', '99999'],
    ] as const;
    expect(parse(classicCall(strange), AT).receipts).toMatchObject([{ code: 30008 }]);
    expect(parse(classicCall([['MessageStatus', 'sent']]), AT).receipts).toEqual([]);
  });

  it('reads inbound messages', () => {
    const { inbound, receipts } = parse(
      classicCall(
        [
          ['MessageSid', 'SM9'],
          ['SmsStatus', 'received'],
          ['From', 'whatsapp:+49170'],
          ['To', 'whatsapp:+15005550100'],
          ['Body', 'STOP'],
        ],
        URL_OUTSIDE,
      ),
      AT,
    );
    expect(receipts).toEqual([]);
    expect(inbound).toEqual([
      {
        channel: 'WHATSAPP',
        from: '+49170',
        to: '+15005550100',
        text: 'STOP',
        providerId: 'SM9',
        receivedAt: AT,
      },
    ]);
  });

  it.each([
    ['STOP', 'STOP'],
    ['START', 'START'],
    ['HELP', 'HELP'],
    ['stop', 'STOP'],
    ['OTHER', undefined],
    ['', undefined],
  ])('reads its own word %j beside an inbound message', (word, keyword) => {
    for (const body of ['No', 'STOP', '']) {
      const fields = [
        ['MessageSid', 'SM9'],
        ['From', '+49170'],
        ['To', '+15005550100'],
        ['Body', body],
        ['OptOutType', word],
      ] as const;
      const { inbound } = parse(classicCall(fields, URL_OUTSIDE), AT);
      expect(inbound).toHaveLength(1);
      expect(inbound[0]?.text).toBe(body);
      expect(inbound[0]?.keyword).toBe(keyword);
    }
  });

  it('takes the URL with and without its standard port', () => {
    const signed = classicCall(delivered, URL_OUTSIDE.replace('example/', 'example:443/'));
    expect(parse({ ...signed, fullUrl: URL_OUTSIDE }, AT).answer.status).toBe(200);
    const other = classicCall(delivered, URL_OUTSIDE.replace('example/', 'example:8443/'));
    expect(parse({ ...other, fullUrl: URL_OUTSIDE }, AT).answer.status).toBe(403);
  });

  it('refuses calls with another signature, or without one', () => {
    const good = classicCall(delivered);
    const bad: InboundHttp[] = [
      { ...good, headers: FORM },
      { ...good, headers: { ...good.headers, 'x-twilio-signature': '' } },
      { ...good, headers: { ...good.headers, 'x-twilio-signature': ['a', 'b'] } },
      { ...good, headers: { ...good.headers, 'x-twilio-signature': 'AAAA' } },
      { ...good, fullUrl: `${URL_OUTSIDE}?reference=other` },
      { ...good, rawBody: Buffer.from('MessageSid=SM1&MessageStatus=read') },
      { ...good, rawBody: Buffer.concat([good.rawBody, Buffer.from('&More=1')]) },
      // A body that no signature covers.
      { ...good, headers: { ...good.headers, 'content-type': 'application/json' } },
    ];
    for (const each of bad)
      expect(parse(each, AT)).toMatchObject({ answer: { status: 403 }, receipts: [] });
  });

  it('takes another body by its hash in the URL', () => {
    const parseHashed = createReceiptParser({
      ...CLASSIC,
      receipts: { ...(CLASSIC.receipts as object), format: 'json' } as NonNullable<
        HttpDescription['receipts']
      >,
    });
    const body = JSON.stringify({ MessageStatus: 'read', MessageSid: 'SM1' });
    const hash = createHash('sha256').update(body).digest('hex');
    const fullUrl = `${URL_OUTSIDE}?bodySHA256=${hash}`;
    const signature = createHmac('sha1', '12345').update(fullUrl).digest('base64');
    const headers = { 'content-type': 'application/json', 'x-twilio-signature': signature };
    const request = call({ fullUrl, headers, body });
    expect(parseHashed(request, AT).receipts).toEqual([{ providerIds: ['SM1'], status: 'READ' }]);
    expect(parseHashed({ ...request, rawBody: Buffer.from('{}') }, AT).answer.status).toBe(403);
  });

  it('is for POST only', () => {
    expect(parse({ ...classicCall(delivered), method: 'GET' }, AT).answer.status).toBe(405);
  });
});

describe('cloud', () => {
  const parse = createReceiptParser(CLOUD);
  const statuses = [
    { id: 'wamid.1', status: 'sent', biz_opaque_callback_data: REFERENCE },
    { id: 'wamid.1', status: 'delivered', biz_opaque_callback_data: REFERENCE },
    { id: 'wamid.2', status: 'read' },
    {
      id: 'wamid.3',
      status: 'failed',
      errors: [{ code: 131026, title: 'Undeliverable', error_data: { details: 'No WhatsApp' } }],
    },
    { id: { not: 'an id' }, status: 'read' },
    { status: 'constructor', id: 'x' },
    null,
    7,
  ];

  it.each([
    ['stop', 'STOP'],
    ['resume', 'START'],
  ])('reads that a person chose %j on its own pages', (value, keyword) => {
    const metadata = { display_phone_number: '15550783881', phone_number_id: '106540352242922' };
    const user_preferences = [
      { wa_id: '16315551181', category: 'marketing_messages', value, timestamp: '1669233778' },
      {
        wa_id: '16315551182',
        category: 'marketing_messages',
        value: 'else',
        timestamp: '1669233778',
      },
    ];
    expect(parse(cloudCall({ metadata, user_preferences }), AT).inbound).toMatchObject([
      { channel: 'WHATSAPP', from: '+16315551181', text: '', providerId: null, keyword },
    ]);
  });

  it('reads every status of a call', () => {
    expect(parse(cloudCall({ statuses }), AT).receipts).toEqual([
      { reference: REFERENCE, status: 'DELIVERED' },
      { providerIds: ['wamid.2'], status: 'READ' },
      {
        providerIds: ['wamid.3'],
        status: 'UNDELIVERED',
        code: 30003,
        detail: 'No WhatsApp (code 131026)',
      },
    ]);
  });

  it('may begin with a byte order mark', () => {
    const body = `\ufeff${JSON.stringify({ entry: [{ changes: [{ value: { statuses } }] }] })}`;
    const marked = { ...cloudCall({ statuses }), rawBody: Buffer.from(body) };
    const digest = createHmac('sha256', 'app-secret').update(body).digest('hex');
    const headers = { ...marked.headers, 'x-hub-signature-256': `sha256=${digest}` };
    expect(parse({ ...marked, headers }, AT)).toEqual(parse(cloudCall({ statuses }), AT));
  });

  it('keeps numbers with the prefix that stands for the plus apart from others', () => {
    const metadata = { display_phone_number: '15550783881' };
    const messages = [{ from: '0016315551181', id: 'w1', text: { body: 'Hi' } }];
    expect(parse(cloudCall({ metadata, messages }), AT).inbound[0]?.from).toBe('0016315551181');
  });

  it('keeps long numbers distinct, because they may be ids of two messages', () => {
    const ids = ['12345678901234567891', '12345678901234567892'];
    const value = ids.map((id) => `{"id":${id},"status":"delivered"}`).join();
    const body = `{"entry":[{"changes":[{"value":{"statuses":[${value}]}}]}]}`;
    const digest = createHmac('sha256', 'app-secret').update(body).digest('hex');
    const headers = { 'x-hub-signature-256': `sha256=${digest}` };
    const { receipts } = parse(call({ headers, body }), AT);
    expect(receipts.map(({ providerIds }) => providerIds)).toEqual(ids.map((id) => [id]));
  });

  it('replay gives the same again', () => {
    const request = cloudCall({ statuses });
    expect(parse(request, AT)).toEqual(parse(request, AT));
  });

  it('reads inbound messages', () => {
    const metadata = { display_phone_number: '15550783881', phone_number_id: '1065' };
    const messages = [
      {
        from: '16315551181',
        id: 'w1',
        timestamp: '1504902988',
        type: 'text',
        text: { body: 'Hi' },
      },
      { from: '16315551181', id: 'w2', timestamp: '99999999999', type: 'image', image: {} },
      { id: 'w3', text: { body: 'From nobody' } },
    ];
    const common = { channel: 'WHATSAPP', from: '+16315551181', to: '+15550783881' };
    expect(parse(cloudCall({ metadata, messages }), AT).inbound).toEqual([
      { ...common, text: 'Hi', providerId: 'w1', receivedAt: new Date(1_504_902_988_000) },
      { ...common, text: '', providerId: 'w2', receivedAt: AT },
    ]);
  });

  it('refuses calls with another signature, or without one', () => {
    const good = cloudCall({ statuses });
    const signature = String(good.headers['x-hub-signature-256']);
    for (const headers of [
      {},
      { 'x-hub-signature-256': signature.slice(7) },
      { 'x-hub-signature-256': `${signature}0` },
      { 'x-hub-signature-256': signature.replace(/.$/, (last) => (last === '0' ? '1' : '0')) },
    ])
      expect(parse({ ...good, headers }, AT)).toMatchObject({
        answer: { status: 403 },
        receipts: [],
      });
    const other = { ...good, rawBody: Buffer.concat([good.rawBody, Buffer.from(' ')]) };
    expect(parse(other, AT).answer.status).toBe(403);
  });

  it('returns the challenge to a caller with the token', () => {
    const ask = (query: string) =>
      parse(call({ method: 'GET', fullUrl: `${URL_OUTSIDE}?hub.mode=subscribe&${query}` }), AT)
        .answer;
    expect(ask('hub.verify_token=verify-me&hub.challenge=1158201444')).toMatchObject({
      status: 200,
      body: '1158201444',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
    });
    expect(ask('hub.verify_token=guess&hub.challenge=1').status).toBe(403);
    expect(ask('hub.challenge=1').status).toBe(405);
    expect(ask(`hub.verify_token=verify-me&hub.challenge=${'x'.repeat(2_000)}`).status).toBe(403);
  });

  it('garbage that is signed is answered with 400', () => {
    const body = '{"entry": [';
    const digest = createHmac('sha256', 'app-secret').update(body).digest('hex');
    const headers = { 'x-hub-signature-256': `sha256=${digest}` };
    expect(parse(call({ body, headers }), AT).answer.status).toBe(400);
    expect(parse(cloudCall([]), AT)).toMatchObject({ answer: { status: 200 }, receipts: [] });
  });
});

describe('rbm', () => {
  const parse = createReceiptParser(RBM);
  const id = '7a2b8c1e-0000-5000-8000-000000000001';

  it.each([
    ['DELIVERED', [{ providerIds: [id], status: 'DELIVERED' }]],
    ['READ', [{ providerIds: [id], status: 'READ' }]],
    [
      'TTL_EXPIRATION_REVOKED',
      [
        {
          providerIds: [id],
          status: 'UNDELIVERED',
          code: 30008,
          detail: 'Reported as TTL_EXPIRATION_REVOKED',
        },
      ],
    ],
    ['IS_TYPING', []],
  ])('reads %s', (eventType, receipts) => {
    const event = { senderPhoneNumber: '+49170', eventType, eventId: 'e', messageId: id };
    expect(parse(rbmCall(event), AT)).toMatchObject({
      answer: { status: 200 },
      receipts,
      inbound: [],
    });
  });

  it.each([
    ['UNSUBSCRIBE', 'STOP'],
    ['SUBSCRIBE', 'START'],
  ])('reads %s as %s', (eventType, keyword) => {
    const parseRbm = createReceiptParser(RBM);
    const event = {
      senderPhoneNumber: '+49170',
      agentId: 'shop',
      eventType,
      eventId: 'e1',
      sendTime: AT.toISOString(),
    };
    expect(parseRbm(rbmCall(event), AT)).toMatchObject({
      receipts: [],
      inbound: [
        { channel: 'RCS', from: '+49170', to: 'shop', text: '', providerId: 'e1', keyword },
      ],
    });
  });

  it('reads inbound messages', () => {
    const common = {
      senderPhoneNumber: '+49170',
      agentId: 'agent',
      sendTime: '2026-01-01T00:00:00Z',
    };
    const [text] = parse(rbmCall({ ...common, messageId: 'm1', text: 'Hello' }), AT).inbound;
    expect(text).toEqual({
      channel: 'RCS',
      from: '+49170',
      to: 'agent',
      text: 'Hello',
      providerId: 'm1',
      receivedAt: new Date('2026-01-01T00:00:00Z'),
    });
    const tapped = { ...common, suggestionResponse: { text: 'Yes', postbackData: 'y' } };
    expect(parse(rbmCall(tapped), AT).inbound).toMatchObject([{ text: 'Yes', providerId: null }]);
  });

  it('refuses calls with another signature, or without one', () => {
    const good = rbmCall({ eventType: 'READ', messageId: id });
    expect(parse({ ...good, headers: {} }, AT).answer.status).toBe(403);
    const other = rbmCall({ eventType: 'DELIVERED', messageId: id });
    expect(parse({ ...good, headers: other.headers }, AT).answer.status).toBe(403);
    expect(parse(call({ body: '{"message":{}}' }), AT).answer.status).toBe(403);
  });

  it('returns the secret to a caller with the token', () => {
    const ask = (clientToken: string) =>
      parse(call({ body: JSON.stringify({ clientToken, secret: '1234567890' }) }), AT).answer;
    expect(ask('SJENCPGJESMGUFPY')).toMatchObject({ status: 200, body: '1234567890' });
    expect(ask('guess').status).toBe(403);
  });

  it('takes a Pub/Sub push with our secret in the URL', () => {
    const pushed = createReceiptParser(
      describeRbm({ ...RBM_SETTINGS, webhook: { kind: 'pubsub', urlToken: 'long-secret' } }),
    );
    const { rawBody } = rbmCall({ eventType: 'READ', messageId: id });
    const at = (token: string) =>
      pushed({ ...call({ fullUrl: `${URL_OUTSIDE}?token=${token}` }), rawBody }, AT);
    expect(at('long-secret').receipts).toHaveLength(1);
    expect(at('long-secre').answer.status).toBe(403);
    expect(pushed({ ...call(), rawBody }, AT).answer.status).toBe(403);
  });
});

describe('descriptions of one’s own', () => {
  const receiptsOf = (verify: VerifyDescription): HttpDescription => ({
    ...CLASSIC,
    receipts: {
      verify,
      format: 'query',
      answer: { status: 202, headers: { 'x-taken': 'yes' }, body: 'OK' },
      statuses: { events: '', reference: '/ref', status: '/st', words: { '1': 'DELIVERED' } },
    },
  });
  const query = `${URL_OUTSIDE}?ref=${REFERENCE}&st=1`;

  it.each([
    ['header', { kind: 'secret', in: 'header', name: 'X-Key', value: 'k' }, { 'x-key': 'k' }],
    ['bearer', { kind: 'bearer', token: 'k' }, { authorization: 'Bearer k' }],
  ] as const)('a secret in a header: %s', (_, verify, headers) => {
    const parse = createReceiptParser(receiptsOf(verify));
    const good = parse(call({ method: 'GET', fullUrl: query, headers }), AT);
    expect(good).toEqual({
      answer: { status: 202, headers: { 'x-taken': 'yes' }, body: 'OK' },
      receipts: [{ reference: REFERENCE, status: 'DELIVERED' }],
      inbound: [],
    });
    expect(parse(call({ method: 'GET', fullUrl: query }), AT).answer.status).toBe(403);
  });

  const open = (format: 'json' | 'form' | 'query') =>
    createReceiptParser({
      ...CLASSIC,
      receipts: {
        verify: { kind: 'none' },
        format,
        statuses: {
          events: '',
          reference: '/ref',
          providerId: '/id',
          status: '/st',
          errorDetail: '/why',
          words: { DELIVRD: 'DELIVERED', failed: 'UNDELIVERED' },
        },
      },
    });
  const failedBecause = (detail: string) => [
    { reference: REFERENCE, status: 'UNDELIVERED', code: 30008, detail },
  ];
  const failure = { ref: REFERENCE, st: 'failed', why: 'Zürich' };
  const json = JSON.stringify(failure);
  const form = `ref=${REFERENCE}&st=failed&why=Z%FCrich`;
  const wide = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

  it.each<readonly [string, 'json' | 'form', Buffer | string, string]>([
    ['JSON in UTF-16', 'json', wide(json), 'application/json'],
    ['JSON in UTF-16, the other way round', 'json', wide(json).swap16(), 'application/json'],
    ['JSON in Latin-1', 'json', Buffer.from(json, 'latin1'), 'application/json; charset=latin1'],
    ['JSON in Latin-1, said nowhere', 'json', Buffer.from(json, 'latin1'), 'text/plain'],
    ['JSON with a NUL behind', 'json', `${json}\0`, 'application/json'],
    ['a form in UTF-8', 'form', new URLSearchParams(failure).toString(), FORM['content-type']],
    ['a form in Latin-1', 'form', form, 'application/x-www-form-urlencoded; charset=iso-8859-1'],
    ['a form in Latin-1, said nowhere', 'form', form, ''],
    ['a form that says its charset', 'form', `_charset_=windows-1252&${form}`, ''],
    ['a form of octets', 'form', Buffer.from(decodeURI(form.replace('%FC', 'ü')), 'latin1'), ''],
  ])('%s is read', (_, format, body, type) => {
    const given = { ...call({ headers: { 'content-type': type } }), rawBody: Buffer.from(body) };
    const { receipts, unreadable } = open(format)(given, AT);
    expect(receipts).toEqual(failedBecause('Zürich'));
    expect(unreadable).toBeUndefined();
  });

  it.each(['delivrd', 'Delivrd', ' DELIVRD\r\n'])(
    'the word %j is read like its plain spelling',
    (st) => {
      const { receipts } = open('json')(call({ body: JSON.stringify({ id: 'a', st }) }), AT);
      expect(receipts).toEqual([{ providerIds: ['a'], status: 'DELIVERED' }]);
    },
  );

  it.each<readonly [string, 'json' | 'form' | 'query', string, RegExp, number]>([
    ['XML where JSON is to be', 'json', '<dlr><ref>1</ref></dlr>', /is to be json/, 400],
    ['JSON where a form is to be', 'form', json, /nothing of what/, 200],
    ['a form where parameters are to be', 'query', form, /nothing of what/, 200],
    ['half an object', 'json', json.slice(0, -2), /is to be json/, 400],
    ['two objects', 'json', `${json}\n${json}`, /is to be json/, 400],
    ['a status of nothing', 'json', '{"st":"DELIVRD"}', /names no message/, 200],
    [
      'a status of an empty id',
      'json',
      '{"st":"DELIVRD","ref":"","id":"\\u0000"}',
      /names no message/,
      200,
    ],
  ])('%s is unreadable', (_, format, body, reason, status) => {
    const read = open(format)(call({ body }), AT);
    expect(read).toMatchObject({ receipts: [], inbound: [], answer: { status } });
    expect(read.unreadable).toMatch(reason);
  });

  it('a status that is not final changes nothing, and is none that cannot be read', () => {
    const read = open('json')(call({ body: '{"st":"queued","id":"a"}' }), AT);
    expect(read).toMatchObject({ receipts: [] });
    expect(read.unreadable).toBeUndefined();
  });

  it('a signature over the body does not go with parameters', () => {
    const verify = { header: 'x', algorithm: 'sha256', encoding: 'hex', secret: 's' } as const;
    expect(() => createReceiptParser(receiptsOf({ kind: 'hmac', ...verify }))).toThrow(
      'says nothing of parameters',
    );
  });

  it('an empty secret refuses every call', () => {
    const parse = createReceiptParser(
      receiptsOf({ kind: 'secret', in: 'header', name: 'x-key', value: '' }),
    );
    const request = call({ method: 'GET', fullUrl: query, headers: { 'x-key': '' } });
    expect(parse(request, AT).answer.status).toBe(403);
  });

  it('none accepts every call, and no description refuses every call', () => {
    const request = call({ method: 'GET', fullUrl: query });
    expect(createReceiptParser(receiptsOf({ kind: 'none' }))(request, AT).receipts).toHaveLength(1);
    const { receipts: _, ...silent } = CLASSIC;
    expect(createReceiptParser(silent)(request, AT).answer.status).toBe(404);
  });
});

describe('any call', () => {
  const open = (description: HttpDescription): HttpDescription => ({
    ...description,
    receipts: {
      ...(description.receipts as NonNullable<HttpDescription['receipts']>),
      verify: { kind: 'none' },
    },
  });
  const parsers = [CLASSIC, CLOUD, RBM, ...[CLASSIC, CLOUD, RBM].map(open)].map(
    createReceiptParser,
  );

  /** JSON around the places where the presets look. */
  const leaf = fc.oneof(
    fc.jsonValue(),
    fc.string(),
    fc.constantFrom('delivered', 'READ', 'failed'),
  );
  const record = fc.dictionary(
    fc.constantFrom(
      'id',
      'status',
      'errors',
      'from',
      'text',
      'eventType',
      'messageId',
      '__proto__',
    ),
    leaf,
  );
  const change = fc.record({
    value: fc.record({ statuses: fc.array(record), messages: fc.array(record) }),
  });
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    fc.array(change).map((changes) => Buffer.from(JSON.stringify({ entry: [{ changes }] }))),
    record.map((event) => {
      const data = Buffer.from(JSON.stringify(event)).toString('base64');
      return Buffer.from(JSON.stringify({ message: { data } }));
    }),
    fc.webQueryParameters().map((text) => Buffer.from(text)),
  );
  const words = fc.dictionary(
    fc.constantFrom(
      'x-twilio-signature',
      'x-hub-signature-256',
      'x-goog-signature',
      'content-type',
      'authorization',
    ),
    fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(FORM['content-type'])),
  );
  const query = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.array(fc.string())));

  it('never makes a parser throw', { tags: ['property'] }, () => {
    fc.assert(
      fc.property(
        body,
        words,
        query,
        fc.string(),
        fc.string(),
        (rawBody, headers, params, method, url) => {
          for (const parse of parsers)
            for (const verb of ['GET', 'POST', method]) {
              const result = parse(
                { method: verb, path: '/', fullUrl: url, headers, query: params, rawBody },
                AT,
              );
              expect(result.answer.status).toBeGreaterThanOrEqual(200);
              for (const each of result.receipts)
                expect(each.reference ?? each.providerIds?.[0]).toBeTypeOf('string');
              for (const each of result.inbound) expect(each.receivedAt.getTime()).not.toBeNaN();
            }
        },
      ),
      { numRuns: runs(100, 500) },
    );
  });
});

it('a form of a quarter of a million equal fields is read in one go', () => {
  // With the square of their number it would take longer than any test may.
  const { a } = parseForm('a=%41&'.repeat(250_000), null);
  expect(a).toHaveLength(250_000);
  expect(new Set(a)).toEqual(new Set(['A']));
});
