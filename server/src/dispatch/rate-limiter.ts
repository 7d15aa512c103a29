/**
 * Reserves slots for one batch on the clock of its sender, which all nodes share. It reserves
 * about a second's worth at a time, and the next second's during the present one, so no time is
 * lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SenderLimits } from '../domain/rate-limit.ts';
import type { Reservation, Store } from '../store/store.ts';

/** Seconds of a sender's throughput in one reservation: a crash puts them in doubt, a stop or a pause wastes them. */
const RESERVATION_SECONDS = 1;

export interface RateLimiterOptions {
  readonly store: Store;
  readonly sender: SenderLimits & { readonly id: string };
  /** Maximum messages of a reservation, now. */
  readonly sizeMax: () => number;
  /** Units that a message costs; null when it cannot be sent. */
  readonly costOf: (ordinal: number) => number | null;
  readonly stopping: AbortSignal;
}

/** Messages for one reservation, in order, and their costs. */
interface Selection {
  readonly ordinals: readonly number[];
  readonly costs: readonly number[];
}

/** A reservation, its units, and the time of the answer on the clock of `performance.now()`. */
interface TimedReservation extends Reservation {
  readonly units: number;
  readonly at: number;
}

/** Units of a day's cap. */
interface Units {
  readonly day: string | null;
  readonly units: number;
}

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  #perSecond: number | null;
  #ahead: Promise<TimedReservation> | null = null;
  /** Time slots of the messages of the present reservation, and how long each occupies the sender. */
  #slots = new Map<number, { readonly at: number; readonly lastsMs: number }>();
  /** End of the last used slot: after a late message, the next one still keeps its distance. */
  #freeAt = 0;
  #cappedUntil: number | null = null;
  /** Units of messages with a reservation that were not submitted, of submitted ones, and unused ones. */
  readonly #reserved = new Map<number, Units>();
  readonly #spent = new Map<number, Units>();
  readonly #unused: Units[] = [];

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#perSecond = options.sender.throughput;
  }

  /** How long the sender must wait because it reached its daily cap, in milliseconds; null when it did not. */
  get cappedForMs(): number | null {
    return this.#cappedUntil && Math.max(0, this.#cappedUntil - performance.now());
  }

  /** Whether there is a reservation that has not begun: it would be wasted. */
  get isAhead(): boolean {
    return this.#ahead !== null;
  }

  /**
   * Makes a reservation for the first of these messages and waits for its begin. Resolves with the number of messages
   * that it covers; 0 when the daily cap is reached, or at a stop.
   */
  async open(ordinals: readonly number[]): Promise<number> {
    const selected = this.#select(ordinals);
    if (selected.ordinals.length === 0) return ordinals.length;
    const reserving = this.#ahead ?? this.#reserve(selected);
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
    // Throttled messages come first, even in a reservation for others: only units count.
    for (const [i, ordinal] of selected.ordinals.entries()) {
      const units = selected.costs[i] ?? 1;
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

  /** A message of the present reservation was submitted. */
  spend(ordinal: number): void {
    const units = this.#reserved.get(ordinal);
    if (units === undefined) return;
    this.#reserved.delete(ordinal);
    this.#spent.set(ordinal, units);
  }

  /** It was throttled: its next submission costs units again. */
  unspend(ordinal: number): void {
    const units = this.#spent.get(ordinal);
    if (units !== undefined) this.#unused.push(units);
    this.#spent.delete(ordinal);
  }

  /** Returns unused units to the daily cap; once, at the end. Their time is lost. */
  async refund(): Promise<void> {
    const ahead = await this.#ahead?.catch(() => null);
    const all = [...this.#unused, ...this.#reserved.values(), ...(ahead ? [ahead] : [])];
    const byDay = new Map<string, number>();
    for (const { day, units } of all)
      if (day !== null) byDay.set(day, (byDay.get(day) ?? 0) + units);
    const { store, sender } = this.#options;
    for (const [day, units] of byDay)
      if (units > 0) {
        await store.rateLimits.returnUnits(sender.id, day, units);
        // Returned units may be used today.
        this.#cappedUntil = null;
      }
  }

  /** Begins the reservation that `open` will ask for next. */
  openAhead(ordinals: readonly number[]): void {
    const selected = this.#select(ordinals);
    if (selected.ordinals.length === 0) return;
    this.#ahead = this.#reserve(selected);
    // `open` reports a failure; without it there is nothing to report.
    this.#ahead.catch(() => undefined);
  }

  /** Waits for the time slot of a message of the present reservation; false at a stop. */
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

  #select(candidates: readonly number[]): Selection {
    const unitsMax = (this.#perSecond ?? Infinity) * RESERVATION_SECONDS;
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

  async #reserve({ costs }: Selection): Promise<TimedReservation> {
    const { store, sender } = this.#options;
    const reservation = await store.rateLimits.reserveUnits(sender.id, costs);
    const units = costs.slice(0, reservation.granted).reduce((sum, cost) => sum + cost, 0);
    return { ...reservation, units, at: performance.now() };
  }
}
