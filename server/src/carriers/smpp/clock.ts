/** A clock that can stand still. */
export interface Clock {
  /** Milliseconds in which it went, from some beginning. */
  now(): number;
  halt(): void;
  go(): void;
}

/** A clock that goes. */
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
