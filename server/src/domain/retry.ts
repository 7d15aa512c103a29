/** Retries after temporary failures. Pure. */

export interface RetryPolicy {
  /** Tries of one message with one sender, the first included. */
  readonly triesMax: number;
  /** Delay before the second try, in milliseconds; it doubles with every further one. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

/**
 * The delay before the next try in milliseconds, or null if there is no further try.
 * The delay grows exponentially with jitter (between half and all of the step), so that not everyone returns to a
 * recovered carrier at once. `afterMs` is the carrier's retryAfter and a lower bound.
 * @param tries previous tries with this sender, at least 1
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
