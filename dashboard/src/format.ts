/** Formats numbers, times and sizes, the same everywhere. */

const NUMBER = new Intl.NumberFormat('en-GB');
const SHORT = new Intl.NumberFormat('en-GB', { maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DAY_TIME = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });

export const formatNumber = (value: number): string => NUMBER.format(value);

/** Three significant digits. */
export const formatShort = (value: number): string => SHORT.format(value);

/** A share in percent. A part that is not zero never shows as 0%, and an incomplete one never as 100%. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0%';
  const share = (part / whole) * 100;
  if (part > 0 && share < 0.1) return '< 0.1%';
  if (part < whole && share > 99.9) return '> 99.9%';
  return `${share < 10 && share % 1 !== 0 ? share.toFixed(1) : Math.round(share)}%`;
}

/** The time of day, with the date if it is not today. */
export function formatInstant(date: Date): string {
  return date.toDateString() === new Date().toDateString()
    ? TIME.format(date)
    : DAY_TIME.format(date);
}

export const formatTime = (date: Date): string => TIME.format(date);
/** Date and time in full, for tooltips. */
export const formatFull = (date: Date): string => FULL.format(date);

const UNITS: readonly (readonly [seconds: number, word: string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** A duration in its two largest units. */
export function formatDuration(seconds: number): string {
  if (seconds < 1) return seconds <= 0 ? '0 s' : `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1).replace('.0', '')} s`;
  const parts: string[] = [];
  let rest = Math.round(seconds);
  for (const [size, word] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${word}`);
    else if (parts.length > 0) break;
  }
  return parts.join(' ');
}

/** The time since or until an instant. */
export function formatAgo(date: Date, now = Date.now()): string {
  const seconds = (now - date.getTime()) / 1_000;
  if (Math.abs(seconds) < 5) return 'now';
  const words = formatDuration(Math.max(1, Math.round(Math.abs(seconds)))).split(' ');
  const text = words.slice(0, 2).join(' ');
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${SHORT.format(bytes / 1_000 ** power)} ${units[power]}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`;
