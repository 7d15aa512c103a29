/**
 * Matches receipts that quote a carrier's own id. An exact match of the id has priority. Some
 * carriers spell the id differently in receipts, so one id may name two messages. The spelling of
 * a carrier is learned from unambiguous receipts; afterwards, an id that does not match in this
 * spelling is unmatched. A receipt from one recipient's address never matches a message to another
 * recipient (SMPP 3.4, 4.6.1).
 */
import { areRecipients, foldProviderId } from '../domain/receipt.ts';
import type {
  CarrierReceipt,
  MatchedReceipt,
  PartReceipt,
  SentPart,
  Store,
} from '../store/store.ts';

export interface CarrierMatcher {
  /**
   * Each receipt comes with the number of its earlier tries. `matched` receipts can be applied; `waiting` receipts are
   * to be tried again later. All others are parts of messages whose other parts are awaited.
   */
  match(receipts: readonly (readonly [CarrierReceipt, tries: number])[]): Promise<{
    readonly matched: readonly MatchedReceipt[];
    readonly waiting: readonly CarrierReceipt[];
  }>;
}

/** While no spelling is known, an id that only another one finds is learned from at this try. */
const TRIES_TO_LEARN = 2;
/** While no spelling is known, the id as it is counts from this try on, half a minute after it came, in any doubt. */
const TRIES_FOR_PLAIN = 7;

/** A message that a receipt may mean, and by which spelling: its place in `providerIds`. */
interface Meaning {
  readonly part: SentPart;
  readonly place: number;
}

/** The decision on a receipt: its message, if that is certain, and the spelling that it supports. */
interface Verdict {
  readonly part: SentPart | null;
  readonly vote: number | null;
}

const UNDECIDED: Verdict = { part: null, vote: null };

/**
 * Decides the meaning of a receipt.
 * @param meanings possible meanings, the latest messages first, without messages to other recipients
 * @param usual the position of the known spelling of its carrier; null while none is known
 */
export function decide(meanings: readonly Meaning[], usual: number | null, tries: number): Verdict {
  const places = [...new Set(meanings.map(({ place }) => place))].toSorted();
  const [first] = places;
  if (first === undefined) return UNDECIDED;
  const at = (place: number): Verdict => {
    const own = meanings.filter((each) => each.place === place);
    // One id of several messages means the latest; several ids that are alike mean none of them for certain.
    const isOne = own.every(({ part }) => part.providerId === own[0]?.part.providerId);
    return { part: isOne ? (own[0]?.part ?? null) : null, vote: isOne ? place : null };
  };
  if (usual !== null && places.includes(usual)) return at(usual);
  const isAlone = places.length === 1;
  if (usual !== null)
    // It supports another spelling, once. If many do, the learned spelling was wrong.
    return isAlone && tries === (first === 0 ? 0 : TRIES_TO_LEARN)
      ? { part: null, vote: at(first).vote }
      : UNDECIDED;
  if (first === 0 && (isAlone || tries >= TRIES_FOR_PLAIN)) return at(0);
  return isAlone && tries >= TRIES_TO_LEARN ? at(first) : UNDECIDED;
}

/**
 * @param carriersOf the carriers over any of which a receipt on this one's messages may come, itself included
 * @param onForeign called once for a carrier when a receipt's id names only messages of other recipients
 */
export function createCarrierMatcher(
  store: Store,
  carriersOf: (carrier: string) => readonly string[],
  onForeign: (carrier: string) => void,
): CarrierMatcher {
  /** By the first of the carriers that share receipts, how often each place was the right one. */
  const votes = new Map<string, number[]>();
  const foreign = new Set<string>();

  function usualOf(group: string): number | null {
    const own = votes.get(group);
    return own === undefined ? null : own.indexOf(Math.max(...own));
  }

  function vote(group: string, place: number): void {
    const own = votes.get(group) ?? [0, 0, 0, 0];
    own[place] = (own[place] ?? 0) + 1;
    votes.set(group, own);
  }

  /** The found messages that a receipt can mean. */
  function listMeanings(
    receipt: CarrierReceipt,
    found: ReadonlyMap<string, SentPart[]>,
  ): Meaning[] {
    const meanings: Meaning[] = [];
    let others = 0;
    for (const [place, id] of receipt.providerIds.entries())
      for (const part of found.get(keyOf(place, id)) ?? []) {
        if (place === 1 && part.providerId === receipt.providerIds[0]) continue;
        const isRecipient = areRecipients(receipt.recipients ?? undefined, part.recipients);
        if (isRecipient ?? !receipt.mustMatch) meanings.push({ part, place });
        else if (place === 0) others += 1;
      }
    if (others > 0 && meanings.length === 0 && !foreign.has(receipt.carrier)) {
      foreign.add(receipt.carrier);
      onForeign(receipt.carrier);
    }
    return meanings;
  }

  /**
   * All possible meanings of the receipts of one group: by the id as received, and by its folded form. Receipts of a
   * carrier that is known to write ids unchanged skip the second look-up.
   */
  async function find(
    group: string,
    receipts: readonly (readonly [CarrierReceipt, tries: number])[],
  ): Promise<ReadonlyMap<string, SentPart[]>> {
    const found = new Map<string, SentPart[]>();
    const note = (key: string, part: SentPart) => {
      const own = found.get(key);
      if (own === undefined) found.set(key, [part]);
      else if (!own.includes(part)) own.push(part);
    };
    const carriers = carriersOf(group);
    const exact = receipts.map(([{ providerIds }]) => providerIds[0] ?? '');
    for (const part of await store.receipts.findSentParts(carriers, exact, 'exact'))
      note(keyOf(0, part.providerId), part);
    const isPlain = usualOf(group) === 0;
    const wanted = receipts
      .flatMap(([{ providerIds }, tries]) => (isPlain && tries === 0 ? [] : providerIds.slice(1)))
      .filter((id) => id !== '');
    if (wanted.length === 0) return found;
    for (const part of await store.receipts.findSentParts(carriers, wanted, 'folded'))
      note(keyOf(1, foldProviderId(part.providerId)), part);
    return found;
  }

  return {
    async match(receipts) {
      const groups = new Map<string, (readonly [CarrierReceipt, number])[]>();
      for (const each of receipts) {
        const group = carriersOf(each[0].carrier)[0] ?? each[0].carrier;
        const own = groups.get(group);
        if (own === undefined) groups.set(group, [each]);
        else own.push(each);
      }
      const matched: MatchedReceipt[] = [];
      const waiting: CarrierReceipt[] = [];
      const ofParts: PartReceipt[] = [];
      for (const [group, own] of groups) {
        const found = await find(group, own);
        for (const [receipt, tries] of own) {
          const verdict = decide(listMeanings(receipt, found), usualOf(group), tries);
          if (verdict.vote !== null) vote(group, verdict.vote);
          const { part } = verdict;
          if (part === null) waiting.push(receipt);
          else if (part.parts > 1) ofParts.push({ part, receipt });
          else {
            const { accountId, messageId, attempt } = part;
            const { status, code, detail } = receipt;
            matched.push({ accountId, messageId, attempt, status, code, detail });
          }
        }
      }
      if (ofParts.length > 0) matched.push(...(await store.receipts.combineParts(ofParts)));
      return { matched, waiting };
    },
  };
}

/** The id as it is has a place of its own; all others are folded. */
function keyOf(place: number, id: string): string {
  return `${place === 0 ? '=' : '~'}${id}`;
}
