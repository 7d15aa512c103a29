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
import { ENDPOINTS, QUERY_NAMES, type Endpoints } from './api.ts';
import { readDates } from './dates.ts';
import {
  ConnectionError,
  readRefusal,
  TimeoutError,
  type ApiError,
  type FanfareError,
} from './errors.ts';
import { notify, type Hooks } from './hooks.ts';
import type { BodyWatch, LinesBody } from './lines.ts';
import { checkOptions, type OptionNames } from './options.ts';

export type RequestHeaders = Readonly<Record<string, string>>;

export interface TransportOptions {
  /** Origin, with or without a path before `/v1`. */
  readonly baseUrl: string;
  /** Of every request: the name of this program. */
  readonly headers: RequestHeaders;
  /** The credentials of the next try. What it throws ends the call. */
  readonly authorize: () => RequestHeaders | Promise<RequestHeaders>;
  readonly timeoutMs: number;
  readonly retriesMax: number;
  readonly fetch: typeof fetch;
  readonly hooks: Hooks;
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

export const CALL_OPTIONS: OptionNames<CallOptions> = {
  signal: true,
  timeoutMs: true,
  retriesMax: true,
};
/** `send` takes its key out of the options. */
const SEND_OPTIONS = { ...CALL_OPTIONS, idempotencyKey: true } as const;

export interface Input<Name extends keyof Endpoints> {
  /** Values of the path's parameters, in their order. */
  readonly path?: readonly string[];
  readonly query?: Endpoints[Name]['query'] | undefined;
  /** Written as JSON. */
  readonly body?: Endpoints[Name]['body'] | undefined;
  /** A body in lines of JSON, instead. */
  readonly lines?: LinesBody;
  /** Makes a send safe to repeat. */
  readonly idempotencyKey?: string;
  /** Whether a POST may be repeated without asking whether the first one was done. */
  readonly isRepeatable?: boolean;
}

/** An HTTP request of a call, which retries send again. */
interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | LinesBody | undefined;
}

/** An answer that has arrived whole. */
interface WholeAnswer {
  readonly text: string;
  readonly headers: Headers;
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
    return (await this.callWithHeaders(name, input, options)).answer;
  }

  /** As `call`, with the headers of the answer. */
  async callWithHeaders<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name>,
    options: CallOptions,
  ): Promise<{ readonly answer: Endpoints[Name]['answer']; readonly headers: Headers }> {
    const { text, headers } = await this.#callWhole(name, input, options);
    const answer = text === '' ? undefined : readDates(JSON.parse(text));
    return { answer: answer as Endpoints[Name]['answer'], headers };
  }

  /** As `call`, for answers that are no JSON. */
  async callForText<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name> = {},
    options: CallOptions = {},
  ): Promise<string> {
    return (await this.#callWhole(name, input, options)).text;
  }

  #callWhole<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name>,
    options: CallOptions,
  ): Promise<WholeAnswer> {
    const isKeyed = input.idempotencyKey !== undefined;
    checkOptions('A call', options, isKeyed ? SEND_OPTIONS : CALL_OPTIONS);
    const request = this.#compose(name, input);
    const mayRepeat = request.method !== 'POST' || isKeyed || input.isRepeatable === true;
    return this.#retry(request, mayRepeat, options);
  }

  /** Opens a streaming answer. The caller reads it, and aborts the signal to end it. */
  async open<Name extends keyof Endpoints>(
    name: Name,
    input: Input<Name>,
    headers: RequestHeaders,
    signal: AbortSignal,
  ): Promise<Response> {
    const credentials = await this.#options.authorize();
    const request = this.#compose(name, input, { ...credentials, ...headers });
    const response = await this.#fetch(request, 1, signal).catch((error: unknown) => {
      throw toConnectionError(error, signal, this.#options.baseUrl);
    });
    if (response.ok) return response;
    throw readRefusal(response, await response.text(), readRetryAfter(response));
  }

  #compose<Name extends keyof Endpoints>(
    name: Name,
    { path = [], query, body, lines, idempotencyKey }: Input<Name>,
    headers: RequestHeaders = {},
  ): Request {
    checkOptions<object>(name, definedOf(query ?? {}), QUERY_NAMES[name] ?? {});
    const [method, template] = ENDPOINTS[name];
    const rest = [...path];
    const filled = template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(rest.shift() ?? ''));
    return {
      method,
      url: `${this.#options.baseUrl}/v1${filled}${encodeQuery(query)}`,
      headers: {
        ...this.#options.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(lines === undefined ? {} : { 'content-type': 'application/x-ndjson' }),
        ...(lines?.isPacked === true ? { 'content-encoding': 'gzip' } : {}),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...headers,
      },
      body: body === undefined ? lines : JSON.stringify(body),
    };
  }

  async #fetch(
    { method, url, headers, body }: Request,
    attempt: number,
    signal: AbortSignal,
    watch: BodyWatch = UNWATCHED,
  ): Promise<Response> {
    const { fetch: send, hooks } = this.#options;
    notify(hooks.onRequest, { method, url, attempt });
    const startedAt = performance.now();
    const response = await send(url, {
      method,
      signal,
      headers,
      ...(typeof body === 'object' ? openBody(body, watch) : body !== undefined && { body }),
    });
    notify(hooks.onResponse, {
      method,
      url,
      attempt,
      status: response.status,
      requestId: response.headers.get('x-request-id'),
      durationMs: performance.now() - startedAt,
    });
    return response;
  }

  async #retry(request: Request, mayRepeat: boolean, options: CallOptions): Promise<WholeAnswer> {
    const { timeoutMs = this.#options.timeoutMs, retriesMax = this.#options.retriesMax } = options;
    const { method, url, body } = request;
    const isReadOnce = typeof body === 'object' && !body.isRepeatable;
    for (let tried = 0; ; tried += 1) {
      options.signal?.throwIfAborted();
      const attempt = tried + 1;
      const credentials = await this.#options.authorize();
      // Meanwhile, the caller may have ended the call.
      options.signal?.throwIfAborted();
      const authorized = { ...request, headers: { ...request.headers, ...credentials } };
      const outcome = await this.#askInTime(authorized, attempt, timeoutMs, options.signal);
      if ('text' in outcome) return outcome;
      const { error, repeatable } = outcome;
      const wait = (error as Partial<ApiError>).retryAfterSeconds ?? null;
      const isTooLong = wait !== null && wait > RETRY_AFTER_SECONDS_MAX;
      const isOver = tried >= retriesMax || isTooLong || isReadOnce;
      if (isOver || repeatable === 'never' || (repeatable === 'if safe' && !mayRepeat)) throw error;
      const delayMs = backoffMs(tried, wait);
      notify(this.#options.hooks.onRetry, { method, url, attempt, error, delayMs });
      await pause(delayMs, options.signal);
    }
  }

  /** The text of an answer, or the error, and whether a repetition could do harm. */
  async #askInTime(
    request: Request,
    attempt: number,
    timeoutMs: number,
    outer: AbortSignal | undefined,
  ): Promise<WholeAnswer | { error: FanfareError; repeatable: 'always' | 'if safe' | 'never' }> {
    const controller = new AbortController();
    const give = () => controller.abort(outer?.reason);
    outer?.addEventListener('abort', give);
    const late = new TimeoutError(
      `${this.#options.baseUrl} did not answer in ${timeoutMs / 1_000} s.`,
    );
    const alarm = new Alarm(() => controller.abort(late));
    alarm.set(timeoutMs);
    // A body that is read while it is sent has this time for each of its parts.
    const watch = { onSource: () => alarm.set(null), onPart: () => alarm.set(timeoutMs) };
    try {
      const response = await this.#fetch(request, attempt, controller.signal, watch);
      const text = await response.text();
      if (response.ok) return { text, headers: response.headers };
      const error = readRefusal(response, text, readRetryAfter(response));
      // A 429 was refused before anything was done; the effect of a request that a gateway answered is unknown.
      if (error.status === 429) return { error, repeatable: 'always' };
      return { error, repeatable: GATEWAY_STATUSES.has(error.status) ? 'if safe' : 'never' };
    } catch (reason) {
      outer?.throwIfAborted();
      const failure = typeof request.body === 'object' ? request.body.failure : undefined;
      if (failure !== undefined) throw failure;
      const error = toConnectionError(reason, controller.signal, this.#options.baseUrl);
      return { error, repeatable: 'if safe' };
    } finally {
      alarm.set(null);
      outer?.removeEventListener('abort', give);
    }
  }
}

const UNWATCHED: BodyWatch = { onSource: () => undefined, onPart: () => undefined };

/** Options of `fetch` for a body that is read while it is sent. */
function openBody(body: LinesBody, watch: BodyWatch): RequestInit {
  const opened = body.open(watch);
  return { body: opened, ...(opened instanceof Blob ? {} : { duplex: 'half' }) } as RequestInit;
}

/** A timer that can be set anew. */
export class Alarm {
  readonly #ring: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Fires after this many milliseconds; null: never. */
  set(ms: number | null): void {
    clearTimeout(this.#timer);
    if (ms !== null) this.#timer = setTimeout(this.#ring, ms);
  }
}

/** The header of HTTP Basic (RFC 7617). */
export function authorizeByPair(user: string, password: string): RequestHeaders {
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

function toConnectionError(reason: unknown, signal: AbortSignal, baseUrl: string): FanfareError {
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

function encodeQuery(query: object | undefined): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined && value !== null) parts.set(name, encodeValue(value));
  return parts.size === 0 ? '' : `?${parts}`;
}

const definedOf = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

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
