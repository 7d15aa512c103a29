/** An inbound message: from a person to one of our senders. */
import type { Keyword } from './keywords.ts';
import type { Channel } from './message.ts';

export interface InboundMessage {
  readonly channel: Channel;
  /** The sender: E.164 with a plus if the carrier marks the number as international, else as received. */
  readonly from: string;
  /** `from` is a national number without a known country and stays as received. Absent: it is not. */
  readonly isNational?: true;
  /** The address of ours that it was sent to, in the same form. */
  readonly to: string;
  /** The provider's service that the address belongs to and that may be a sender in its place; absent: none. */
  readonly service?: string;
  /** Whole: parts are put together. */
  readonly text: string;
  /**
   * The keyword that the carrier itself recognised, whatever the text says. The carrier has acted on it and answered;
   * absent: it recognised none.
   */
  readonly keyword?: Keyword;
  /** The carrier's id of it, or null. */
  readonly providerId: string | null;
  readonly receivedAt: Date;
}

/** Minimum number of digits of an international number, as opposed to a short code. */
const INTERNATIONAL_DIGITS_MIN = 10;

/**
 * Normalizes a sender's address to the form of messages, so that an opt-out finds the person. Carriers omit the plus, write 00,
 * or put separators between digits. Ten or more digits that do not start with 0 count as an international number. Other
 * addresses are short codes, national numbers or names, and stay unchanged.
 */
export function normaliseInboundAddress(address: string): string {
  const bare = address.trim();
  const plain = bare.replace(/^tel:/i, '').replaceAll(/[\s().-]+/g, '');
  const [, prefix, digits = ''] = /^(\+|\+?00)?([1-9]\d*)$/.exec(plain) ?? [];
  const isLong = digits.length >= (prefix === undefined ? INTERNATIONAL_DIGITS_MIN : DIGITS_MIN);
  return isLong && digits.length <= 15 ? `+${digits}` : bare;
}

/** Digits of the shortest international numbers, which belong to some islands. */
const DIGITS_MIN = 7;
