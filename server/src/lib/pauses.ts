/**
 * Pauses between tries of one thing: short after the first failure, so that a hiccup costs next to nothing, and doubled with
 * each further one, up to a maximum. Half of each is left to chance: nodes that failed together do not try together.
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
