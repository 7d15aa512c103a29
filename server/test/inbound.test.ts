/** Inbound messages over SMPP and HTTP callbacks, and keywords with their effects and answers. */
import { createHmac } from 'node:crypto';
import { Ajv } from 'ajv';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import documented from './data/message-list.schema.json' with { type: 'json' };
import { createKeywordFinder, ENGLISH } from '../src/domain/keywords.ts';
import {
  SID,
  startFanfare,
  text,
  TOKEN,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { deliverSm, startSmsc, type Smsc } from './support/smsc.ts';

const SHOP = '+15005550100';

/** Whether a page has the documented form, and nothing else. */
const isDocumented = new Ajv().compile(documented);
const PERSON = '+4917012345678';

const configFor = (smsc: Smsc, inbound: object) => ({
  carriers: {
    smsc: {
      kind: 'smpp',
      host: '127.0.0.1',
      port: smsc.port,
      systemId: 'x',
      password: 'x',
      inboundCountryCode: '49',
    },
  },
  senders: [{ address: SHOP, channel: 'SMS', carrier: 'smsc' }],
  inbound,
});

const isBound = (smsc: Smsc) =>
  until(async () => smsc.sessions.some((each) => each.boundAs !== null));

/** A shop that people write to over an SMSC. */
interface Shop {
  readonly smsc: Smsc;
  readonly address: string;
}

/** SMSCs by how the servers on them take what comes in. */
const smscs = new Map<string, Promise<Smsc>>();
afterAll(async () => {
  for (const smsc of smscs.values()) await (await smsc).close();
});
let shops = 0;

/** A shop of an account of its own, on the server that takes what comes in so. */
async function begin(inbound: object = {}): Promise<{ shop: Shop; fanfare: FanfareClient }> {
  const key = JSON.stringify(inbound);
  const starting = smscs.get(key) ?? startSmsc();
  smscs.set(key, starting);
  const smsc = await starting;
  const fanfare = await useFanfare({ config: configFor(smsc, inbound) });
  shops += 1;
  const address = `+1500555${String(200 + shops).padStart(4, '0')}`;
  const sender = { address, channel: 'SMS', carrier: 'smsc' };
  expect((await fanfare.request('POST', '/v1/Senders', sender)).status).toBe(201);
  await isBound(smsc);
  return { shop: { smsc, address }, fanfare };
}

/** A person's words, sent to the shop; resolves when the SMSC has the acknowledgment. */
async function say({ smsc, address }: Shop, words: string, from = PERSON): Promise<void> {
  const pdu = deliverSm({
    text: words,
    source: { ton: from.startsWith('+') ? 1 : 0, npi: 1, address: from.replace('+', '') },
    destination: { ton: 1, npi: 1, address: address.slice(1) },
  });
  smsc.session.send(pdu);
  await until(async () =>
    smsc.received('deliver_sm_resp').some((each) => each.sequence === pdu.sequence),
  );
}

/** What the shop has sent. */
const answersOf = ({ smsc, address }: Shop) =>
  smsc
    .received('submit_sm')
    .filter((pdu) => pdu.source.address === address.slice(1))
    .map((pdu) => pdu.shortMessage.toString('latin1'));

const toPerson = ({ address }: Shop) => ({
  to: [{ address: PERSON, channel: 'PHONE' }],
  content: text('Sale!'),
  from: { address, channel: 'SMS' },
});

describe('a message from a person', () => {
  it('is listed, found and shown', async () => {
    const { shop, fanfare } = await begin();
    await say(shop, 'When do you open?');
    const sent = await fanfare.send(toPerson(shop));
    await fanfare.watch(sent, ({ stats }) => stats.sent === 1);
    await say(shop, 'Thanks');

    const all = (await fanfare.get('/v1/Messages')).body['messages'];
    expect(all.map((each: any) => each.status)).toEqual(['INBOUND', 'SENT', 'INBOUND']);
    const { body } = await fanfare.get('/v1/Messages?status=INBOUND');
    const senders = (await fanfare.get('/v1/Senders')).body['senders'];
    const own = senders.find((each: any) => each.address === shop.address);
    expect(own).toBeDefined();
    expect(body['messages'][1]).toEqual({
      id: expect.stringMatching(/^comms_message_/),
      from: { address: PERSON, channel: 'SMS', senderId: own.id },
      to: [{ address: shop.address, channel: 'PHONE' }],
      status: 'INBOUND',
      related: [],
      tags: {},
      scheduledFor: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
      deletedAt: null,
    });
    const one = await fanfare.get(`/v1/Messages/${body['messages'][1].id}`);
    expect(one.body).toMatchObject({
      content: { text: 'When do you open?' },
      attempts: [],
      status: 'INBOUND',
    });
    // Pages reach over both kinds.
    const first = (await fanfare.get('/v1/Messages?pageSize=2')).body;
    const second = (
      await fanfare.get(`/v1/Messages?pageSize=2&pageToken=${first['pagination'].next}`)
    ).body;
    expect(first['messages'].length + second['messages'].length).toBe(3);
    expect(second['pagination'].next).toBeNull();
    // A strict client takes every page: with sent messages, with inbound ones, and with both.
    for (const page of [
      await fanfare.get('/v1/Messages'),
      await fanfare.get('/v1/Messages?status=INBOUND'),
      await fanfare.request('POST', '/v1/Messages/Search', { address: shop.address }),
    ])
      expect([isDocumented(page.body), isDocumented.errors]).toEqual([true, null]);
    for (const [query, count] of [
      [{ address: PERSON }, 3],
      [{ address: PERSON, status: 'INBOUND' }, 2],
      [{ address: shop.address }, 2],
      [{ channel: 'RCS' }, 0],
      [{ operationId: sent }, 1],
      [{ tags: 'a:b' }, 0],
    ] as const) {
      const found = await fanfare.request('POST', '/v1/Messages/Search', query);
      expect([query, found.body['messages'].length]).toEqual([query, count]);
    }
  });

  it('leads from its list to the answer, and does not after its erasure', async () => {
    const { shop, fanfare } = await begin();
    await say(shop, 'HELP');
    const listed = async () =>
      (await fanfare.get('/v1/Messages?status=INBOUND')).body['messages'] as Json[];
    const [message] = await until(async () =>
      (await listed())[0]?.['related'].length === 1 ? listed() : null,
    );
    const path = `/v1/Messages/${message?.['id']}`;
    expect((await fanfare.request('DELETE', path)).status).toBe(204);
    const { body: erased } = await fanfare.get(path);
    expect(erased).toEqual({
      ...message,
      from: { ...message?.['from'], address: '' },
      related: [],
      content: { text: '' },
      attempts: [],
      updatedAt: erased['deletedAt'],
      deletedAt: expect.any(String),
    });
    expect(await listed()).toEqual([]);
    // The answer is a message of its own, and the next HELP gets one, too.
    expect((await fanfare.get('/v1/Messages')).body['messages']).toHaveLength(1);
    await say(shop, 'HELP');
    await until(async () => answersOf(shop).length === 2);
    expect((await fanfare.get(path)).body).toEqual(erased);
  });

  it('is put together from its parts', async () => {
    const { shop, fanfare } = await begin();
    for (const [part, words] of [
      [2, 'world'],
      [1, 'Hello '],
    ] as const)
      shop.smsc.session.send(
        deliverSm({
          esmClass: 0x40,
          source: { ton: 1, npi: 1, address: PERSON.slice(1) },
          destination: { ton: 1, npi: 1, address: shop.address.slice(1) },
          shortMessage: Buffer.concat([Buffer.from([5, 0, 3, 7, 2, part]), Buffer.from(words)]),
        }),
      );
    const id = await until(
      async () => (await fanfare.get('/v1/Messages')).body['messages'][0]?.id as string | undefined,
    );
    expect((await fanfare.get(`/v1/Messages/${id}`)).body['content']).toEqual({
      text: 'Hello world',
    });
  });
});

describe('keywords', () => {
  it('stop, help and start, each answered, once', async () => {
    const { shop, fanfare } = await begin();
    await say(shop, ' Stop. ');
    await until(async () => answersOf(shop).length === 1);
    expect(answersOf(shop)).toEqual([ENGLISH.stopReply]);
    const { suppressions } = (await fanfare.get('/v1/Suppressions')).body;
    expect(suppressions).toMatchObject([{ address: PERSON, reason: 'keyword' }]);
    const blocked = await fanfare.operation(await fanfare.send(toPerson(shop)));
    expect(blocked['stats']).toMatchObject({ total: 0, unaddressable: 1 });

    // Nothing changes: no answer. Help is answered though they have opted out, once a minute.
    await say(shop, 'STOPALL');
    await say(shop, 'help');
    await say(shop, 'INFO');
    await until(async () => answersOf(shop).length === 2);
    expect(answersOf(shop)[1]).toBe(ENGLISH.helpReply);

    await say(shop, 'Start');
    await until(async () => answersOf(shop).length === 3);
    expect((await fanfare.get('/v1/Suppressions')).body['suppressions']).toEqual([]);
    const again = await fanfare.send(toPerson(shop));
    await fanfare.watch(again, ({ stats }) => stats.sent === 1);
    expect(answersOf(shop)).toEqual([
      ENGLISH.stopReply,
      ENGLISH.helpReply,
      ENGLISH.startReply,
      'Sale!',
    ]);
    // The message names the operation that answered it.
    const inbound = (await fanfare.get('/v1/Messages?status=INBOUND')).body['messages'];
    const [operation] = inbound.at(-1).related;
    expect((await fanfare.operation(operation.id))['stats'].sent).toBe(1);
  });

  it('are of one person, in whichever form a carrier writes the number', async () => {
    const { shop, fanfare } = await begin();
    const [written, reported] = ['+526641234567', '+5216641234567'];
    const send = () =>
      fanfare.send({ ...toPerson(shop), to: [{ address: written, channel: 'PHONE' }] });
    await say(shop, 'Stop', reported);
    await until(async () => answersOf(shop).length === 1);
    const blocked = await fanfare.operation(await send());
    expect(blocked['stats']).toMatchObject({ total: 0, unaddressable: 1 });
    await say(shop, 'Start', written);
    await until(async () => answersOf(shop).length === 2);
    await fanfare.watch(await send(), ({ stats }) => stats.sent === 1);
    await say(shop, 'Stop', reported);
    await fanfare.watch(await fanfare.send({ ...toPerson(shop) }), ({ stats }) => stats.sent === 1);
  });

  it('are of one person, written as at home or with the code', async () => {
    const { shop, fanfare } = await begin();
    for (const from of ['017012345678', '17012345678', '4917012345678', '004917012345678']) {
      await say(shop, 'STOP', from);
      const blocked = await fanfare.watch(
        await fanfare.send(toPerson(shop)),
        ({ status }) => status === 'COMPLETED',
      );
      expect([from, blocked['stats']['unaddressable']]).toEqual([from, 1]);
      await say(shop, 'START', from);
      const { body } = await fanfare.get('/v1/Suppressions');
      expect([from, body['suppressions']]).toEqual([from, []]);
    }
  });

  it('support languages, and can apply to one sender only', async () => {
    const { shop, fanfare } = await begin({
      scope: 'sender',
      languages: { de: { stop: ['Stopp', 'Abmelden'], stopReply: 'Abgemeldet.' } },
    });
    await say(shop, 'abmelden!');
    await until(async () => answersOf(shop).length === 1);
    expect(answersOf(shop)).toEqual(['Abgemeldet.']);
    const { suppressions } = (await fanfare.get('/v1/Suppressions')).body;
    expect(suppressions).toMatchObject([{ address: PERSON, senderId: expect.any(String) }]);
    // English still works.
    await say(shop, 'START');
    await until(async () => answersOf(shop).length === 2);
  });

  it('are obeyed while the answer cannot be sent, and are answered after a crash', async () => {
    const smsc = await startSmsc();
    onTestFinished(() => smsc.close());
    const shop = { smsc, address: SHOP };
    const fanfare = await startFanfare({ config: configFor(smsc, {}) });
    await isBound(smsc);
    // The answer cannot be accepted: its sender is gone from the table for a moment.
    await fanfare.database.query(
      "alter table operation add constraint broken check (tags ->> 'keyword' is null) not valid",
    );
    await say(shop, 'STOP');
    expect((await fanfare.get('/v1/Suppressions')).body['suppressions']).toHaveLength(1);
    await fanfare.kill();
    await fanfare.database.query('alter table operation drop constraint broken');
    await fanfare.restart();
    await until(async () => answersOf(shop).length === 1);
    expect(answersOf(shop)).toEqual([ENGLISH.stopReply]);
  });

  it('can be turned off', async () => {
    const { shop, fanfare } = await begin({ keywords: false });
    await say(shop, 'STOP');
    expect((await fanfare.get('/v1/Suppressions')).body['suppressions']).toEqual([]);
    expect((await fanfare.get('/v1/Messages?status=INBOUND')).body['messages']).toHaveLength(1);
  });

  it.each([
    ['STOP', 'STOP'],
    ['stop', 'STOP'],
    [' "Stop!" ', 'STOP'],
    ['opt-out', 'OPTOUT is STOP'],
    ['ＳＴＯＰ', 'STOP'],
    ['unstop', 'START'],
    ['info', 'HELP'],
    ['please stop', null],
    ['STOP it now', null],
    ['', null],
    ['!!!', null],
  ])('%j is %s', (words, expected) => {
    const found = createKeywordFinder([ENGLISH])(words);
    expect(found?.keyword ?? null).toBe(expected?.split(' ').at(-1) ?? null);
  });

  it.each([
    // Phones write most signs with U+FE0F, which is a mark and no punctuation.
    'STOP \u26d4\ufe0f',
    'Stop \u2764\ufe0f',
    'STOP\u034f',
    '\u3164STOP',
    `STOP${'!'.repeat(50)}`,
    `STOP${' '.repeat(156)}`,
    'iptal',
    'IPTAL',
    '\u0130ptal',
    'arret',
    'Arrêt',
    'ARRE\u0302T',
    'desabonner',
    'διακοπή',
    'Διακοπη',
    'СТІЙ',
    'стій',
    'ايقاف',
    'إيقاف',
    'إيقـاف',
    'ｽﾄｯﾌﾟ',
    'बंद',
  ])('%j is STOP in one of many languages', (words) => {
    const stop = ['İPTAL', 'ARRÊT', 'DÉSABONNER', 'ΔΙΑΚΟΠΗ', 'СТІЙ', 'إيقاف', 'ストップ', 'बंद'];
    const language = { ...ENGLISH, stop, start: [], help: [] };
    expect(createKeywordFinder([ENGLISH, language])(words)?.keyword).toBe('STOP');
    // Another word of the same letters, without its vowel sign or with others.
    for (const other of ['बद', 'बांद', 'arrete', 'stops'])
      expect(createKeywordFinder([ENGLISH, language])(other)).toBeNull();
  });
});

describe('calls of a provider', () => {
  const authToken = 'the-provider-signs-with-this';

  async function beginHttp() {
    const fanfare = await useFanfare({
      config: {
        publicUrl: 'https://fanfare.example',
        carriers: {
          web: {
            kind: 'http',
            channels: ['SMS'],
            preset: 'classic',
            settings: {
              baseUrl: 'http://127.0.0.1:9',
              accountSid: 'AC1',
              authToken: { env: 'WEB_TOKEN' },
            },
          },
        },
        senders: [{ address: SHOP, channel: 'SMS', carrier: 'web' }],
      },
      env: { WEB_TOKEN: authToken },
    });
    const call = (form: Record<string, string>, query = '', signedBy = authToken) => {
      const path = `/carriers/web/receipts${query}`;
      const fields = Object.keys(form)
        .toSorted()
        .map((name) => name + form[name])
        .join('');
      const signature = createHmac('sha1', signedBy)
        .update(`https://fanfare.example${path}${fields}`)
        .digest('base64');
      return fanfare.request('POST', path, new URLSearchParams(form).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signature,
        authorization: '',
      });
    };
    // Senders of the configuration are everybody's, and what is sent to them is the first account's.
    const authorization = `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`;
    const list = async (path: string) =>
      (await fanfare.request('GET', path, undefined, { authorization })).body;
    return { fanfare, call, list };
  }

  it('are verified, stored before they are answered, and repeated without harm', async () => {
    const { fanfare, call, list } = await beginHttp();
    const words = {
      From: PERSON,
      To: SHOP,
      Body: 'Hello',
      MessageSid: 'SM1',
      SmsStatus: 'received',
    };
    expect((await call(words, '', 'somebody else')).status).toBe(403);
    expect((await list('/v1/Messages'))['messages']).toEqual([]);
    for (const _ of [1, 2]) expect((await call(words)).status).toBe(200);
    expect((await list('/v1/Messages'))['messages']).toHaveLength(1);
    expect((await fanfare.request('POST', '/carriers/none/receipts')).status).toBe(404);
    expect((await fanfare.request('PUT', '/carriers/web/receipts')).status).toBe(404);
    expect((await fanfare.get('/carriers/web/receipts')).status).toBe(405);
    const large = await fanfare.request('POST', '/carriers/web/receipts', 'x'.repeat(1_100_000));
    expect(large.status).toBe(413);
  });

  it('that say nothing are counted, and logged once for each reason', async () => {
    const { fanfare, call } = await beginHttp();
    const count = async () => {
      const metrics = await (await fetch(`${fanfare.url}/metrics`)).text();
      return Number(
        /^fanfare_carrier_callbacks_unreadable_total\{carrier="web"\} (\d+)$/m.exec(metrics)?.[1] ??
          0,
      );
    };
    const before = await count();
    for (const _ of [1, 2]) {
      expect((await call({ Something: 'else' })).status).toBe(200);
      expect((await call({ MessageStatus: 'delivered' })).status).toBe(200);
    }
    expect((await count()) - before).toBe(4);
    for (const reason of ['It has nothing of what', 'A receipt names no message'])
      await until(async () => fanfare.errors().split(reason).length === 2);
  });

  it('may report STOP or START themselves: it applies whatever the text says, and is not answered', async () => {
    const { call, list } = await beginHttp();
    let n = 0;
    const tell = async (Body: string, OptOutType: string) => {
      n += 1;
      const words = { From: PERSON, To: SHOP, Body, OptOutType, MessageSid: `SM4${n}` };
      expect((await call({ ...words, SmsStatus: 'received' })).status).toBe(200);
      return (await list('/v1/Suppressions'))['suppressions'];
    };
    for (const words of ['No', 'STOP', 'START']) {
      expect(await tell(words, 'STOP')).toHaveLength(1);
      expect(await tell(words, 'HELP')).toHaveLength(1);
      expect(await tell(words, 'START')).toHaveLength(0);
    }
    expect((await list('/v1/Messages/Operations'))['operations']).toEqual([]);
    // Without such a word the text counts, and is answered.
    expect(await tell('STOP', '')).toHaveLength(1);
    expect((await list('/v1/Messages/Operations'))['operations']).toHaveLength(1);
    expect(await tell('Yes', 'START')).toEqual([]);
  });

  it('must be repeated while the database is unavailable', async () => {
    const { fanfare, call, list } = await beginHttp();
    expect((await list('/v1/Suppressions'))['suppressions']).toHaveLength(0);
    await fanfare.database.query('alter table inbound_message rename to hidden');
    const words = {
      From: PERSON,
      To: SHOP,
      Body: 'STOP',
      MessageSid: 'SM2',
      SmsStatus: 'received',
    };
    expect((await call(words)).status).toBe(503);
    await fanfare.database.query('alter table hidden rename to inbound_message');
    expect((await call(words)).status).toBe(200);
    expect((await list('/v1/Suppressions'))['suppressions']).toHaveLength(1);
  });
});
