/** A lane's window: what a carrier that is too slow does to it, and how it comes back. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Carrier } from '../../src/carriers/carrier.ts';
import { createLane } from '../../src/dispatch/lane.ts';

/** A lane with everything under way that its window has room for. */
function begin(windowMax: number) {
  const lane = createLane({ windowMax } as Carrier);
  const fill = () => {
    while (lane.inFlight < lane.window) if (!lane.tryAcquire()) return;
  };
  fill();
  return { lane, fill };
}

describe('a window', () => {
  it('is halved once by a burst of answers that say the same', () => {
    const { lane, fill } = begin(50);
    for (let i = 0; i < 50; i += 1) lane.release('throttled', 0);
    expect([lane.window, lane.inFlight]).toEqual([25, 0]);
    fill();
    for (let i = 0; i < 25; i += 1) lane.release('throttled', 0);
    expect(lane.window).toBe(12);
  });

  it('is widened by each submission that is taken, up to what the carrier has', () => {
    const { lane } = begin(8);
    for (let i = 0; i < 8; i += 1) lane.release('throttled', 0);
    expect(lane.window).toBe(4);
    for (let i = 0; i < 20; i += 1) {
      expect(lane.tryAcquire()).toBe(true);
      lane.release('accepted');
    }
    expect(lane.window).toBe(8);
  });

  it('is at least one, and never halved more often than there are rounds of answers', () => {
    const outcome = fc.constantFrom('throttled', 'accepted', 'refused');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.array(outcome, { maxLength: 250, size: 'max' }), { maxLength: 8 }),
        (windowMax, rounds) => {
          const { lane, fill } = begin(windowMax);
          for (const round of rounds) {
            const before = lane.window;
            const open = lane.inFlight;
            for (let i = 0; i < open; i += 1) lane.release(round[i] ?? 'throttled', 0);
            expect(lane.inFlight).toBe(0);
            expect(lane.window).toBeGreaterThanOrEqual(Math.max(1, Math.floor(before / 2)));
            expect(lane.window).toBeLessThanOrEqual(windowMax);
            fill();
          }
        },
      ),
    );
  });
});
