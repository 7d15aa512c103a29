/**
 * The window and the rate of one carrier on this node. Callers wait for a slot before each
 * submission. When the carrier throttles, all callers wait and the window is halved, once for each
 * round of answers: the answers under way at that moment report the same event. Accepted
 * submissions widen the window again, one by one.
 *
 * ```
 *  open ──throttled──▶ backing off ──after the pause──▶ braked ──any other answer──▶ open
 *                         ▲                               │
 *                         └──────────throttled────────────┘  the pause doubles
 * ```
 * While braked, one batch is the probe that finds out whether the carrier accepts messages again.
 * The dispatcher asks for this right before it leases, so an outage occupies the first window of
 * one batch only.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Carrier } from '../carriers/carrier.ts';

/** The first pause after "too fast"; it doubles while the carrier goes on saying so, up to its own wish. */
const THROTTLE_PAUSE_MS = 50;

/** What an answer says about the carrier: it took one, it refused one, nothing at all, or that it takes none now. */
export type LaneOutcome = 'accepted' | 'refused' | 'unknown' | 'throttled';

/** A submission's place in the window. */
export interface Slot {
  /** Gives it back with what the carrier said. `afterMs` only when it throttled. */
  release(outcome: LaneOutcome, afterMs?: number): void;
}

export interface Lane {
  readonly carrier: Carrier;
  /** Takes a slot if one is free now. */
  tryAcquire(): Slot | null;
  /** Waits for a free slot and takes it; null when it is told to stop, or when the lane rests for longer than `restMsMax`. */
  acquire(restMsMax: number): Promise<Slot | null>;
  readonly inFlight: number;
  /** Slots that there are now. */
  readonly window: number;
  /** Most messages that a batch may have past its frontier at a time: one, while the lane is braked. */
  readonly reach: number;
  /** How long it will hand over nothing, in milliseconds. */
  readonly restMs: number;
  /** Whether the carrier has taken and refused nothing since it last throttled. */
  readonly isBraked: boolean;
  /** Whether more work may be taken on: at once while it is open; by one probe at a time, after its rest, while it is braked. */
  readonly mayBegin: boolean;
  /** Begins work that it may begin: while it is braked, as the probe. What is returned ends it. */
  begin(): () => void;
}

/** `onOpen` is called when a braked lane opens again; `stopping` wakes who waits for a slot. */
export function createLane(
  carrier: Carrier,
  stopping: AbortSignal,
  onOpen: () => void = () => undefined,
): Lane {
  let window = carrier.windowMax;
  let inFlight = 0;
  let throttledInRow = 0;
  /** Counts the times that the window was halved. */
  let round = 0;
  let pauseMs = 0;
  let pausedUntil = 0;
  let probe: object | null = null;
  let waiting: (() => void)[] = [];
  stopping.addEventListener('abort', wakeWaiting);

  function wakeWaiting(): void {
    if (waiting.length === 0) return;
    const wake = waiting;
    waiting = [];
    for (const resolve of wake) resolve();
  }

  function takeSlot(): Slot {
    const ofRound = round;
    inFlight += 1;
    return {
      release(outcome, afterMs = 0) {
        inFlight -= 1;
        if (outcome === 'throttled') brake(ofRound, afterMs);
        else if (outcome !== 'unknown') open(outcome === 'accepted');
        wakeWaiting();
      },
    };
  }

  function brake(ofRound: number, afterMs: number): void {
    if (ofRound === round) {
      round += 1;
      pauseMs = THROTTLE_PAUSE_MS * 2 ** Math.min(throttledInRow, 10);
      throttledInRow += 1;
      window = Math.max(1, Math.floor(window / 2));
    }
    pausedUntil = Math.max(pausedUntil, performance.now() + Math.min(afterMs, pauseMs));
  }

  function open(widens: boolean): void {
    if (widens) window = Math.min(carrier.windowMax, window + 1);
    if (throttledInRow === 0) return;
    throttledInRow = 0;
    onOpen();
  }

  const restMs = () => Math.max(0, pausedUntil - performance.now());

  function tryAcquire(): Slot | null {
    return inFlight >= window || restMs() > 0 ? null : takeSlot();
  }

  async function acquire(restMsMax: number): Promise<Slot | null> {
    for (;;) {
      const leftMs = restMs();
      if (stopping.aborted || leftMs > restMsMax) return null;
      if (leftMs > 0) await sleep(leftMs, undefined, { signal: stopping }).catch(() => undefined);
      else if (inFlight < window) return takeSlot();
      else await new Promise<void>((resolve) => waiting.push(resolve));
    }
  }

  return {
    carrier,
    tryAcquire,
    acquire,
    get inFlight() {
      return inFlight;
    },
    get window() {
      return window;
    },
    get reach() {
      return throttledInRow > 0 ? 1 : window;
    },
    get restMs() {
      return restMs();
    },
    get isBraked() {
      return throttledInRow > 0;
    },
    get mayBegin() {
      if (carrier.canTake?.() === false) return false;
      return throttledInRow === 0 || (restMs() === 0 && probe === null);
    },
    begin() {
      if (throttledInRow === 0) return () => undefined;
      const own = {};
      probe = own;
      return () => {
        if (probe === own) probe = null;
      };
    },
  };
}
