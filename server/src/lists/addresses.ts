/** Normalizes addresses of any kind from the spellings of people to the spelling of the API. Pure. */
import { findEmailAddressProblem } from '../domain/email-address.ts';
import { DECORATION, quote, stripInvisible, toPlainDigits } from './characters.ts';
import type { Country } from './countries.ts';
import { cleanNumber, NO_ADDRESS, type Cleaned } from './numbers.ts';

/** The kind of addresses in a list; ANY: numbers and e-mail addresses, distinguished by the @. */
export type AddressKind = 'PHONE' | 'WHATSAPP' | 'EMAIL' | 'ANY';

export function cleanAddress(kind: AddressKind, given: string, country: Country | null): Cleaned {
  if (kind === 'EMAIL' || (kind === 'ANY' && given.includes('@'))) return cleanEmail(given);
  return cleanNumber(given, country);
}

function cleanEmail(given: string): Cleaned {
  const text = stripInvisible(given).replace(/^mailto:/i, '');
  if (text === '') return NO_ADDRESS;
  const found = findEmailAddressProblem(text);
  if (found === null) return { address: text, problem: null };
  const reason = text.includes('@')
    ? `${quote(given)} is not an e-mail address: ${found.charAt(0).toLowerCase()}${found.slice(1)}`
    : `${quote(given)} is not an e-mail address.`;
  return { address: null, problem: { reason, cure: null } };
}

/** Whether a cell looks like a valid or invalid address. It is then neither a column name nor a value. */
export function looksLikeAddress(kind: AddressKind, cell: string): boolean {
  const text = stripInvisible(cell);
  if (kind === 'EMAIL' || (kind === 'ANY' && text.includes('@')))
    return /^(mailto:)?[^@\s]+@[^@\s]+$/i.test(text);
  const digits = toPlainDigits(text).replaceAll(/\D/g, '').length;
  return (
    digits >= DIGITS_MIN &&
    digits >= text.length / 2 &&
    !/\p{L}{2}/u.test(text.replace(/^tel:/i, ''))
  );
}

/** Fewer digits may be a year, an amount or a customer number. */
const DIGITS_MIN = 5;

/**
 * Whether a cell has an address with text around it, as in `+49 171 1234567 (mobile)` or `Ada <ada@example.com>`. Such a
 * cell is not a column name, either: a recipient in a row taken for the header would get nothing.
 */
export function holdsAddress(kind: AddressKind, cell: string): boolean {
  if (looksLikeAddress(kind, cell)) return true;
  const text = stripInvisible(cell);
  const hasEmail = kind === 'EMAIL' || kind === 'ANY';
  if (hasEmail && /[^\s@]@[^\s@]+\.[^\s@]/.test(text)) return true;
  // Dates have eight digits at most.
  return kind !== 'EMAIL' && /\+\d{6}|\d{9}/.test(toPlainDigits(text).replaceAll(DECORATION, ''));
}
