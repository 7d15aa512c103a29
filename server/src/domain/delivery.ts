/** When a delivery that failed is tried again, and what that means for its subscription. Pure. */

/** Failing for so long disables a subscription. */
const FAILING_DAYS_MAX = 5;
const DAY_MS = 86_400_000;
/**
 * A subscription that failed this often in a row is down: what fails then is not to blame, and it rests between requests, as long
 * as a first retry waits, and longer and longer.
 */
export const DOWN_FAILURES = 3;
/** The longest rest, in first retries, of which none counts for more than five seconds: a minute. */
const RESTS_MAX = 12;
const REST_MS_MAX = 5_000;
/** Longest wish of a subscriber that is granted. */
const WISH_MS_MAX = 3_600_000;
/** Share of a delay that chance may add. */
const JITTER = 0.2;

/**
 * Milliseconds until the next try after `tries` that have failed, at least what the subscriber wished for; null when that was the
 * last one. `chance` is a number from 0 to 1.
 */
export function nextDeliveryDelay(
  tries: number,
  delaysMs: readonly number[],
  wishMs: number | null,
  chance: number,
): number | null {
  const delayMs = delaysMs[tries - 1];
  if (delayMs === undefined) return null;
  return Math.max(delayMs * (1 + JITTER * chance), Math.min(wishMs ?? 0, WISH_MS_MAX));
}

/** Milliseconds for which nothing is delivered after so many failures in a row. */
export function restAfterFailures(
  failures: number,
  delaysMs: readonly number[],
  wishMs: number | null,
): number {
  const rests = failures < DOWN_FAILURES ? 0 : Math.min(2 ** (failures - DOWN_FAILURES), RESTS_MAX);
  return Math.max(
    rests * Math.min(delaysMs[0] ?? REST_MS_MAX, REST_MS_MAX),
    Math.min(wishMs ?? 0, WISH_MS_MAX),
  );
}

/** Why a subscription is to be disabled, in words; null: it is not. */
export function disableReason(
  gone: boolean,
  failingSince: Date | null,
  now: Date,
  detail: string | null,
): string | null {
  if (gone) return 'It answered 410 Gone: it wants no more.';
  if (failingSince === null || now.getTime() - failingSince.getTime() < FAILING_DAYS_MAX * DAY_MS)
    return null;
  return `Every delivery has failed for ${FAILING_DAYS_MAX} days. The last one: ${detail ?? 'no answer.'}`;
}
