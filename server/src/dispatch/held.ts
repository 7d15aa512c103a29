/**
 * Messages of a batch that their carrier throttled. The carrier did not accept them: they wait for
 * another submission.
 */

interface Wait {
  /** When it was throttled first, and when it may be tried again, on the clock of `performance.now()`. */
  readonly since: number;
  readonly notBefore: number;
}

export class Held {
  readonly #waits = new Map<number, Wait>();
  /** Of all that were ever held. */
  readonly #since = new Map<number, number>();

  #throttledCount = 0;

  /** How many answers said so, over all. */
  get throttledCount(): number {
    return this.#throttledCount;
  }

  get size(): number {
    return this.#waits.size;
  }

  get ordinals(): number[] {
    return [...this.#waits.keys()];
  }

  add(ordinal: number, afterMs: number, now: number): void {
    this.#throttledCount += 1;
    const since = this.#since.get(ordinal) ?? now;
    this.#since.set(ordinal, since);
    this.#waits.set(ordinal, { since, notBefore: now + afterMs });
  }

  /** It is tried again, or shall not be; false when it is not held. */
  remove(ordinal: number): boolean {
    return this.#waits.delete(ordinal);
  }

  /** Since when the one that has waited longest does, and when the first of them may go. */
  get span(): Wait {
    const waits = [...this.#waits.values()];
    return {
      since: Math.min(...waits.map((each) => each.since)),
      notBefore: Math.min(...waits.map((each) => each.notBefore)),
    };
  }

  /** How long a message must wait yet, in milliseconds; 0 for one that is not held. */
  waitMs(ordinal: number, now: number): number {
    return Math.max(0, (this.#waits.get(ordinal)?.notBefore ?? now) - now);
  }
}
