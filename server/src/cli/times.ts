/** Times and durations as people give them to commands. */
import { readDay, readInstant } from '../domain/instant.ts';

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `90m`, `24h`, `7d`; null for other texts. */
export function parseDuration(text: string): number | null {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count === undefined ? null : Number(count) * (UNITS_MS[unit] ?? 0);
}

/** The form of `--since` and `--until`, for errors. */
export const SINCE_HINT =
  'a duration such as 24h, a date in UTC such as 2030-01-31, or a time such as 2030-01-31T09:00:00Z';

/**
 * The instant that is a duration before `now`, the start of a plain date in UTC, or an instant as it is; null for other
 * texts, and for days that do not exist.
 */
export function parseSince(text: string, now: number): Date | null {
  const duration = parseDuration(text);
  const at = duration === null ? (readDay(text) ?? readInstant(text)) : new Date(now - duration);
  return at === null || at.getTime() < 0 ? null : at;
}

/** The instant that is a duration after `now`; an instant, or a local time without zone, as it is; null for other texts. */
export function parseTime(text: string, now: number): string | null {
  const duration = parseDuration(text);
  if (duration !== null) return new Date(now + duration).toISOString();
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) && !Number.isNaN(Date.parse(text));
  return isTime && readDay(text.slice(0, 10)) !== null ? text : null;
}
