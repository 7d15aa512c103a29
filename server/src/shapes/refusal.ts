/**
 * What the API answers when it refuses: one envelope for every error.
 *
 * `errors[]` is the documented form; `code`, `message` and `status` beside it serve programs that read the first
 * error only. Nothing internal ever leaves in it.
 */
import { ERRORS, type ErrorName, type Problem, problemOf } from '../domain/errors.ts';

/** A request that is refused. Thrown by handlers and hooks, turned into an answer in one place. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly problems: readonly Problem[];
  /** Problems found; more than `problems` when only the first are told. */
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

/** A refusal for one reason, named in the error table. */
export function refuse(
  name: ErrorName,
  message?: string,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  return new Refusal(ERRORS[name].status ?? 500, [problemOf(name, message)], { headers });
}

/** Seconds after which an overloaded or stopping server may be asked again. */
export const RETRY_AFTER_SECONDS = 1;

export function refuseForNow(message?: string): Refusal {
  return refuse('unavailable', message, { 'retry-after': String(RETRY_AFTER_SECONDS) });
}

/** Where an error is explained. */
export function infoUrlOf(code: number, origin: string): string {
  return `${origin}/docs/errors#${code}`;
}

/** The body of a refusal. A missing context is the text `"null"`, as the API's published answers have it. */
export function showRefusal(refusal: Refusal, origin: string): object {
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
