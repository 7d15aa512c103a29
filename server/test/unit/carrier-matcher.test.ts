/** Which message a receipt means that quotes the carrier's own id, where ids are each other's spellings. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCarrierMatcher } from '../../src/intake/carrier-matcher.ts';
import { foldProviderId, spellProviderId } from '../../src/domain/receipt.ts';
import type { CarrierReceipt, SentPart, Store } from '../../src/store/store.ts';

interface Given {
  readonly tries?: number;
  readonly from?: string;
  readonly carrier?: string;
  readonly mustMatch?: boolean;
}

/** A matcher that knows the submissions that were answered with these ids, each to a recipient of its own. */
function begin(ids: readonly string[], recipientOf: (id: string) => string = () => '') {
  const known: SentPart[] = ids.map((id) => part(id));
  function part(id: string, carrier = 'smsc'): SentPart {
    const recipients = [recipientOf(id)];
    return {
      carrier,
      providerId: id,
      accountId: 1,
      messageId: id,
      attempt: 1,
      parts: 1,
      recipients,
    };
  }
  const findSentParts: Store['receipts']['findSentParts'] = async (carriers, asked, how) =>
    known.filter(
      ({ carrier, providerId }) =>
        carriers.includes(carrier) &&
        (asked.includes(providerId) ||
          (how === 'folded' && asked.includes(foldProviderId(providerId)))),
    );
  const foreign: string[] = [];
  const matcher = createCarrierMatcher(
    { receipts: { findSentParts } } as unknown as Store,
    (carrier) => (carrier === 'alone' ? ['alone'] : ['smsc', 'twin']),
    (carrier) => foreign.push(carrier),
  );
  return {
    foreign,
    add: (id: string, carrier?: string) => void known.unshift(part(id, carrier)),
    /** The message that a receipt with this id is matched to. */
    async match(id: string, { tries = 0, from, carrier = 'smsc', mustMatch = false }: Given = {}) {
      const receipt: CarrierReceipt = {
        carrier,
        providerIds: spellProviderId(id),
        recipients: from === undefined ? null : [from],
        mustMatch,
        status: 'DELIVERED',
        code: null,
        detail: null,
      };
      const { matched, waiting } = await matcher.match([[receipt, tries]]);
      expect(matched.length + waiting.length).toBe(1);
      return matched[0]?.messageId ?? null;
    },
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}`);
/** The tries of a receipt that is never matched. */
const ALL_TRIES = Array.from({ length: 15 }, (_, i) => i);

describe('a receipt', () => {
  it('never matches another message once a spelling is known', async () => {
    const { match, add } = begin(numbers(400));
    for (const id of numbers(400)) await match(id, { tries: 7 });
    // The answer to 401 is lost; 191 is 401 in hexadecimal, and 1025 is 401 read as such.
    for (const tries of ALL_TRIES) expect(await match('401', { tries })).toBe(null);
    add('401');
    expect(await match('401')).toBe('401');
  });

  it('matches only messages to the recipient that it comes from', async () => {
    const recipientOf = (id: string) => `+49170${id.padStart(7, '0')}`;
    const { match, foreign } = begin(numbers(400), recipientOf);
    for (const tries of ALL_TRIES)
      expect(await match('401', { tries, from: recipientOf('401') })).toBe(null);
    expect(foreign).toEqual([]);
    expect(await match('12', { from: recipientOf('12').slice(1) })).toBe('12');
    expect(await match('12', { from: recipientOf('13') })).toBe(null);
    expect(foreign).toEqual(['smsc']);
    expect(await match('12', { from: '0' })).toBe('12');
    expect(await match('12', { from: '0', mustMatch: true })).toBe(null);
    expect(await match('12', { from: recipientOf('12'), mustMatch: true })).toBe('12');
  });

  it('is matched as it is where ids differ in case only', async () => {
    const ids = ['aB1', 'Ab1', 'AB1', 'ab1', '0ab1'];
    const { match } = begin(ids);
    for (const id of ids) expect(await match(id, { tries: 7 })).toBe(id);
    for (const id of ids) expect(await match(id)).toBe(id);
    for (const tries of ALL_TRIES) expect(await match('00ab1', { tries })).toBe(null);
  });

  it('is no one’s where several ids are alike and none is the same', async () => {
    const { match } = begin(['aB1', 'Ab1']);
    for (const tries of ALL_TRIES) expect(await match('ab1', { tries })).toBe(null);
  });

  it('means the latest message of an id that came round, or the one of its recipient', async () => {
    const { match, add } = begin([], (id) => (id === 'm1' ? '+4917000001' : ''));
    add('m1');
    expect(await match('m1')).toBe('m1');
    const other = begin(['m2'], () => '+4917000001');
    expect(await other.match('m2', { from: '4917000001' })).toBe('m2');
    expect(await other.match('m2', { from: '4917000002' })).toBe(null);
  });

  it('may come over another carrier of the same account, and over no other', async () => {
    const { match, add } = begin([]);
    add('t1', 'twin');
    expect(await match('t1', { carrier: 'smsc' })).toBe('t1');
    expect(await match('t1', { carrier: 'twin' })).toBe('t1');
    expect(await match('t1', { carrier: 'alone' })).toBe(null);
  });
});

describe('a spelling', () => {
  it('is learned from ids that nothing else can mean', async () => {
    const { match, add } = begin(['6699']);
    expect(await match('1A2B')).toBe(null);
    expect(await match('1A2B', { tries: 2 })).toBe('6699');
    add('6700');
    expect(await match('1A2C')).toBe('6700');
    // And not from then on: an id that only another one finds.
    add('abc');
    for (const tries of ALL_TRIES) expect(await match('ABC', { tries })).toBe(null);
  });

  it.each([
    ['upper case for lower', (n: number) => `x${n.toString(36)}`, (id: string) => id.toUpperCase()],
    [
      'lower case for upper',
      (n: number) => `X${n.toString(36).toUpperCase()}`,
      (id: string) => id.toLowerCase(),
    ],
    ['zeros in front', (n: number) => `${n}`, (id: string) => id.padStart(12, '0')],
    [
      'none in front',
      (n: number) => `${n}`.padStart(10, '0'),
      (id: string) => id.replace(/^0+/, ''),
    ],
    ['hexadecimal for decimal', (n: number) => `${n}`, (id: string) => Number(id).toString(16)],
    [
      'decimal for hexadecimal',
      (n: number) => n.toString(16).toUpperCase(),
      (id: string) => `${Number.parseInt(id, 16)}`,
    ],
  ])(
    'may be %s: every receipt finds its own, however dense ids are',
    async (_, inAnswer, inReceipt) => {
      const ids = Array.from({ length: 900 }, (_each, i) => inAnswer(100 + i));
      const recipientOf = (id: string) => `+4917${String(ids.indexOf(id)).padStart(7, '0')}`;
      const { match } = begin(ids, recipientOf);
      const wrong: unknown[] = [];
      for (const id of ids) {
        const found = await match(inReceipt(id), { tries: 2, from: recipientOf(id) });
        if (found !== id) wrong.push([id, found]);
      }
      expect(wrong).toEqual([]);
    },
  );

  it('that was learned wrongly is unlearned', async () => {
    const { match, add } = begin(['6699']);
    expect(await match('1A2B', { tries: 2 })).toBe('6699');
    for (const id of ['p1', 'p2', 'p3']) add(id);
    for (const id of ['p1', 'p2', 'p3']) await match(id);
    for (const id of ['p1', 'p2', 'p3']) expect(await match(id, { tries: 1 })).toBe(id);
  });

  it('never leads to a message whose id is not one of the receipt’s, nor to another recipient', async () => {
    const id = fc.oneof(
      fc.nat(300).map(String),
      fc.nat(300).map((n) => n.toString(16).toUpperCase()),
      fc.string({ unit: fc.constantFrom('a', 'A', 'b', '0', '1'), minLength: 1, maxLength: 4 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(id, { minLength: 1, maxLength: 60 }),
        fc.array(fc.tuple(id, fc.nat(9), fc.option(fc.nat(3))), { maxLength: 60 }),
        async (ids, receipts) => {
          const recipientOf = (each: string) => `+491700000${ids.indexOf(each) % 3}`;
          const { match } = begin(ids, recipientOf);
          for (const [each, tries, whose] of receipts) {
            const from = whose === null ? undefined : `491700000${whose}`;
            const found = await match(each, { tries, ...(from === undefined ? {} : { from }) });
            if (found === null) continue;
            expect(found === each || spellProviderId(each).includes(foldProviderId(found))).toBe(
              true,
            );
            if (from !== undefined) expect(recipientOf(found)).toBe(`+${from}`);
            // The same id goes before any that is like it, unless it went to somebody else.
            if (ids.includes(each) && from === undefined && tries === 0) expect(found).toBe(each);
          }
        },
      ),
    );
  });
});
