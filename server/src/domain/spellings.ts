/**
 * Spellings: all addresses of one person. Carriers report some mobile numbers in another form than people write. An
 * opt-out in one form also applies to the other. Pure.
 */
import { normaliseEmailAddress } from './email-address.ts';

/**
 * National digits in the two forms (E.164, after the country code):
 * Mexico wrote a 1 before mobile numbers until August 2019; Argentina has a 9 there, which not all carriers keep; Brazil's mobile numbers
 * got a ninth digit, 9, before the eight that began with 6 to 9.
 */
const FORMS: Readonly<
  Record<string, { readonly long: RegExp; readonly short: RegExp; readonly added: string }>
> = {
  '+52': { long: /^()1(\d{10})$/, short: /^()(\d{10})$/, added: '1' },
  '+54': { long: /^()9(\d{10})$/, short: /^()(\d{10})$/, added: '9' },
  '+55': { long: /^(\d{2})9([6-9]\d{7})$/, short: /^(\d{2})([6-9]\d{7})$/, added: '9' },
};
const CODE_LENGTH = 3;

/** All spellings of an address of any channel, its own first. An e-mail address has one, used for all comparisons. */
export function listSpellings(address: string): readonly [string, ...string[]] {
  if (address.includes('@')) return [normaliseEmailAddress(address)];
  const code = address.slice(0, CODE_LENGTH);
  const forms = FORMS[code];
  if (forms === undefined) return [address];
  const digits = address.slice(CODE_LENGTH);
  const long = forms.long.exec(digits);
  if (long !== null) return [address, `${code}${long[1]}${long[2]}`];
  const short = forms.short.exec(digits);
  return short === null ? [address] : [address, `${code}${short[1]}${forms.added}${short[2]}`];
}
