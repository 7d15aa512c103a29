/**
 * The queue and the window of one carrier on this node. Callers wait for a slot before each
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
import { ERRORS } from '../domain/errors.ts';
import type { Settlement } from '../store/store.ts';

/** The first pause after "too fast"; it doubles with each further one, up to the carrier's retryAfter. */
const THROTTLE_PAUSE_MS = 50;

/** An answer's meaning for the carrier. `unknown`: none. */
export type SlotOutcome = 'accepted' | 'refused' | 'unknown' | 'throttled';

/** A submission's place in the window. */
export interface Slot {
  /** Returns the slot with the carrier's answer. `afterMs` only with `throttled`. */
  release(outcome: SlotOutcome, afterMs?: number): void;
}

export interface CarrierQueue {
  readonly carrier: Carrier;
  /** Takes a slot if one is free now. */
  tryAcquire(): Slot | null;
  /** Waits for a free slot and takes it; null at a stop, or when the backoff is longer than `backoffMsMax`. */
  acquire(backoffMsMax: number): Promise<Slot | null>;
  readonly inFlight: number;
  /** Number of slots now, taken ones included. */
  readonly window: number;
  /** Maximum messages by which a batch raises its high-water mark: 1 while braked. */
  readonly reach: number;
  /** How many more messages may be exposed: below a mark and without a written answer, at most two windows of them. */
  readonly room: number;
  /** Counts messages as exposed, or with a negative number as exposed no longer. */
  expose(count: number): void;
  /** Waits until a good part of `count` messages may be exposed, and counts them; resolves with their number, 0 when braked or at a stop. */
  exposeUpTo(count: number): Promise<number>;
  /** Time until the next submission, in milliseconds. */
  readonly backoffMs: number;
  /** Whether the carrier has accepted or refused nothing since it last throttled. */
  readonly isBraked: boolean;
  /** Whether more work may begin: always while open; one probe at a time, after the backoff, while braked. */
  readonly mayBegin: boolean;
  /** Begins work, while braked as the probe. Returns the function that ends it. */
  begin(): () => void;
}

/** `onOpen` is called when a braked queue opens again; `stopping` ends the waits for a slot. */
export function createCarrierQueue(
  carrier: Carrier,
  stopping: AbortSignal,
  onOpen: () => void = () => undefined,
): CarrierQueue {
  let window = carrier.windowMax;
  let inFlight = 0;
  let exposed = 0;
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

  /** One window is on its way, the next one is ready. */
  const room = () => Math.max(0, (throttledInRow > 0 ? 1 : 2 * window) - exposed);

  function expose(count: number): void {
    exposed += count;
    if (count < 0) wakeWaiting();
  }

  async function exposeUpTo(count: number): Promise<number> {
    // A mark that rises one by one would cost a statement for each message.
    const enough = () => Math.min(count, Math.max(1, Math.floor(window / 4)));
    while (room() < enough()) {
      // While the carrier accepts nothing, who waits here would keep a batch from a cancel, a pause and its expiry.
      if (stopping.aborted || throttledInRow > 0) return 0;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    const granted = stopping.aborted ? 0 : Math.min(count, room());
    exposed += granted;
    return granted;
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

  const backoffMs = () => Math.max(0, pausedUntil - performance.now());

  function tryAcquire(): Slot | null {
    return inFlight >= window || backoffMs() > 0 ? null : takeSlot();
  }

  async function acquire(backoffMsMax: number): Promise<Slot | null> {
    for (;;) {
      const leftMs = backoffMs();
      if (stopping.aborted || leftMs > backoffMsMax) return null;
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
    get room() {
      return room();
    },
    expose,
    exposeUpTo,
    get backoffMs() {
      return backoffMs();
    },
    get isBraked() {
      return throttledInRow > 0;
    },
    get mayBegin() {
      if (carrier.canTake?.() === false) return false;
      return throttledInRow === 0 || (backoffMs() === 0 && probe === null);
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

/** The outcome's meaning for the carrier. */
export function slotOutcomeOf({ outcome, errorCode }: Settlement): SlotOutcome {
  if (outcome === 'SENT') return 'accepted';
  return errorCode === ERRORS.ambiguous.code ? 'unknown' : 'refused';
}
