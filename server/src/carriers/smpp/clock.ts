/** A clock that can be stopped. */
export interface Clock {
  /** Milliseconds in which it went, from some beginning. */
  now(): number;
  halt(): void;
  go(): void;
}

/** A running clock. */
export function createClock(): Clock {
  let haltedAt: number | null = null;
  let haltedMs = 0;
  return {
    now: () => (haltedAt ?? performance.now()) - haltedMs,
    halt() {
      haltedAt ??= performance.now();
    },
    go() {
      if (haltedAt !== null) haltedMs += performance.now() - haltedAt;
      haltedAt = null;
    },
  };
}
