/**
 * The end of a batch. Every message that its run leaves is ended or requeued in a batch of its
 * own, before the leased batch is deleted. These are the steps under "at the end" in
 * `batch-run.ts`.
 */
import { ERRORS } from '../domain/errors.ts';
import type { QuietClock } from '../domain/quiet-hours.ts';
import type { BatchMessage, Piece, Settlement, Store } from '../store/store.ts';
import type { DeliveryContext } from './deliver.ts';
import { planPieces } from './give-back.ts';
import type { Held } from './held.ts';
import type { Lane } from './lane.ts';
import { insist, type LeasedBatch } from './lease.ts';
import type { Settler } from './settle.ts';
import { holdInDoubt } from './sort-out.ts';

/** What a run leaves, and why. */
export interface Leftovers {
  /** Ordinals that were not submitted, or in vain. */
  readonly unsent: readonly number[];
  /** Of these, what belongs into a batch of its sender alone. */
  readonly apart: ReadonlySet<number>;
  /** Ordinals submitted whose answer nobody waits for any more. */
  readonly submitted: readonly number[];
  readonly held: Held;
  readonly isExpired: boolean;
  readonly quiet: QuietClock | null;
  readonly cappedForMs: number | null;
}

interface BatchEndDeps {
  readonly store: Store;
  readonly settler: Settler;
  readonly lane: Lane;
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

  /** Records an outcome; null: the batch ends. */
  settle(settlement: Settlement | null): void {
    const { batch } = this.#leased;
    this.#deps.settler.add([{ accountId: batch.accountId, batch, settlement }]);
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

  /** Ends messages that no carrier may have. */
  async endUnsent(
    ordinals: readonly number[],
    status: 'CANCELED' | 'FAILED',
    code: number | null,
  ): Promise<void> {
    if (ordinals.length === 0) return;
    const { accountId, operationId } = this.#leased.batch;
    const { batches } = this.#deps.store;
    await this.#insist(() => batches.endUnsent(accountId, operationId, ordinals, status, code));
  }

  /** Ends the batch with its last settlement, or gives back what was not submitted, and what has no answer. */
  async finish(left: Leftovers): Promise<void> {
    for (const code of new Set(this.#failed.map((each) => each.code))) {
      const those = this.#failed.flatMap((each) => (each.code === code ? each.ordinal : []));
      await this.endUnsent(those, 'FAILED', code);
    }
    const doubtful = this.#doubtfulAmong(left.unsent);
    if (left.isExpired) {
      this.holdInDoubt(doubtful);
      const sure = left.unsent.filter((each) => !doubtful.has(each));
      await this.endUnsent(sure, 'FAILED', ERRORS.expired.code);
    }
    const pieces = left.isExpired ? [] : this.#planPieces(left, doubtful);
    if (left.submitted.length > 0) pieces.push(this.#pieceInDoubt(left.submitted));
    if (pieces.length === 0) return this.settle(null);
    const { batch } = this.#leased;
    // What was submitted must be on record before the rest may be leased without it.
    await this.#deps.settler.flushed();
    if (this.#deps.settler.isSpoiled(batch)) return;
    await this.#insist(() => this.#deps.store.batches.returnBatch(batch, pieces));
  }

  /** Those that an earlier lease may have submitted, and whose carrier takes them again. */
  #doubtfulAmong(ordinals: readonly number[]): Set<number> {
    const { batch } = this.#leased;
    const earlier = new Set(batch.ordinals.slice(0, batch.doubtful));
    return new Set(ordinals.filter((each) => earlier.has(each)));
  }

  #planPieces(
    { unsent, apart, held, quiet, cappedForMs }: Leftovers,
    doubtful: Set<number>,
  ): Piece[] {
    const now = performance.now();
    const waits = new Map(held.ordinals.map((each) => [each, held.waitMs(each, now)]));
    // While the carrier takes nothing they wait together, so that no outage leaves a batch in pieces.
    const { isBraked, restMs } = this.#deps.lane;
    const allMs = isBraked ? Math.max(restMs, ...waits.values()) : 0;
    return planPieces(
      unsent.flatMap((ordinal) => this.#messages.get(ordinal) ?? []),
      this.#leased.batch,
      this.#context.operation.plan,
      {
        quiet,
        cappedForMs,
        carrierWaitMs: (ordinal) => Math.max(allMs, waits.get(ordinal) ?? 0),
        doubtful,
        apart,
      },
      Date.now(),
    );
  }

  /** The next lease finds them in doubt. */
  #pieceInDoubt(ordinals: readonly number[]): Piece {
    const { sender, candidate, tries } = this.#leased.batch;
    return {
      ordinals,
      doubtful: ordinals.length,
      lane: this.#deps.lane.carrier.name,
      candidate,
      senderId: sender?.id ?? null,
      tries,
      delayMs: 0,
      staysDue: true,
    };
  }

  #insist<Result>(ask: () => Promise<Result>): Promise<Result> {
    return insist(this.#leased, this.#deps.stopping, ask);
  }
}
