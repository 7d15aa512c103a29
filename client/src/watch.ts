/**
 * An operation followed until it is done: over the live stream, and by polling without one or while it is broken.
 *
 * ```
 *  streaming ──broken or silent──▶ polling once ──▶ streaming …
 *      └──no such endpoint──▶ polling repeatedly
 *  both end: nothing can change any more, or it is complete and was quiet for `quietMs`
 * ```
 */
import { readDates } from './dates.ts';
import { ApiError, ConnectionError, RateLimitError, ServerError } from './errors.ts';
import { readEvents } from './event-source.ts';
import { checkOptions, type OptionNames } from './options.ts';
import { Alarm, pause } from './transport.ts';

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  /**
   * `settled` (unless said): to the last receipt. `completed`: until all messages are submitted or have ended.
   */
  readonly until?: 'settled' | 'completed' | undefined;
  /** Milliseconds: a complete operation that has not changed for so long is taken for settled. 30,000 unless said. */
  readonly quietMs?: number | undefined;
  /** Milliseconds between two questions where there is no live stream. 1,000 unless said. */
  readonly pollMs?: number | undefined;
}

export const WATCH_OPTIONS: OptionNames<WatchOptions> = {
  signal: true,
  until: true,
  quietMs: true,
  pollMs: true,
};

/** The fields of operations of every kind. */
export interface AnyOperation {
  readonly status: 'SCHEDULED' | 'PROCESSING' | 'COMPLETED' | 'CANCELED';
  readonly updatedAt: Date;
  /** Counts changes; a server older than this client says none. */
  readonly revision?: number;
  readonly stats: { readonly [counter: string]: number };
}

/** Where an operation is read. */
export interface Source<Operation> {
  fetch(signal: AbortSignal): Promise<Operation>;
  stream(signal: AbortSignal): Promise<Response>;
  /** Whether no counter can move any more. */
  isSettled(operation: Operation): boolean;
}

const QUIET_MS = 30_000;
const POLL_MS = 1_000;
/** A server says something every 15 seconds; one that has not for this long is gone. */
const SILENCE_MS = 45_000;
/** Questions without an answer before it is given up. */
const FAILURES_MAX = 30;

/** Grows with each state: the revision, or the time of the last change. */
function placeOf({ revision, updatedAt }: AnyOperation): number {
  return revision ?? updatedAt.getTime();
}

/** Whether all messages are submitted or have ended. */
export function isComplete({ status }: Pick<AnyOperation, 'status'>): boolean {
  return status === 'COMPLETED' || status === 'CANCELED';
}

/**
 * Yields the operation at once and after every change.
 * @throws ApiError if it does not exist, ConnectionError if the server was unavailable for too long
 */
export async function* watch<Operation extends AnyOperation>(
  source: Source<Operation>,
  options: WatchOptions,
): AsyncGenerator<Operation, void, undefined> {
  checkOptions('watchOperation', options, WATCH_OPTIONS);
  const { until = 'settled', quietMs = QUIET_MS, pollMs = POLL_MS, signal } = options;
  let shown: Operation | null = null;
  let quietSince = Date.now();
  let hasStream = true;
  let failures = 0;

  const isNews = (now: Operation) => {
    if (shown !== null && placeOf(now) <= placeOf(shown)) return false;
    shown = now;
    quietSince = Date.now();
    failures = 0;
    return true;
  };
  const isOver = () =>
    shown !== null &&
    isComplete(shown) &&
    (until === 'completed' || source.isSettled(shown) || Date.now() - quietSince >= quietMs);

  const quietMsLeft = () =>
    shown !== null && isComplete(shown) ? quietSince + quietMs - Date.now() : null;

  for (;;) {
    signal?.throwIfAborted();
    if (hasStream)
      try {
        for await (const now of streamStates(source, signal, quietMsLeft)) {
          if (isNews(now)) yield now;
          if (isOver()) return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ApiError && !isPassing(error)) hasStream = false;
      }
    try {
      const now = await source.fetch(signal ?? new AbortController().signal);
      failures = 0;
      if (isNews(now)) yield now;
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      if (!isPassing(error) || failures >= FAILURES_MAX) throw error;
    }
    if (isOver()) return;
    await pause(pollMs, signal);
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof ServerError ||
    error instanceof RateLimitError ||
    error instanceof ConnectionError
  );
}

/**
 * States from the stream. Ends with the stream, when the server is silent for too long, and when there was no change for
 * the time that `quietMsLeft` returns after each state (null: any time).
 */
async function* streamStates<Operation extends AnyOperation>(
  source: Source<Operation>,
  outer: AbortSignal | undefined,
  quietMsLeft: () => number | null,
): AsyncGenerator<Operation, void, undefined> {
  const controller = new AbortController();
  const end = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', end);
  const silence = new Alarm(end);
  const quiet = new Alarm(end);
  try {
    silence.set(SILENCE_MS);
    quiet.set(quietMsLeft());
    const { body } = await source.stream(controller.signal);
    if (body === null) return;
    for await (const event of readEvents(body, () => silence.set(SILENCE_MS))) {
      if (event.type === 'end') return;
      if (event.type !== 'operation') continue;
      yield readDates(JSON.parse(event.data)) as Operation;
      quiet.set(quietMsLeft());
    }
  } finally {
    silence.set(null);
    quiet.set(null);
    outer?.removeEventListener('abort', end);
    controller.abort();
  }
}
