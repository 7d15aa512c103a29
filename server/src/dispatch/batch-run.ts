/**
 * The run of one leased batch with its carrier. Promises:
 * - A message is submitted only below a committed high-water mark, and only during the lease.
 * - A throttled message is requeued after about a second: then a cancel, a pause and limits apply
 *   during an outage of the carrier, and a crash puts none in doubt.
 * - Every submitted message is settled; the next lease sends all others.
 * - The batch is deleted with its last settlement.
 *
 * ```
 *  message                                        moved down by
 *  ───────                                        ─────────────
 *  ABOVE ───────▶ settled, canceled, in doubt …   sortOut: it must not be sent, or not in this batch (UNSENT)
 *    │ mark
 *    ▼
 *  BELOW ───────▶ UNSENT                          a stop; a pause, a cancel or an expiry of its operation;
 *    │ slot      ▲                                quiet hours, the daily cap; a long backoff of the carrier
 *    ▼           │
 *  SUBMITTED ──▶ HELD ──tried again──▶ SUBMITTED  the carrier: throttled, not accepted
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
import type { BatchMessage, Settlement, Store } from '../store/store.ts';
import { BatchEnd } from './batch-end.ts';
import { brief, type Briefing } from './briefing.ts';
import { Composer } from './composer.ts';
import { deliver, type Delivery, type DeliveryContext } from './deliver.ts';
import { Held } from './held.ts';
import type { Lane, LaneOutcome, Slot } from './lane.ts';
import { insist, isOver, type LeasedBatch } from './lease.ts';
import { Pacer } from './pacer.ts';
import { sortOut } from './sort-out.ts';
import type { Settler } from './settle.ts';

export interface BatchRunDeps {
  readonly store: Store;
  readonly settler: Settler;
  readonly lane: Lane;
  /** Submit nothing more. */
  readonly stopping: AbortSignal;
  /** Stop waiting for answers. */
  readonly abandoned: AbortSignal;
  /** Whether other batches may wait for this one to make room. */
  readonly isCrowded: () => boolean;
  readonly onSubmitted: (seconds: number) => void;
}

/** Messages submitted before other work of the process gets a turn. */
const TURN_SIZE = 50;
/** A batch at its sender's pace keeps its place so long, at least when others wait for it, and at most. */
const PLACE_KEPT_MS = 5_000;
const PACED_RUN_MS_MAX = 60_000;
/** What is throttled is held for so long, and then given back. What is known of the batch is asked anew when it is older. */
const HELD_MS_MAX = 1_000;
const STANDING_MS_MAX = 1_000;

/** Runs a batch to its end, or until it is told to stop. Rejects when the database fails it for long: its lease then runs out. */
export async function runBatch(
  leased: LeasedBatch,
  context: DeliveryContext,
  deps: BatchRunDeps,
): Promise<void> {
  const briefing = await brief(leased, context.operation.plan, deps);
  const run = new BatchRun(leased, context, deps, briefing.messages);
  await run.sortOut(briefing);
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
  /** When the database last said that the batch may go on. */
  #askedAt = performance.now();
  #leaseLost = false;
  /** Position of the first message that this run has not come to. */
  #next = 0;
  /** Ordinals that need no submission from this run. */
  readonly #skipped = new Set<number>();
  /** Of those, what waits for a batch of its own. */
  #apart: readonly number[] = [];
  readonly #held = new Held();
  /** Ordinals submitted and without an answer yet. */
  readonly #submitted = new Set<number>();
  #wakeOnAnswers: (() => void) | null = null;
  readonly #composer: Composer;
  readonly #end: BatchEnd;
  /** Null for a sender without limits. */
  readonly #pacer: Pacer | null;
  readonly #quiet: QuietClock | null;
  readonly #startedAt = performance.now();

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
    this.#end = new BatchEnd(leased, context, deps, messages);
    this.#composer = new Composer(messages, context, (ordinal, code) => {
      this.#skipped.add(ordinal);
      this.#end.fail(ordinal, code);
    });
    const { sender } = leased.batch;
    const isPaced = sender !== null && (sender.throughput !== null || sender.dailyCap !== null);
    this.#pacer = isPaced
      ? new Pacer({
          store: deps.store,
          sender,
          sizeMax: () => deps.lane.reach,
          costOf: (ordinal) => this.#composer.costOf(ordinal, sender.throughputUnit),
          stopping: deps.stopping,
        })
      : null;
    this.#quiet = sender?.quietHours ? new QuietClock(sender.quietHours) : null;
  }

  /** Finds what shall not be sent, and sees to it that it ends as it should. */
  async sortOut({ suppressions, apart, gone }: Briefing): Promise<void> {
    const { batch } = this.#leased;
    const { plan } = this.#context.operation;
    const isExpired = this.#isExpired();
    const { ambiguous } = this.#deps.lane.carrier;
    const how = { plan, suppressions, apart, gone, ambiguous, isExpired };
    const sorted = sortOut(batch, this.#messages, how);
    this.#apart = sorted.apart;
    for (const list of Object.values(sorted) as number[][])
      for (const ordinal of list) this.#skipped.add(ordinal);
    this.#end.holdInDoubt(sorted.held);
    for (const ordinal of sorted.suppressed) this.#end.fail(ordinal, ERRORS.suppressed.code);
    for (const ordinal of sorted.orphaned) this.#end.fail(ordinal, ERRORS.senderGone.code);
    if (batch.cancelRequested) await this.#end.endUnsent(sorted.ended, 'CANCELED', null);
    else await this.#end.endUnsent(sorted.ended, 'FAILED', ERRORS.expired.code);
  }

  async sendAll(): Promise<void> {
    for (;;) {
      const window = await this.#openWindow();
      if (window === null || !(await this.#sendWindow(window))) break;
      if (this.#held.size > 0 || this.#next >= this.#ordinals.length) await this.#answers();
      // What was throttled goes first: nothing new passes the frontier before it.
      if (this.#held.size > 0 && !(await this.#waitHeld())) break;
    }
    await this.#answers();
  }

  /** Submits them in order, up to the first answer that something was throttled; false when nothing more may be. */
  async #sendWindow(window: readonly number[]): Promise<boolean> {
    let sinceTurn = 0;
    const { throttledCount } = this.#held;
    for (const ordinal of window) {
      if (this.#pacer && !(await this.#pacer.waitFor(ordinal))) return false;
      if (!(await this.#send(ordinal))) return false;
      sinceTurn += 1;
      if (sinceTurn % TURN_SIZE === 0) await yieldToOthers();
      if (this.#held.throttledCount > throttledCount) break;
    }
    return true;
  }

  /** From one position to another, without those that are not to be sent. */
  #between(start: number, end?: number): number[] {
    return this.#ordinals.slice(start, end).filter((each) => !this.#skipped.has(each));
  }

  /** Makes ready what may be submitted next: it is past the frontier then. Null when there is nothing, or nothing may be. */
  async #openWindow(): Promise<number[] | null> {
    const held = this.#held.ordinals;
    const isAtEnd = held.length === 0 && this.#next >= this.#ordinals.length;
    if (isAtEnd || this.#deps.stopping.aborted) return null;
    const opened = this.#pacer
      ? await this.#openTurn(this.#pacer, held)
      : { chosen: null, end: held.length > 0 ? this.#next : this.#windowEnd() };
    if (opened === null) return null;
    const { chosen, end } = opened;
    const isChosen = (each: number) => chosen === null || chosen.has(each);
    const window = () => [...held, ...this.#between(this.#next, end)].filter(isChosen);
    if (!window().every((each) => this.#mayGo(each)) || !(await this.#advance(end))) return null;
    if (this.#pacer && !this.#isOver() && !this.#deps.lane.isBraked)
      this.#pacer.openAhead(this.#between(end));
    // Anew: a cancel may have taken some out before the frontier came.
    const ready = window();
    if (ready.length === 0) this.#next = Math.max(this.#next, end);
    return ready;
  }

  /** As many as the lane has slots for; first of all those that the lease has passed already. */
  #windowEnd(): number {
    return this.#next < this.#frontier
      ? this.#frontier
      : Math.min(this.#next + this.#deps.lane.reach, this.#ordinals.length);
  }

  /** A turn on the sender's clock, waited for. Null when there is none for now. */
  async #openTurn(
    pacer: Pacer,
    held: readonly number[],
  ): Promise<{ chosen: ReadonlySet<number>; end: number } | null> {
    if (!pacer.isAhead && this.#isOver()) return null;
    const waiting = [...held, ...this.#between(this.#next)];
    const size = await this.#insist(() => pacer.open(waiting));
    if (size === 0 && waiting.length > 0) return null;
    const chosen = waiting.slice(0, size);
    const last = chosen.length > held.length ? chosen.at(-1) : undefined;
    const end =
      size === waiting.length
        ? this.#ordinals.length
        : last === undefined
          ? this.#next
          : this.#ordinals.indexOf(last) + 1;
    return { chosen: new Set(chosen), end };
  }

  /** Whether a batch at its sender's pace shall be leased anew: others wait, or what is known of it has aged. */
  #isOver(): boolean {
    const ageMs = performance.now() - this.#startedAt;
    return ageMs > PACED_RUN_MS_MAX || (ageMs > PLACE_KEPT_MS && this.#deps.isCrowded());
  }

  #isExpired(): boolean {
    const { expireAt } = this.#context.operation;
    return this.#leased.batch.expired || (expireAt !== null && expireAt.getTime() <= Date.now());
  }

  /** Whether a message may be sent now: neither too late, nor while its sender lets its recipient sleep. */
  #mayGo(ordinal: number): boolean {
    if (this.#deps.stopping.aborted || this.#isExpired()) return false;
    const message = this.#messages.get(ordinal);
    if (this.#quiet === null || message === undefined) return true;
    const { plan } = this.#context.operation;
    const way = listCandidates(message.addresses, plan)[this.#leased.batch.candidate];
    return (
      way === undefined || this.#quiet.quietUntil(findZones(way.to.address), Date.now()) === null
    );
  }

  /** Moves the frontier to a position at least; false when the batch may not go on. */
  async #advance(position: number): Promise<boolean> {
    return position <= this.#frontier || this.#ask(position - this.#frontier);
  }

  /** Asks whether the batch may go on, and moves the frontier where it may. */
  async #ask(further: number): Promise<boolean> {
    const { batch } = this.#leased;
    const askedAt = performance.now();
    // Done twice it moves too far, and what it says is where it stands.
    const now = await this.#insist(() => this.#deps.store.batches.advanceBatch(batch, further));
    if (now === null) {
      this.#leaseLost = true;
      return false;
    }
    this.#askedAt = askedAt;
    this.#ordinals = now.ordinals;
    this.#frontier = now.frontier;
    return !now.halted;
  }

  /** Waits until the first of those that are held may go; false when that is too long, or nothing may go any more. */
  async #waitHeld(): Promise<boolean> {
    const { stopping } = this.#deps;
    const { since, notBefore } = this.#held.span;
    const now = performance.now();
    if (Math.max(notBefore, now + this.#deps.lane.restMs) - since > HELD_MS_MAX) return false;
    if (notBefore > now)
      await sleep(notBefore - now, undefined, { signal: stopping }).catch(() => undefined);
    return !stopping.aborted;
  }

  /** Waits for all answers, or until waiting is over. */
  async #answers(): Promise<void> {
    const { abandoned } = this.#deps;
    if (abandoned.aborted || this.#submitted.size === 0) return;
    let wake = () => {};
    const answered = new Promise<void>((resolve) => (wake = resolve));
    this.#wakeOnAnswers = wake;
    abandoned.addEventListener('abort', wake);
    await answered;
    abandoned.removeEventListener('abort', wake);
    this.#wakeOnAnswers = null;
  }

  /** Submits one message when its turn comes; false when it was not, and nothing after it shall be. */
  async #send(ordinal: number): Promise<boolean> {
    const { lane, settler, stopping } = this.#deps;
    const message = this.#messages.get(ordinal);
    const composed = this.#composer.compose(ordinal);
    if (message === undefined || composed === null) {
      this.#comeTo(ordinal);
      return true;
    }
    // Outcomes that cannot be written hold the sending back.
    if (settler.isFull) await settler.room(stopping);
    const slot = lane.tryAcquire() ?? (await lane.acquire(HELD_MS_MAX));
    if (slot === null) return false;
    // Whoever has waited asks again; from then on nothing is waited for.
    const isOld = performance.now() - this.#askedAt > STANDING_MS_MAX;
    if ((isOld && !(await this.#askWith(slot))) || !this.#mayGo(ordinal) || this.#isLost()) {
      slot.release('unknown');
      return false;
    }
    this.#comeTo(ordinal);
    this.#submitted.add(ordinal);
    this.#pacer?.spend(ordinal);
    this.#composer.forget(ordinal);
    const startedAt = performance.now();
    void deliver(lane.carrier, message, composed, this.#context).then((delivery) =>
      this.#take(ordinal, delivery, slot, startedAt),
    );
    return true;
  }

  #askWith(slot: Slot): Promise<boolean> {
    return this.#ask(0).catch((error: unknown) => {
      slot.release('unknown');
      throw error;
    });
  }

  #isLost(): boolean {
    this.#leaseLost ||= isOver(this.#leased);
    return this.#leaseLost;
  }

  #comeTo(ordinal: number): void {
    if (this.#held.remove(ordinal)) return;
    while (this.#next < this.#ordinals.length && this.#ordinals[this.#next] !== ordinal)
      this.#next += 1;
    this.#next += 1;
  }

  #take(ordinal: number, delivery: Delivery, slot: Slot, startedAt: number): void {
    const { abandoned, onSubmitted } = this.#deps;
    if (delivery.kind === 'settle') {
      slot.release(laneOutcomeOf(delivery.settlement));
      onSubmitted((performance.now() - startedAt) / 1000);
      // What came too late was given back as in doubt.
      if (!abandoned.aborted) this.#end.settle(delivery.settlement);
    } else {
      slot.release('throttled', delivery.afterMs);
      this.#pacer?.unspend(ordinal);
      if (!abandoned.aborted) this.#held.add(ordinal, delivery.afterMs, performance.now());
    }
    if (!abandoned.aborted) this.#submitted.delete(ordinal);
    if (this.#submitted.size === 0) this.#wakeOnAnswers?.();
  }

  /** Ends the batch with its last settlement, or gives back what was not submitted, and what has no answer. */
  async finish(): Promise<void> {
    // It costs a part of the cap when that fails, and no more.
    await this.#pacer?.refund().catch(() => undefined);
    if (this.#leaseLost) return;
    // A cancel may have taken some out.
    const apart = this.#apart.filter((each) => this.#ordinals.includes(each));
    await this.#end.finish({
      unsent: [...this.#held.ordinals, ...this.#between(this.#next), ...apart],
      apart: new Set(apart),
      submitted: [...this.#submitted],
      held: this.#held,
      isExpired: this.#isExpired(),
      quiet: this.#quiet,
      cappedForMs: this.#pacer?.cappedForMs ?? null,
    });
  }

  #insist<Result>(ask: () => Promise<Result>): Promise<Result> {
    return insist(this.#leased, this.#deps.stopping, ask);
  }
}

function laneOutcomeOf({ outcome, errorCode }: Settlement): LaneOutcome {
  if (outcome === 'SENT') return 'accepted';
  return errorCode === ERRORS.ambiguous.code ? 'unknown' : 'refused';
}
