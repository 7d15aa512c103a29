/** Times and durations as people give them to commands. */

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

/** The instant that is a duration before `now`, or an instant as it is; null for other texts. */
export function parseSince(text: string, now: number): Date | null {
  const duration = parseDuration(text);
  const at = new Date(duration === null ? text : now - duration);
  return Number.isNaN(at.getTime()) || at.getTime() < 0 ? null : at;
}

/** The instant that is a duration after `now`; an instant, or a local time without zone, as it is; null for other texts. */
export function parseTime(text: string, now: number): string | null {
  const duration = parseDuration(text);
  if (duration !== null) return new Date(now + duration).toISOString();
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) && !Number.isNaN(Date.parse(text));
  return isTime ? text : null;
}
