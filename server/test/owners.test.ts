/** Names have owners: an address on a channel of a carrier is one account's, and STOP to it counts for every account. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { attemptReference, decodeTypeId, messageUuid } from '../src/domain/ids.ts';
import { findEmailAddressProblem } from '../src/domain/email-address.ts';
import { normaliseSenderAddress, senderKey } from '../src/domain/sender.ts';
import { createReports } from '../src/intake/reports.ts';
import { createLogger } from '../src/lib/log.ts';
import { openStore } from '../src/store/store.ts';
import { runCommand } from './support/command-host.ts';
import {
  createDatabase,
  dropDatabase,
  QUICK,
  recipients,
  SID,
  startFanfare,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { runs } from './support/runs.ts';
import { deliverSm, startSmsc, type Smsc } from './support/smsc.ts';

/** Serves all accounts. */
const SHARED = '+15005550100';

/** What a provider's calls are signed with. */
const WEB_TOKEN = 'the-provider-signs-with-this';

/** Two providers of SMS, by the names of their carriers. */
const smscs: Record<string, Smsc> = {};
let folder = '';
beforeAll(async () => {
  for (const name of ['one', 'two']) smscs[name] = await startSmsc();
  folder = await mkdtemp(join(tmpdir(), 'fanfare-owners-'));
});
afterAll(async () => {
  for (const each of Object.values(smscs)) await each.close();
  await rm(folder, { recursive: true, force: true });
});

const smpp = (name: string) => ({
  kind: 'smpp',
  host: '127.0.0.1',
  port: smscs[name]?.port,
  systemId: 'x',
  password: 'x',
});
const configWith = (more: object = {}) => ({
  publicUrl: 'https://fanfare.example',
  carriers: {
    one: smpp('one'),
    two: smpp('two'),
    simulator: { ...QUICK, journalFile: join(folder, 'journal') },
    web: {
      kind: 'http',
      channels: ['SMS'],
      preset: 'classic',
      settings: { baseUrl: 'http://127.0.0.1:9', accountSid: 'AC1', authToken: WEB_TOKEN },
    },
  },
  senders: [
    { address: SHARED, channel: 'SMS', carrier: 'one' },
    { address: '*@shared.example', channel: 'EMAIL', carrier: 'simulator' },
  ],
  // Nothing but what tests send goes to people.
  inbound: {
    languages: {
      en: {
        stop: ['STOP'],
        start: ['START'],
        help: ['HELP'],
        stopReply: '',
        startReply: '',
        helpReply: '',
      },
    },
  },
  ...more,
});

/** An account of its own on the server of this file. */
async function open(): Promise<FanfareClient> {
  const fanfare = await useFanfare({ config: configWith() });
  await until(async () => Object.values(smscs).every((each) => each.bound > 0));
  return fanfare;
}

let numbers = 0;
/** A number that no test has. */
const newNumber = () => `+1500777${String((numbers += 1)).padStart(4, '0')}`;
const newPerson = () => `+4915112${String((numbers += 1)).padStart(5, '0')}`;

const add = (account: FanfareClient, address: string, more: Json = {}) =>
  account.request('POST', '/v1/Senders', { address, channel: 'SMS', carrier: 'one', ...more });

async function own(account: FanfareClient, address: string, more: Json = {}): Promise<string> {
  const answer = await add(account, address, more);
  expect([answer.status, answer.body]).toEqual([201, answer.body]);
  return answer.body['id'];
}

/** A person's words to an address of ours; resolves when the SMSC has the acknowledgment. */
async function say(words: string, from: string, to: string, carrier = 'one'): Promise<void> {
  const smsc = smscs[carrier] as Smsc;
  const pdu = deliverSm({
    text: words,
    source: { ton: 1, npi: 1, address: from.slice(1) },
    destination: { ton: 1, npi: 1, address: to.replace('+', '') },
  });
  smsc.session.send(pdu);
  await until(async () =>
    smsc.received('deliver_sm_resp').some((each) => each.sequence === pdu.sequence),
  );
}

/** Messages that reached a person from an address, over whichever carrier. */
const reached = (person: string, from: string) =>
  Object.values(smscs)
    .flatMap((each) => each.received('submit_sm'))
    .filter(
      (pdu) =>
        pdu.destination.address === person.slice(1) &&
        senderKey('SMS', pdu.source.address) === senderKey('SMS', from),
    ).length;

/** Sends, waits for the end, and gives the counters. */
async function sendTo(account: FanfareClient, person: string, from: Json): Promise<Json> {
  const id = await account.send({
    to: [{ address: person, channel: 'PHONE' }],
    content: text('Sale!'),
    from,
  });
  const isOver = ({ stats }: Json) => stats.queued === 0 && stats.scheduled === 0;
  return (await account.watch(id, isOver))['stats'];
}
const sms = (address: string) => ({ address, channel: 'SMS' });
const inboundOf = async (account: FanfareClient) =>
  (await account.get('/v1/Messages?status=INBOUND')).body['messages'].length as number;

/** What the doctor finds. */
async function examine({ folder: at, databaseUrl }: FanfareClient): Promise<Json[]> {
  const args = ['doctor', '--json', '-c', join(at, 'config.json')];
  return JSON.parse((await runCommand(args, { DATABASE_URL: databaseUrl })).out)['findings'];
}

const TAKEN = { code: 20416, status: 409 };

/** It is refused, and nothing tells who has it. */
function expectTaken({ status, body }: { status: number; body: Json }, ...owners: string[]): void {
  expect([status, body['errors']?.[0]?.code]).toEqual([TAKEN.status, TAKEN.code]);
  for (const each of owners) expect(JSON.stringify(body)).not.toContain(each);
}

describe('an address on a channel of a carrier', () => {
  it.each([
    ['the same', 'SMS', '+15007780001', '+15007780001', true],
    ['without the plus', 'SMS', '+15007780002', '15007780002', true],
    ['with blanks', 'WHATSAPP', '+15007780003', '+1 (500) 778-0003', true],
    ['as it is dialled in Europe', 'SMS', '+15007780006', '0015007780006', true],
    ['as it is dialled in America', 'SMS', '+445007780007', '011445007780007', true],
    ['with a zero too many', 'SMS', '+15007780008', '+015007780008', true],
    ['another', 'SMS', '+15007780004', '+15007780005', false],
    ['a short code', 'SMS', '77801', '77801', true],
    ['a name in another case', 'SMS', 'OwnShop', 'OWNSHOP', true],
    ['a name with letters of the GSM alphabet', 'SMS', 'Öwn Æble', 'öWN æBLE', true],
    ['another name', 'SMS', 'OwnShop1', 'OwnShop2', false],
    [
      'a service of a provider',
      'SMS',
      'MG0123456789abcdef0123456789abcdef',
      'MG0123456789ABCDEF0123456789abcdef',
      true,
    ],
    ['an agent', 'RCS', 'brand_agent', 'Brand_Agent', true],
    ['an e-mail address', 'EMAIL', 'a@own1.example', 'A@OWN1.example', true],
    ['another of the domain', 'EMAIL', 'a@own2.example', 'b@own2.example', false],
    ['all of a domain', 'EMAIL', '*@own3.example', '*@Own3.example', true],
    ['one of another’s domain', 'EMAIL', '*@own4.example', 'a@own4.example', true],
    ['the domain of another’s address', 'EMAIL', 'a@own5.example', '*@own5.example', true],
    ['a domain below', 'EMAIL', '*@own6.example', 'a@sub.own6.example', false],
  ])('is one account’s: %s', async (_, channel, first, second, isTaken) => {
    const [anna, bert] = [await open(), await open()];
    const carrier = 'simulator';
    const id = await own(anna, first, { channel, carrier });
    const answer = await add(bert, second, { channel, carrier });
    if (!isTaken) {
      expect(answer.status).toBe(201);
      return;
    }
    expectTaken(answer, anna.sid, id);
    // Its owner may have both spellings, rest it, and delete it: then it is free.
    await anna.request('PATCH', `/v1/Senders/${id}`, { status: 'DEACTIVATED' });
    expectTaken(await add(bert, second, { channel, carrier }));
    await anna.request('PATCH', `/v1/Senders/${id}`, { status: 'ACTIVATED' });
    expect((await anna.request('DELETE', `/v1/Senders/${id}`)).status).toBe(204);
    const next = await own(bert, second, { channel, carrier });
    expectTaken(await add(anna, first, { channel, carrier }), bert.sid, next);
  });

  it.each([
    ['without limits', {}],
    ['with a rate limit', { throughput: 5 }],
  ])('is not sent from by messages that waited while it went: %s', async (_, limits) => {
    const [anna, bert] = [await open(), await open()];
    const address = newNumber();
    const id = await own(anna, address, { carrier: 'simulator', ...limits });
    const operation = await anna.send({
      to: recipients(3),
      content: text('Late'),
      from: { senderId: id },
      schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
    });
    expect((await anna.request('DELETE', `/v1/Senders/${id}`)).status).toBe(204);
    await own(bert, address, { carrier: 'simulator' });
    await anna.database.query(
      "update dispatch_batch set due_at = now() - interval '1 s' where operation_id = $1",
      [decodeTypeId('comms_operation', operation)],
    );
    const done = await anna.watch(operation, ({ status }) => status === 'COMPLETED');
    expect(done['stats']).toMatchObject({ failed: 3, attempts: 0 });
    const { body } = await anna.get(`/v1/Messages/Operations/${operation}/Errors`);
    expect(JSON.stringify(body)).toContain('30051');
    expect(await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).not.toContain(address);
  });

  it('has no other owner when the configuration has it, nor when a sender is changed', async () => {
    const [anna, bert] = [await open(), await open()];
    expectTaken(await add(anna, SHARED));
    expectTaken(await add(anna, SHARED.slice(1)));
    const mail = { channel: 'EMAIL', carrier: 'simulator' };
    expectTaken(await add(anna, 'me@shared.example', mail));
    const address = newNumber();
    await own(anna, address);
    const id = await own(bert, address, { carrier: 'two' });
    const moved = await bert.request('PATCH', `/v1/Senders/${id}`, { carrier: 'one' });
    expectTaken(moved, anna.sid);
    expect((await bert.get(`/v1/Senders/${id}`)).body['carrier']).toBe('two');
    const other = { carrier: 'two', displayName: 'B' };
    expect((await bert.request('PATCH', `/v1/Senders/${id}`, other)).status).toBe(200);
  });

  it('goes to one of several simultaneous requests', async () => {
    const accounts = await Promise.all(Array.from({ length: 6 }, open));
    for (const names of [
      [newNumber()],
      ['RaceShop', 'raceshop', 'RACESHOP'],
      ['*@race.example', 'a@race.example'],
    ]) {
      const email = names[0]?.includes('@');
      const more = { channel: email ? 'EMAIL' : 'SMS', carrier: 'simulator' };
      const answers = await Promise.all(
        accounts.map((each, i) => add(each, names[i % names.length] ?? '', more)),
      );
      const made = answers.filter(({ status }) => status === 201);
      const addresses = new Set(
        made.map(({ body }) => senderKey(more.channel as 'SMS', body['address'])),
      );
      expect([made.length, addresses.size]).toEqual([1, 1]);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(5);
    }
  });

  it('is not sent from by others, sender or none', async () => {
    const [anna, bert] = [await open(), await open()];
    const address = newNumber();
    await own(anna, address);
    for (const from of [address, address.slice(1)]) {
      const answer = await bert.request('POST', '/v1/Messages', {
        to: [{ address: newPerson(), channel: 'PHONE' }],
        content: text('Hi'),
        from: sms(from),
      });
      expect([answer.status, answer.body['errors']?.[0]]).toMatchObject([
        400,
        { code: 21606, context: '$.from.address' },
      ]);
      expect(JSON.stringify(answer.body)).not.toContain(anna.sid);
    }
    expect(await sendTo(bert, newPerson(), sms(newNumber()))).toMatchObject({ total: 1 });
    expect(await sendTo(anna, newPerson(), sms(address.slice(1)))).toMatchObject({ total: 1 });
  });

  it('has the same key in PostgreSQL and in the program', { tags: ['property'] }, async () => {
    const { database } = await open();
    const address = fc.oneof(
      fc.string({ unit: fc.constantFrom(...'+-() .0159aAzZÄäÖöØÅÆÇÉÑÜß@*Δé _') }),
      fc.string(),
      fc.emailAddress(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(address, { maxLength: 50 }), async (addresses) => {
        const kept = addresses.map((each) => each.replaceAll('\0', ''));
        const emails = kept.filter((each) => findEmailAddressProblem(each) === null);
        for (const [channel, given] of [
          ['SMS', kept],
          ['EMAIL', emails.map((each) => normaliseSenderAddress('EMAIL', each))],
        ] as const) {
          const { rows } = await database.query<{ key: string }>(
            'select sender_key($1, a) as key from unnest($2::text[]) with ordinality as t(a, n) order by n',
            [channel, given],
          );
          expect(rows.map(({ key }) => key)).toEqual(given.map((each) => senderKey(channel, each)));
        }
      }),
      { numRuns: runs(20, 300) },
    );
  });
});

describe('a message from a person', () => {
  it('goes to the owner of the address on the carrier that brings it', async () => {
    const [anna, bert] = [await open(), await open()];
    const address = newNumber();
    await own(bert, address, { carrier: 'two' });
    await own(anna, address);
    await say('Hello', newPerson(), address);
    expect([await inboundOf(anna), await inboundOf(bert)]).toEqual([1, 0]);
    await say('Hello', newPerson(), address, 'two');
    expect([await inboundOf(anna), await inboundOf(bert)]).toEqual([1, 1]);
  });

  it('goes to nobody who has the address at another provider only', async () => {
    const bert = await open();
    const address = newNumber();
    await own(bert, address, { carrier: 'simulator' });
    await own(bert, address.slice(1), { carrier: 'two' });
    await say('Hello', newPerson(), address);
    expect(await inboundOf(bert)).toBe(0);
    await say('Hello', newPerson(), address, 'two');
    expect(await inboundOf(bert)).toBe(1);
  });
});

describe('STOP', () => {
  it('counts for every account, carrier and spelling, and for who has the address later', async () => {
    const [anna, bert, carl] = [await open(), await open(), await open()];
    const [address, person] = [newNumber(), newPerson()];
    const id = await own(anna, address);
    await own(bert, address.slice(1), { carrier: 'two' });
    await say('STOP', person, address);
    const stopped = { total: 0, unaddressable: 1 };
    expect(await sendTo(anna, person, sms(address))).toMatchObject(stopped);
    expect(await sendTo(bert, person, sms(address))).toMatchObject(stopped);
    // Who had not written to the person learns nothing of them.
    expect((await bert.get('/v1/Suppressions')).body['suppressions']).toEqual([]);
    await anna.request('DELETE', `/v1/Senders/${id}`);
    await own(carl, address);
    expect(await sendTo(carl, person, sms(address))).toMatchObject(stopped);
    expect(reached(person, address)).toBe(0);
    // From other addresses the others may write: nobody has stopped those.
    expect(await sendTo(carl, person, sms(newNumber()))).toMatchObject({ total: 1 });
    await say('START', person, address);
    expect(await sendTo(carl, person, sms(address))).toMatchObject({ total: 1 });
    expect(await sendTo(bert, person, sms(address))).toMatchObject({ total: 1 });
  });

  it('to a sender of the configuration counts for accounts that come later', async () => {
    await open();
    const person = newPerson();
    await say('STOP', person, SHARED);
    const late = await open();
    expect(await sendTo(late, person, sms(SHARED))).toMatchObject({ unaddressable: 1 });
    expect(reached(person, SHARED)).toBe(0);
  });

  it('is taken back by the account that alone has the address, and else by the person only', async () => {
    const [anna, bert] = [await open(), await open()];
    const [address, person] = [newNumber(), newPerson()];
    await own(anna, address);
    await say('STOP', person, address);
    const entryOf = async () =>
      (await anna.request('POST', '/v1/Suppressions/Search', { address: person })).body[
        'suppressions'
      ][0]?.id as string;
    expect((await anna.request('DELETE', `/v1/Suppressions/${await entryOf()}`)).status).toBe(204);
    expect(await sendTo(anna, person, sms(address))).toMatchObject({ total: 1 });

    // A sender of the configuration is everybody's.
    await say('STOP', person, SHARED);
    const all = await anna.request('DELETE', `/v1/Suppressions/${await entryOf()}`);
    expect([all.status, all.body['errors'][0].code]).toEqual([409, 20418]);
    await say('START', person, SHARED);
    await own(bert, address, { carrier: 'two' });
    await say('STOP', person, address);
    const refused = await anna.request('DELETE', `/v1/Suppressions/${await entryOf()}`);
    expect([refused.status, refused.body['errors'][0].code]).toEqual([409, 20418]);
    expect(await entryOf()).toBeDefined();
    expect(await sendTo(anna, person, sms(address))).toMatchObject({ unaddressable: 1 });
    await say('START', person, address);
    expect(await entryOf()).toBeUndefined();
  });

  it('is not taken back by an account that it was not said to', async () => {
    const [anna, bert] = [await open(), await open()];
    const [address, person] = [newNumber(), newPerson()];
    const id = await own(anna, address);
    await say('STOP', person, address);
    expect((await anna.request('DELETE', `/v1/Senders/${id}`)).status).toBe(204);
    await own(bert, address);
    const entry = (await bert.request('POST', '/v1/Suppressions', { address: person })).body;
    const refused = await bert.request('DELETE', `/v1/Suppressions/${entry['id']}`);
    expect([refused.status, refused.body['errors'][0].code]).toEqual([409, 20418]);
    expect(await sendTo(bert, person, sms(address))).toMatchObject({ unaddressable: 1 });
  });

  it('counts for every account, for a click in an e-mail too', async () => {
    const [anna, bert] = [await open(), await open()];
    const person = `reader${(numbers += 1)}@example.org`;
    const send = (account: FanfareClient, address: string) =>
      account.request('POST', '/v1/Emails', {
        from: { address },
        to: [{ address: person }],
        content: { subject: 'News', html: '<p>News</p>' },
      });
    const statsOf = async (account: FanfareClient, id: string) =>
      (await account.get(`/v1/Emails/Operations/${id}`)).body['stats'];
    await send(anna, 'news@shared.example');
    const link = await until(async () => {
      const lines = (await readFile(join(folder, 'journal'), 'utf8').catch(() => '')).split('\n');
      const line = lines.find((each) => each.includes(person));
      return line && (JSON.parse(line)['email'].unsubscribeUrl as string);
    });
    const click = await fetch(anna.url + new URL(link).pathname, { method: 'POST' });
    expect(click.status).toBe(200);
    for (const account of [anna, bert]) {
      const { body } = await send(account, 'News@shared.example');
      expect(await statsOf(account, body['operationId'])).toMatchObject({
        recipients: 1,
        total: 0,
      });
    }
    const { body } = await send(bert, 'other@shared.example');
    expect(await statsOf(bert, body['operationId'])).toMatchObject({ recipients: 1, total: 1 });
  });

  it('counts for every account, for a complaint about an e-mail too', async () => {
    const [anna, bert] = [await open(), await open()];
    const person = `angry${(numbers += 1)}@example.org`;
    const send = async (account: FanfareClient) => {
      const { body } = await account.request('POST', '/v1/Emails', {
        from: { address: 'offers@shared.example' },
        to: [{ address: person }],
        content: { subject: 'Offers', html: '<p>Offers</p>' },
      });
      return body['operationId'] as string;
    };
    const id = await send(anna);
    const store = await openStore({ url: anna.databaseUrl, connectionsMax: 1, name: 'test' });
    onTestFinished(() => store.close());
    const { receipts } = createReports({
      store,
      log: createLogger('fatal'),
      receipts: { flushDelayMs: 1, batchMax: 10, bufferMax: 10 },
      inbound: { keywords: false, scope: 'account', languages: {} },
      outcomesWritten: async () => undefined,
      onApplied: () => undefined,
      carriersOf: (carrier) => [carrier],
      onRefused: () => undefined,
    });
    const account = await anna.database.query('select id from account where sid = $1', [anna.sid]);
    const message = messageUuid(decodeTypeId('comms_operation', id) ?? '', 0);
    const reference = attemptReference(account.rows[0].id, message, 1);
    await receipts.take('simulator', [{ reference, status: 'DELIVERED', complaint: true }]);
    const { body } = await bert.get(`/v1/Emails/Operations/${await send(bert)}`);
    expect(body['stats']).toMatchObject({ recipients: 1, total: 0 });
  });

  it('to a number of a provider’s service counts for the service, and is its owner’s', async () => {
    const [anna, bert] = [await open(), await open()];
    const [number, person] = [newNumber(), newPerson()];
    const service = `MG${number.slice(1).padStart(32, '0')}`;
    await own(anna, service, { carrier: 'web' });
    await own(bert, service, { carrier: 'simulator' });
    const call = async (Body: string) => {
      const form = { Body, From: person, MessagingServiceSid: service, To: number };
      const path = '/carriers/web/receipts';
      const signed = Object.entries(form).flat().join('');
      const signature = createHmac('sha1', WEB_TOKEN)
        .update(`https://fanfare.example${path}${signed}`)
        .digest('base64');
      const answer = await anna.request('POST', path, new URLSearchParams(form).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signature,
        authorization: '',
      });
      expect(answer.status).toBe(200);
    };
    await call('STOP');
    expect([await inboundOf(anna), await inboundOf(bert)]).toEqual([1, 0]);
    for (const account of [anna, bert])
      expect(await sendTo(account, person, sms(service))).toMatchObject({ unaddressable: 1 });
    await call('START');
    expect(await sendTo(bert, person, sms(service))).toMatchObject({ total: 1 });
  });

  it(
    'holds whatever accounts do: nothing from the address reaches who said it',
    { tags: ['property'], timeout: 120_000 },
    async () => {
      const accounts = [await open(), await open(), await open()];
      const who = fc.nat({ max: 2 });
      const carrier = fc.constantFrom('one', 'two');
      const spelling = fc.boolean();
      const step = fc.oneof(
        fc.record({ do: fc.constant('add' as const), who, at: who, carrier, spelling }),
        fc.record({ do: fc.constant('remove' as const), who, at: who }),
        fc.record({ do: fc.constant('move' as const), who, at: who, carrier }),
        fc.record({ do: fc.constant('STOP' as const), who, at: who, carrier, spelling }),
        fc.record({ do: fc.constant('START' as const), who, at: who, carrier, spelling }),
        fc.record({ do: fc.constant('send' as const), who, at: who, to: who, spelling }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
          const addresses = [newNumber(), newNumber(), SHARED];
          const people = [newPerson(), newPerson(), newPerson()];
          /** Who said STOP to which address, and how many messages they had from it by then. */
          const stops = new Map<string, number>();
          const senders = new Map<string, string>();
          const spell = (at: number, bare: boolean) => {
            const address = addresses[at] ?? '';
            return bare ? address.slice(1) : address;
          };
          for (const each of steps) {
            const account = accounts[each.who] as FanfareClient;
            const [address = '', person = ''] = [addresses[each.at], people[each.who]];
            const key = `${each.who} ${address}`;
            const held = senders.get(key);
            if (each.do === 'add') {
              const made = await add(account, spell(each.at, each.spelling), each);
              if (made.status === 201) senders.set(key, made.body['id']);
            } else if (each.do === 'remove' && held !== undefined) {
              await account.request('DELETE', `/v1/Senders/${held}`);
              senders.delete(key);
            } else if (each.do === 'move' && held !== undefined) {
              const { carrier: to } = each;
              await account.request('PATCH', `/v1/Senders/${held}`, { carrier: to });
            } else if (each.do === 'STOP' || each.do === 'START') {
              await say(each.do, person, spell(each.at, each.spelling), each.carrier);
              const stop = `${person} ${address}`;
              if (each.do === 'START') stops.delete(stop);
              else if (!stops.has(stop)) stops.set(stop, reached(person, address));
            } else if (each.do === 'send') {
              const to = people[each.to] ?? '';
              const answer = await account.request('POST', '/v1/Messages', {
                to: [{ address: to, channel: 'PHONE' }],
                content: text('Sale!'),
                from: sms(spell(each.at, each.spelling)),
              });
              if (answer.status === 202)
                await account.watch(
                  answer.body['operationId'],
                  ({ stats }) => stats.queued === 0 && stats.scheduled === 0,
                );
              const before = stops.get(`${to} ${address}`);
              if (before !== undefined) expect(reached(to, address)).toBe(before);
            }
          }
        }),
        { numRuns: runs(6, 40) },
      );
    },
  );
});

describe('what was in conflict before', () => {
  const [ANNA, BERT] = [`AC${'a'.repeat(32)}`, `AC${'b'.repeat(32)}`];
  const ADDRESS = '+15007770000';

  /** A database in which accounts and the configuration have the same addresses of a carrier, as without the trigger. */
  async function createConflict(): Promise<string> {
    const url = await createDatabase();
    const database = new pg.Client({ connectionString: url });
    await database.connect();
    await database.query('alter table sender disable trigger sender_owner');
    await database.query(
      `insert into account (sid, token_hash) select sid, convert_to(sid, 'UTF8') from unnest($1::text[]) as sid`,
      [[SID, ANNA, BERT]],
    );
    // Ids begin with the time: Bert was first. Anna has two spellings.
    const sender = (account: number | null, n: number, address: string) =>
      database.query(
        "insert into sender (id, account_id, channel, address, carrier) values ($1, $2, 'SMS', $3, 'one')",
        [`01900000-0000-7000-8000-00000000000${n}`, account, address],
      );
    await sender(3, 1, ADDRESS);
    await sender(2, 2, ADDRESS);
    await sender(2, 3, ADDRESS.slice(1));
    await sender(3, 4, SHARED);
    await sender(null, 5, SHARED);
    await database.query('alter table sender enable trigger sender_owner');
    await database.end();
    return url;
  }

  it('stays as it is, is found by the doctor, and what people say goes to the first owner', async () => {
    const databaseUrl = await createConflict();
    onTestFinished(() => dropDatabase(databaseUrl));
    const fanfare = await startFanfare({
      config: configWith(),
      env: { DATABASE_URL: databaseUrl },
    });
    const { database } = fanfare;
    await until(async () => Object.values(smscs).every((each) => each.bound > 0));
    const { rows } = await database.query(
      "select count(*)::int as n from sender where channel = 'SMS' and status = 'ACTIVATED'",
    );
    expect(rows[0].n).toBe(5);
    await say('Hello', newPerson(), ADDRESS);
    await say('Hello', newPerson(), SHARED);
    const receivers = await database.query(
      `select a.sid, to_address as "to" from inbound_message m join account a on a.id = m.account_id
       where text = 'Hello' order by m.id`,
    );
    expect(receivers.rows).toEqual([
      { sid: BERT, to: ADDRESS },
      { sid: SID, to: SHARED },
    ]);

    const found = await examine(fanfare);
    expect(found.map((each) => [each['check'], each['where']])).toEqual([
      ['senders', `SMS ${SHARED} one`],
      ['senders', `SMS ${ADDRESS} one`],
    ]);
    expect(found[0]?.['what']).toMatch(new RegExp(`the configuration, .* ${BERT}, `));
    expect(found[1]?.['what']).toMatch(new RegExp(` ${BERT}, .* ${ANNA}, .* ${ANNA}, `));
    expect(found[0]?.['advice']).toContain('fanfare senders remove');
    // The cure.
    await database.query(
      'delete from sender where account_id = 2 or (account_id = 3 and address = $1)',
      [SHARED],
    );
    expect(await examine(fanfare)).toEqual([]);
  });

  it('is not made by a new configuration: an account keeps what it has, and the log and the doctor say so', async () => {
    const fanfare = await startFanfare({ config: configWith() });
    const address = '+15007770001';
    await own(fanfare, address);
    const more = [
      { address: SHARED, channel: 'SMS', carrier: 'one' },
      { address: address.slice(1), channel: 'SMS', carrier: 'one' },
    ];
    await fanfare.terminate();
    await fanfare.restart(configWith({ senders: more }));
    expect(fanfare.errors()).toContain('senders[1]');
    expect(fanfare.errors()).not.toContain(address.slice(1));
    const senders = (await fanfare.get('/v1/Senders')).body['senders'] as Json[];
    expect(
      senders.filter((each) => each['status'] === 'ACTIVATED').map((each) => each['address']),
    ).toEqual([address, SHARED]);
    expect(await examine(fanfare)).toMatchObject([
      {
        check: 'senders',
        where: `SMS ${address} one`,
        what: expect.stringContaining('the configuration, which is left out'),
      },
    ]);
    // The account lets go, and the next start brings it in. One that the configuration has let go is free.
    const { id } = senders.find((each) => each['address'] === address) as Json;
    await fanfare.request('DELETE', `/v1/Senders/${id}`);
    await fanfare.terminate();
    await fanfare.restart(configWith({ senders: more.slice(1) }));
    expect(fanfare.errors()).not.toContain('senders[');
    expectTaken(await add(fanfare, address));
    await own(fanfare, SHARED);
    await fanfare.terminate();
    await fanfare.restart(configWith({ senders: more.slice(1) }));
    expect(await sendTo(fanfare, newPerson(), sms(SHARED))).toMatchObject({ total: 1 });
  });
});
