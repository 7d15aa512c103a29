/**
 * The meaning of a PostgreSQL error. A wrong statement is a bug: the SQLSTATE classes for data,
 * constraints, syntax and functions (PostgreSQL, appendix A), and the errors of JavaScript itself.
 * All other errors mean that the database is unavailable, and the statement is retried.
 *
 * | SQLSTATE                                         | Meaning                                       |
 * | ------------------------------------------------ | --------------------------------------------- |
 * | 21, 22, 23, 42, P0                               | a bug                                         |
 * | none; 08, 28, 3D, 40, 53, 55, 57P, 58, F0, 25006 | unavailable, for as long as it takes          |
 * | the rest: 57014, 25P02, 54, XX …                 | unavailable; if it repeats, the statement is at fault |
 */

import pg from 'pg';

/** The database cannot answer now; the caller may try again later. The call had its whole effect or none. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
  /** SQLSTATE, or the operating system's code, such as ECONNREFUSED; null if there is none. */
  readonly code: string | null;
  /** PostgreSQL answered and gave up on this statement: it may do so for ever, though all others succeed. */
  readonly isOfStatement: boolean;

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = codeOf(options.cause);
    this.isOfStatement = this.code !== null && isState(this.code) && !AWAY_STATES.test(this.code);
  }
}

/** Whether PostgreSQL said so itself, and the connection is as good as before. */
export function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR';
}

const BUG_STATES = /^(21|22|23|42|P0)/;
const AWAY_STATES = /^(08|28|3D|40|53|55|57P|58|F0|25006)/;
/** Errors of Node.js without a class of their own that mean an impossible request: a repetition cannot succeed. */
const BUG_CODES = new Set(['ERR_STRING_TOO_LONG', 'ERR_ASSERTION', 'ERR_INTERNAL_ASSERTION']);
const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];

/** Whether it is an SQLSTATE, and no code of the system's such as EPIPE. */
function isState(code: string): boolean {
  return /^[^E][0-9A-Z]{4}$/.test(code);
}

function codeOf(error: unknown): string | null {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : null;
}

/** Converts an error that the PostgreSQL client has thrown. Errors of our own do not belong here. */
export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DatabaseUnavailable) return error;
  const code = codeOf(error);
  if (code !== null && isState(code) && BUG_STATES.test(code)) return error;
  if (code !== null && BUG_CODES.has(code)) return error;
  if (BUGS.some((each) => error instanceof each)) return error;
  // The error of Node.js has no message when several addresses of one host refuse.
  return new DatabaseUnavailable(error.message || (code ?? error.name), { cause: error });
}
