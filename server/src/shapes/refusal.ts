/**
 * The error answers of the API, in one envelope.
 *
 * `errors[]` is the documented form. The fields `code`, `message` and `status` are for programs that read only the first
 * error. Answers never contain internal details.
 */
import { ERRORS, type ErrorName, type Problem, problemOf } from '../domain/errors.ts';

/** The refusal of a request. Handlers and hooks throw it; one place turns it into an answer. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly problems: readonly Problem[];
  /** Problems found; more than `problems` when only the first are reported. */
  readonly total: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    problems: readonly Problem[],
    options: { readonly total?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(problems[0]?.message ?? 'Refused');
    this.status = status;
    this.problems = problems;
    this.total = options.total ?? problems.length;
    this.headers = options.headers ?? {};
  }
}

/** A refusal with one error of the error table. */
export function refuse(
  name: ErrorName,
  message?: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(ERRORS[name].status ?? 500, [problemOf(name, message)], { headers });
}

/** Retry-After of an overloaded or stopping server, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

export function refuseForNow(message?: string): Refusal {
  return refuse('unavailable', message, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}

/** The URL that explains an error. */
export function infoUrlOf(code: number, origin: string): string {
  return `${origin}/docs/errors#${code}`;
}

/** The body of a refusal. A missing context is the text `"null"`, as in the hosted API's answers. */
export function serializeRefusal(refusal: Refusal, origin: string): object {
  const [first] = refusal.problems;
  return {
    errors: refusal.problems.map(({ code, message, context }) => ({
      code,
      message,
      infoUrl: infoUrlOf(code, origin),
      context: context ?? 'null',
    })),
    total: refusal.total,
    code: first?.code,
    message: first?.message,
    status: refusal.status,
  };
}
