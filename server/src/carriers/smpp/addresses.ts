/** Addresses between Fanfare and SMPP: E.164 with a plus here, digits with type of number and numbering plan there. */
import { NPI, TON } from './commands.ts';
import type { Numbering } from './options.ts';
import type { SmppAddress } from './pdu.ts';

/** Most characters of an address in submit_sm (SMPP 3.4, 4.4.1: 21 octets with the NUL). */
const ADDRESS_LENGTH_MAX = 20;
/** Digits alone, up to so many, are a short code. */
const SHORT_CODE_LENGTH_MAX = 6;

/**
 * An address as SMPP has it, without the plus; null when it cannot be one (too long, or not Latin-1). Automatically
 * (5.2.5, 5.2.6): `+` and digits: international, ISDN · up to 6 digits: network specific, as short codes belong to a
 * network · more digits: unknown, ISDN · all else: alphanumeric. The last three plans are what SMSCs commonly ask for;
 * the standard leaves them open.
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

/** The reverse: a plus before digits that are said to be international, all else as it is. */
export function fromSmppAddress({ ton, address }: SmppAddress): string {
  return ton === TON.international && /^[0-9]+$/.test(address) ? `+${address}` : address;
}
