/**
 * Receipts: the carrier's later report on a submission. Duplicates, disorder and unmatched ones are normal.
 *
 * A receipt identifies its submission by our reference if the carrier returns it, otherwise by the carrier's own id. Such
 * an id is opaque (SMPP 3.4, 5.2.23) and is stored unchanged. Some carriers write it differently in the receipt: with
 * leading zeros, in the other case, or hexadecimal instead of decimal. So a receipt lists all possible meanings.
 */

/** The common part of all receipts. */
interface ReceiptNews {
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  /** Error code and the carrier's words, with `UNDELIVERED`. */
  readonly code?: number;
  readonly detail?: string;
  /** The recipient has complained, which counts as STOP. */
  readonly complaint?: true;
}

/** A receipt that quotes our reference, or the carrier's own id. */
export type Receipt = ReceiptNews &
  (
    | {
        /** The reference of the submission that it reports on. */
        readonly reference: string;
        readonly providerIds?: never;
      }
    | {
        readonly reference?: never;
        /** The carrier's id as the receipt has it, alone or as `spellProviderId` gives it. */
        readonly providerIds: readonly string[];
        /** One of them is the recipient's, as the far side writes addresses; absent: it does not say. */
        readonly recipients?: readonly string[];
        /** It counts only when it is certain that one of `recipients` is the message's. */
        readonly mustMatch?: true;
      }
  );

const KEPT_LENGTH_MAX = 256;

/**
 * A carrier's id as it can be stored, from answers and receipts: without control characters and lone surrogates, at most
 * 256 UTF-16 units. The result may be empty.
 */
export function keepableProviderId(id: string): string {
  return id
    .slice(0, KEPT_LENGTH_MAX * 2)
    .replaceAll(/\p{Cc}+/gu, '')
    .slice(0, KEPT_LENGTH_MAX)
    .toWellFormed();
}

/** Ids are at most 64 characters (SMPP 3.4, 5.2.23); numbers are not read from longer ones. */
const ID_LENGTH_MAX = 64;

/**
 * The common form of spellings of an id that differ in leading zeros and in the case of ASCII letters; may be empty. The
 * database has the same rule (migration 0014).
 */
export function foldProviderId(id: string): string {
  return id.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(/^0+/, '');
}

/** The places in the list of `spellProviderId`. */
export const SPELLINGS = ['exact', 'folded', 'decimal', 'hexadecimal'] as const;

/**
 * Possible meanings of the id in a receipt, in the order of `SPELLINGS`: itself; itself folded; itself read as
 * hexadecimal, in decimal; and the reverse. All but the first are folded. An entry is empty if it does not apply or
 * repeats an earlier one.
 */
export function spellProviderId(id: string): readonly string[] {
  const folded = foldProviderId(id);
  if (id.length > ID_LENGTH_MAX || !/^[0-9a-f]+$/.test(folded)) return [id, folded, '', ''];
  const decimal = BigInt(`0x${folded}`).toString();
  const hexadecimal = /^[0-9]+$/.test(folded) ? BigInt(folded).toString(16) : '';
  const isNew = (each: string) => each !== folded;
  return [
    id,
    folded,
    isNew(decimal) ? decimal : '',
    isNew(hexadecimal) && hexadecimal !== decimal ? hexadecimal : '',
  ];
}

/** A receipt whose reference has been read. */
export interface MatchedReceipt {
  readonly accountId: number;
  readonly messageId: string;
  readonly attempt: number;
  readonly status: 'DELIVERED' | 'READ' | 'UNDELIVERED';
  readonly code: number | null;
  readonly detail: string | null;
}

/** Fewer digits are not distinctive: short codes, and the 0 that some carriers write instead of an address. */
const DIGITS_MIN = 6;

/**
 * Whether an address in a carrier's spelling belongs to a message: international with or without `+` or `00`, national,
 * or with a prefix of the network. Null if this cannot be decided.
 */
export function areRecipients(
  written: readonly string[] | undefined,
  addresses: readonly string[],
): boolean | null {
  const [theirs, ours] = [(written ?? []).flatMap(digitsOf), addresses.flatMap(digitsOf)];
  if (theirs.length === 0 || ours.length === 0) return null;
  return theirs.some((their) => ours.some((our) => our.endsWith(their) || their.endsWith(our)));
}

function digitsOf(address: string): string[] {
  const digits = address.replace(/\D/g, '').replace(/^0+/, '');
  return digits.length < DIGITS_MIN ? [] : [digits];
}
