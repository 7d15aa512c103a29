/** The classes of errors: refusals by the server, and failures to reach it. */
import type { ErrorItem } from './api.ts';

/** Every error of this client, except for an AbortSignal's own reason. */
export class FanfareError extends Error {
  override readonly name: string = 'FanfareError';
}

/** The server answered, and refused. */
export class ApiError extends FanfareError {
  override readonly name: string = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** Code of the first problem; null where the answer was not the API's, but a proxy's perhaps. */
  readonly code: number | null;
  /** The place of the value at fault: `$.to[17].address`, of a streamed request `line 19: $.address`; null if there is none. */
  readonly path: string | null;
  /** The reported problems, the first 100. */
  readonly errors: readonly ErrorItem[];
  /** Problems found. */
  readonly total: number;
  /** The id of this request in the log of the server. */
  readonly requestId: string | null;
  /** Seconds after which to ask again, with 429 and 503. */
  readonly retryAfterSeconds: number | null;

  constructor(answer: {
    readonly status: number;
    readonly errors: readonly ErrorItem[];
    readonly total: number;
    readonly message: string;
    readonly requestId: string | null;
    readonly retryAfterSeconds: number | null;
  }) {
    super(answer.message);
    const [first] = answer.errors;
    this.status = answer.status;
    this.code = first?.code ?? null;
    this.path = first === undefined || first.context === 'null' ? null : first.context;
    this.errors = answer.errors;
    this.total = answer.total;
    this.requestId = answer.requestId;
    this.retryAfterSeconds = answer.retryAfterSeconds;
  }
}

/** 400, 413 or 415: the request is wrong, and nothing of it was done. */
export class InvalidRequestError extends ApiError {
  override readonly name = 'InvalidRequestError';
}

/** 401: the credentials are missing or wrong. */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 404: there is no such thing, or not any more. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: it is there already, or at work, or the Idempotency-Key was used for another request. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
}

/** 429, after all retries. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
}

/** 5xx, after all retries where the request could be repeated. */
export class ServerError extends ApiError {
  override readonly name = 'ServerError';
}

/** No answer: the address is wrong, the network is down, or the connection broke. */
export class ConnectionError extends FanfareError {
  override readonly name: string = 'ConnectionError';
}

/** No whole answer in `timeoutMs`. */
export class TimeoutError extends ConnectionError {
  override readonly name = 'TimeoutError';
}

const CLASSES: Readonly<Record<number, typeof ApiError>> = {
  400: InvalidRequestError,
  413: InvalidRequestError,
  415: InvalidRequestError,
  401: AuthenticationError,
  404: NotFoundError,
  409: ConflictError,
  429: RateLimitError,
};

/** The error of an answer that is not 2xx. */
export function readRefusal(
  { status, url, headers }: Pick<Response, 'status' | 'url' | 'headers'>,
  text: string,
  retryAfterSeconds: number | null,
): ApiError {
  const { errors, total } = readErrors(text);
  const [first] = errors;
  const where = first === undefined || first.context === 'null' ? '' : ` (${first.context})`;
  const more = total > 1 ? ` And ${total - 1} more.` : '';
  const Class = CLASSES[status] ?? (status >= 500 ? ServerError : ApiError);
  return new Class({
    status,
    errors,
    total,
    message:
      first === undefined
        ? `${url} answered ${status}, which is not an answer of this API. Check the base URL.`
        : `${first.message}${where}${more}`,
    requestId: headers.get('x-request-id'),
    retryAfterSeconds,
  });
}

function readErrors(text: string): {
  readonly errors: readonly ErrorItem[];
  readonly total: number;
} {
  try {
    const { errors, total } = JSON.parse(text) as { errors?: unknown; total?: unknown };
    if (!Array.isArray(errors)) return { errors: [], total: 0 };
    return {
      errors: errors as ErrorItem[],
      total: typeof total === 'number' ? total : errors.length,
    };
  } catch {
    return { errors: [], total: 0 };
  }
}
