/**
 * Pauses between tries: short after the first failure, then doubled with each further failure, up to a maximum. Half of
 * each pause is random, so that nodes that failed together do not retry together.
 */
export interface Pauses {
  /** It failed: how long to wait, in milliseconds. */
  next(): number;
  /** It succeeded. */
  reset(): void;
}

/** The first pause, in milliseconds. */
const FIRST_MS = 20;

/** @param maxMs the longest pause, in milliseconds */
export function createPauses(maxMs: number, chance: () => number = Math.random): Pauses {
  let wholeMs = FIRST_MS;
  return {
    next() {
      const nextMs = Math.min(maxMs, wholeMs);
      wholeMs = Math.min(maxMs, wholeMs * 2);
      return nextMs * (0.5 + chance() / 2);
    },
    reset() {
      wholeMs = FIRST_MS;
    },
  };
}
