/** Classes of characters around addresses. Pure. */

/** Invisible characters: joiners, direction marks, byte order marks, soft hyphens. */
const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;
/** Spaces of every kind. */
export const SPACE = '\\s\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000';
/** Hyphens, dashes and the minus sign. */
export const DASH = '\\-\\u2010-\\u2015\\u2043\\u2212\\ufe58\\ufe63\\uff0d';
/** Separators between the digits of a number (ITU-T E.123, 2 to 4). */
export const DECORATION = new RegExp(
  `[${SPACE}${DASH}()\\[\\]./\\u00b7\\u2044\\u2215\\uff08\\uff09]`,
  'g',
);
export const LEADING_DASH = new RegExp(`^[${DASH}]`);
/** A zero alone in brackets. */
export const ZERO_IN_BRACKETS = new RegExp(`[(\\[\\uff08][${SPACE}]*0[${SPACE}]*[)\\]\\uff09]`);

/** Removes invisible characters, and space around the text. */
export const stripInvisible = (text: string) => text.replaceAll(INVISIBLE, '').trim();

/** Zeros of the alphabets whose digits people write numbers with: Arabic, Persian, Devanagari, Bengali, Thai, full width. */
const ZEROS = '\u0660\u06f0\u0966\u09e6\u0e50\uff10';
const FOREIGN_DIGIT =
  /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\uff10-\uff19]/g;

/** With digits and the plus sign as ASCII has them. */
export const toPlainDigits = (text: string) =>
  text
    .replaceAll(FOREIGN_DIGIT, (digit) => {
      const code = digit.charCodeAt(0);
      return String(
        [...ZEROS].map((zero) => code - zero.charCodeAt(0)).find((n) => n >= 0 && n < 10),
      );
    })
    .replaceAll(/[\ufe62\uff0b]/g, '+');

/** The code point of a character, as `<U+202A>`. */
const nameOf = (char: string) =>
  `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`;

const SHOWN_MAX = 60;

/** A cell in quotes as typed, with code points for invisible characters. At most 60 characters of it. */
export function quote(text: string): string {
  const shown = [...text].slice(0, SHOWN_MAX);
  const named = shown.map((char) =>
    // Spaces other than the plain one, controls and invisible characters look like something else.
    char !== ' ' && /[\p{C}\p{Z}]/u.test(char) ? nameOf(char) : char,
  );
  return `"${named.join('')}${text.length > shown.join('').length ? '…' : ''}"`;
}
