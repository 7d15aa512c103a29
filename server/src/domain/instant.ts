/** Instants and days: strict reading of dates, with times and without, in RFC 3339 (section 5.6). Pure. */

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const ZONED = /(?:[Zz]|[+-]\d\d:\d\d)$/;

/** The expected form, for error messages. */
export const INSTANT_HINT = 'write it like 2030-01-31T09:30:00Z';

/** The expected forms where a plain date is allowed too, for error messages. */
export const DAY_HINT = 'write it like 2030-01-31 or 2030-01-31T09:30:00Z';

/** The start of a plain date in UTC; null for other texts and for days that do not exist. */
export function readDay(text: string): Date | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const exists = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  return exists ? midnight : null;
}

/**
 * Reads a date-time; null if it is invalid or its day or hour does not exist. Without a zone it is UTC if
 * `zone` is optional, otherwise null. Precise to the millisecond; a leap second counts as the next second.
 */
export function readInstant(text: string, zone: 'required' | 'optional' = 'required'): Date | null {
  const match = DATE_TIME.exec(text);
  if (match === null || (zone === 'required' && !ZONED.test(text))) return null;
  const [hour, minute, second] = match.slice(4, 7).map(Number) as [number, number, number];
  const [, , , , , , , fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  if (
    hour > 23 ||
    minute > 59 ||
    second > 60 ||
    Number(offsetHour) > 23 ||
    Number(offsetMinute) > 59
  )
    return null;
  const midnight = readDay(text.slice(0, 10));
  if (midnight === null) return null;
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  const ms = Number(fraction.slice(0, 3).padEnd(3, '0'));
  return new Date(midnight.getTime() + (hour * 3600 + (minute - offset) * 60 + second) * 1000 + ms);
}
