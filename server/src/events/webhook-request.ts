/**
 * One request of a webhook. It is sent once and has one deadline for everything, from connecting
 * to the last byte of the answer. `webhook-answer.ts` interprets the outcome.
 */
import type { Dispatcher } from 'undici';

/** The request. */
export interface WebhookRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** How one request ended. */
export type WebhookOutcome =
  | {
      /** There is a status, whatever became of the body. */
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      /** The first bytes of the body, at most 1,024. */
      readonly start: Buffer;
    }
  | { readonly kind: 'error'; readonly error: Error }
  /** The deadline came before a status. `connected`: there was a connection, and the request was written to it. */
  | { readonly kind: 'late'; readonly connected: boolean };

/** Maximum bytes read of an answer; a longer one is cut off. */
const BODY_BYTES_MAX = 65_536;
const START_BYTES_MAX = 1_024;

/** Posts once. Never rejects; redirects are answers. Resolves within `timeoutMs`. */
export function postOnce(
  client: Dispatcher,
  { path, headers, body }: WebhookRequest,
  timeoutMs: number,
): Promise<WebhookOutcome> {
  return new Promise((resolve) => {
    const { handler } = new Posting(timeoutMs, resolve);
    client.dispatch({ path, method: 'POST', headers: { ...headers }, body }, handler);
  });
}

class Posting {
  readonly #resolve: (outcome: WebhookOutcome) => void;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #isOver = false;
  #status: number | null = null;
  #headers: Record<string, string | string[] | undefined> = {};
  #start = Buffer.alloc(0);
  #bytes = 0;

  constructor(timeoutMs: number, resolve: (outcome: WebhookOutcome) => void) {
    this.#resolve = resolve;
    this.#timer = setTimeout(() => {
      const connected = this.#controller !== null;
      this.#finish({ kind: 'late', connected });
      this.#controller?.abort(new Error('The deadline has come.'));
    }, timeoutMs);
  }

  readonly handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      // The connection came after the deadline. Not a byte is written to it.
      if (this.#isOver) return controller.abort(new Error('The deadline has come.'));
      this.#controller = controller;
    },
    onResponseStart: (_, status, headers) => {
      if (status < 200) return;
      this.#status = status;
      this.#headers = headers;
    },
    onResponseData: (controller, chunk) => {
      this.#bytes += chunk.length;
      if (this.#start.length < START_BYTES_MAX)
        this.#start = Buffer.concat([this.#start, chunk]).subarray(0, START_BYTES_MAX);
      if (this.#bytes > BODY_BYTES_MAX) controller.abort(new Error('The answer is too long.'));
    },
    onResponseEnd: () => this.#finish({ kind: 'error', error: new Error('No status came.') }),
    onResponseError: (_, error) => this.#finish({ kind: 'error', error }),
  };

  /** Ends it once. A received status takes precedence over later errors. */
  #finish(otherwise: WebhookOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#resolve(
      this.#status === null
        ? otherwise
        : { kind: 'answer', status: this.#status, headers: this.#headers, start: this.#start },
    );
  }
}
