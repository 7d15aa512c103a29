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
  /** JSON path of the value at fault, such as `$.to[17].address`; null if there is none. */
  readonly path: string | null;
  /** The reported problems, the first 100. */
  readonly errors: readonly ErrorItem[];
  /** The id of this request in the log of the server. */
  readonly requestId: string | null;
  /** Seconds after which to ask again, with 429 and 503. */
  readonly retryAfterSeconds: number | null;

  constructor(answer: {
    readonly status: number;
    readonly errors: readonly ErrorItem[];
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

/** One chunk of a `sendAll` failed, for the reason in `cause`. */
export class ChunkError extends FanfareError {
  override readonly name = 'ChunkError';
  /** Number of the chunk, from 0. */
  readonly index: number;
  /** Which of all recipients was the first in it, from 0: paths as `$.to[17]` count from there. */
  readonly firstRecipient: number;

  constructor(index: number, firstRecipient: number, message: string, cause: unknown) {
    super(message, { cause });
    this.index = index;
    this.firstRecipient = firstRecipient;
  }
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
  response: Response,
  text: string,
  retryAfterSeconds: number | null,
): ApiError {
  const { status } = response;
  const errors = readErrors(text);
  const [first] = errors;
  const where = first === undefined || first.context === 'null' ? '' : ` (${first.context})`;
  const more = errors.length > 1 ? ` And ${errors.length - 1} more.` : '';
  const Class = CLASSES[status] ?? (status >= 500 ? ServerError : ApiError);
  return new Class({
    status,
    errors,
    message:
      first === undefined
        ? `${response.url} answered ${status}, which is not an answer of this API. Check the base URL.`
        : `${first.message}${where}${more}`,
    requestId: response.headers.get('x-request-id'),
    retryAfterSeconds,
  });
}

function readErrors(text: string): readonly ErrorItem[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    return Array.isArray(errors) ? (errors as ErrorItem[]) : [];
  } catch {
    return [];
  }
}
