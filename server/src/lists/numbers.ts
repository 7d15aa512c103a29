/**
 * Normalizes phone numbers to E.164. Known separators are removed (E.123). Numbers with anything else, or with an
 * impossible form, are refused. A number without + always belongs to the chosen country. Pure.
 */
import {
  DASH,
  DECORATION,
  LEADING_DASH,
  quote,
  SPACE,
  stripInvisible,
  toPlainDigits,
  ZERO_IN_BRACKETS,
} from './characters.ts';
import { countryOf, prefixesAbroad, type Country } from './countries.ts';
import type { Cure, Problem } from './problem.ts';

export type Cleaned =
  | { readonly address: string; readonly problem: null }
  | { readonly address: null; readonly problem: Problem };

/** Maximum number of digits, including the country code (E.164, 6.1). */
const DIGITS_MAX = 15;

const refuse = (reason: string, cure: Cure | null = null): Cleaned => ({
  address: null,
  problem: { reason, cure },
});
const accept = (address: string): Cleaned => ({ address, problem: null });

export const NO_ADDRESS = refuse('There is no address.');

/** Normalizes one number. Numbers without + belong to `country`; null: they are refused. */
export function cleanNumber(given: string, country: Country | null): Cleaned {
  if (/^\+[1-9]\d+$/.test(given)) return check(given, given);
  const text = toPlainDigits(stripInvisible(given))
    .replace(/^['\u2018\u2019]/, '')
    .replace(/^tel:/i, '')
    .trim();
  if (text === '') return NO_ADDRESS;
  const spoilt = findSpoilt(given, text);
  if (spoilt !== null) return refuse(spoilt);
  const bare = text.replaceAll(DECORATION, '');
  const readings = toInternational(bare, country);
  const [first] = readings;
  if (first !== undefined) {
    const zero = ZERO_IN_BRACKETS.exec(text);
    if (zero !== null) {
      const [before, behind] = [text.slice(0, zero.index), text.slice(zero.index + zero[0].length)];
      return cleanTrunkInBrackets(given, before, behind, country);
    }
    // No national number begins with 00; a number that begins like another prefix may be one.
    const mayBeNational = country !== null && !/^(\+|00)/.test(bare);
    const national = mayBeNational ? cleanNational(given, bare, country).address : null;
    const [found, other] = [...readings, ...(national === null ? [] : [national])].filter(
      (each) => findProblem(each.slice(1)) === null,
    );
    if (found !== undefined)
      return other === undefined
        ? accept(found)
        : refuse(`${quote(given)} may be ${found} or ${other}: write it with +.`);
    if (!mayBeNational) return check(readings.at(-1) ?? first, given);
  }
  return country === null
    ? refuse(`${quote(given)} has no country code: write it with +.`, 'country')
    : cleanNational(given, bare, country);
}

/** An extension after a number, in several languages. */
const EXTENSION = /\d\W*(?:x|ext|extension|durchwahl|dw|poste|int|;ext=|#)\.?\W*\d+$/i;

/** Whether a cell is a date in a spreadsheet's form: `2026-01-31`, `31.1.2026` or `1/31/26`, with or without a time. */
export function isDate(cell: string): boolean {
  const [, year, one, two] = DATE.exec(stripInvisible(cell)) ?? [];
  if (one === undefined || two === undefined) return false;
  const [month, day] =
    year === undefined ? [Math.min(+one, +two), Math.max(+one, +two)] : [+one, +two];
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

const DATE =
  /^(\d{4}[-/.])?(\d{1,2})[-/.](\d{1,2})(?:[-/.]\d{2}(?:\d{2})?)?(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * Digits after a complete number: in brackets, one to three behind a slash or a spaced dash, or a fraction. They are
 * another number, a note or an extension. Joined to the number they would make it another person's.
 */
const TAILS = [
  new RegExp(`\\d.*([(\\[\\uff08][${SPACE}]*\\d+[${SPACE}]*[)\\]\\uff09])\\D*$`),
  new RegExp(`\\d[${SPACE}]*([/\\u2044\\u2215][${SPACE}${DASH}]*\\d{1,3})\\D*$`),
  new RegExp(`\\d[${SPACE}]+([${DASH}][${SPACE}]*\\d{1,3})$`),
  new RegExp(`\\d[${SPACE}]*([${DASH}][${SPACE}]+\\d{1,3})$`),
  /^[^.]*\d\s*(\.\d{1,2})$/,
];

/** Characters at the end of a cell in which tails are looked for: in all of it, time would grow with the square of its length. */
const TAIL_SCOPE = 64;

/** The problem of a text that is not a number, as a sentence; null if it has only digits, + and separators. */
function findSpoilt(given: string, text: string): string | null {
  const typed = quote(given);
  if (/^\+?\d+([.,]\d+)?e[+-]?\d+$/i.test(text))
    return `${typed} was shortened by a spreadsheet, and its last digits are lost: format the column as text, enter the numbers again, and save it anew.`;
  if (/^\+?\d{7,}[.,]0+$/.test(text))
    return `${typed} was saved as a decimal number: format the column as text, and save it anew.`;
  if (EXTENSION.test(text)) return `${typed} has an extension, which cannot be sent to.`;
  const bare = text.replaceAll(DECORATION, '');
  const foreign = /[^\d+]/u.exec(bare)?.[0];
  if (foreign !== undefined)
    return `${typed} is not a number: ${quote(foreign)} is not part of one.`;
  if (LEADING_DASH.test(text)) return `${typed} is not a number: it begins with a dash.`;
  if (bare.lastIndexOf('+') > 0)
    return `${typed} is not one number: + stands only at its beginning.`;
  if (!/\d/.test(bare)) return `${typed} is not a number: it has no digits.`;
  if (isDate(text)) return `${typed} is a date. If it is a number, write it without separators.`;
  const end = text.slice(-TAIL_SCOPE);
  const tail = TAILS.map((each) => each.exec(end)?.[1]).find((each) => each !== undefined);
  if (tail !== undefined && !ZERO_IN_BRACKETS.test(tail))
    return `${typed} has ${quote(tail)} behind the number: write one number alone.`;
  return null;
}

/**
 * The possible forms with + of an international number; none for a national number. `00` stands for +, and so do the
 * international prefixes of the chosen country: 001 in Hong Kong is + or the start of +1.
 */
function toInternational(bare: string, country: Country | null): readonly string[] {
  if (bare.startsWith('+')) return [bare];
  return prefixesAbroad(country)
    .filter((prefix) => bare.startsWith(prefix))
    .map((prefix) => `+${bare.slice(prefix.length)}`);
}

/** `+44 (0) 20 …`: the digit in brackets is for calls inside the country only. Elsewhere, brackets may have another meaning. */
function cleanTrunkInBrackets(
  given: string,
  before: string,
  behind: string,
  country: Country | null,
): Cleaned {
  const codes = toInternational(before.replaceAll(DECORATION, ''), country);
  const of = codes
    .map((each) => countryOf(each.slice(1)))
    .find((each, i) => `+${each?.code}` === codes[i]);
  if (!of || ZERO_IN_BRACKETS.test(behind))
    return refuse(
      `${quote(given)}: a 0 in brackets is left out behind the country code only. Write the number without brackets.`,
    );
  if (!of.trunks.some((trunk) => trunk.startsWith('0')))
    return refuse(
      `${quote(given)}: behind +${of.code} no 0 is left out. Write the number without brackets.`,
    );
  return check(`+${of.code}${behind.replaceAll(DECORATION, '')}`, given);
}

function cleanNational(given: string, bare: string, country: Country): Cleaned {
  const typed = quote(given);
  const { code, trunks, min, usual } = country;
  const fits = (digits: string) => digits.length >= min && digits.length <= usual;
  const trunk = trunks.find((each) => bare.startsWith(each) && fits(bare.slice(each.length)));
  const national = trunk === undefined ? bare : bare.slice(trunk.length);
  // A number that lacks only the + must not get its code twice. Where people write no trunk prefix, its length decides.
  const hasCode = national.startsWith(code) && fits(national.slice(code.length));
  if (hasCode && (!fits(national) || (trunk === undefined && trunks.length > 0)))
    return refuse(`${typed} begins with ${code}: if that is its country code, write it with +.`);
  if (!fits(national))
    return refuse(
      `${typed} is not a number of +${code}: it has ${national.length} digits, not ${range(min, usual)}.`,
    );
  return check(`+${code}${national}`, given);
}

const range = (min: number, max: number) => (min === max ? `${min}` : `${min} to ${max}`);

/** Checks the form of a number with +. */
function check(number: string, given: string): Cleaned {
  const problem = findProblem(number.slice(1));
  return problem === null ? accept(number) : refuse(`${quote(given)}${problem}`);
}

/** The problem of the digits after the +, as a text to follow the number; null if there is none. */
function findProblem(digits: string): string | null {
  if (digits.startsWith('0')) return ' is not a number: no country code begins with 0.';
  if (digits.length > DIGITS_MAX)
    return ` is not a number: it has ${digits.length} digits, at most ${DIGITS_MAX} are possible.`;
  const country = countryOf(digits);
  if (country === null) return ' is not a number: no country has its code.';
  const { code, trunks, min, max } = country;
  const length = digits.length - code.length;
  const first = digits[code.length] ?? '';
  if (first === '0' && trunks.some((trunk) => trunk.startsWith('0')))
    return `: the 0 behind +${code} is dialled inside the country only. Leave it out.`;
  if (length < min || length > max)
    return ` is not a number: ${range(min, max)} digits follow +${code}, not ${length}.`;
  return code === '1' && (first === '0' || first === '1')
    ? ` is not a number: no area code of +1 begins with ${first}.`
    : null;
}
