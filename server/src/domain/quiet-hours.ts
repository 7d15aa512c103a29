/** Quiet hours: times of day without messages from a sender. Pure. */
import { Temporal } from 'temporal-polyfill';
import { firstInstantFrom, localTimeOf, type Zones } from './local-time.ts';

/** From `start` (included) to `end` (excluded) in the recipient's local time, over midnight if `end` is earlier. */
export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59. */
  readonly start: string;
  readonly end: string;
}

/** The form of `start` and `end`. */
export const TIME_OF_DAY = '^([01][0-9]|2[0-3]):[0-5][0-9]$';

/** The problem of quiet hours with valid forms of `start` and `end`, or null. */
export function findQuietProblem({ start, end }: QuietHours): string | null {
  return start === end
    ? `They would never end: both are ${start}. Deactivate the sender instead.`
    : null;
}

/** Time ahead to search for a moment that all zones allow; days repeat. */
const SEARCHED_MS = 48 * 3_600_000;

/**
 * The first instant from `at` on that is outside quiet hours in all zones: `at` itself, or the end of the last quiet hours.
 * If no moment of the day is allowed in all zones, zones are dropped one by one, those farthest from the first zone first.
 */
export function allowedFrom(quiet: QuietHours, zones: Zones, at: Date): Date {
  const [principal, ...others] = zones;
  if (others.length === 0) return allowedIn(quiet, principal, at);
  const byDistance = others.toSorted(
    (a, b) => clockDistance(principal, a, at) - clockDistance(principal, b, at),
  );
  for (let kept = byDistance.length; kept > 0; kept -= 1) {
    const found = allowedInAll(quiet, [principal, ...byDistance.slice(0, kept)], at);
    if (found !== null) return found;
  }
  return allowedIn(quiet, principal, at);
}

/** The first instant that all zones allow; null when there is none. */
function allowedInAll(quiet: QuietHours, zones: Zones, at: Date): Date | null {
  let found = at;
  let agreed = 0;
  for (let i = 0; agreed < zones.length; i = (i + 1) % zones.length) {
    const allowed = allowedIn(quiet, zones[i] ?? zones[0], found);
    agreed = allowed > found ? 1 : agreed + 1;
    if (allowed.getTime() - at.getTime() > SEARCHED_MS) return null;
    found = allowed;
  }
  return found;
}

/** The difference of two local times in minutes: at most half a day. */
function clockDistance(zone: string, other: string, at: Date): number {
  const [one, two] = [localTimeOf(at, zone), localTimeOf(at, other)];
  const apart = Math.abs(Math.round(one.until(two).total('minutes'))) % DAY_MINUTES;
  return Math.min(apart, DAY_MINUTES - apart);
}

const DAY_MINUTES = 1_440;

/**
 * Each night lasts from the first moment with the local time `start` to the first with `end`, or a later time if a clock
 * change skips it. So an hour that occurs twice is not quiet twice.
 */
function allowedIn(quiet: QuietHours, zone: string, at: Date): Date {
  const start = Temporal.PlainTime.from(quiet.start);
  const end = Temporal.PlainTime.from(quiet.end);
  const nights = Temporal.PlainTime.compare(end, start) <= 0 ? 1 : 0;
  const yesterday = localTimeOf(at, zone).toPlainDate().subtract({ days: 1 });
  let found = at;
  // If a clock change skips the time between two nights, the next night begins at once.
  for (const days of [0, 1, 2]) {
    const day = yesterday.add({ days });
    const from = firstInstantFrom(day.toPlainDateTime(start), zone);
    if (from > found) break;
    const until = firstInstantFrom(day.add({ days: nights }).toPlainDateTime(end), zone);
    if (found < until) found = until;
  }
  return found;
}

/** `allowedFrom` for many recipients: the result for zones is reused until it has passed. */
export class QuietClock {
  readonly #quiet: QuietHours;
  /** By zones: quiet until `until`; or allowed, looked at again from the next minute on. */
  readonly #known = new Map<Zones, { readonly until: Date | null; readonly goodTo: number }>();

  constructor(quiet: QuietHours) {
    this.#quiet = quiet;
  }

  /** When quiet hours that zones have at `now` end; null when they have none. */
  quietUntil(zones: Zones, now: number): Date | null {
    const known = this.#known.get(zones);
    if (known !== undefined && now < known.goodTo) return known.until;
    const allowed = allowedFrom(this.#quiet, zones, new Date(now));
    const until = allowed.getTime() > now ? allowed : null;
    const nextMinute = now - (now % 60_000) + 60_000;
    this.#known.set(zones, { until, goodTo: until?.getTime() ?? nextMinute });
    return until;
  }
}
