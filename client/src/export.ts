/**
 * The recipients of an operation, read from the lines of its export (NDJSON) as they are wanted. A
 * broken answer is continued behind the last line that came.
 */
import { readDates } from './dates.ts';
import { ApiError, ConnectionError, TimeoutError } from './errors.ts';
import type { RecipientResult } from './api.ts';
import { pause, type CallOptions } from './transport.ts';

/** Opens the answer behind a line, or at the beginning. */
type Open = (pageToken: string | undefined, signal: AbortSignal) => Promise<Response>;

const RETRIES_MAX = 4;
const TIMEOUT_MS = 60_000;
const PAUSE_MS = 500;
/** Lines longer than this are none of this API. */
const LINE_LENGTH_MAX = 16_777_216;

/** `timeoutMs` is the longest wait for the next bytes; `retriesMax` counts failures without a line in between. */
export async function* readExport(
  open: Open,
  pageToken: string | undefined,
  { signal, timeoutMs = TIMEOUT_MS, retriesMax = RETRIES_MAX }: CallOptions,
): AsyncGenerator<RecipientResult, void, undefined> {
  let last = pageToken;
  for (let failures = 0; ;) {
    signal?.throwIfAborted();
    try {
      for await (const result of readOnce(open, last, timeoutMs, signal)) {
        last = result.pageToken;
        failures = 0;
        yield result;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isPassing(error) || failures >= retriesMax) throw error;
      const waitMs = 1_000 * ((error as Partial<ApiError>).retryAfterSeconds ?? 0);
      await pause(Math.max(PAUSE_MS * 2 ** failures, waitMs), signal);
      failures += 1;
    }
  }
}

/** Whether a later request may succeed. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiError) return error.status === 429 || error.status >= 502;
  return error instanceof ConnectionError;
}

async function* readOnce(
  open: Open,
  pageToken: string | undefined,
  timeoutMs: number,
  outer: AbortSignal | undefined,
): AsyncGenerator<RecipientResult, void, undefined> {
  const controller = new AbortController();
  const give = () => controller.abort(outer?.reason);
  outer?.addEventListener('abort', give);
  const late = new TimeoutError(`Nothing came for ${timeoutMs / 1_000} s.`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const inTime = async <Value>(work: Promise<Value>): Promise<Value> => {
    timer = setTimeout(() => controller.abort(late), timeoutMs);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  };
  try {
    const { body } = await inTime(open(pageToken, controller.signal));
    if (body !== null) yield* readLines(body.getReader(), inTime);
  } catch (reason) {
    if (controller.signal.aborted) throw controller.signal.reason as Error;
    if (reason instanceof ApiError || reason instanceof ConnectionError) throw reason;
    throw new ConnectionError('The export broke off.', { cause: reason });
  } finally {
    outer?.removeEventListener('abort', give);
    controller.abort();
  }
}

async function* readLines(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  inTime: <Value>(work: Promise<Value>) => Promise<Value>,
): AsyncGenerator<RecipientResult, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await inTime(reader.read());
    if (done) break;
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_LENGTH_MAX) break;
    for (const line of lines) yield readDates(JSON.parse(line)) as RecipientResult;
  }
  // Every line ends with a line feed.
  if (rest !== '') throw new ConnectionError('The export broke off in a line.');
}
