/**
 * Matches receipts that quote a carrier's own id. Carriers write an id in the receipt in another spelling than in the
 * answer, hexadecimal for decimal or the reverse, so one id may name two messages. Which spelling a carrier uses is
 * learned from receipts that leave no doubt; those in doubt wait until it is known.
 */
import type { CarrierReceipt, MatchedReceipt, PartNews, SentPart, Store } from '../store/store.ts';

export interface CarrierMatcher {
  /**
   * Each receipt comes with the number of times that it was tried before. `matched` is to be applied; `waiting` is to
   * be tried again later; the rest are parts of messages whose other parts are awaited.
   */
  match(receipts: readonly (readonly [CarrierReceipt, tries: number])[]): Promise<{
    readonly matched: readonly MatchedReceipt[];
    readonly waiting: readonly CarrierReceipt[];
  }>;
}

/** While no spelling is known, an id that only another one finds counts from this try on. */
const TRIES_FOR_UNKNOWN = 2;
/**
 * Where a spelling is known, an id that only another one finds counts from this try on, half a minute after it came: the
 * answer to its submission may be known to a node that the database is away from. In doubt between several, the plainest
 * spelling counts then.
 */
const TRIES_FOR_DOUBTFUL = 7;

export function createCarrierMatcher(store: Store): CarrierMatcher {
  /** By carrier, how often each place in the list of spellings was the right one. */
  const votes = new Map<string, number[]>();

  /** The place in `providerIds` that counts, or null while that is not certain. */
  function choose(
    { lane, providerIds }: CarrierReceipt,
    tries: number,
    isKnown: (id: string) => boolean,
  ): number | null {
    const own = votes.get(lane);
    const usual = own === undefined ? 0 : own.indexOf(Math.max(...own));
    const places = [...providerIds.keys()].filter((place) => isKnown(providerIds[place] ?? ''));
    const [first] = places;
    if (first === undefined) return null;
    // A short list leaves out spellings that are alike.
    if (providerIds.length === 1) return first;
    if (places.includes(usual) && (own !== undefined || places.length === 1))
      return vote(lane, usual);
    if (own === undefined && places.length === 1 && tries >= TRIES_FOR_UNKNOWN)
      return vote(lane, first);
    return tries >= TRIES_FOR_DOUBTFUL ? first : null;
  }

  function vote(lane: string, place: number): number {
    const own = votes.get(lane) ?? [0, 0, 0];
    own[place] = (own[place] ?? 0) + 1;
    votes.set(lane, own);
    return place;
  }

  return {
    async match(receipts) {
      const known = new Map<string, ReadonlyMap<string, SentPart>>();
      for (const lane of new Set(receipts.map(([{ lane: each }]) => each))) {
        const ids = receipts.flatMap(([each]) => (each.lane === lane ? each.providerIds : []));
        known.set(lane, await store.receipts.findSentParts(lane, ids));
      }
      const matched: MatchedReceipt[] = [];
      const waiting: CarrierReceipt[] = [];
      const ofParts: PartNews[] = [];
      for (const [receipt, tries] of receipts) {
        const parts = known.get(receipt.lane);
        const place = choose(receipt, tries, (id) => parts?.has(id) ?? false);
        const part = place === null ? undefined : parts?.get(receipt.providerIds[place] ?? '');
        if (part === undefined) waiting.push(receipt);
        else if (part.parts > 1) ofParts.push({ part, receipt });
        else {
          const { accountId, messageId, attempt } = part;
          const { status, code, detail } = receipt;
          matched.push({ accountId, messageId, attempt, status, code, detail });
        }
      }
      if (ofParts.length > 0) matched.push(...(await store.receipts.combineParts(ofParts)));
      return { matched, waiting };
    },
  };
}
