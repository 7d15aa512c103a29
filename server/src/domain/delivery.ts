/** Retries of failed deliveries, and their effect on the subscription. Pure. */

/** A subscription that fails for this long is disabled. */
const FAILING_DAYS_MAX = 5;
const DAY_MS = 86_400_000;
/**
 * A subscription counts as down after this many failures in a row. Further failures do not count against single
 * deliveries. Requests then wait as long as a first retry, and longer after each failure.
 */
export const DOWN_FAILURES = 3;
/** The longest backoff, in delays of a first retry of at most five seconds: a minute. */
const BACKOFFS_MAX = 12;
const BACKOFF_MS_MAX = 5_000;
/** The longest Retry-After of a subscriber that is respected. */
const RETRY_AFTER_MS_MAX = 3_600_000;
/** Maximum random addition to a delay, as a share of it. */
const JITTER = 0.2;

/**
 * Milliseconds until the next try after `tries` failures, at least the subscriber's Retry-After; null after the last
 * try. `chance` is a number from 0 to 1.
 */
export function nextDeliveryDelay(
  tries: number,
  delaysMs: readonly number[],
  retryAfterMs: number | null,
  chance: number,
): number | null {
  const delayMs = delaysMs[tries - 1];
  if (delayMs === undefined) return null;
  return Math.max(delayMs * (1 + JITTER * chance), Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX));
}

/** Milliseconds without deliveries after this many failures in a row. */
export function backoffAfterFailures(
  failures: number,
  delaysMs: readonly number[],
  retryAfterMs: number | null,
): number {
  const backoffs =
    failures < DOWN_FAILURES ? 0 : Math.min(2 ** (failures - DOWN_FAILURES), BACKOFFS_MAX);
  return Math.max(
    backoffs * Math.min(delaysMs[0] ?? BACKOFF_MS_MAX, BACKOFF_MS_MAX),
    Math.min(retryAfterMs ?? 0, RETRY_AFTER_MS_MAX),
  );
}

/** The reason to disable a subscription; null to keep it enabled. */
export function disableReason(
  gone: boolean,
  failingSince: Date | null,
  now: Date,
  detail: string | null,
): string | null {
  if (gone) return 'It answered 410 Gone.';
  if (failingSince === null || now.getTime() - failingSince.getTime() < FAILING_DAYS_MAX * DAY_MS)
    return null;
  return `Every delivery has failed for ${FAILING_DAYS_MAX} days. The last one: ${detail ?? 'no answer.'}`;
}
