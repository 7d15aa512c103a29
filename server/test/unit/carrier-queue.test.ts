/** A carrier's queue and window: how throttling narrows the window, and how it opens again. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carriers/carrier.ts';
import { createCarrierQueue, type Slot } from '../../src/dispatch/carrier-queue.ts';

/** The queue of a carrier, with as many submissions as its window has room for. */
function begin(windowMax: number, fields: Partial<Carrier> = {}) {
  const stop = new AbortController();
  let opened = 0;
  const queue = createCarrierQueue(
    { windowMax, ...fields } as Carrier,
    stop.signal,
    () => (opened += 1),
  );
  const slots: Slot[] = [];
  const fill = () => {
    for (let slot = queue.tryAcquire(); slot !== null; slot = queue.tryAcquire()) slots.push(slot);
  };
  const release = (...answer: Parameters<Slot['release']>) => slots.shift()?.release(...answer);
  fill();
  return { queue, stop, slots, fill, release, opened: () => opened };
}

describe('a window', () => {
  it('is halved once by a burst of answers that say the same', () => {
    const { queue, fill, release } = begin(50);
    for (let i = 0; i < 50; i += 1) release('throttled', 0);
    expect([queue.window, queue.inFlight]).toEqual([25, 0]);
    fill();
    for (let i = 0; i < 25; i += 1) release('throttled', 0);
    expect(queue.window).toBe(12);
  });

  it('is widened by each submission that is taken, up to what the carrier has', () => {
    const { queue, release } = begin(8);
    for (let i = 0; i < 8; i += 1) release('throttled', 0);
    expect(queue.window).toBe(4);
    for (let i = 0; i < 20; i += 1) queue.tryAcquire()?.release('accepted');
    expect([queue.window, queue.inFlight]).toEqual([8, 0]);
  });

  it('is at least one, and never halved more often than there are rounds of answers', () => {
    const outcome = fc.constantFrom('throttled', 'accepted', 'refused', 'unknown');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.array(outcome, { maxLength: 250, size: 'max' }), { maxLength: 8 }),
        (windowMax, rounds) => {
          const { queue, fill, release } = begin(windowMax);
          for (const round of rounds) {
            const before = queue.window;
            const open = queue.inFlight;
            for (let i = 0; i < open; i += 1) release(round[i] ?? 'throttled', 0);
            expect(queue.inFlight).toBe(0);
            expect(queue.window).toBeGreaterThanOrEqual(Math.max(1, Math.floor(before / 2)));
            expect(queue.window).toBeLessThanOrEqual(windowMax);
            expect(queue.reach).toBe(queue.isBraked ? 1 : queue.window);
            fill();
          }
        },
      ),
    );
  });
});

describe('the queue of a carrier that throttled', () => {
  it('backs off, then has one probe at a time, and opens with the first answer of another kind', () => {
    const { queue, release, opened } = begin(4);
    expect([queue.mayBegin, queue.isBraked]).toEqual([true, false]);
    release('throttled', 60_000);
    expect(queue.backoffMs).toBeGreaterThan(0);
    expect(queue.mayBegin).toBe(false);

    const braked = begin(4);
    braked.release('throttled', 0);
    expect([braked.queue.mayBegin, braked.queue.reach]).toEqual([true, 1]);
    const end = braked.queue.begin();
    expect(braked.queue.mayBegin).toBe(false);
    end();
    expect(braked.queue.mayBegin).toBe(true);
    // A missing answer says nothing.
    braked.release('unknown');
    expect(braked.queue.isBraked).toBe(true);
    braked.release('refused');
    expect([braked.queue.isBraked, braked.opened()]).toEqual([false, 1]);
    expect(opened()).toBe(0);
  });

  it('gives no slot to who would wait longer than is wanted', async () => {
    const { queue, release } = begin(2);
    release('throttled', 60_000);
    release('throttled', 60_000);
    expect(await queue.acquire(0)).toBeNull();
  });
});

describe('a stop', () => {
  it('wakes who waits for a slot, though no answer comes', async () => {
    const { queue, stop, slots } = begin(3);
    expect(slots).toHaveLength(3);
    const waiting = queue.acquire(1_000);
    stop.abort();
    expect(await waiting).toBeNull();
    expect(queue.inFlight).toBe(3);
  });
});

it('takes on nothing while its carrier has no connection', () => {
  let isBound = false;
  const { queue } = begin(3, { canTake: () => isBound });
  expect(queue.mayBegin).toBe(false);
  isBound = true;
  expect(queue.mayBegin).toBe(true);
});
