/**
 * Messages of a batch that their carrier throttled. The carrier did not accept them: they wait for
 * another submission.
 */

interface Wait {
  /** The first throttling, and the earliest next try, on the clock of `performance.now()`. */
  readonly since: number;
  readonly notBefore: number;
}

export class Throttled {
  readonly #waits = new Map<number, Wait>();
  /** Of all messages that were ever throttled in this run. */
  readonly #since = new Map<number, number>();

  #answers = 0;

  /** Number of throttling answers in this run. */
  get answers(): number {
    return this.#answers;
  }

  get size(): number {
    return this.#waits.size;
  }

  get ordinals(): number[] {
    return [...this.#waits.keys()];
  }

  add(ordinal: number, afterMs: number, now: number): void {
    this.#answers += 1;
    const since = this.#since.get(ordinal) ?? now;
    this.#since.set(ordinal, since);
    this.#waits.set(ordinal, { since, notBefore: now + afterMs });
  }

  /** It is tried again, or must not be; false when it was not throttled. */
  remove(ordinal: number): boolean {
    return this.#waits.delete(ordinal);
  }

  /** When the longest wait began, and when the first message may be tried again. */
  get span(): Wait {
    const waits = [...this.#waits.values()];
    return {
      since: Math.min(...waits.map((each) => each.since)),
      notBefore: Math.min(...waits.map((each) => each.notBefore)),
    };
  }

  /** How long a message must still wait, in milliseconds; 0 for one that is not throttled. */
  waitMs(ordinal: number, now: number): number {
    return Math.max(0, (this.#waits.get(ordinal)?.notBefore ?? now) - now);
  }
}
