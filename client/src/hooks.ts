/** Hooks for logs and metrics. They see no credentials, headers or bodies. */
import type { FanfareError } from './errors.ts';

/** A request of a call. */
export interface RequestNotice {
  readonly method: string;
  readonly url: string;
  /** From 1; retries count on. */
  readonly attempt: number;
}

/** An answer of any status. */
export interface ResponseNotice extends RequestNotice {
  readonly status: number;
  /** The id of the request in the log of the server. */
  readonly requestId: string | null;
  /** Until the headers of the answer arrived. */
  readonly durationMs: number;
}

/** A failed request that is repeated. */
export interface RetryNotice extends RequestNotice {
  readonly error: FanfareError;
  /** Until the next attempt. */
  readonly delayMs: number;
}

/** An error in a hook does not change the call: it is thrown as an uncaught error. */
export interface Hooks {
  /** Before each request. */
  readonly onRequest?: ((notice: RequestNotice) => void) | undefined;
  /** After each answer. Without an answer there is an error, in `onRetry` or of the call. */
  readonly onResponse?: ((notice: ResponseNotice) => void) | undefined;
  /** Before the pause that precedes another attempt. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

export function notify<Notice>(hook: ((notice: Notice) => void) | undefined, notice: Notice): void {
  try {
    hook?.(notice);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
