/** Local time: the likely time zones of a number, and instants of local times there. Pure. */
import { Temporal } from 'temporal-polyfill';
import { PHONE_ZONES } from './phone-zones.ts';

/** The zone of numbers without a known zone. */
export const DEFAULT_ZONE = 'UTC';

/** Possible zones of a number, the zone with most people first. Numbers with the same zones share one object. */
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
 * The possible IANA zones of a number in E.164, by its longest known prefix; UTC if there is none or it is not a number.
 * In most countries with several zones, mobile numbers do not show the zone.
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
 * The instant of a local time in a zone. A time that a clock change skips is later by the skipped amount. Of a time that
 * occurs twice, the first counts.
 */
export function instantAt(local: Temporal.PlainDateTime, zone: string): Date {
  return new Date(local.toZonedDateTime(zone).epochMilliseconds);
}

/** The first instant with a local time in a zone, or with a later one if a clock change skips it. */
export function firstInstantFrom(local: Temporal.PlainDateTime, zone: string): Date {
  const shown = local.toZonedDateTime(zone);
  if (shown.toPlainDateTime().equals(local)) return new Date(shown.epochMilliseconds);
  const before = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const change = before.getTimeZoneTransition('next') ?? shown;
  return new Date(change.epochMilliseconds);
}

/** A local date and time, as in RFC 3339 without a zone. */
export function readLocalTime(text: string): Temporal.PlainDateTime | null {
  try {
    return Temporal.PlainDateTime.from(text.replace(' ', 'T'), { overflow: 'reject' });
  } catch {
    return null;
  }
}

/** The local time in a zone at an instant. */
export function localTimeOf(at: Date, zone: string): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at.getTime())
    .toZonedDateTimeISO(zone)
    .toPlainDateTime();
}
