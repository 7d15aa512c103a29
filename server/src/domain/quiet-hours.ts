/** Quiet hours: times of day when a sender lets its recipients sleep. Pure. */
import { Temporal } from 'temporal-polyfill';
import { instantAt, localTimeOf } from './local-time.ts';

/** From `start` (included) to `end` (not included) by the recipient's clock, over midnight when `end` is earlier. */
export interface QuietHours {
  /** `HH:MM`, 00:00 to 23:59. */
  readonly start: string;
  readonly end: string;
}

/** Form of both ends. */
export const TIME_OF_DAY = '^([01][0-9]|2[0-3]):[0-5][0-9]$';

/** What is wrong with quiet hours whose ends have the right form, or null. */
export function findQuietProblem({ start, end }: QuietHours): string | null {
  return start === end
    ? `They would never end: both are ${start}. Deactivate the sender instead.`
    : null;
}

/**
 * The first instant from `at` on that is not within quiet hours in a zone: `at` itself, or when they end. Where a
 * change of clocks leaves that minute out, the first one after it.
 */
export function allowedFrom(quiet: QuietHours, zone: string, at: Date): Date {
  const local = localTimeOf(at, zone);
  const time = local.toPlainTime();
  const start = Temporal.PlainTime.from(quiet.start);
  const end = Temporal.PlainTime.from(quiet.end);
  const { compare } = Temporal.PlainTime;
  const overnight = compare(end, start) <= 0;
  const sinceStart = compare(time, start) >= 0;
  const beforeEnd = compare(time, end) < 0;
  if (overnight ? !sinceStart && !beforeEnd : !(sinceStart && beforeEnd)) return at;
  const day = local.toPlainDate().add({ days: overnight && sinceStart ? 1 : 0 });
  const until = instantAt(day.toPlainDateTime(end), zone);
  // When clocks go back, the end may have been before `at` already: the hour that comes twice is not quiet twice.
  return until > at ? until : at;
}

/** Answers `allowedFrom` for many recipients: what was found for a zone holds until then. */
export class QuietClock {
  readonly #quiet: QuietHours;
  /** By zone: quiet until `until`; or allowed, looked at again from the next minute on. */
  readonly #known = new Map<string, { readonly until: Date | null; readonly goodTo: number }>();

  constructor(quiet: QuietHours) {
    this.#quiet = quiet;
  }

  /** When quiet hours that a zone has at `now` end; null when it has none. */
  quietUntil(zone: string, now: number): Date | null {
    const known = this.#known.get(zone);
    if (known !== undefined && now < known.goodTo) return known.until;
    const allowed = allowedFrom(this.#quiet, zone, new Date(now));
    const until = allowed.getTime() > now ? allowed : null;
    const nextMinute = now - (now % 60_000) + 60_000;
    this.#known.set(zone, { until, goodTo: until?.getTime() ?? nextMinute });
    return until;
  }
}
