/**
 * One leased batch on its way through a lane. Promises:
 * - nothing is handed over that a committed frontier has not passed, nor after the lease may have ended;
 * - every message that was handed over is settled, every other one is sent later by whoever leases next;
 * - the batch is deleted with the settlement of its last message.
 *
 * ```
 *  load ─▶ sort out what is settled, canceled, expired, doubtful or suppressed
 *       ─▶ send the rest, window by window: as wide as the carrier's, or a turn of the sender's pace
 *       ─▶ again for those that were throttled
 *       ─▶ all settled: done · told to stop, paused, quiet hours, day's cap: give the rest back
 * ```
 */
import { setImmediate as yieldToOthers, setTimeout as sleep } from 'node:timers/promises';
import { addressKey } from '../domain/email-address.ts';
import { ERRORS } from '../domain/errors.ts';
import { findZone } from '../domain/local-time.ts';
import { costOf, type PaceUnit } from '../domain/pace.ts';
import { QuietClock } from '../domain/quiet-hours.ts';
import { listCandidates } from '../domain/routing.ts';
import { indexSuppressions, type SuppressionIndex } from '../domain/suppression.ts';
import type { BatchMessage, Piece, Settlement, Store } from '../store/store.ts';
import { compose, deliver, type Composed, type Delivery, type DeliveryContext } from './deliver.ts';
import { planPieces } from './give-back.ts';
import type { Lane } from './lane.ts';
import { insist, isOver, type LeasedBatch } from './lease.ts';
import { Pacer } from './pacer.ts';
import { holdInDoubt, sortOut } from './sort-out.ts';
import type { Settler } from './settle.ts';

export interface BatchRunDeps {
  readonly store: Store;
  readonly settler: Settler;
  readonly lane: Lane;
  /** Stop handing over. */
  readonly stopping: AbortSignal;
  /** Stop waiting for answers. */
  readonly abandoned: AbortSignal;
  /** Whether batches of other senders wait for this one to make room. */
  readonly isCrowded: () => boolean;
  readonly onSubmitted: (seconds: number) => void;
}

/** Messages submitted before other work of the process gets a turn. */
const TURN_SIZE = 50;
/** A batch at its sender's pace keeps its place so long, at least when others wait for it, and at most. */
const PLACE_KEPT_MS = 5_000;
const PACED_RUN_MS_MAX = 60_000;

/** Runs a batch to its end, or until it is told to stop. Rejects when the database fails it for long: its lease then runs out. */
export async function runBatch(
  leased: LeasedBatch,
  context: DeliveryContext,
  deps: BatchRunDeps,
): Promise<void> {
  const { store, stopping } = deps;
  const { accountId, operationId, ordinals } = leased.batch;
  const messages = await insist(leased, stopping, () =>
    store.batches.loadMessages(accountId, operationId, ordinals),
  );
  const addresses = [...messages.values()].flatMap((each) =>
    each.addresses.map(({ address }) => addressKey(address)),
  );
  const suppressed = indexSuppressions(
    await insist(leased, stopping, () => store.suppressions.findSuppressions(accountId, addresses)),
  );
  const run = new BatchRun(leased, context, deps, messages);
  await run.sortOut(suppressed);
  await run.sendAll();
  await run.finish();
}

class BatchRun {
  readonly #leased: LeasedBatch;
  readonly #context: DeliveryContext;
  readonly #deps: BatchRunDeps;
  readonly #messages: ReadonlyMap<number, BatchMessage>;
  /** As the database last said: a cancel may shorten it behind the frontier. */
  #ordinals: readonly number[];
  #frontier: number;
  #leaseLost = false;
  /** Ordinals that need no submission from this run. */
  readonly #skipped = new Set<number>();
  /** Ordinals throttled, with the time from which they may be tried again. */
  #throttled: { ordinal: number; notBefore: number }[] = [];
  /** Ordinals never handed over, to be given back. */
  readonly #unsent: number[] = [];
  /** Rendered already, to know what they cost. */
  readonly #composed = new Map<number, Composed>();
  /** Null for a sender without limits. */
  readonly #pacer: Pacer | null;
  readonly #quiet: QuietClock | null;
  readonly #startedAt = performance.now();
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
  ) {
    this.#leased = leased;
    this.#context = context;
    this.#deps = deps;
    this.#messages = messages;
    this.#ordinals = leased.batch.ordinals;
    this.#frontier = leased.batch.frontier;
    const { sender } = leased.batch;
    const isPaced = sender !== null && (sender.throughput !== null || sender.dailyCap !== null);
    this.#pacer = isPaced
      ? new Pacer({
          store: deps.store,
          sender,
          sizeMax: deps.lane.carrier.windowMax,
          costOf: (ordinal) => this.#costOf(ordinal, sender.throughputUnit),
          stopping: deps.stopping,
        })
      : null;
    this.#quiet = sender?.quietHours ? new QuietClock(sender.quietHours) : null;
  }

  /** Finds what shall not be sent, and sees to it that it ends as it should. */
  async sortOut(suppressions: SuppressionIndex): Promise<void> {
    const { batch } = this.#leased;
    const { plan } = this.#context.operation;
    const isExpired = this.#isExpired();
    const { ambiguous } = this.#deps.lane.carrier;
    const sorted = sortOut(batch, this.#messages, { plan, suppressions, ambiguous, isExpired });
    for (const list of Object.values(sorted) as number[][])
      for (const ordinal of list) this.#skipped.add(ordinal);
    for (const ordinal of sorted.held) {
      const message = this.#messages.get(ordinal);
      if (message !== undefined) this.#settle(holdInDoubt(message, batch, plan));
    }
    const { suppressed } = ERRORS;
    for (const ordinal of sorted.suppressed)
      this.#unsendable.push({ ordinal, code: suppressed.code });
    if (sorted.ended.length > 0)
      await this.#endUnsent(
        sorted.ended,
        batch.cancelRequested ? 'CANCELED' : 'FAILED',
        batch.cancelRequested ? null : ERRORS.expired.code,
      );
  }

  async sendAll(): Promise<void> {
    let sinceTurn = 0;
    let windowEnd = 0;
    for (let position = 0; position < this.#ordinals.length; position += 1) {
      if (position >= windowEnd) {
        const end = await this.#openWindow(position);
        if (end === null) break;
        windowEnd = end;
      }
      const ordinal = this.#ordinals[position];
      if (ordinal === undefined) break;
      if (this.#skipped.has(ordinal)) continue;
      if ((this.#pacer && !(await this.#pacer.waitFor(ordinal))) || !(await this.#send(ordinal))) {
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

  /**
   * Makes ready what may be handed over next, from `position` to the position returned. Null when nothing more may: the
   * rest is given back then, or the lease is lost.
   */
  async #openWindow(position: number): Promise<number | null> {
    const end = this.#pacer
      ? await this.#nextTurn(this.#pacer, position)
      : this.#nextWindow(position);
    if (end === null || this.#mustWait(position, end) || !(await this.#advance(end))) {
      this.#giveBackFrom(position);
      return null;
    }
    if (this.#pacer && !this.#isOver()) this.#pacer.openAhead(this.#unskipped(end));
    return end;
  }

  /** As many as the carrier takes at once; first of all those that the lease has passed already. */
  #nextWindow(position: number): number {
    return position < this.#frontier
      ? this.#frontier
      : Math.min(position + this.#deps.lane.carrier.windowMax, this.#ordinals.length);
  }

  /** A turn on the sender's clock, waited for. Null when there is none for now. */
  async #nextTurn(pacer: Pacer, position: number): Promise<number | null> {
    if (!pacer.isAhead && this.#isOver()) return null;
    const waiting = this.#unskipped(position);
    const size = await this.#insist(() => pacer.open(waiting));
    const last = waiting[size - 1];
    if (last !== undefined) return this.#ordinals.indexOf(last) + 1;
    return waiting.length === 0 ? this.#ordinals.length : null;
  }

  #unskipped(position: number): number[] {
    return this.#ordinals.slice(position).filter((each) => !this.#skipped.has(each));
  }

  /** Whether a batch at its sender's pace shall be leased anew: others wait, or what is known of it has aged. */
  #isOver(): boolean {
    const ageMs = performance.now() - this.#startedAt;
    return ageMs > PACED_RUN_MS_MAX || (ageMs > PLACE_KEPT_MS && this.#deps.isCrowded());
  }

  #isExpired(): boolean {
    const { expireAt } = this.#context.operation;
    return expireAt !== null && expireAt.getTime() <= Date.now();
  }

  /** Whether any of these is not to be sent now: too late, or their sender lets them sleep. */
  #mustWait(from: number, to: number): boolean {
    if (this.#isExpired()) return true;
    const quiet = this.#quiet;
    if (quiet === null) return false;
    const { plan } = this.#context.operation;
    return this.#ordinals.slice(from, to).some((ordinal) => {
      const message = this.#messages.get(ordinal);
      if (message === undefined || this.#skipped.has(ordinal)) return false;
      const way = listCandidates(message.addresses, plan)[this.#leased.batch.candidate];
      return way !== undefined && quiet.quietUntil(findZone(way.to.address), Date.now()) !== null;
    });
  }

  /** Moves the frontier to a position at least; false when the lease is lost or the operation is paused. */
  async #advance(position: number): Promise<boolean> {
    if (position <= this.#frontier) return true;
    const { batch } = this.#leased;
    // Done twice it moves too far, and what it says is where it stands.
    const now = await this.#insist(() =>
      this.#deps.store.batches.advanceBatch(batch, position - this.#frontier),
    );
    if (now === null) {
      this.#leaseLost = true;
      return false;
    }
    this.#ordinals = now.ordinals;
    this.#frontier = now.frontier;
    return !now.paused;
  }

  #costOf(ordinal: number, unit: PaceUnit): number | null {
    const composed = this.#compose(ordinal);
    return composed && costOf(unit, composed.submission.channel, composed.submission.text);
  }

  /** Renders a message once; null when that cannot be done, which ends it. */
  #compose(ordinal: number): Composed | null {
    const known = this.#composed.get(ordinal);
    if (known !== undefined) return known;
    const message = this.#messages.get(ordinal);
    if (message === undefined) return null;
    const composed = compose(message, this.#context);
    if (typeof composed === 'number') {
      this.#skipped.add(ordinal);
      this.#unsendable.push({ ordinal, code: composed });
      return null;
    }
    this.#composed.set(ordinal, composed);
    return composed;
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
    const composed = this.#compose(ordinal);
    if (message === undefined || composed === null) return true;
    // Outcomes that cannot be written hold the sending back.
    if (settler.isFull) await settler.room();
    if (!lane.tryAcquire() && !(await lane.acquire(stopping))) return false;
    const startedAt = performance.now();
    if (isOver(this.#leased)) {
      lane.release('refused');
      this.#leaseLost = true;
      return false;
    }
    this.#unanswered += 1;
    this.#composed.delete(ordinal);
    void deliver(lane.carrier, message, composed, this.#context).then((delivery) =>
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
    } else {
      lane.release('throttled', delivery.afterMs);
      this.#throttled.push({ ordinal, notBefore: performance.now() + delivery.afterMs });
    }
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.#wakeOnAnswers?.();
  }

  /** Records an outcome; null: the batch ends. */
  #settle(settlement: Settlement | null): void {
    const { batch } = this.#leased;
    this.#deps.settler.add([{ accountId: batch.accountId, batch, settlement }]);
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
      const pieces = this.#planPieces();
      await this.#insist(() => this.#deps.store.batches.returnBatch(batch, pieces));
      return;
    }
    this.#settle(null);
  }

  #planPieces(): Piece[] {
    return planPieces(
      this.#unsent.flatMap((ordinal) => this.#messages.get(ordinal) ?? []),
      this.#leased.batch,
      this.#context.operation.plan,
      {
        quiet: this.#quiet,
        cappedForMs: this.#pacer?.cappedForMs ?? null,
      },
      Date.now(),
    );
  }

  async #endUnsendable(): Promise<void> {
    for (const code of new Set(this.#unsendable.map((each) => each.code))) {
      const those = this.#unsendable.flatMap((each) => (each.code === code ? each.ordinal : []));
      await this.#endUnsent(those, 'FAILED', code);
    }
  }

  #endUnsent(
    ordinals: readonly number[],
    status: 'CANCELED' | 'FAILED',
    code: number | null,
  ): Promise<void> {
    const { accountId, operationId } = this.#leased.batch;
    const { batches } = this.#deps.store;
    return this.#insist(() => batches.endUnsent(accountId, operationId, ordinals, status, code));
  }

  #insist<Result>(ask: () => Promise<Result>): Promise<Result> {
    return insist(this.#leased, this.#deps.stopping, ask);
  }
}
