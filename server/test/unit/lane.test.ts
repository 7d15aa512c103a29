/** A lane's window: what a carrier that is too slow or away does to it, and how it comes back. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carriers/carrier.ts';
import { createLane, type Slot } from '../../src/dispatch/lane.ts';

/** A lane with everything under way that its window has room for. */
function begin(windowMax: number, fields: Partial<Carrier> = {}) {
  const stop = new AbortController();
  let opened = 0;
  const lane = createLane({ windowMax, ...fields } as Carrier, stop.signal, () => (opened += 1));
  const slots: Slot[] = [];
  const fill = () => {
    for (let slot = lane.tryAcquire(); slot !== null; slot = lane.tryAcquire()) slots.push(slot);
  };
  const release = (...answer: Parameters<Slot['release']>) => slots.shift()?.release(...answer);
  fill();
  return { lane, stop, slots, fill, release, opened: () => opened };
}

describe('a window', () => {
  it('is halved once by a burst of answers that say the same', () => {
    const { lane, fill, release } = begin(50);
    for (let i = 0; i < 50; i += 1) release('throttled', 0);
    expect([lane.window, lane.inFlight]).toEqual([25, 0]);
    fill();
    for (let i = 0; i < 25; i += 1) release('throttled', 0);
    expect(lane.window).toBe(12);
  });

  it('is widened by each submission that is taken, up to what the carrier has', () => {
    const { lane, release } = begin(8);
    for (let i = 0; i < 8; i += 1) release('throttled', 0);
    expect(lane.window).toBe(4);
    for (let i = 0; i < 20; i += 1) lane.tryAcquire()?.release('accepted');
    expect([lane.window, lane.inFlight]).toEqual([8, 0]);
  });

  it('is at least one, and never halved more often than there are rounds of answers', () => {
    const outcome = fc.constantFrom('throttled', 'accepted', 'refused', 'unknown');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.array(outcome, { maxLength: 250, size: 'max' }), { maxLength: 8 }),
        (windowMax, rounds) => {
          const { lane, fill, release } = begin(windowMax);
          for (const round of rounds) {
            const before = lane.window;
            const open = lane.inFlight;
            for (let i = 0; i < open; i += 1) release(round[i] ?? 'throttled', 0);
            expect(lane.inFlight).toBe(0);
            expect(lane.window).toBeGreaterThanOrEqual(Math.max(1, Math.floor(before / 2)));
            expect(lane.window).toBeLessThanOrEqual(windowMax);
            expect(lane.reach).toBe(lane.isBraked ? 1 : lane.window);
            fill();
          }
        },
      ),
    );
  });
});

describe('a lane that was throttled', () => {
  it('rests, then has one probe at a time, and opens with the first answer of another kind', () => {
    const { lane, release, opened } = begin(4);
    expect([lane.mayBegin, lane.isBraked]).toEqual([true, false]);
    release('throttled', 60_000);
    expect(lane.restMs).toBeGreaterThan(0);
    expect(lane.mayBegin).toBe(false);

    const braked = begin(4);
    braked.release('throttled', 0);
    expect([braked.lane.mayBegin, braked.lane.reach]).toEqual([true, 1]);
    const end = braked.lane.begin();
    expect(braked.lane.mayBegin).toBe(false);
    end();
    expect(braked.lane.mayBegin).toBe(true);
    // An answer that never came tells nothing.
    braked.release('unknown');
    expect(braked.lane.isBraked).toBe(true);
    braked.release('refused');
    expect([braked.lane.isBraked, braked.opened()]).toEqual([false, 1]);
    expect(opened()).toBe(0);
  });

  it('gives no slot to who would wait longer than is wanted', async () => {
    const { lane, release } = begin(2);
    release('throttled', 60_000);
    release('throttled', 60_000);
    expect(await lane.acquire(0)).toBeNull();
  });
});

describe('a stop', () => {
  it('wakes who waits for a slot, though no answer comes', async () => {
    const { lane, stop, slots } = begin(3);
    expect(slots).toHaveLength(3);
    const waiting = lane.acquire(1_000);
    stop.abort();
    expect(await waiting).toBeNull();
    expect(lane.inFlight).toBe(3);
  });
});

it('takes on nothing while its carrier has no connection', () => {
  let isBound = false;
  const { lane } = begin(3, { canTake: () => isBound });
  expect(lane.mayBegin).toBe(false);
  isBound = true;
  expect(lane.mayBegin).toBe(true);
});
