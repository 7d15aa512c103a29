/**
 * Reserves slots for one batch on the clock of its sender, which all nodes share. It reserves
 * about a second's worth at a time, and the next second's during the present one, so no time is
 * lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SenderLimits } from '../domain/pace.ts';
import type { Reservation, Store } from '../store/store.ts';

/** Seconds of a sender's throughput reserved at a time: what a crash makes doubtful, and a stop or a pause wastes. */
const TURN_SECONDS = 1;

export interface PacerOptions {
  readonly store: Store;
  readonly sender: SenderLimits & { readonly id: string };
  /** Most messages of a turn, now. */
  readonly sizeMax: () => number;
  /** Units that a message costs; null when it cannot be sent. */
  readonly costOf: (ordinal: number) => number | null;
  readonly stopping: AbortSignal;
}

/** Messages that together are worth a turn, in order, and what they cost. */
interface Wish {
  readonly ordinals: readonly number[];
  readonly costs: readonly number[];
}

/** What was reserved, how many units that is, and when the answer came, on the clock of `performance.now()`. */
interface Turn extends Reservation {
  readonly units: number;
  readonly at: number;
}

/** Units of a day's cap. */
interface Units {
  readonly day: string | null;
  readonly units: number;
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
  /** Of messages that have a turn and were not submitted, of those that were, and of nobody. */
  readonly #reserved = new Map<number, Units>();
  readonly #spent = new Map<number, Units>();
  readonly #unused: Units[] = [];

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
    const reserving = this.#ahead ?? this.#reserve(wish);
    this.#ahead = null;
    const { granted, waitMs, perSecond, at, day, units: reserved } = await reserving;
    this.#perSecond = perSecond;
    if (granted === 0) {
      this.#cappedUntil = at + waitMs;
      return 0;
    }
    let next = at + waitMs;
    let left = reserved;
    let last = -1;
    this.#slots = new Map();
    // Who was throttled comes first, whoever it was reserved for: the units count.
    for (const [i, ordinal] of wish.ordinals.entries()) {
      const units = wish.costs[i] ?? 1;
      if (units > left && last !== -1) break;
      left -= units;
      last = ordinal;
      const lastsMs = perSecond === null ? 0 : (units * 1000) / perSecond;
      this.#slots.set(ordinal, { at: next, lastsMs });
      next += lastsMs;
      this.#reserveFor(ordinal, { day, units });
    }
    if (left > 0) this.#unused.push({ day, units: left });
    const isOpen = await this.#sleepUntil(at + waitMs);
    return isOpen ? ordinals.indexOf(last) + 1 : 0;
  }

  #reserveFor(ordinal: number, units: Units): void {
    const earlier = this.#reserved.get(ordinal);
    if (earlier !== undefined) this.#unused.push(earlier);
    this.#reserved.set(ordinal, units);
  }

  /** A message of the present turn was submitted. */
  spend(ordinal: number): void {
    const units = this.#reserved.get(ordinal);
    if (units === undefined) return;
    this.#reserved.delete(ordinal);
    this.#spent.set(ordinal, units);
  }

  /** It was not taken: its next turn costs anew. */
  unspend(ordinal: number): void {
    const units = this.#spent.get(ordinal);
    if (units !== undefined) this.#unused.push(units);
    this.#spent.delete(ordinal);
  }

  /** Gives what was reserved and not used back to the day's cap; once, at the end. Its time is lost. */
  async refund(): Promise<void> {
    const ahead = await this.#ahead?.catch(() => null);
    const all = [...this.#unused, ...this.#reserved.values(), ...(ahead ? [ahead] : [])];
    const byDay = new Map<string, number>();
    for (const { day, units } of all)
      if (day !== null) byDay.set(day, (byDay.get(day) ?? 0) + units);
    const { store, sender } = this.#options;
    for (const [day, units] of byDay)
      if (units > 0) {
        await store.pace.returnUnits(sender.id, day, units);
        // What came back may be used today.
        this.#cappedUntil = null;
      }
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
      if (units >= unitsMax || ordinals.length >= this.#options.sizeMax()) break;
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
    const units = costs.slice(0, reservation.granted).reduce((sum, cost) => sum + cost, 0);
    return { ...reservation, units, at: performance.now() };
  }
}
