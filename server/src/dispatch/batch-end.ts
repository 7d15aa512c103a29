/**
 * The end of a batch. Every message that its run leaves is ended or requeued in a batch of its
 * own, before the leased batch is deleted. These are the steps under "at the end" in
 * `batch-run.ts`.
 */
import { ERRORS } from '../domain/errors.ts';
import type { QuietClock } from '../domain/quiet-hours.ts';
import type { BatchMessage, Remainder, Settlement, Store } from '../store/store.ts';
import type { DeliveryContext } from './deliver.ts';
import { planRemainder } from './requeue-remainder.ts';
import type { Throttled } from './throttled.ts';
import type { CarrierQueue } from './carrier-queue.ts';
import { retryWhileLeased, type LeasedBatch } from './lease.ts';
import type { Settler } from './settle.ts';
import { holdInDoubt } from './triage.ts';

/** The messages that a run leaves, and the reason. */
export interface Leftovers {
  /** Ordinals that were not submitted, or that were throttled. */
  readonly unsent: readonly number[];
  /** Of these, the ordinals for a batch of their sender alone. */
  readonly apart: ReadonlySet<number>;
  /** Ordinals that were submitted and had no answer by the end of a stop. */
  readonly submitted: readonly number[];
  readonly throttled: Throttled;
  readonly isExpired: boolean;
  readonly quiet: QuietClock | null;
  readonly cappedForMs: number | null;
}

interface BatchEndDeps {
  readonly store: Store;
  readonly settler: Settler;
  readonly queue: CarrierQueue;
  readonly stopping: AbortSignal;
}

export class BatchEnd {
  readonly #leased: LeasedBatch;
  readonly #context: DeliveryContext;
  readonly #deps: BatchEndDeps;
  readonly #messages: ReadonlyMap<number, BatchMessage>;
  /** Ordinals that cannot be sent at all, and why. */
  readonly #failed: { ordinal: number; code: number }[] = [];

  constructor(
    leased: LeasedBatch,
    context: DeliveryContext,
    deps: BatchEndDeps,
    messages: ReadonlyMap<number, BatchMessage>,
  ) {
    this.#leased = leased;
    this.#context = context;
    this.#deps = deps;
    this.#messages = messages;
  }

  /** Records an outcome; null: the batch ends. `onDone` is called when it is written, or given up. */
  settle(settlement: Settlement | null, onDone?: () => void): void {
    const { batch } = this.#leased;
    this.#deps.settler.add([{ accountId: batch.accountId, batch, settlement, onDone }]);
  }

  /** A message that cannot be sent ends FAILED with the batch. */
  fail(ordinal: number, code: number): void {
    this.#failed.push({ ordinal, code });
  }

  holdInDoubt(ordinals: Iterable<number>): void {
    const { plan } = this.#context.operation;
    for (const ordinal of ordinals) {
      const message = this.#messages.get(ordinal);
      if (message !== undefined) this.settle(holdInDoubt(message, this.#leased.batch, plan));
    }
  }

  /** Ends messages that were certainly not submitted. */
  async endUnsent(
    ordinals: readonly number[],
    status: 'CANCELED' | 'FAILED',
    code: number | null,
  ): Promise<void> {
    if (ordinals.length === 0) return;
    const { accountId, operationId } = this.#leased.batch;
    const { batches } = this.#deps.store;
    await this.#retry(() => batches.endUnsent(accountId, operationId, ordinals, status, code));
  }

  /**
   * Ends the batch with its last settlement, or requeues its remainder: unsubmitted and unanswered messages. Resolves when all of
   * it is written.
   */
  async finish(left: Leftovers): Promise<void> {
    for (const code of new Set(this.#failed.map((each) => each.code))) {
      const those = this.#failed.flatMap((each) => (each.code === code ? each.ordinal : []));
      await this.endUnsent(those, 'FAILED', code);
    }
    const inDoubt = this.#inDoubtAmong(left.unsent);
    if (left.isExpired) {
      this.holdInDoubt(inDoubt);
      const sure = left.unsent.filter((each) => !inDoubt.has(each));
      await this.endUnsent(sure, 'FAILED', ERRORS.expired.code);
    }
    const remainders = left.isExpired ? [] : this.#planRemainder(left, inDoubt);
    if (left.submitted.length > 0) remainders.push(this.#remainderInDoubt(left.submitted));
    if (remainders.length === 0) return new Promise((resolve) => this.settle(null, resolve));
    const { batch } = this.#leased;
    // Outcomes must be written before the remainder may be leased without them.
    await this.#deps.settler.flushed();
    if (this.#deps.settler.isSpoiled(batch)) return;
    await this.#retry(() => this.#deps.store.batches.requeueRemainder(batch, remainders));
  }

  /** Messages that an earlier lease may have submitted, and that may be submitted again. */
  #inDoubtAmong(ordinals: readonly number[]): Set<number> {
    const { batch } = this.#leased;
    const earlier = new Set(batch.ordinals.slice(0, batch.inDoubtMark));
    return new Set(ordinals.filter((each) => earlier.has(each)));
  }

  #planRemainder(
    { unsent, apart, throttled, quiet, cappedForMs }: Leftovers,
    inDoubt: Set<number>,
  ): Remainder[] {
    const now = performance.now();
    const waits = new Map(throttled.ordinals.map((each) => [each, throttled.waitMs(each, now)]));
    // While the carrier accepts nothing, they wait together, so that an outage does not split a batch.
    const { isBraked, backoffMs } = this.#deps.queue;
    const allMs = isBraked ? Math.max(backoffMs, ...waits.values()) : 0;
    return planRemainder(
      unsent.flatMap((ordinal) => this.#messages.get(ordinal) ?? []),
      this.#leased.batch,
      this.#context.operation.plan,
      {
        quiet,
        cappedForMs,
        carrierWaitMs: (ordinal) => Math.max(allMs, waits.get(ordinal) ?? 0),
        inDoubt,
        apart,
      },
      Date.now(),
    );
  }

  /** The next lease finds them in doubt. */
  #remainderInDoubt(ordinals: readonly number[]): Remainder {
    const { sender, candidate, tries } = this.#leased.batch;
    return {
      ordinals,
      inDoubtCount: ordinals.length,
      carrier: this.#deps.queue.carrier.name,
      candidate,
      senderId: sender?.id ?? null,
      tries,
      delayMs: 0,
      staysDue: true,
    };
  }

  #retry<Result>(ask: () => Promise<Result>): Promise<Result> {
    return retryWhileLeased(this.#leased, this.#deps.stopping, ask);
  }
}
