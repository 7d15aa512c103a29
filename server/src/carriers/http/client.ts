/**
 * The client: requests to one origin over a limited number of persistent connections. A request has one of three results,
 * which decide whether the message may be sent again: an answer; never sent; sent without an answer (in doubt).
 */
import type { Dispatcher, Pool } from 'undici';
import { skipInterimAnswers } from '../../lib/interim-answers.ts';
import { readBodyText } from './body-text.ts';
import type { HttpRequest } from './request.ts';

/** Bounds of the connections to one origin. */
export interface ClientLimits {
  /** Connections open at one moment; further requests wait for one. */
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  /** From the moment a request goes out to the last byte of its answer. */
  readonly answerTimeoutMs: number;
  /** How long an idle connection is kept; providers drop theirs after some seconds, too. */
  readonly keepAliveMs: number;
}

/** How one request ended. */
export type Exchange =
  /**
   * `body` is the beginning of a body that broke off or was too long; `isWhole` tells them apart. Null if it cannot be
   * read.
   */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: string | null;
      readonly isWhole: boolean;
    }
  /** Not a byte of the request was written. */
  | { readonly kind: 'unsent'; readonly detail: string }
  /** It was written, in part at least, and no status came. */
  | { readonly kind: 'unanswered'; readonly detail: string };

/** Requests to one origin. */
export interface Client {
  /** Never rejects. Redirects are answers. */
  exchange(request: HttpRequest): Promise<Exchange>;
  readonly connected: number;
  /** Breaks off requests under way. */
  close(): Promise<void>;
}

/** Maximum size of an answer in bytes: usual answers have a few hundred. */
const BODY_BYTES_MAX = 65_536;

/** Opens no connection before the first request. */
export function createClient(origin: string, limits: ClientLimits): Client {
  let pool: Pool | null = null;
  let opening: Promise<Pool> | null = null;
  return {
    async exchange({ method, path, headers, body }) {
      opening ??= openPool(origin, limits);
      const open = (pool ??= await opening);
      return new Promise((resolve) => {
        const { handler } = new Exchanging(limits.answerTimeoutMs, resolve);
        open.dispatch(
          {
            origin,
            path,
            method: method as Dispatcher.HttpMethod,
            headers: { 'accept-encoding': 'identity', ...headers },
            body,
          },
          handler,
        );
      });
    },
    get connected() {
      return pool?.stats.connected ?? 0;
    },
    async close() {
      await (await opening)?.destroy();
    },
  };
}

/** undici is large: it is loaded with the first request. */
async function openPool(origin: string, limits: ClientLimits): Promise<Pool> {
  const { buildConnector, Pool } = await import('undici');
  const connect = buildConnector({ timeout: limits.connectTimeoutMs });
  return new Pool(origin, {
    connections: limits.connectionsMax,
    pipelining: 1,
    connect: (to, callback) =>
      connect(to, (...[error, socket]) => {
        if (error !== null) return callback(error, null);
        skipInterimAnswers(socket);
        callback(null, socket);
      }),
    keepAliveTimeout: limits.keepAliveMs,
    keepAliveMaxTimeout: limits.keepAliveMs,
    // One deadline of our own covers headers and body: theirs would start anew with every byte.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** One request on its way. */
class Exchanging {
  readonly #timeoutMs: number;
  readonly #resolve: (exchange: Exchange) => void;
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  #status: number | null = null;
  #headers: Record<string, string | string[] | undefined> = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(timeoutMs: number, resolve: (exchange: Exchange) => void) {
    this.#timeoutMs = timeoutMs;
    this.#resolve = resolve;
  }

  readonly handler: Dispatcher.DispatchHandler = {
    // Called when a connection is about to write the request. An earlier failure therefore sent nothing.
    onRequestStart: (controller) => {
      this.#started = true;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(
        () => controller.abort(new Error(`no answer within ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      );
    },
    onResponseStart: (_, status, headers) => {
      this.#status = status;
      this.#headers = headers;
    },
    onResponseData: (controller, chunk) => {
      this.#bytes += chunk.length;
      if (this.#bytes <= BODY_BYTES_MAX) this.#chunks.push(chunk);
      else controller.abort(new Error(`more than ${BODY_BYTES_MAX} bytes of answer`));
    },
    onResponseEnd: () => this.#finish(true),
    onResponseError: (_, error) => this.#fail(error),
  };

  #finish(isWhole: boolean): void {
    clearTimeout(this.#timer);
    this.#resolve({
      kind: 'answer',
      status: this.#status ?? 0,
      headers: this.#headers,
      body: readBodyText(Buffer.concat(this.#chunks), this.#headers),
      isWhole,
    });
  }

  #fail(error: Error): void {
    if (this.#status !== null) return this.#finish(false);
    clearTimeout(this.#timer);
    this.#resolve({ kind: this.#started ? 'unanswered' : 'unsent', detail: describe(error) });
  }
}

/** The message of an error; after tries of several addresses, the first message. */
function describe(error: Error): string {
  const { errors } = error as { errors?: readonly Error[] };
  const first = errors?.[0] ?? error;
  const { code } = first as { code?: string };
  const words = first.message === '' ? first.name : first.message;
  return code === undefined || words.includes(code) ? words : `${words} (${code})`;
}
