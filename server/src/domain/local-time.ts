/** Local time: the zone that a number most likely lives in, and instants of wall clocks there. Pure. */
import { Temporal } from 'temporal-polyfill';
import { PHONE_ZONES } from './phone-zones.ts';

/** The zone of those whose number tells none. */
export const DEFAULT_ZONE = 'UTC';

const ZONE_BY_PREFIX = new Map<string, string>();
let prefixLengthMax = 0;
for (const [zone, prefixes] of Object.entries(PHONE_ZONES))
  for (const prefix of prefixes.split(' ')) {
    ZONE_BY_PREFIX.set(prefix, zone);
    prefixLengthMax = Math.max(prefixLengthMax, prefix.length);
  }

/** Mobile numbers of Mexico had a 1 before their area code until 2019. Lists and WhatsApp still have it. */
const OLD_MEXICAN = /^\+521(?=\d{10}$)/;

/**
 * The IANA zone of a number in E.164, by its longest known prefix; UTC when it has none or is no number. A country of
 * several zones that its numbers do not tell apart counts as the one where most of its people live.
 */
export function findZone(address: string): string {
  if (!address.startsWith('+') || address.includes('@')) return DEFAULT_ZONE;
  const digits = address.replace(OLD_MEXICAN, '+52').slice(1, 1 + prefixLengthMax);
  for (let length = digits.length; length > 0; length -= 1) {
    const zone = ZONE_BY_PREFIX.get(digits.slice(0, length));
    if (zone !== undefined) return zone;
  }
  return DEFAULT_ZONE;
}

/**
 * The instant of a wall-clock time in a zone. A time that a change of clocks leaves out is that much later; one that
 * happens twice is the first.
 */
export function instantAt(local: Temporal.PlainDateTime, zone: string): Date {
  return new Date(local.toZonedDateTime(zone).epochMilliseconds);
}

/** A date with a time as clocks on a wall show it. The form is that of RFC 3339 without its zone. */
export function readLocalTime(text: string): Temporal.PlainDateTime | null {
  try {
    return Temporal.PlainDateTime.from(text.replace(' ', 'T'), { overflow: 'reject' });
  } catch {
    return null;
  }
}

/** What a wall clock in a zone shows at an instant. */
export function localTimeOf(at: Date, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDateTime();
}
