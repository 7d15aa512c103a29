/**
 * Pacer: the turns of one batch on the clock that its sender has for all nodes. About a second's worth is reserved at a
 * time, the next while the present is sent, so that no time is lost between them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SenderLimits } from '../domain/pace.ts';
import type { Reservation, Store } from '../store/store.ts';

/** Seconds of a sender's throughput reserved at a time: what a crash makes doubtful, and a stop or a pause wastes. */
const TURN_SECONDS = 1;

export interface PacerOptions {
  readonly store: Store;
  readonly sender: SenderLimits & { readonly id: string };
  /** Most messages of a turn. */
  readonly sizeMax: number;
  /** Units that a message costs; null when it cannot be sent. */
  readonly costOf: (ordinal: number) => number | null;
  readonly stopping: AbortSignal;
}

/** Messages that together are worth a turn, in order, and what they cost. */
interface Wish {
  readonly ordinals: readonly number[];
  readonly costs: readonly number[];
}

/** What was reserved, and when the answer came, on the clock of `performance.now()`. */
interface Turn extends Reservation {
  readonly at: number;
}

export class Pacer {
  readonly #options: PacerOptions;
  #perSecond: number | null;
  #ahead: Promise<Turn> | null = null;
  /** When the messages of the present turn may go, and for how long each keeps the sender busy. */
  #slots = new Map<number, { readonly at: number; readonly lastsMs: number }>();
  /** From when on the last message that went leaves the sender free: one that is late does not make the next hurry. */
  #freeAt = 0;
  #cappedUntil: number | null = null;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#perSecond = options.sender.throughput;
  }

  /** How long the sender must rest because it has reached its day's cap, in milliseconds; null when it has not. */
  get cappedForMs(): number | null {
    return this.#cappedUntil && Math.max(0, this.#cappedUntil - performance.now());
  }

  /** Whether a turn is reserved that has not begun: it would be wasted. */
  get isAhead(): boolean {
    return this.#ahead !== null;
  }

  /**
   * Takes a turn for the first of these messages and waits until it begins. Resolves with the number of those messages
   * that it reaches over; 0 when the day's cap is reached or the wait was told to stop.
   */
  async open(ordinals: readonly number[]): Promise<number> {
    const wish = this.#wishFor(ordinals);
    if (wish.ordinals.length === 0) return ordinals.length;
    const turn = this.#ahead ?? this.#reserve(wish);
    this.#ahead = null;
    const { granted, waitMs, perSecond, at } = await turn;
    this.#perSecond = perSecond;
    if (granted === 0) {
      this.#cappedUntil = at + waitMs;
      return 0;
    }
    const given = wish.ordinals.slice(0, granted);
    let next = at + waitMs;
    this.#slots = new Map();
    for (const [i, ordinal] of given.entries()) {
      const lastsMs = perSecond === null ? 0 : ((wish.costs[i] ?? 1) * 1000) / perSecond;
      this.#slots.set(ordinal, { at: next, lastsMs });
      next += lastsMs;
    }
    const isOpen = await this.#sleepUntil(at + waitMs);
    return isOpen ? ordinals.indexOf(given.at(-1) ?? -1) + 1 : 0;
  }

  /** Begins to reserve the turn that `open` will ask for next. */
  openAhead(ordinals: readonly number[]): void {
    const wish = this.#wishFor(ordinals);
    if (wish.ordinals.length === 0) return;
    this.#ahead = this.#reserve(wish);
    // Whoever opens it is told; when nobody does, nobody needs to know.
    this.#ahead.catch(() => undefined);
  }

  /** Waits for the time of a message of the present turn; false when told to stop meanwhile. */
  async waitFor(ordinal: number): Promise<boolean> {
    const slot = this.#slots.get(ordinal);
    if (slot === undefined) return !this.#options.stopping.aborted;
    const goes = await this.#sleepUntil(Math.max(slot.at, this.#freeAt));
    this.#freeAt = Math.max(slot.at, performance.now()) + slot.lastsMs;
    return goes;
  }

  async #sleepUntil(at: number): Promise<boolean> {
    const { stopping } = this.#options;
    const waitMs = at - performance.now();
    if (waitMs > 1) await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
    return !stopping.aborted;
  }

  #wishFor(candidates: readonly number[]): Wish {
    const unitsMax = (this.#perSecond ?? Infinity) * TURN_SECONDS;
    const ordinals: number[] = [];
    const costs: number[] = [];
    let units = 0;
    for (const ordinal of candidates) {
      if (units >= unitsMax || ordinals.length >= this.#options.sizeMax) break;
      const cost = this.#options.costOf(ordinal);
      if (cost === null) continue;
      units += cost;
      ordinals.push(ordinal);
      costs.push(cost);
    }
    return { ordinals, costs };
  }

  async #reserve({ costs }: Wish): Promise<Turn> {
    const { store, sender } = this.#options;
    const reservation = await store.pace.reserveTurns(sender.id, costs);
    return { ...reservation, at: performance.now() };
  }
}
