/** Places of rate-limited senders: few for each, so that a slow sender delays no other. */

/** Maximum active batches of one rate-limited sender, and of all of them together, for each carrier. */
export const RATE_LIMITED_PER_SENDER = 4;
const RATE_LIMITED_MAX = 400;

/** Active batches of rate-limited senders of one carrier. */
export class RateLimitedPlaces {
  readonly #bySender = new Map<string, number>();
  #count = 0;

  get free(): number {
    return RATE_LIMITED_MAX - this.#count;
  }

  /** Places taken, by sender. */
  get taken(): Record<string, number> {
    return Object.fromEntries(this.#bySender);
  }

  /** Whether other batches may wait for a place of this sender. */
  isCrowded(senderId: string): boolean {
    return this.free <= 0 || (this.#bySender.get(senderId) ?? 0) >= RATE_LIMITED_PER_SENDER;
  }

  /** Takes a place; the function returned leaves it. */
  enter(senderId: string): () => void {
    const count = (change: number) => {
      this.#count += change;
      const next = (this.#bySender.get(senderId) ?? 0) + change;
      if (next > 0) this.#bySender.set(senderId, next);
      else this.#bySender.delete(senderId);
    };
    count(1);
    return () => count(-1);
  }
}
