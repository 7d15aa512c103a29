/**
 * A timeline: many callbacks at many times with one timer, because a timer per message would cost more than the message.
 * Callbacks that are due at once run in order in the next round of the event loop, without a timer.
 */
export interface Timeline {
  /** Runs `callback` after `delayMs`, never in the present round of the event loop. */
  after(delayMs: number, callback: () => void): void;
  /** Runs pending answers at once, and nothing later. */
  stop(): void;
}

/** Callbacks within this distance share a timer. */
const TICK_MS = 5;

export function createTimeline(): Timeline {
  let soon: (() => void)[] = [];
  let immediate: NodeJS.Immediate | null = null;
  const later = new Map<number, (() => void)[]>();
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  function runSoon(): void {
    immediate = null;
    const due = soon;
    soon = [];
    for (const callback of due) callback();
  }

  function tickOf(atMs: number): number {
    return Math.ceil(atMs / TICK_MS);
  }

  function runLater(): void {
    timer = null;
    const now = Math.floor(performance.now() / TICK_MS);
    for (const tick of [...later.keys()].filter((each) => each <= now).toSorted((a, b) => a - b)) {
      const due = later.get(tick) ?? [];
      later.delete(tick);
      for (const callback of due) callback();
    }
    arm();
  }

  function arm(): void {
    if (timer !== null || later.size === 0) return;
    const next = Math.min(...later.keys()) * TICK_MS - performance.now();
    timer = setTimeout(runLater, Math.max(1, next));
  }

  return {
    after(delayMs, callback) {
      if (stopped) return;
      if (delayMs <= 0) {
        soon.push(callback);
        immediate ??= setImmediate(runSoon);
        return;
      }
      const tick = tickOf(performance.now() + delayMs);
      const due = later.get(tick);
      if (due === undefined) later.set(tick, [callback]);
      else due.push(callback);
      if (timer !== null && Math.min(...later.keys()) === tick) {
        clearTimeout(timer);
        timer = null;
      }
      arm();
    },
    stop() {
      stopped = true;
      if (immediate !== null) clearImmediate(immediate);
      if (timer !== null) clearTimeout(timer);
      runSoon();
      later.clear();
    },
  };
}
