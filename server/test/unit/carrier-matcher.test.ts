/** Which message a receipt means that quotes the carrier's own id, where ids are each other's spellings. */
import { expect, it } from 'vitest';
import { createCarrierMatcher } from '../../src/intake/carrier-matcher.ts';
import type { CarrierReceipt, SentPart, Store } from '../../src/store/store.ts';

/** A matcher that knows the submissions that were answered with these ids. */
function begin(...ids: string[]) {
  const known = new Map(ids.map((id) => [id, part(id)]));
  const findSentParts = async (_lane: string, asked: readonly string[]) =>
    new Map([...known].filter(([id]) => asked.includes(id)));
  const matcher = createCarrierMatcher({ receipts: { findSentParts } } as unknown as Store);
  return {
    add: (id: string) => void known.set(id, part(id)),
    async match(tries: number, ...providerIds: string[]) {
      const receipt: CarrierReceipt = {
        lane: 'smsc',
        providerIds: providerIds as [string, ...string[]],
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

function part(id: string): SentPart {
  return { lane: 'smsc', providerId: id, accountId: 1, messageId: id, attempt: 1, parts: 1 };
}

it('does not take another message while the answer that is meant may still be to come', async () => {
  const { match, add } = begin('12', '64');
  // In decimal as it stands, as hexadecimal, and in hexadecimal: 12 is so learned to be 12.
  expect(await match(0, '12', '18', 'c')).toBe('12');
  // 100 is not known yet, and 64 is what 100 is in hexadecimal.
  for (const tries of [0, 1, 2, 3, 4]) expect(await match(tries, '100', '256', '64')).toBe(null);
  add('100');
  expect(await match(5, '100', '256', '64')).toBe('100');
  // Half a minute later it is what it can be.
  expect(await match(7, '101', '257', '64')).toBe('64');
});

it('learns a spelling from ids that nothing else can mean', async () => {
  const { match, add } = begin('6699');
  expect(await match(0, '1a2b', '6699')).toBe(null);
  expect(await match(2, '1a2b', '6699')).toBe('6699');
  add('6700');
  expect(await match(0, '1a2c', '6700')).toBe('6700');
});
