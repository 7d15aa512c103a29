/**
 * The interval of a poll: short while there is work now and then, and long when there has been none for five seconds.
 * An idle server then costs its database and its neighbours little.
 */
export class PollInterval {
  readonly #shortMs: number;
  readonly #longMs: number;
  #lastWorkAt = performance.now();

  /** @param options intervals in milliseconds */
  constructor({ shortMs, longMs }: { readonly shortMs: number; readonly longMs: number }) {
    this.#shortMs = shortMs;
    this.#longMs = longMs;
  }

  /** There is work, and more may come soon. True if the interval was long until now. */
  shorten(): boolean {
    const wasLong = this.#isLong();
    this.#lastWorkAt = performance.now();
    return wasLong;
  }

  /** The interval now, in milliseconds. */
  get ms(): number {
    return this.#isLong() ? this.#longMs : this.#shortMs;
  }

  #isLong(): boolean {
    return performance.now() - this.#lastWorkAt > LONG_AFTER_MS;
  }
}

const LONG_AFTER_MS = 5_000;
