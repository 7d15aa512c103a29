/** Local time: the zone that a number most likely lives in, and instants of wall clocks there. Pure. */
import { Temporal } from 'temporal-polyfill';
import { PHONE_ZONES } from './phone-zones.ts';

/** The zone of those whose number tells none. */
export const DEFAULT_ZONE = 'UTC';

/** Zones that a number may be in: first the one of most people. One object for all numbers that have the same. */
export type Zones = readonly [principal: string, ...others: string[]];

const DEFAULT_ZONES: Zones = [DEFAULT_ZONE];
const ZONES_BY_PREFIX = new Map<string, Zones>();
let prefixLengthMax = 0;
for (const [names, prefixes] of Object.entries(PHONE_ZONES)) {
  const zones = names.split(' ') as [string, ...string[]];
  for (const prefix of prefixes.split(' ')) {
    ZONES_BY_PREFIX.set(prefix, zones);
    prefixLengthMax = Math.max(prefixLengthMax, prefix.length);
  }
}

/** Mobile numbers of Mexico had a 1 before their area code until 2019. Lists and WhatsApp still have it. */
const OLD_MEXICAN = /^\+521(?=\d{10}$)/;

/**
 * The IANA zones that a number in E.164 may be in, by its longest known prefix; UTC when it has none or is no number. Mobile numbers
 * of most countries with several zones do not tell them apart.
 */
export function findZones(address: string): Zones {
  if (!address.startsWith('+') || address.includes('@')) return DEFAULT_ZONES;
  const digits = address.replace(OLD_MEXICAN, '+52').slice(1, 1 + prefixLengthMax);
  for (let length = digits.length; length > 0; length -= 1) {
    const zones = ZONES_BY_PREFIX.get(digits.slice(0, length));
    if (zones !== undefined) return zones;
  }
  return DEFAULT_ZONES;
}

/**
 * The instant of a wall-clock time in a zone. A time that a change of clocks leaves out is that much later; one that
 * happens twice is the first.
 */
export function instantAt(local: Temporal.PlainDateTime, zone: string): Date {
  return new Date(local.toZonedDateTime(zone).epochMilliseconds);
}

/** The first instant at which a wall clock in a zone shows a time or, where a change of clocks leaves it out, a later one. */
export function firstInstantFrom(local: Temporal.PlainDateTime, zone: string): Date {
  const shown = local.toZonedDateTime(zone);
  if (shown.toPlainDateTime().equals(local)) return new Date(shown.epochMilliseconds);
  const before = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const change = before.getTimeZoneTransition('next') ?? shown;
  return new Date(change.epochMilliseconds);
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
