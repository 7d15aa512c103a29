/**
 * One call of the API over HTTP: credentials, time limits, retries, errors. A call goes through these states:
 *
 * ```
 *  ┌─▶ asking ──2xx──▶ answered
 *  │     ├──429──────────────────────────────┐
 *  │     ├──502, 503, 504, broken, too slow──┤ when it may be repeated
 *  │     └──anything else──▶ refused         │
 *  └──waits: Retry-After, else back-off──────┘ until `retriesMax`
 * ```
 */
import { ENDPOINTS, type Endpoints } from './api.ts';
import { readDates } from './dates.ts';
import { ConnectionError, readRefusal, TimeoutError, type ApiError } from './errors.ts';

export interface TransportOptions {
  /** Origin, with or without a path before `/v1`. */
  readonly baseUrl: string;
  /** The credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly retriesMax: number;
  readonly fetch: typeof fetch;
}

/** Options of a single call. */
export interface CallOptions {
  /** Ends the call, its retries included; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for one answer to arrive whole. 60,000 unless said. */
  readonly timeoutMs?: number | undefined;
  /** Repetitions after the first try. 4 unless said. */
  readonly retriesMax?: number | undefined;
}

export interface Input<Name extends keyof Endpoints> {
  /** Values of the path's parameters, in their order. */
  readonly path?: readonly string[];
  readonly query?: Endpoints[Name]['query'] | undefined;
  /** A body to write as JSON, or JSON that is written already. */
  readonly body?: Endpoints[Name]['body'] | WrittenJson | undefined;
  /** Makes a send safe to repeat. */
  readonly idempotencyKey?: string;
  /** Whether a POST may be repeated without asking whether the first one was done. */
  readonly isRepeatable?: boolean;
}

export class WrittenJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;
/** The longest wait inside a call. Beyond it, the call is refused, and its error has the time. */
const RETRY_AFTER_SECONDS_MAX = 120;
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);

export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Calls an endpoint.
   * @throws ApiError when it is refused, ConnectionError when there is no answer.
   */
  async call<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name> = {},
    options: CallOptions = {},
  ): Promise<Endpoints[Name]['answer']> {
    const text = await this.callForText(name, input, options);
    return (text === '' ? undefined : readDates(JSON.parse(text))) as Endpoints[Name]['answer'];
  }

  /** As `call`, for answers that are no JSON. */
  callForText<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name> = {},
    options: CallOptions = {},
  ): Promise<string> {
    const [method] = ENDPOINTS[name];
    const mayRepeat =
      method !== 'POST' || input.idempotencyKey !== undefined || input.isRepeatable === true;
    return this.#retry(mayRepeat, options, async (signal) => {
      const response = await this.#fetch(name, input, signal);
      return { response, text: await response.text() };
    });
  }

  /** Opens a streaming answer. The caller reads it, and aborts the signal to end it. */
  async open<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name>,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Response> {
    const response = await this.#fetch(name, input, signal, headers).catch((error: unknown) => {
      throw toConnectionError(error, signal, this.#options.baseUrl);
    });
    if (response.ok) return response;
    throw readRefusal(response, await response.text(), readRetryAfter(response));
  }

  #fetch<Name extends keyof Endpoints>(
    name: Name,
    { path = [], query, body, idempotencyKey }: Input<Name>,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const [method, template] = ENDPOINTS[name];
    const rest = [...path];
    const filled = template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(rest.shift() ?? ''));
    const { fetch: send, baseUrl, headers: credentials } = this.#options;
    return send(`${baseUrl}/v1${filled}${encodeQuery(query)}`, {
      method,
      signal,
      headers: {
        ...credentials,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: encodeBody(body) }),
    });
  }

  async #retry(
    mayRepeat: boolean,
    options: CallOptions,
    ask: (signal: AbortSignal) => Promise<{ response: Response; text: string }>,
  ): Promise<string> {
    const { timeoutMs = this.#options.timeoutMs, retriesMax = this.#options.retriesMax } = options;
    for (let tried = 0; ; tried += 1) {
      options.signal?.throwIfAborted();
      const outcome = await this.#askInTime(timeoutMs, options.signal, ask);
      if (typeof outcome === 'string') return outcome;
      const { error, repeatable } = outcome;
      const wait = (error as Partial<ApiError>).retryAfterSeconds ?? null;
      const isTooLong = wait !== null && wait > RETRY_AFTER_SECONDS_MAX;
      const isOver = tried >= retriesMax || isTooLong;
      if (isOver || repeatable === 'never' || (repeatable === 'if safe' && !mayRepeat)) throw error;
      await pause(backoffMs(tried, wait), options.signal);
    }
  }

  /** The text of an answer, or the error, and whether a repetition could do harm. */
  async #askInTime(
    timeoutMs: number,
    outer: AbortSignal | undefined,
    ask: (signal: AbortSignal) => Promise<{ response: Response; text: string }>,
  ): Promise<string | { error: Error; repeatable: 'always' | 'if safe' | 'never' }> {
    const controller = new AbortController();
    const give = () => controller.abort(outer?.reason);
    outer?.addEventListener('abort', give);
    const late = new TimeoutError(
      `${this.#options.baseUrl} did not answer in ${timeoutMs / 1_000} s.`,
    );
    const timer = setTimeout(() => controller.abort(late), timeoutMs);
    try {
      const { response, text } = await ask(controller.signal);
      if (response.ok) return text;
      const error = readRefusal(response, text, readRetryAfter(response));
      // A 429 was refused before anything was done; the effect of a request that a gateway answered is unknown.
      if (error.status === 429) return { error, repeatable: 'always' };
      return { error, repeatable: GATEWAY_STATUSES.has(error.status) ? 'if safe' : 'never' };
    } catch (reason) {
      outer?.throwIfAborted();
      const error = toConnectionError(reason, controller.signal, this.#options.baseUrl);
      return { error, repeatable: 'if safe' };
    } finally {
      clearTimeout(timer);
      outer?.removeEventListener('abort', give);
    }
  }
}

/** The header of HTTP Basic (RFC 7617). */
export function authorize({ user, password }: { user: string; password: string }) {
  return { authorization: `Basic ${encodeBase64(`${user}:${password}`)}` };
}

/** Waits; rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}

/** Doubles from half a second; with `Retry-After`, a little more than that time. */
function backoffMs(tried: number, waitSeconds: number | null): number {
  const backoff = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** tried);
  const jitter = backoff * Math.random() * 0.5;
  return waitSeconds === null ? backoff * 0.5 + jitter : waitSeconds * 1_000 + jitter * 0.5;
}

/** Seconds of `Retry-After` (RFC 9110, section 10.2.3), which may be a date. */
function readRetryAfter({ headers }: Response): number | null {
  const value = headers.get('retry-after');
  if (value === null) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

function toConnectionError(reason: unknown, signal: AbortSignal, baseUrl: string): Error {
  if (signal.aborted && signal.reason instanceof Error) return signal.reason;
  // The message of fetch is "fetch failed"; the cause has the reason.
  const { cause, message } = reason as {
    cause?: { code?: string; message?: string };
    message?: string;
  };
  const why = (cause?.message || cause?.code || message || String(reason)).replace(/[.?!]+$/, '');
  return new ConnectionError(
    `${baseUrl} cannot be reached: ${why}. Check the base URL, and that the server runs.`,
    {
      cause: reason,
    },
  );
}

function encodeBody(body: unknown): string {
  return body instanceof WrittenJson ? body.text : JSON.stringify(body);
}

function encodeQuery(query: object | undefined): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null) parts.set(name, encodeValue(value));
  return parts.size === 0 ? '' : `?${parts}`;
}

function encodeValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object') return String(value);
  return Object.entries(value as Record<string, string>)
    .map(([key, each]) => `${key}:${each}`)
    .join(';');
}

/** Base64 of text in UTF-8, as HTTP Basic has it (RFC 7617). */
function encodeBase64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
