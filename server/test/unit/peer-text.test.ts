/** Texts of peers reach the database in a storable form: no NUL, no lone surrogates, limited length. */
import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/carriers/http/classify.ts';
import { describeCloud } from '../../src/carriers/http/preset-cloud.ts';
import { createReceiptParser } from '../../src/carriers/http/receipt-parser.ts';
import { scopeOf } from '../../src/carriers/http/template.ts';
import type { Carrier, Receipt, SendResult } from '../../src/carriers/carrier.ts';
import { compose, deliver, type DeliveryContext } from '../../src/dispatch/deliver.ts';
import { parseContent } from '../../src/domain/content.ts';
import { attemptReference, messageUuid } from '../../src/domain/ids.ts';
import { keepableProviderId } from '../../src/domain/receipt.ts';
import { createInboundIntake } from '../../src/intake/inbound.ts';
import { createReceiptIntake } from '../../src/intake/receipts.ts';
import {
  DatabaseUnavailable,
  type CarrierReceipt,
  type MatchedReceipt,
  type ReceiptTally,
  type Store,
} from '../../src/store/store.ts';
import { aSubmission } from '../support/carrier-conformance.ts';

const OPERATION = '0192f0a0-aaaa-7bcd-9e01-234500000000';
const HALF = '\ud83d';
/** What PostgreSQL refuses as text, or would store as something else. */
const BAD = ['a\0b', `a${HALF}b`, `${'x'.repeat(5_000)}${HALF}`, '\u0001\0', '\0'];
const log = pino({ level: 'silent' });

/** Whether PostgreSQL keeps the text as it is. */
const isKept = (text: string | null) =>
  text === null || (!text.includes('\0') && text.isWellFormed() && text.length <= 500);

async function settle(result: SendResult) {
  const carrier: Carrier = {
    name: 'line',
    channels: new Set(['SMS'] as const),
    ambiguous: 'hold',
    quotesOwnIds: true,
    windowMax: 1,
    start: async () => undefined,
    send: async () => result,
    stop: async () => undefined,
  };
  const content = parseContent({ text: 'Hello', mediaUrls: [] });
  if (!content.ok) throw new Error('Content');
  const context: DeliveryContext = {
    operation: {
      content: content.content,
      plan: { senders: [{ address: '+15005550100', channel: 'SMS', carrier: 'line' }] },
      renderAt: new Date(),
      expireAt: null,
    },
    batch: {
      id: '1',
      accountId: 100,
      operationId: OPERATION,
      candidate: 0,
      attempt: 1,
      tries: 0,
      highWaterMark: 1,
      inDoubtMark: 0,
      ordinals: [0],
      lease: 1,
      cancelRequested: false,
      expired: false,
      sender: null,
    },
    retry: { triesMax: 3, delayMs: 100, delayMaxMs: 1_000 },
    jitter: 1,
    attachments: [],
    emailLinks: null,
  };
  const message = {
    ordinal: 0,
    id: messageUuid(OPERATION, 0),
    status: 'QUEUED',
    attempt: 0,
    addresses: [{ address: '+4917012345', channel: 'PHONE' }],
    variables: null,
    scheduledFor: null,
    mayBeSuppressed: false,
  } as const;
  const composed = compose(message, context);
  if (typeof composed === 'number') throw new Error('Composed');
  const delivery = await deliver(carrier, message, composed, context);
  if (delivery.kind !== 'settle') throw new Error('Settle');
  return delivery.settlement;
}

describe('an answer', () => {
  it.each(BAD.map((id) => [id.slice(0, 8), id] as const))(
    'with the id %j is settled with an id that can be kept',
    async (_, id) => {
      const { outcome, providerId, quoted } = await settle({
        kind: 'accepted',
        providerId: id,
        partIds: [id, 'b'],
      });
      expect(outcome).toBe('SENT');
      expect(isKept(providerId)).toBe(true);
      expect(quoted?.ids.every(isKept)).toBe(true);
      expect(quoted?.ids).toEqual([keepableProviderId(id), 'b'].filter((each) => each !== ''));
    },
  );

  it.each(BAD.map((words) => [words.slice(0, 8), words] as const))(
    'with the words %j is settled with words that can be kept',
    async (_, detail) => {
      for (const kind of ['rejected', 'retry', 'unknown'] as const)
        expect(isKept((await settle({ kind, code: 30008, detail })).errorDetail)).toBe(true);
    },
  );

  it('over HTTP is accepted with the readable part of its id, and unknown without one', () => {
    const description = describeCloud({
      baseUrl: 'https://graph.example',
      version: 'v23.0',
      phoneNumberId: '1',
      accessToken: 't',
      appSecret: 's',
      verifyToken: 'v',
      template: null,
    });
    const classify = createClassifier(description);
    const submission = aSubmission();
    const scope = scopeOf(submission, new Date(), {
      fitted: { form: 'plain', ...submission },
      messageUuid: 'x',
      receiptsUrl: null,
    });
    const read = (id: string) =>
      classify(
        {
          kind: 'answer',
          status: 200,
          headers: {},
          body: JSON.stringify({ messages: [{ id }] }),
          isWhole: true,
        },
        scope,
        0,
      );
    expect(read('wamid.\0A\u0001B')).toEqual({ kind: 'accepted', providerId: 'wamid.AB' });
    expect(read('\0').kind).toBe('unknown');
  });
});

/** An intake on a store that refuses whatever PostgreSQL would, and one item that is named. */
function begin(poison: string) {
  const applied: MatchedReceipt[] = [];
  const parked: CarrierReceipt[] = [];
  const tallies: ReceiptTally[] = [];
  const refuse = (texts: readonly (string | null)[]) => {
    if (texts.some((text) => text?.includes('\0'))) throw new Error('22021');
    if (texts.includes(poison)) throw new Error('A bug');
  };
  const nothing = { applied: 0, parked: 0, ignored: 0, unmatched: 0 };
  const store = {
    receipts: {
      async findSentParts([carrier = '']: readonly string[], ids: readonly string[]) {
        refuse(ids);
        return ids
          .filter((id) => id.startsWith('known'))
          .map((id) => ({
            carrier,
            providerId: id,
            accountId: 1,
            messageId: id,
            attempt: 1,
            parts: 1,
            recipients: [],
          }));
      },
      async parkCarrierReceipts(receipts: readonly CarrierReceipt[]) {
        refuse(receipts.flatMap((each) => [...each.providerIds, each.detail]));
        parked.push(...receipts);
      },
      async applyReceipts(receipts: readonly MatchedReceipt[]) {
        refuse(receipts.map((each) => each.detail));
        applied.push(...receipts);
        return { ...nothing, applied: receipts.length };
      },
    },
  } as unknown as Store;
  const intake = createReceiptIntake({
    store,
    log,
    delayMs: 1,
    batchMax: 1_000,
    waitingMax: 10_000,
    outcomesWritten: async () => undefined,
    carriersOf: (carrier) => [carrier],
    onApplied: (tally) => void tallies.push(tally),
    onRefused: () => undefined,
  });
  const sum = (name: keyof ReceiptTally) => tallies.reduce((all, each) => all + each[name], 0);
  return { intake, applied, parked, sum };
}

describe('receipts', () => {
  it('are matched and parked though one among them cannot be', async () => {
    const { intake, applied, parked, sum } = begin('poison');
    const receipts = Array.from({ length: 100 }, (_, i): Receipt => ({
      providerIds: [i === 37 ? 'poison' : i % 2 === 0 ? `known-${i}` : `other-${i}`],
      status: 'DELIVERED',
    }));
    await intake.take('line', receipts);
    expect(new Set(applied.map(({ messageId }) => messageId)).size).toBe(50);
    expect(applied).toHaveLength(50);
    expect(parked).toHaveLength(49);
    expect([sum('applied'), sum('parked'), sum('unmatched')]).toEqual([50, 49, 1]);
  });

  it('are applied though the words of one among them cannot be kept', async () => {
    const { intake, applied, sum } = begin('poison');
    const receipts = Array.from({ length: 64 }, (_, i): Receipt => ({
      reference: attemptReference(100, messageUuid(OPERATION, i), 1),
      status: 'UNDELIVERED',
      code: 30003,
      detail: i === 5 ? 'poison' : 'gone',
    }));
    await intake.take('line', receipts);
    expect(applied).toHaveLength(64);
    expect(applied.filter(({ detail }) => detail === null)).toHaveLength(1);
    expect([sum('applied'), sum('unmatched')]).toEqual([64, 0]);
  });

  it('bring ids and words that can be kept, whatever they bring', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            id: fc.oneof(fc.constantFrom(...BAD), fc.string({ unit: 'binary' })),
            detail: fc.oneof(fc.constantFrom(...BAD), fc.string({ unit: 'binary' })),
          }),
          { minLength: 1, maxLength: 10 },
        ),
        async (given) => {
          const { intake, applied, parked, sum } = begin('poison');
          await intake.take(
            'line',
            given.map(({ id, detail }) => ({
              providerIds: [id],
              status: 'UNDELIVERED',
              code: 30003,
              detail,
            })),
          );
          for (const each of parked)
            expect([...each.providerIds, each.detail].every(isKept)).toBe(true);
          for (const each of applied) expect(isKept(each.detail)).toBe(true);
          expect(applied.length + parked.length + sum('unmatched')).toBe(given.length);
        },
      ),
    );
  });

  it('find the message by an id that both sides had to clean', async () => {
    const { intake, applied } = begin('poison');
    await intake.take('line', [{ providerIds: ['known\0-1'], status: 'DELIVERED' }]);
    expect(applied).toMatchObject([{ messageId: keepableProviderId('known\0-1') }]);
  });
});

it('a provider’s call brings ids that can be kept', () => {
  const parse = createReceiptParser({
    request: { method: 'POST', url: 'https://p.example/', auth: { kind: 'none' } },
    response: { id: { pointer: '/id' } },
    receipts: {
      verify: { kind: 'none' },
      format: 'json',
      statuses: {
        events: '/*',
        providerId: '/id',
        status: '/status',
        words: { ok: 'DELIVERED' },
      },
      inbound: {
        events: '/*',
        when: '/text',
        channel: 'SMS',
        from: '/f',
        to: '/t',
        text: '/text',
        id: '/id',
      },
    },
  });
  const body = [
    { id: 'a\0b', status: 'ok' },
    { id: '\0', status: 'ok' },
    { id: 'c', status: 'ok' },
    { id: 'd\0', f: '+4917\x0012345', t: '+1', text: `Hi\0${HALF}` },
  ];
  const { receipts, inbound } = parse(
    {
      method: 'POST',
      path: '/',
      fullUrl: 'https://x.example/',
      headers: {},
      query: {},
      rawBody: Buffer.from(JSON.stringify(body)),
    },
    new Date(),
  );
  expect(receipts.map((each) => each.providerIds)).toEqual([['ab'], ['c']]);
  expect(inbound).toMatchObject([{ from: '+491712345', providerId: 'd' }]);
  expect(isKept(inbound[0]?.text ?? '\0')).toBe(true);
});

describe('inbound messages', () => {
  const take = async (failing: Error) => {
    const kept: string[] = [];
    const store = {
      inbound: {
        async recordInbound({ text }: { text: string }) {
          if (text === 'poison') throw failing;
          kept.push(text);
          return 'recorded';
        },
        listUnanswered: async () => [],
      },
    } as unknown as Store;
    const intake = createInboundIntake({
      store,
      log,
      submitter: {} as never,
      findKeyword: null,
      scope: 'account',
      carriersOf: (carrier) => [carrier],
      onRefused: () => undefined,
    });
    const message = (text: string) =>
      ({
        channel: 'SMS',
        from: '+1',
        to: '+2',
        text,
        providerId: null,
        receivedAt: new Date(),
      }) as const;
    return { kept, taken: intake.take('line', [message('a'), message('poison'), message('b')]) };
  };

  it('are kept though one among them cannot be', async () => {
    const { kept, taken } = await take(new Error('A bug'));
    await expect(taken).rejects.toThrow('A bug');
    expect(kept).toEqual(['a', 'b']);
  });

  it('are delivered again when the database is unavailable', async () => {
    const { taken } = await take(new DatabaseUnavailable('away'));
    await expect(taken).rejects.toThrow('away');
  });
});
