/** A message that somebody sent to one of our senders. */
import type { Keyword } from './keywords.ts';
import type { Channel } from './message.ts';

export interface InboundMessage {
  readonly channel: Channel;
  /** Who wrote: E.164 with a plus where the carrier says that the number is international, else as it came. */
  readonly from: string;
  /** `from` is a number of a country that nobody knows: it stays as it came. Absent: it is not. */
  readonly isNational?: true;
  /** The address of ours that it was sent to, in the same form. */
  readonly to: string;
  /** The provider's service that the address belongs to and that may be a sender in its place; absent: none. */
  readonly service?: string;
  /** Whole: parts are put together. */
  readonly text: string;
  /**
   * What the carrier itself takes it for, whatever the text says. It has done so on its side and has answered; absent: it
   * has no word on it.
   */
  readonly keyword?: Keyword;
  /** The carrier's id of it, or null. */
  readonly providerId: string | null;
  readonly receivedAt: Date;
}

/** As few digits as an international number has that is not a short code. */
const INTERNATIONAL_DIGITS_MIN = 10;

/**
 * An address as messages have it, by which an opt-out must find its person. Carriers leave the plus out, write 00 for it, or put
 * decoration between the digits: ten digits and more that do not begin with 0 are taken for an international number. Everything
 * else is a short code, a national number or a word, and stays.
 */
export function normaliseInboundAddress(address: string): string {
  const bare = address.trim();
  const plain = bare.replace(/^tel:/i, '').replaceAll(/[\s().-]+/g, '');
  const [, prefix, digits = ''] = /^(\+|\+?00)?([1-9]\d*)$/.exec(plain) ?? [];
  const isLong = digits.length >= (prefix === undefined ? INTERNATIONAL_DIGITS_MIN : DIGITS_MIN);
  return isLong && digits.length <= 15 ? `+${digits}` : bare;
}

/** Digits of the shortest international numbers, which some islands have. */
const DIGITS_MIN = 7;
