/** Backoff: the waiting time before the next call to an unreachable or overloaded peer. Pure: time is an argument. */
export interface Backoff {
  /** Milliseconds that are left, 0 when it may be tried. */
  remaining(nowMs: number): number;
  /**
   * It failed: how long to wait from now on. The wait doubles with each failure after the last wait, so that the many
   * requests that fail together count once.
   */
  fail(nowMs: number): number;
  /** It said how long to wait. */
  hold(nowMs: number, forMs: number): number;
  succeed(): void;
}

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** A backoff of half a second to a minute. */
export function createBackoff(): Backoff {
  let until = 0;
  let waitMs = 0;
  const remaining = (nowMs: number) => Math.max(0, Math.round(until - nowMs));
  return {
    remaining,
    fail(nowMs) {
      if (nowMs >= until) {
        waitMs = Math.min(LONGEST_MS, Math.max(FIRST_MS, waitMs * 2));
        until = nowMs + waitMs;
      }
      return remaining(nowMs);
    },
    hold(nowMs, forMs) {
      until = Math.max(until, nowMs + forMs);
      return remaining(nowMs);
    },
    succeed() {
      // A requested wait is kept: answers to earlier requests still come in.
      waitMs = 0;
    },
  };
}
