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
  const plain = address.startsWith('+') ? address.slice(1) : address;
  if (plain === '' || plain.length > ADDRESS_LENGTH_MAX || !/^[\x20-\x7e\xa0-\xff]+$/.test(plain))
    return null;
  return { ...(numbering === 'auto' ? numberingOf(address) : numbering), address: plain };
}

function numberingOf(address: string): { ton: number; npi: number } {
  if (/^\+[0-9]+$/.test(address)) return { ton: TON.international, npi: NPI.isdn };
  if (!/^[0-9]+$/.test(address)) return { ton: TON.alphanumeric, npi: NPI.unknown };
  return address.length <= SHORT_CODE_LENGTH_MAX
    ? { ton: TON.networkSpecific, npi: NPI.unknown }
    : { ton: TON.unknown, npi: NPI.isdn };
}

/** The reverse: a plus before digits that are said to be international, all else as it is. */
export function fromSmppAddress({ ton, address }: SmppAddress): string {
  return ton === TON.international && /^[0-9]+$/.test(address) ? `+${address}` : address;
}
