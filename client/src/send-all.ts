/**
 * A send to any number of recipients: one request, whose lines are read while they are sent, and one operation.
 *
 * ```
 *  sending ──last recipient──▶ waiting ──202──▶ accepted
 *     └──wrong line, abort, cancel, broken connection──▶ failed: nothing is accepted
 * ```
 */
import type { EmailOperation, Operation, OperationReference } from './api.ts';
import { FanfareError } from './errors.ts';
import { RecipientLines, type LinesBody, type Recipients } from './lines.ts';
import { checkOptions, type OptionNames } from './options.ts';
import type { CallOptions } from './transport.ts';
import { WATCH_OPTIONS, type WatchOptions } from './watch.ts';

export interface SendAllOptions extends CallOptions {
  /**
   * Makes repetitions safe: the same call with the same key is accepted once. At most 255 visible ASCII characters. Random
   * unless given.
   */
  readonly key?: string | undefined;
  /** Called with the number of recipients that were passed on so far. A retry begins again at 0. */
  readonly onProgress?: ((recipients: number) => void) | undefined;
  /** Packs the request, which costs time of a processor and saves bytes on the way. False unless said. */
  readonly gzip?: boolean | undefined;
}

const SEND_ALL_OPTIONS: OptionNames<SendAllOptions> = {
  key: true,
  onProgress: true,
  gzip: true,
  signal: true,
  timeoutMs: true,
  retriesMax: true,
};

/** The operation that a streamed request has become. */
export interface Acceptance extends OperationReference {
  /** Whether the operation was accepted before, under the same key. */
  readonly isReplayed: boolean;
}

/** The calls that a send needs. */
interface Calls<Op> {
  send(lines: LinesBody, idempotencyKey: string, options: CallOptions): Promise<Acceptance>;
  fetch(operationId: string, options?: CallOptions): Promise<Op>;
  watch(operationId: string, options: WatchOptions): AsyncGenerator<Op, void, undefined>;
  cancel(operationId: string): Promise<Op>;
  pause(operationId: string): Promise<Op>;
  resume(operationId: string): Promise<Op>;
}

const KEY = /^[\x21-\x7e]{1,255}$/;

export class SendAll<Op extends Operation | EmailOperation> {
  /** The key under which it is repeated. */
  readonly key: string;
  readonly #calls: Calls<Op>;
  readonly #stop = new AbortController();
  readonly #accepted: Promise<Acceptance>;
  #recipients = 0;
  #isWhole = false;

  constructor(
    calls: Calls<Op>,
    request: { readonly to: Recipients<unknown> },
    options: SendAllOptions,
  ) {
    checkOptions('sendAll', options, SEND_ALL_OPTIONS);
    const { key = crypto.randomUUID(), onProgress, gzip = false, signal, ...rest } = options;
    if (!KEY.test(key))
      throw new FanfareError('The key must be 1 to 255 visible ASCII characters.');
    this.key = key;
    this.#calls = calls;
    const lines = new RecipientLines(request, gzip, (recipients, isWhole) => {
      this.#recipients = recipients;
      this.#isWhole = isWhole;
      onProgress?.(recipients);
    });
    const end = () => this.#stop.abort(signal?.reason);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
    this.#accepted = calls.send(lines, key, { ...rest, signal: this.#stop.signal });
    // A caller that only watches gets the failure there.
    this.#accepted.catch(() => undefined).finally(() => signal?.removeEventListener('abort', end));
  }

  /** Recipients that were passed on so far. */
  get recipients(): number {
    return this.#recipients;
  }

  /** Whether the last recipient was passed on. From then on, only the answer tells whether the operation is accepted. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Resolves with the operation, once all recipients are accepted. Rejects with the failure. */
  accepted(): Promise<Acceptance> {
    return this.#accepted;
  }

  /** The operation as it is now. */
  async fetch(options?: CallOptions): Promise<Op> {
    return this.#calls.fetch((await this.#accepted).operationId, options);
  }

  /** The operation, and again whenever it has changed, until it is done (as `watchOperation`). */
  async *watch(options: WatchOptions = {}): AsyncGenerator<Op, void, undefined> {
    checkOptions('watch', options, WATCH_OPTIONS);
    yield* this.#calls.watch((await this.#accepted).operationId, options);
  }

  /** Ends the request, so that nothing is accepted, or cancels the operation. */
  async cancel(): Promise<void> {
    // The answer to a whole request tells what there is to cancel.
    if (!this.#isWhole) this.#stop.abort(new FanfareError('Sending was canceled.'));
    const accepted = await this.#accepted.catch(() => null);
    if (accepted !== null) await this.#calls.cancel(accepted.operationId);
  }

  async pause(): Promise<Op> {
    return this.#calls.pause((await this.#accepted).operationId);
  }

  async resume(): Promise<Op> {
    return this.#calls.resume((await this.#accepted).operationId);
  }
}
