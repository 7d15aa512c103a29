/** The errors of a request: all are counted, the first ones are kept in full. */
import type { Problem } from '../domain/errors.ts';

/** Problems kept in full; further ones are only counted. */
export const PROBLEMS_MAX = 100;

/** Collects problems up to a bound. */
export interface ProblemList {
  readonly problems: Problem[];
  total: number;
  add(code: number, message: string, context: string): void;
}

export function createProblemList(): ProblemList {
  return {
    problems: [],
    total: 0,
    add(code, message, context) {
      this.total += 1;
      if (this.problems.length < PROBLEMS_MAX) this.problems.push({ code, message, context });
    },
  };
}
