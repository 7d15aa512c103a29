/** Retry: when a temporary failure is tried again, and when it is not. Pure. */

export interface RetryPolicy {
  /** Tries of one message with one sender, the first included. */
  readonly triesMax: number;
  /** Delay before the second try, in milliseconds; it doubles with every further one. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

/**
 * The delay before the next try, in milliseconds, or null when there shall be none.
 * Exponential with full upper-half jitter (between half and all of the step), so that a carrier that
 * comes back is not hit by everyone at once. `afterMs` is the carrier's own wish and a lower bound.
 * @param tries tries already made with this sender, at least 1
 * @param random a number in [0, 1)
 */
export function nextRetryDelayMs(
  policy: RetryPolicy,
  tries: number,
  random: number,
  afterMs = 0,
): number | null {
  if (tries >= policy.triesMax) return null;
  const stepMs = Math.min(policy.delayMs * 2 ** (tries - 1), policy.delayMaxMs);
  return Math.max(afterMs, Math.round(stepMs * (0.5 + random / 2)));
}
