/**
 * Problems of a request. Each step returns a value and the problems that it found. One list counts
 * all of them and keeps the first ones in full.
 */
import { ERRORS, type ErrorName, type Problem } from '../domain/errors.ts';

/** Problems kept in full; further ones are only counted. */
export const PROBLEMS_MAX = 100;

/** The result of a step. A step whose problems leave no value has the value null. */
export interface Checked<Value> {
  readonly value: Value;
  readonly problems: readonly Problem[];
}

export const NO_PROBLEMS: readonly Problem[] = [];

/** A step without problems. */
export const valid = <Value>(value: Value): Checked<Value> => ({ value, problems: NO_PROBLEMS });

/** A step without a value. */
export const invalid = (...problems: readonly Problem[]): Checked<null> => ({
  value: null,
  problems,
});

/** @param context the JSON path of the wrong value */
export function problem(name: ErrorName, message: string, context: string): Problem {
  return { code: ERRORS[name].code, message, context };
}

/** A problem of the domain, which calls the context a path. */
export const toProblem = ({
  code,
  message,
  path,
}: {
  readonly code: number;
  readonly message: string;
  readonly path: string;
}): Problem => ({ code, message, context: path });

/** Counts problems, and keeps the first `PROBLEMS_MAX`. */
export class ProblemList {
  readonly #first: Problem[] = [];
  readonly #onAdd: (problems: readonly Problem[]) => void;
  #total = 0;

  /** @param onAdd called with all problems, also with those that are not kept */
  constructor(onAdd: (problems: readonly Problem[]) => void = () => undefined) {
    this.#onAdd = onAdd;
  }

  get first(): readonly Problem[] {
    return this.#first;
  }

  get total(): number {
    return this.#total;
  }

  add(problems: readonly Problem[]): void {
    if (problems.length === 0) return;
    this.#total += problems.length;
    this.#onAdd(problems);
    const room = PROBLEMS_MAX - this.#first.length;
    if (room > 0) this.#first.push(...problems.slice(0, room));
  }

  /** Adds the problems of a step, and returns its value. */
  take<Value>({ value, problems }: Checked<Value>): Value {
    this.add(problems);
    return value;
  }
}
