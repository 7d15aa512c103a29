/** Retry-After of a peer. Pure: time is an argument. */

/** The longest delay that is respected. */
const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * Milliseconds of a Retry-After (RFC 9110, section 10.2.3), given as seconds or a date; at most an hour. Null if invalid.
 */
export function readRetryAfter(
  header: string | string[] | undefined,
  nowMs: number,
): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  if (/^\d{1,9}$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MAX_MS);
  // Dates begin with a day's name; Date.parse alone would take far more.
  const at = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.min(Math.max(0, at - nowMs), RETRY_AFTER_MAX_MS);
}
