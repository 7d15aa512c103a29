/**
 * Receipts: the carrier's later word on a submission. Duplicates, disorder and strangers are normal.
 *
 * A receipt names its submission by our reference where the carrier can carry one, else by the carrier's own id. Such
 * ids come back in another spelling than they were given in: with leading zeros, in the other case, hexadecimal where
 * the answer was decimal. So an id is kept in one canonical form, and a receipt lists what it may mean.
 */

/** What every receipt says. */
interface ReceiptNews {
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  /** Error code and the carrier's words, with `UNDELIVERED`. */
  readonly code?: number;
  readonly detail?: string;
  /** The recipient has called it unwanted, which is a word to stop. */
  readonly complaint?: true;
}

/** A receipt that quotes our reference, or the carrier's own id. */
export type Receipt = ReceiptNews &
  (
    | {
        /** The reference of the submission it speaks of. */
        readonly reference: string;
        readonly providerIds?: never;
      }
    | {
        readonly reference?: never;
        /** Canonical ids of the carrier that it may mean, best first; at least one. */
        readonly providerIds: readonly string[];
      }
  );

const KEPT_LENGTH_MAX = 256;

/**
 * A carrier's id as it can be kept, in answers and receipts alike: without control characters and halves of surrogate
 * pairs, of at most 256 UTF-16 units. May come out empty.
 */
export function keepableProviderId(id: string): string {
  return id
    .slice(0, KEPT_LENGTH_MAX * 2)
    .replaceAll(/\p{Cc}+/gu, '')
    .slice(0, KEPT_LENGTH_MAX)
    .toWellFormed();
}

/** The one spelling of a carrier's id: without leading zeros, in lower case. The empty id stays empty. */
export function canonicalProviderId(id: string): string {
  return id
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
}

/** Ids are at most 64 characters (SMPP 3.4, 5.2.23); numbers are not read from longer ones. */
const ID_LENGTH_MAX = 64;

/**
 * What the id in a receipt may mean, canonical, best first: itself, itself read as hexadecimal and written in decimal,
 * and the reverse. At most three, without repetitions; none for an empty id.
 */
export function candidateProviderIds(id: string): readonly string[] {
  const own = canonicalProviderId(id);
  if (own === '') return [];
  const found = [own];
  if (own.length <= ID_LENGTH_MAX && /^[0-9a-f]+$/.test(own)) {
    found.push(BigInt(`0x${own}`).toString());
    if (/^[0-9]+$/.test(own)) found.push(BigInt(own).toString(16));
  }
  return [...new Set(found)];
}
