/** Converts addresses between Fanfare (E.164 with a plus) and SMPP (digits with type of number and numbering plan). */
import { NPI, TON } from './commands.ts';
import type { Numbering } from './options.ts';
import type { SmppAddress } from './pdu.ts';

/** Maximum length of an address in submit_sm (SMPP 3.4, 4.4.1: 21 octets with the NUL). */
const ADDRESS_LENGTH_MAX = 20;
/** Maximum number of digits of a short code. */
const SHORT_CODE_LENGTH_MAX = 6;

/**
 * The SMPP form of an address, without the plus; null if there is none (too long, or not Latin-1). The automatic types
 * (5.2.5, 5.2.6) are: `+` and digits: international, ISDN · up to 6 digits (short codes): network specific · more digits:
 * unknown, ISDN · anything else: alphanumeric. The standard does not define the last three plans; these are the plans that
 * SMSCs commonly require.
 */
export function toSmppAddress(address: string, numbering: Numbering): SmppAddress | null {
  const hasPlus = address.startsWith('+');
  const plain = hasPlus ? address.slice(1) : address;
  if (plain === '' || plain.length > ADDRESS_LENGTH_MAX) return null;
  let isDigits = true;
  for (let i = 0; i < plain.length; i += 1) {
    const unit = plain.charCodeAt(i);
    if (unit >= 0x30 && unit <= 0x39) continue;
    if (unit < 0x20 || unit > 0xff || (unit > 0x7e && unit < 0xa0)) return null;
    isDigits = false;
  }
  const { ton, npi } =
    numbering === 'auto' ? numberingOf(isDigits, hasPlus, plain.length) : numbering;
  return { ton, npi, address: plain };
}

const INTERNATIONAL = { ton: TON.international, npi: NPI.isdn } as const;
const ALPHANUMERIC = { ton: TON.alphanumeric, npi: NPI.unknown } as const;
const SHORT_CODE = { ton: TON.networkSpecific, npi: NPI.unknown } as const;
const UNKNOWN = { ton: TON.unknown, npi: NPI.isdn } as const;

function numberingOf(isDigits: boolean, hasPlus: boolean, length: number) {
  if (!isDigits) return ALPHANUMERIC;
  if (hasPlus) return INTERNATIONAL;
  return length <= SHORT_CODE_LENGTH_MAX ? SHORT_CODE : UNKNOWN;
}

/** The country whose numbers an SMSC writes without a country code, and its trunk prefix; null if unknown. */
export type Home = { readonly code: string; readonly trunk: string } | null;

/** Digits of the shortest number that is no short code, and of the longest. */
const NUMBER = /^[0-9]{7,15}$/;

/** The author of a message, or its receiver. */
export interface InboundParty {
  readonly address: string;
  /** A number of a country that is not known. No plus makes it another's number then. */
  readonly isNational: boolean;
}

/**
 * The reverse: adds a plus to international digits. National digits (5.2.5), and digits with the trunk prefix, belong to
 * `home`. So do a `person`'s digits of unknown type that do not start with its country code. Other addresses are unchanged.
 */
export function fromSmppAddress(
  { ton, address }: SmppAddress,
  home: Home,
  who: 'person' | 'sender',
): InboundParty {
  const as = (given: string, isNational = false) => ({ address: given, isNational });
  // No country code begins with 0, whatever is said of a number.
  const isMarked = ton === TON.international && !/^0[^0]/.test(address);
  if (isMarked && /^[0-9]+$/.test(address)) return as(`+${address}`);
  const isOpen = ton === TON.unknown || ton === TON.national || ton === TON.international;
  if (!isOpen || !NUMBER.test(address) || address.startsWith('00')) return as(address);
  const trunk = home?.trunk ?? '0';
  const hasTrunk = trunk !== '' && address.startsWith(trunk);
  const isNational = ton === TON.national || hasTrunk;
  if (home === null) return as(address, isNational);
  const isBare = who === 'person' && !address.startsWith(home.code);
  if (!isNational && !isBare) return as(address);
  return as(`+${home.code}${hasTrunk ? address.slice(trunk.length) : address}`);
}
