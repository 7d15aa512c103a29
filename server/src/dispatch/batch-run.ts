/**
 * One leased batch on its way through a lane. Promises:
 * - nothing is handed over that a committed frontier has not passed, nor after the lease may have ended;
 * - every message that was handed over is settled, every other one is sent later by whoever leases next;
 * - the batch is deleted with the settlement of its last message.
 *
 * ```
 *  load ─▶ sort out what is settled, canceled, expired, doubtful or suppressed ─▶ send the rest, window by window
 *       ─▶ again for those that were throttled ─▶ all settled: done · told to stop: give the rest back
 * ```
 */
import { setImmediate as yieldToOthers, setTimeout as sleep } from 'node:timers/promises';
import { ERRORS } from '../domain/errors.ts';
import { MESSAGE_STATUSES, rankOf } from '../domain/message.ts';
import { listCandidates } from '../domain/routing.ts';
import { indexSuppressions, isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { Batch, BatchMessage, Settlement, Store } from '../store/store.ts';
import { deliver, type Delivery, type DeliveryContext } from './deliver.ts';
import type { Lane } from './lane.ts';
import type { Settler } from './settle.ts';

/** A leased batch and how long this node may go on with it. */
export interface LeasedBatch {
  readonly batch: Batch;
  /** On the clock of `performance.now()`; moved by renewals. */
  leaseEndsAt: number;
}

export interface BatchRunDeps {
  readonly store: Store;
  readonly settler: Settler;
  readonly lane: Lane;
  /** Stop handing over. */
  readonly stopping: AbortSignal;
  /** Stop waiting for answers. */
  readonly abandoned: AbortSignal;
  readonly onSubmitted: (seconds: number) => void;
}

/** Messages submitted before other work of the process gets a turn. */
const TURN_SIZE = 50;
/** A lease with less than this left is treated as lost: the submission must be out before it ends. */
const LEASE_MARGIN_MS = 500;

/** Statuses that leave nothing to send. */
const SETTLED = new Set(MESSAGE_STATUSES.filter((status) => rankOf(status) > rankOf('SENT')));

/** Runs a batch to its end, or until it is told to stop. Rejects when the database fails it: its lease then runs out. */
export async function runBatch(
  leased: LeasedBatch,
  context: DeliveryContext,
  deps: BatchRunDeps,
): Promise<void> {
  const { batch } = leased;
  const messages = await deps.store.batches.loadMessages(
    batch.accountId,
    batch.operationId,
    batch.ordinals,
  );
  const addresses = [...messages.values()].flatMap((each) =>
    each.addresses.map(({ address }) => address),
  );
  const suppressed = indexSuppressions(
    await deps.store.suppressions.findSuppressions(batch.accountId, addresses),
  );
  const run = new BatchRun(leased, context, deps, messages, suppressed);
  await run.sortOut();
  await run.sendAll();
  await run.finish();
}

class BatchRun {
  readonly #leased: LeasedBatch;
  readonly #context: DeliveryContext;
  readonly #deps: BatchRunDeps;
  readonly #messages: ReadonlyMap<number, BatchMessage>;
  /** Who has opted out since the operation was accepted, or is about to. */
  readonly #suppressed: SuppressionIndex;
  /** As the database last said: a cancel may shorten it behind the frontier. */
  #ordinals: readonly number[];
  #frontier: number;
  #leaseLost = false;
  /** Ordinals that need no submission from this run. */
  readonly #skipped = new Set<number>();
  /** Ordinals throttled, with the time from which they may be tried again. */
  #throttled: { ordinal: number; notBefore: number }[] = [];
  /** Ordinals never handed over because the run was told to stop. */
  readonly #unsent: number[] = [];
  /** Ordinals that cannot be sent at all, and why. */
  readonly #unsendable: { ordinal: number; code: number }[] = [];
  /** Submissions without an answer yet. */
  #unanswered = 0;
  #wakeOnAnswers: (() => void) | null = null;

  constructor(
    leased: LeasedBatch,
    context: DeliveryContext,
    deps: BatchRunDeps,
    messages: ReadonlyMap<number, BatchMessage>,
    suppressed: SuppressionIndex,
  ) {
    this.#leased = leased;
    this.#context = context;
    this.#deps = deps;
    this.#messages = messages;
    this.#suppressed = suppressed;
    this.#ordinals = leased.batch.ordinals;
    this.#frontier = leased.batch.frontier;
  }

  /** Finds what shall not be sent: already settled, held in doubt, canceled or expired. */
  async sortOut(): Promise<void> {
    const { batch } = this.#leased;
    const { operation } = this.#context;
    const ended: number[] = [];
    const expired = operation.expireAt !== null && operation.expireAt.getTime() <= Date.now();
    for (const [position, ordinal] of batch.ordinals.entries()) {
      const message = this.#messages.get(ordinal);
      const suppressed =
        message !== undefined && isSuppressed(message.addresses, operation.plan, this.#suppressed);
      if (message === undefined || message.attempt >= batch.attempt || SETTLED.has(message.status))
        this.#skipped.add(ordinal);
      else if (
        position < batch.doubtful &&
        (this.#deps.lane.carrier.ambiguous === 'hold' ||
          batch.cancelRequested ||
          expired ||
          suppressed)
      ) {
        // Not CANCELED, nor FAILED: the carrier may have it.
        this.#skipped.add(ordinal);
        this.#settle(this.#hold(message));
      } else if (batch.cancelRequested || expired) {
        this.#skipped.add(ordinal);
        ended.push(ordinal);
      } else if (suppressed) {
        this.#skipped.add(ordinal);
        this.#unsendable.push({ ordinal, code: ERRORS.suppressed.code });
      }
    }
    if (ended.length > 0)
      await this.#deps.store.batches.endUnsent(
        batch.accountId,
        batch.operationId,
        ended,
        batch.cancelRequested ? 'CANCELED' : 'FAILED',
        batch.cancelRequested ? null : ERRORS.expired.code,
      );
  }

  #hold(message: BatchMessage): Settlement {
    const { batch } = this.#leased;
    const candidate = listCandidates(message.addresses, this.#context.operation.plan)[
      batch.candidate
    ];
    return {
      ordinal: message.ordinal,
      attempt: batch.attempt,
      candidate: batch.candidate,
      channel: candidate?.sender.channel ?? 'SMS',
      attemptedAt: new Date(),
      outcome: 'UNDELIVERED',
      providerId: null,
      errorCode: ERRORS.ambiguous.code,
      errorDetail: null,
      next: null,
    };
  }

  async sendAll(): Promise<void> {
    let sinceTurn = 0;
    for (let position = 0; position < this.#ordinals.length; position += 1) {
      if (position >= this.#frontier && !(await this.#advance())) break;
      const ordinal = this.#ordinals[position];
      if (ordinal === undefined) break;
      if (this.#skipped.has(ordinal)) continue;
      if (!(await this.#send(ordinal))) {
        this.#giveBackFrom(position);
        break;
      }
      sinceTurn += 1;
      if (sinceTurn % TURN_SIZE === 0) await yieldToOthers();
    }
    await this.#answers();
    while (this.#throttled.length > 0 && !this.#leaseLost) await this.#sendThrottled();
  }

  /** Nothing from this position on is handed over by this run. */
  #giveBackFrom(position: number): void {
    this.#unsent.push(...this.#ordinals.slice(position).filter((each) => !this.#skipped.has(each)));
  }

  /** Moves the frontier by a window; false when the lease is lost or the operation is paused. */
  async #advance(): Promise<boolean> {
    const { lane, store } = this.#deps;
    const now = await store.batches.advanceBatch(this.#leased.batch, lane.carrier.windowMax);
    if (now === null) {
      this.#leaseLost = true;
      return false;
    }
    this.#ordinals = now.ordinals;
    this.#frontier = now.frontier;
    if (now.paused) this.#giveBackFrom(now.frontier);
    return !now.paused;
  }

  async #sendThrottled(): Promise<void> {
    const again = this.#throttled;
    this.#throttled = [];
    const waitMs = Math.min(...again.map((each) => each.notBefore)) - performance.now();
    if (waitMs > 0)
      await sleep(waitMs, undefined, { signal: this.#deps.stopping }).catch(() => undefined);
    for (const each of again) {
      if (this.#deps.stopping.aborted) this.#unsent.push(each.ordinal);
      else if (each.notBefore > performance.now()) this.#throttled.push(each);
      else if (!(await this.#send(each.ordinal))) this.#unsent.push(each.ordinal);
    }
    await this.#answers();
  }

  /** Waits for all answers, or until waiting is over. */
  async #answers(): Promise<void> {
    const { abandoned } = this.#deps;
    if (abandoned.aborted || this.#unanswered === 0) return;
    let wake = () => {};
    const answered = new Promise<void>((resolve) => (wake = resolve));
    this.#wakeOnAnswers = wake;
    abandoned.addEventListener('abort', wake);
    await answered;
    abandoned.removeEventListener('abort', wake);
    this.#wakeOnAnswers = null;
  }

  /** Hands one message over when its turn comes; false when it was not handed over. */
  async #send(ordinal: number): Promise<boolean> {
    const { lane, settler, stopping } = this.#deps;
    const message = this.#messages.get(ordinal);
    if (message === undefined) return true;
    // Outcomes that cannot be written hold the sending back.
    if (settler.isFull) await settler.room();
    if (!lane.tryAcquire() && !(await lane.acquire(stopping))) return false;
    const startedAt = performance.now();
    if (this.#leased.leaseEndsAt - LEASE_MARGIN_MS < startedAt) {
      lane.release('refused');
      this.#leaseLost = true;
      return false;
    }
    this.#unanswered += 1;
    void deliver(lane.carrier, message, this.#context).then((delivery) =>
      this.#take(ordinal, delivery, startedAt),
    );
    return true;
  }

  #take(ordinal: number, delivery: Delivery, startedAt: number): void {
    const { lane, abandoned, onSubmitted } = this.#deps;
    if (delivery.kind === 'settle') {
      lane.release(delivery.settlement.outcome === 'SENT' ? 'accepted' : 'refused');
      onSubmitted((performance.now() - startedAt) / 1000);
      if (!abandoned.aborted) this.#settle(delivery.settlement);
    } else if (delivery.kind === 'throttled') {
      lane.release('throttled', delivery.afterMs);
      this.#throttled.push({ ordinal, notBefore: performance.now() + delivery.afterMs });
    } else {
      lane.release('refused');
      this.#unsendable.push({ ordinal, code: delivery.code });
    }
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#wakeOnAnswers?.();
  }

  /** Records an outcome; null: the batch ends. */
  #settle(settlement: Settlement | null): void {
    const { batch } = this.#leased;
    const { accountId, operationId } = batch;
    this.#deps.settler.add([{ accountId, operationId, batch, settlement }]);
  }

  /** Ends the batch with its last settlement, or gives back what was not handed over. */
  async finish(): Promise<void> {
    const { batch } = this.#leased;
    if (this.#leaseLost || this.#deps.abandoned.aborted) return;
    await this.#endUnsendable();
    if (this.#unsent.length > 0) {
      // What was handed over must be on record before the rest may be leased without it.
      await this.#deps.settler.flushed();
      if (this.#deps.settler.isSpoiled(batch)) return;
      await this.#deps.store.batches.returnBatch(batch, this.#unsent, 0);
      return;
    }
    this.#settle(null);
  }

  async #endUnsendable(): Promise<void> {
    const { accountId, operationId } = this.#leased.batch;
    for (const code of new Set(this.#unsendable.map((each) => each.code)))
      await this.#deps.store.batches.endUnsent(
        accountId,
        operationId,
        this.#unsendable.filter((each) => each.code === code).map((each) => each.ordinal),
        'FAILED',
        code,
      );
  }
}
