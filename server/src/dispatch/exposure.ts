/**
 * The exposed messages of one batch: below its committed high-water mark, and without a written
 * answer. A crash puts them in doubt, so a carrier's queue limits them for all its batches together.
 * Rate-limited batches are not counted: their sender's clock exposes a second's worth at most.
 */
import type { Batch } from '../store/store.ts';
import type { CarrierQueue } from './carrier-queue.ts';

export class Exposure {
  readonly #queue: CarrierQueue;
  #count: number;

  /** Counts the messages that the lease has put below the mark. */
  constructor(queue: CarrierQueue, { highWaterMark, inDoubtMark }: Batch) {
    this.#queue = queue;
    this.#count = highWaterMark - inDoubtMark;
    queue.expose(this.#count);
  }

  /** Waits until some more may be exposed, up to `count` and the queue's reach, and counts them. Resolves with 0 at a stop. */
  async grow(count: number): Promise<number> {
    const granted = await this.#queue.exposeUpTo(Math.min(count, this.#queue.reach));
    this.#count += granted;
    return granted;
  }

  /** The answers of some are written, or they need none. */
  shrink(count: number): void {
    const gone = Math.min(count, this.#count);
    this.#count -= gone;
    this.#queue.expose(-gone);
  }

  /** The run of the batch ends: its unanswered messages were requeued, or are in doubt already. */
  end(): void {
    this.shrink(this.#count);
  }
}
