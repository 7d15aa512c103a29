/**
 * A lane: one carrier's window and pace. Callers wait for a slot before each submission; a carrier that
 * throttles makes everyone wait and halves the window, accepted submissions widen it again one by one. All that was under
 * way when it said so says the same once more: the window is halved once for each round of answers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Carrier } from '../carriers/carrier.ts';

/** The first pause after "too fast"; it doubles while the carrier goes on saying so, up to its own wish. */
const THROTTLE_PAUSE_MS = 50;

export interface Lane {
  readonly carrier: Carrier;
  /** Takes a slot if one is free now. */
  tryAcquire(): boolean;
  /** Waits for a free slot and takes it. Resolves false, without one, when `signal` is aborted. */
  acquire(signal: AbortSignal): Promise<boolean>;
  /** Gives the slot back with what the carrier said. `afterMs` only when it throttled. */
  release(outcome: 'accepted' | 'refused' | 'throttled', afterMs?: number): void;
  readonly inFlight: number;
  /** Slots that there are now. */
  readonly window: number;
  /** Whether it waits because its carrier said that it is too fast. */
  readonly isThrottled: boolean;
}

export function createLane(carrier: Carrier): Lane {
  let window = carrier.windowMax;
  let inFlight = 0;
  let throttledInRow = 0;
  /** Answers that are still to come to what was under way when the window was halved last. */
  let ofThisRound = 0;
  let pausedUntil = 0;
  let lastPauseMs = 0;
  let waiting: (() => void)[] = [];

  function wakeWaiting(): void {
    if (waiting.length === 0) return;
    const wake = waiting;
    waiting = [];
    for (const resolve of wake) resolve();
  }

  function tryAcquire(): boolean {
    if (inFlight >= window || pausedUntil > performance.now()) return false;
    inFlight += 1;
    return true;
  }

  async function acquire(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      if (signal.aborted) return false;
      const pauseMs = pausedUntil - performance.now();
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      else if (inFlight < window) break;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
    inFlight += 1;
    return true;
  }

  function release(outcome: 'accepted' | 'refused' | 'throttled', afterMs = 0): void {
    inFlight -= 1;
    const isSameRound = ofThisRound > 0;
    if (isSameRound) ofThisRound -= 1;
    if (outcome === 'throttled' && isSameRound)
      pausedUntil = Math.max(pausedUntil, performance.now() + Math.min(afterMs, lastPauseMs));
    else if (outcome === 'throttled') {
      const pauseMs = Math.min(afterMs, THROTTLE_PAUSE_MS * 2 ** Math.min(throttledInRow, 10));
      throttledInRow += 1;
      lastPauseMs = pauseMs;
      pausedUntil = Math.max(pausedUntil, performance.now() + pauseMs);
      ofThisRound = inFlight;
      window = Math.max(1, Math.floor(window / 2));
    } else if (outcome === 'accepted') {
      throttledInRow = 0;
      window = Math.min(carrier.windowMax, window + 1);
    }
    wakeWaiting();
  }

  return {
    carrier,
    tryAcquire,
    acquire,
    release,
    get inFlight() {
      return inFlight;
    },
    get window() {
      return window;
    },
    get isThrottled() {
      return pausedUntil > performance.now();
    },
  };
}
