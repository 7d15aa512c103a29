/** A carrier's queue and window: how throttling narrows the window, and how it opens again. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carriers/carrier.ts';
import { createCarrierQueue, type Slot } from '../../src/dispatch/carrier-queue.ts';
import { Exposure } from '../../src/dispatch/exposure.ts';
import type { Batch } from '../../src/store/store.ts';

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

  it('is widened by each accepted submission, up to the maximum of the carrier', () => {
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

  it('gives no slot to a caller that would wait longer than its maximum', async () => {
    const { queue, release } = begin(2);
    release('throttled', 60_000);
    release('throttled', 60_000);
    expect(await queue.acquire(0)).toBeNull();
  });
});

describe('a stop', () => {
  it('wakes callers that wait for a slot, also without an answer', async () => {
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

describe('exposed messages of a carrier', () => {
  const batch = (raised: number) => ({ highWaterMark: raised + 3, inDoubtMark: 3 }) as Batch;

  it('are two windows at most, over all batches, and one while it is braked', async () => {
    const { queue, release } = begin(10);
    const first = new Exposure(queue, batch(4));
    expect(queue.room).toBe(16);
    expect(await first.grow(500)).toBe(10);
    const second = new Exposure(queue, batch(0));
    expect(await second.grow(500)).toBe(6);
    expect(queue.room).toBe(0);
    first.end();
    second.end();
    expect(queue.room).toBe(20);
    release('throttled', 0);
    expect(queue.room).toBe(1);
  });

  it('wait for a good part of what they want, or for a stop', async () => {
    const { queue, stop } = begin(8);
    const first = new Exposure(queue, batch(16));
    let grown = -1;
    const second = new Exposure(queue, batch(0));
    void second.grow(100).then((count) => (grown = count));
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    first.shrink(1);
    await settle();
    expect(grown).toBe(-1);
    first.shrink(1);
    await settle();
    expect(grown).toBe(2);
    const third = new Exposure(queue, batch(0));
    const waiting = third.grow(1);
    stop.abort();
    expect(await waiting).toBe(0);
  });

  it('are not waited for while the carrier throttles', async () => {
    const { queue, release } = begin(8);
    const first = new Exposure(queue, batch(16));
    const waiting = new Exposure(queue, batch(0)).grow(100);
    release('throttled', 0);
    expect(await waiting).toBe(0);
    first.end();
    expect(await new Exposure(queue, batch(0)).grow(100)).toBe(1);
  });

  it('are none when all batches have ended, whatever they did', async () => {
    const step = fc.tuple(
      fc.nat({ max: 3 }),
      fc.constantFrom('grow', 'shrink', 'end'),
      fc.nat({ max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.array(step, { maxLength: 60 }),
        async (windowMax, steps) => {
          const { queue } = begin(windowMax);
          const all = Array.from({ length: 4 }, () => new Exposure(queue, batch(0)));
          for (const [which, what, count] of steps) {
            const exposure = all[which];
            if (what === 'grow') {
              if (queue.room >= Math.max(1, windowMax / 4)) await exposure?.grow(count);
            } else if (what === 'shrink') exposure?.shrink(count);
            else exposure?.end();
            expect(queue.room).toBeGreaterThanOrEqual(0);
            expect(queue.room).toBeLessThanOrEqual(2 * windowMax);
          }
          for (const exposure of all) exposure.end();
          expect(queue.room).toBe(2 * windowMax);
        },
      ),
    );
  });
});
