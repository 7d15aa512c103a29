/**
 * The run of one leased batch with its carrier. Promises:
 * - A message is submitted only below a committed high-water mark, and only during the lease.
 * - A throttled message is requeued after about a second: then a cancel, a pause and limits apply
 *   during an outage of the carrier, and a crash puts none in doubt.
 * - Every submitted message is settled; the next lease sends all others.
 * - The batch is deleted with its last settlement.
 *
 * ```
 *  message                                        changed by
 *  ───────                                        ──────────
 *  ABOVE ───────▶ settled, canceled, in doubt …   triage: it must not be sent, or not in this batch (UNSENT)
 *    │ mark
 *    ▼
 *  BELOW ───────▶ UNSENT                          a stop; a pause, a cancel or an expiry of its operation;
 *    │ slot      ▲                                quiet hours, the daily cap; a long backoff of the carrier
 *    ▼           │
 *  SUBMITTED ──▶ THROTTLED ──again──▶ SUBMITTED   the carrier: not accepted
 *    │ answer    (UNSENT after about a second)
 *    ▼
 *  settled
 *
 *  at the end   all settled ──▶ batch deleted
 *               UNSENT      ──▶ FAILED when expired, CANCELED when canceled, else a batch of its own, due later
 *               SUBMITTED, no answer by the end of a stop ──▶ a batch of its own, all of it in doubt
 *               lease lost  ──▶ unchanged: the next lease finds the messages below the mark in doubt
 * ```
 */
import { setImmediate as yieldToOthers, setTimeout as sleep } from 'node:timers/promises';
import { ERRORS } from '../domain/errors.ts';
import { findZones } from '../domain/local-time.ts';
import { QuietClock } from '../domain/quiet-hours.ts';
import { listCandidates } from '../domain/routing.ts';
import type { BatchMessage, Store } from '../store/store.ts';
import { BatchEnd } from './batch-end.ts';
import type { BatchReads } from './batch-reads.ts';
import { brief, type Briefing } from './briefing.ts';
import { Composer } from './composer.ts';
import { deliver, type Delivery, type DeliveryContext } from './deliver.ts';
import { slotOutcomeOf, type CarrierQueue, type Slot } from './carrier-queue.ts';
import type { Exposure } from './exposure.ts';
import { isOver, retryWhileLeased, type LeasedBatch } from './lease.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { Settler } from './settle.ts';
import { Throttled } from './throttled.ts';
import { triage } from './triage.ts';
import { Unanswered } from './unanswered.ts';

export interface BatchRunDeps {
  readonly store: Store;
  readonly reads: BatchReads;
  readonly settler: Settler;
  readonly queue: CarrierQueue;
  readonly exposure: Exposure;
  /** No more submissions. */
  readonly stopping: AbortSignal;
  /** Stop waiting for answers. */
  readonly abandoned: AbortSignal;
  /** Whether other batches may wait for this one to make room. */
  readonly isCrowded: () => boolean;
  readonly onSubmitted: (seconds: number) => void;
}

/** Messages submitted before other work of the process continues. */
const SLICE_SIZE = 50;
/** A rate-limited batch keeps its place at least this long when other batches wait for it, and at most this long. */
const PLACE_KEPT_MS = 5_000;
const RATE_LIMITED_RUN_MS_MAX = 60_000;
/** A throttled message is requeued after this. The batch's standing is read again when it is older than this. */
const THROTTLED_MS_MAX = 1_000;
const STANDING_MS_MAX = 1_000;

/** Runs a batch to its end, or until a stop. Rejects when the database stays unavailable: the lease then runs out. */
export async function runBatch(
  leased: LeasedBatch,
  messages: ReadonlyMap<number, BatchMessage>,
  context: DeliveryContext,
  deps: BatchRunDeps,
): Promise<void> {
  const briefing = await brief(leased, messages, context.operation.plan, deps);
  const run = new BatchRun(leased, context, deps, messages);
  await run.triage(briefing);
  await run.sendAll();
  await run.finish();
}

class BatchRun {
  readonly #leased: LeasedBatch;
  readonly #context: DeliveryContext;
  readonly #deps: BatchRunDeps;
  readonly #messages: ReadonlyMap<number, BatchMessage>;
  /** As last read from the database: a cancel may shorten it above the high-water mark. */
  #ordinals: readonly number[];
  #highWaterMark: number;
  /** When the standing of the batch was last read. */
  #askedAt = performance.now();
  #leaseLost = false;
  /** Position of the first message that this run has not come to. */
  #next = 0;
  /** Ordinals that need no submission from this run. */
  readonly #skipped = new Set<number>();
  /** Messages among these that go into a batch of their own. */
  #apart: readonly number[] = [];
  readonly #throttled = new Throttled();
  readonly #unanswered = new Unanswered();
  readonly #composer: Composer;
  readonly #end: BatchEnd;
  /** Null for a sender without a rate limit. */
  readonly #limiter: RateLimiter | null;
  readonly #quiet: QuietClock | null;
  readonly #startedAt = performance.now();
  readonly #onWritten = () => this.#deps.exposure.shrink(1);

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
    this.#highWaterMark = leased.batch.highWaterMark;
    this.#end = new BatchEnd(leased, context, deps, messages);
    this.#composer = new Composer(messages, context, (ordinal, code) => {
      this.#skipped.add(ordinal);
      this.#end.fail(ordinal, code);
    });
    const { sender } = leased.batch;
    const isLimited = sender !== null && (sender.throughput !== null || sender.dailyCap !== null);
    this.#limiter = isLimited
      ? new RateLimiter({
          store: deps.store,
          sender,
          sizeMax: () => deps.queue.reach,
          costOf: (ordinal) => this.#composer.costOf(ordinal, sender.throughputUnit),
          stopping: deps.stopping,
        })
      : null;
    this.#quiet = sender?.quietHours ? new QuietClock(sender.quietHours) : null;
  }

  /** Finds the messages that must not be sent, and ends them. */
  async triage({ suppressions, apart, gone }: Briefing): Promise<void> {
    const { batch } = this.#leased;
    const { plan } = this.#context.operation;
    const isExpired = this.#isExpired();
    const { ambiguous } = this.#deps.queue.carrier;
    const how = { plan, suppressions, apart, gone, ambiguous, isExpired };
    const triaged = triage(batch, this.#messages, how);
    this.#apart = triaged.apart;
    for (const list of Object.values(triaged) as number[][])
      for (const ordinal of list) this.#skipped.add(ordinal);
    this.#end.holdInDoubt(triaged.inDoubt);
    for (const ordinal of triaged.suppressed) this.#end.fail(ordinal, ERRORS.suppressed.code);
    for (const ordinal of triaged.orphaned) this.#end.fail(ordinal, ERRORS.senderGone.code);
    if (batch.cancelRequested) await this.#end.endUnsent(triaged.ended, 'CANCELED', null);
    else await this.#end.endUnsent(triaged.ended, 'FAILED', ERRORS.expired.code);
  }

  async sendAll(): Promise<void> {
    for (;;) {
      const window = await this.#openWindow();
      if (window === null || !(await this.#sendWindow(window))) break;
      if (this.#throttled.size > 0 || this.#next >= this.#ordinals.length)
        await this.#unanswered.answered(this.#deps.abandoned);
      // Throttled messages come first: the mark does not rise for new ones before them.
      if (this.#throttled.size > 0 && !(await this.#waitThrottled())) break;
    }
    await this.#unanswered.answered(this.#deps.abandoned);
  }

  /** Submits them in order, up to the first throttling; false when nothing more may be submitted. */
  async #sendWindow(window: readonly number[]): Promise<boolean> {
    let sinceYield = 0;
    const { answers } = this.#throttled;
    for (const ordinal of window) {
      if (this.#limiter && !(await this.#limiter.waitFor(ordinal))) return false;
      if (!(await this.#send(ordinal))) return false;
      sinceYield += 1;
      if (sinceYield % SLICE_SIZE === 0) await yieldToOthers();
      if (this.#throttled.answers > answers) break;
    }
    return true;
  }

  /** Ordinals from one position to another, without skipped ones. */
  #between(start: number, end?: number): number[] {
    return this.#ordinals.slice(start, end).filter((each) => !this.#skipped.has(each));
  }

  /** The messages to submit next, below the committed mark. Null when there are none, or none may be submitted. */
  async #openWindow(): Promise<number[] | null> {
    this.#passSkipped();
    const throttled = this.#throttled.ordinals;
    const isAtEnd = throttled.length === 0 && this.#next >= this.#ordinals.length;
    if (isAtEnd || this.#deps.stopping.aborted) return null;
    const opened = this.#limiter
      ? await this.#openReservation(this.#limiter, throttled)
      : await this.#openExposure(throttled.length > 0);
    if (opened === null) return null;
    const { chosen, end } = opened;
    const isChosen = (each: number) => chosen === null || chosen.has(each);
    const window = () => [...throttled, ...this.#between(this.#next, end)].filter(isChosen);
    if (!window().every((each) => this.#mayGo(each))) return null;
    if (end > this.#highWaterMark && !(await this.#ask(end))) return null;
    if (this.#limiter && !this.#isOver() && !this.#deps.queue.isBraked)
      this.#limiter.openAhead(this.#between(end));
    // Again: a cancel may have removed some before the mark rose.
    const ready = window();
    if (ready.length === 0) this.#pass(end);
    return ready;
  }

  /** Passes messages that need no submission: they need not be exposed. */
  #passSkipped(): void {
    let next = this.#next;
    while (next < this.#ordinals.length && this.#skipped.has(this.#ordinals[next] ?? -1)) next += 1;
    this.#pass(next);
  }

  /** Advances to a position. Messages before it are no longer exposed. */
  #pass(position: number): void {
    this.#deps.exposure.shrink(Math.max(0, Math.min(position, this.#highWaterMark) - this.#next));
    this.#next = Math.max(this.#next, position);
  }

  /** Waits until messages may be exposed: throttled ones and those below the mark first. Null at a stop. */
  async #openExposure(hasThrottled: boolean): Promise<{ chosen: null; end: number } | null> {
    if (hasThrottled) return { chosen: null, end: this.#next };
    if (this.#next < this.#highWaterMark) return { chosen: null, end: this.#highWaterMark };
    const granted = await this.#deps.exposure.grow(this.#ordinals.length - this.#next);
    return granted === 0 ? null : { chosen: null, end: this.#next + granted };
  }

  /** Waits for a reservation on the sender's clock. Null when there is none for now. */
  async #openReservation(
    limiter: RateLimiter,
    throttled: readonly number[],
  ): Promise<{ chosen: ReadonlySet<number>; end: number } | null> {
    if (!limiter.isAhead && this.#isOver()) return null;
    const waiting = [...throttled, ...this.#between(this.#next)];
    const size = await this.#retry(() => limiter.open(waiting));
    if (size === 0 && waiting.length > 0) return null;
    const chosen = waiting.slice(0, size);
    const last = chosen.length > throttled.length ? chosen.at(-1) : undefined;
    const end =
      size === waiting.length
        ? this.#ordinals.length
        : last === undefined
          ? this.#next
          : this.#ordinals.indexOf(last) + 1;
    return { chosen: new Set(chosen), end };
  }

  /** Whether a rate-limited batch should give up its place: other batches wait, or its briefing is old. */
  #isOver(): boolean {
    const ageMs = performance.now() - this.#startedAt;
    return ageMs > RATE_LIMITED_RUN_MS_MAX || (ageMs > PLACE_KEPT_MS && this.#deps.isCrowded());
  }

  #isExpired(): boolean {
    const { expireAt } = this.#context.operation;
    return this.#leased.batch.expired || (expireAt !== null && expireAt.getTime() <= Date.now());
  }

  /** Whether a message may be sent now: not expired, and not in the quiet hours of its recipient. */
  #mayGo(ordinal: number): boolean {
    if (this.#deps.stopping.aborted || this.#isExpired()) return false;
    const message = this.#messages.get(ordinal);
    if (this.#quiet === null || message === undefined) return true;
    const { plan } = this.#context.operation;
    const route = listCandidates(message.addresses, plan)[this.#leased.batch.candidate];
    return (
      route === undefined ||
      this.#quiet.quietUntil(findZones(route.to.address), Date.now()) === null
    );
  }

  /** Reads whether the batch may continue, and then raises the mark to a position. */
  async #ask(mark: number): Promise<boolean> {
    const { batch } = this.#leased;
    const askedAt = performance.now();
    const now = await this.#retry(() => this.#deps.store.batches.advanceBatch(batch, mark));
    if (now === null) {
      this.#leaseLost = true;
      return false;
    }
    this.#askedAt = askedAt;
    this.#ordinals = now.ordinals;
    this.#highWaterMark = now.highWaterMark;
    return !now.halted;
  }

  /** Waits until the first throttled message may be tried again; false when that is too long, or at a stop. */
  async #waitThrottled(): Promise<boolean> {
    const { stopping } = this.#deps;
    const { since, notBefore } = this.#throttled.span;
    const now = performance.now();
    if (Math.max(notBefore, now + this.#deps.queue.backoffMs) - since > THROTTLED_MS_MAX)
      return false;
    if (notBefore > now)
      await sleep(notBefore - now, undefined, { signal: stopping }).catch(() => undefined);
    return !stopping.aborted;
  }

  /** Submits one message when it gets a slot; false when it was not submitted, and no further one may be. */
  async #send(ordinal: number): Promise<boolean> {
    const { queue, settler, stopping } = this.#deps;
    const message = this.#messages.get(ordinal);
    const composed = this.#composer.compose(ordinal);
    if (message === undefined || composed === null) {
      this.#comeTo(ordinal);
      this.#deps.exposure.shrink(1);
      return true;
    }
    // Sending waits while outcomes cannot be written.
    if (settler.isFull) await settler.room(stopping);
    const slot = queue.tryAcquire() ?? (await queue.acquire(THROTTLED_MS_MAX));
    if (slot === null) return false;
    // After a wait the standing is read again; from here on there is no wait.
    const isOld = performance.now() - this.#askedAt > STANDING_MS_MAX;
    if (
      (isOld && !(await this.#askWith(slot))) ||
      !this.#mayGo(ordinal) ||
      (this.#leaseLost ||= isOver(this.#leased))
    ) {
      slot.release('unknown');
      return false;
    }
    this.#comeTo(ordinal);
    this.#unanswered.add(ordinal);
    this.#limiter?.spend(ordinal);
    this.#composer.forget(ordinal);
    const startedAt = performance.now();
    void deliver(queue.carrier, message, composed, this.#context).then((delivery) =>
      this.#take(ordinal, delivery, slot, startedAt),
    );
    return true;
  }

  #askWith(slot: Slot): Promise<boolean> {
    return this.#ask(this.#highWaterMark).catch((error: unknown) => {
      slot.release('unknown');
      throw error;
    });
  }

  #comeTo(ordinal: number): void {
    if (this.#throttled.remove(ordinal)) return;
    const position = this.#ordinals.indexOf(ordinal, this.#next);
    this.#pass(position === -1 ? this.#ordinals.length : position);
    this.#next += 1;
  }

  #take(ordinal: number, delivery: Delivery, slot: Slot, startedAt: number): void {
    const { abandoned, onSubmitted } = this.#deps;
    if (delivery.kind === 'settle') {
      slot.release(slotOutcomeOf(delivery.settlement));
      onSubmitted((performance.now() - startedAt) / 1000);
      // After that, the message was requeued as in doubt.
      if (!abandoned.aborted) this.#end.settle(delivery.settlement, this.#onWritten);
    } else {
      slot.release('throttled', delivery.afterMs);
      this.#limiter?.unspend(ordinal);
      if (!abandoned.aborted) this.#throttled.add(ordinal, delivery.afterMs, performance.now());
    }
    if (!abandoned.aborted) this.#unanswered.remove(ordinal);
  }

  /** Ends the batch with its last settlement, or requeues its remainder. */
  async finish(): Promise<void> {
    // A failure costs these units of the daily cap only.
    await this.#limiter?.refund().catch(() => undefined);
    if (this.#leaseLost) return;
    // A cancel may have removed some.
    const apart = this.#apart.filter((each) => this.#ordinals.includes(each));
    await this.#end.finish({
      unsent: [...this.#throttled.ordinals, ...this.#between(this.#next), ...apart],
      apart: new Set(apart),
      submitted: this.#unanswered.ordinals,
      throttled: this.#throttled,
      isExpired: this.#isExpired(),
      quiet: this.#quiet,
      cappedForMs: this.#limiter?.cappedForMs ?? null,
    });
  }

  #retry<Result>(ask: () => Promise<Result>): Promise<Result> {
    return retryWhileLeased(this.#leased, this.#deps.stopping, ask);
  }
}
