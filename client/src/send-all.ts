/**
 * Bulk sends: more recipients than one request takes. They are split into chunks of one operation
 * each, whose counters are summed.
 *
 * The same recipients in the same order are always split alike. Each chunk has an Idempotency-Key,
 * made of `key` and its number. So after a crash the same call continues where it stopped: accepted
 * chunks are answered again, not sent again, for as long as the server keeps keys (24 hours past the
 * time of sending).
 */
import type { Operation, EmailOperation, OperationReference } from './api.ts';
import { ConflictError, FanfareError, ChunkError } from './errors.ts';
import { checkOptions, type OptionNames } from './options.ts';
import { pause, type CallOptions } from './transport.ts';
import { isComplete, WATCH_OPTIONS, type WatchOptions } from './watch.ts';

/** One operation of a bulk send. */
export interface Chunk {
  /** From 0. */
  readonly index: number;
  readonly operationId: string;
  /** Entries of `to`. */
  readonly recipients: number;
}

export interface SendAllOptions extends CallOptions {
  /** Makes repetitions safe: at most 240 visible ASCII characters. Random by default, but then a crash cannot be resumed. */
  readonly key?: string | undefined;
  /** Recipients of one request, 1 to 10,000 (default). Must be the same in a call that resumes another. */
  readonly chunkSizeMax?: number | undefined;
  /** Requests at work at once. 2 unless said. */
  readonly concurrency?: number | undefined;
  /** Chunks that are known to be accepted. They are not requested again. */
  readonly accepted?: readonly Chunk[] | undefined;
  /** Called for each chunk when it is accepted, in no particular order. Save the chunk for `accepted`. */
  readonly onAccepted?: ((chunk: Chunk) => void | Promise<void>) | undefined;
}

const SEND_ALL_OPTIONS: OptionNames<SendAllOptions> = {
  key: true,
  chunkSizeMax: true,
  concurrency: true,
  accepted: true,
  onAccepted: true,
  signal: true,
  timeoutMs: true,
  retriesMax: true,
};

/** All operations of a bulk send together. */
export interface Bulk<Stats> {
  /**
   * SCHEDULED before anything has begun, PROCESSING while a chunk is in progress or not accepted yet; CANCELED if a
   * chunk was.
   */
  readonly status: Operation['status'];
  /** Sums of all operations. */
  readonly stats: Stats;
  /** Whether all recipients are accepted. */
  readonly isAccepted: boolean;
  readonly chunks: readonly Chunk[];
}

interface Calls<Op> {
  send(json: string, idempotencyKey: string, options: CallOptions): Promise<OperationReference>;
  fetch(operationId: string, options: CallOptions): Promise<Op>;
  cancel(operationId: string): Promise<Op>;
  pause(operationId: string): Promise<Op>;
  resume(operationId: string): Promise<Op>;
  isSettled(operation: Op): boolean;
  /** Bytes of one request. */
  readonly bytesMax: number;
}

const CHUNK_SIZE_MAX = 10_000;
const KEY_LENGTH_MAX = 240;
const QUIET_MS = 30_000;
const POLL_MS = 1_000;
/** Operations fetched at once. */
const FETCHES_MAX = 8;

export class SendAll<Op extends Operation | EmailOperation> {
  /** The key it can be resumed with. */
  readonly key: string;
  readonly #calls: Calls<Op>;
  readonly #options: SendAllOptions;
  readonly #chunks = new Map<number, Chunk>();
  readonly #known = new Map<number, Op>();
  readonly #stop = new AbortController();
  readonly #accepted: Promise<readonly Chunk[]>;
  #isAccepted = false;

  constructor(
    calls: Calls<Op>,
    request: { to: Iterable<unknown> | AsyncIterable<unknown> },
    options: SendAllOptions,
  ) {
    checkOptions('sendAll', options, SEND_ALL_OPTIONS);
    this.key = options.key ?? crypto.randomUUID();
    if (!/^[\x21-\x7e]+$/.test(this.key) || this.key.length > KEY_LENGTH_MAX)
      throw new FanfareError(`The key must be 1 to ${KEY_LENGTH_MAX} visible ASCII characters.`);
    this.#calls = calls;
    this.#options = options;
    for (const each of options.accepted ?? []) this.#chunks.set(each.index, each);
    this.#accepted = this.#sendChunks(request);
    // A caller that only watches gets the failure there.
    this.#accepted.catch(() => undefined);
  }

  /** Chunks accepted so far, in their order. */
  get chunks(): readonly Chunk[] {
    return [...this.#chunks.values()].toSorted((a, b) => a.index - b.index);
  }

  /** Resolves when all are accepted. Rejects with the first failure; chunks accepted until then are in `chunks`, and are sent. */
  accepted(): Promise<readonly Chunk[]> {
    return this.#accepted;
  }

  /** All together as they are now. */
  async fetch(options: CallOptions = {}): Promise<Bulk<Op['stats']>> {
    const open = this.chunks.filter((each) => {
      const known = this.#known.get(each.index);
      return known === undefined || !this.#calls.isSettled(known);
    });
    await inParallel(open, FETCHES_MAX, async ({ index, operationId }) => {
      this.#known.set(index, await this.#calls.fetch(operationId, options));
    });
    return this.#sum();
  }

  /** All together, and again whenever something has changed, until all is done (as `watchOperation`). */
  async *watch(options: WatchOptions = {}): AsyncGenerator<Bulk<Op['stats']>, void, undefined> {
    checkOptions('watch', options, WATCH_OPTIONS);
    const { until = 'settled', quietMs = QUIET_MS, pollMs = POLL_MS, signal } = options;
    let shown = '';
    let quietSince = Date.now();
    for (;;) {
      const bulk = await this.fetch({ signal });
      const text = JSON.stringify(bulk);
      if (text !== shown) {
        shown = text;
        quietSince = Date.now();
        yield bulk;
      }
      const isSettled = [...this.#known.values()].every((each) => this.#calls.isSettled(each));
      const isQuiet = Date.now() - quietSince >= quietMs;
      if (bulk.isAccepted && isComplete(bulk) && (until === 'completed' || isSettled || isQuiet))
        return;
      // A failure to send ends it with that error.
      await Promise.race([pause(pollMs, signal), this.#accepted.then(() => pause(pollMs, signal))]);
    }
  }

  /** Stops reading recipients (except for a pending read), and cancels every operation. */
  async cancel(): Promise<void> {
    this.#stop.abort(new FanfareError('Sending was canceled.'));
    await this.#accepted.catch(() => undefined);
    await this.#change((operationId) => this.#calls.cancel(operationId));
  }

  /** Pauses every operation that is accepted. */
  pause(): Promise<void> {
    return this.#change((operationId) => this.#calls.pause(operationId));
  }

  resume(): Promise<void> {
    return this.#change((operationId) => this.#calls.resume(operationId));
  }

  async #change(change: (operationId: string) => Promise<Op>): Promise<void> {
    await inParallel(this.chunks, FETCHES_MAX, async ({ index, operationId }) => {
      this.#known.set(index, await change(operationId));
    });
  }

  async #sendChunks(request: {
    to: Iterable<unknown> | AsyncIterable<unknown>;
  }): Promise<readonly Chunk[]> {
    const { concurrency = 2, chunkSizeMax = CHUNK_SIZE_MAX, signal, accepted = [] } = this.#options;
    const { to, ...rest } = request;
    const tail = JSON.stringify(rest).slice(1);
    const skipped = new Set(accepted.map((each) => each.index));
    const chunks = splitChunks(to, chunkSizeMax, this.#calls.bytesMax - tail.length);
    await inParallel(chunks, concurrency, async ({ index, first, json, recipients }) => {
      signal?.throwIfAborted();
      this.#stop.signal.throwIfAborted();
      if (skipped.has(index)) return;
      const body = `{"to":[${json}]${tail === '}' ? '' : ','}${tail}`;
      const { operationId } = await this.#sendChunk(index, first, body);
      const chunk = { index, operationId, recipients };
      this.#chunks.set(index, chunk);
      await this.#options.onAccepted?.(chunk);
    });
    this.#isAccepted = true;
    return this.chunks;
  }

  async #sendChunk(index: number, first: number, body: string): Promise<OperationReference> {
    const { signal, timeoutMs, retriesMax } = this.#options;
    const options = { signal, timeoutMs, retriesMax };
    try {
      return await this.#calls.send(body, `${this.key}-${index}`, options);
    } catch (error) {
      if (!(error instanceof FanfareError)) throw error;
      const message =
        error instanceof ConflictError
          ? `Chunk ${index} was sent before under the key "${this.key}", with other recipients or another content. Give the same ones in the same order, or another key.`
          : `Chunk ${index}, which begins with recipient ${first}: ${error.message}`;
      throw new ChunkError(index, first, message, error);
    }
  }

  #sum(): Bulk<Op['stats']> {
    const operations = [...this.#known.values()];
    const stats: Record<string, number> = {};
    for (const operation of operations)
      for (const [name, value] of Object.entries(operation.stats))
        stats[name] = (stats[name] ?? 0) + value;
    return {
      status: this.#status(operations),
      stats: stats as unknown as Op['stats'],
      isAccepted: this.#isAccepted,
      chunks: this.chunks,
    };
  }

  #status(operations: readonly Op[]): Operation['status'] {
    const has = (status: Operation['status']) => operations.some((each) => each.status === status);
    if (!this.#isAccepted || has('PROCESSING')) return 'PROCESSING';
    if (has('SCHEDULED')) return has('COMPLETED') || has('CANCELED') ? 'PROCESSING' : 'SCHEDULED';
    return has('CANCELED') ? 'CANCELED' : 'COMPLETED';
  }
}

interface Split {
  readonly index: number;
  /** Which of all recipients is its first, from 0. */
  readonly first: number;
  readonly json: string;
  readonly recipients: number;
}

/** Recipients as JSON, as many as fit into one request. */
async function* splitChunks(
  to: Iterable<unknown> | AsyncIterable<unknown>,
  sizeMax: number,
  bytesMax: number,
): AsyncGenerator<Split, void, undefined> {
  const encoder = new TextEncoder();
  let entries: string[] = [];
  let bytes = 0;
  let index = 0;
  let first = 0;
  const take = (): Split => {
    const split = { index, first, json: entries.join(','), recipients: entries.length };
    index += 1;
    first += entries.length;
    entries = [];
    bytes = 0;
    return split;
  };
  for await (const each of to) {
    const json = JSON.stringify(each);
    const size = encoder.encode(json).length + 1;
    if (entries.length > 0 && (entries.length >= sizeMax || bytes + size > bytesMax)) yield take();
    entries.push(json);
    bytes += size;
  }
  if (entries.length > 0) yield take();
}

/**
 * Processes entries, this many at once. Rejects with the first failure, after the started ones have ended; the others
 * are not started.
 */
async function inParallel<Entry>(
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  most: number,
  work: (entry: Entry) => Promise<void>,
): Promise<void> {
  const atWork = new Set<Promise<void>>();
  const failures: unknown[] = [];
  try {
    for await (const entry of entries) {
      const one: Promise<void> = work(entry)
        .catch((error: unknown) => void failures.push(error))
        .finally(() => atWork.delete(one));
      atWork.add(one);
      if (atWork.size >= most) await Promise.race(atWork);
      if (failures.length > 0) break;
    }
  } finally {
    await Promise.all(atWork);
  }
  if (failures.length > 0) throw failures[0];
}
