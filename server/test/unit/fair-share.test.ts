/** Fair shares: the requests of one owner delay no other, and wait for each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createPlaces,
  createProcessorShares,
  PlaceTimeout,
  type Work,
} from '../../src/lib/fair-share.ts';
import { runs } from '../support/runs.ts';

/** Work of so many steps, each of about so long. */
function* busy(steps: number, stepMs: number): Work<number> {
  for (let step = 0; step < steps; step += 1) {
    const until = performance.now() + stepMs;
    while (performance.now() < until);
    yield;
  }
  return steps;
}

describe('processor time', () => {
  it('goes to the owner that has used least of it, whatever others have requested before', async () => {
    const shares = createProcessorShares();
    const ended: string[] = [];
    const run = (owner: number, name: string, steps: number) =>
      shares.run(owner, busy(steps, 0.5)).then(() => ended.push(name));
    const all = [
      ...Array.from({ length: 20 }, (_, i) => run(1, `large ${i}`, 40)),
      run(2, 'small', 4),
      run(3, 'other', 4),
    ];
    await Promise.all(all);
    expect(ended.slice(0, 2).toSorted()).toEqual(['other', 'small']);
    expect(ended).toHaveLength(22);
  });

  it('is shared evenly among owners, not among their requests', async () => {
    const shares = createProcessorShares();
    const ended: number[] = [];
    const run = (owner: number, jobs: number, steps: number) =>
      Array.from({ length: jobs }, () =>
        shares.run(owner, busy(steps, 0.2)).then(() => ended.push(owner)),
      );
    await Promise.all([...run(1, 30, 10), ...run(2, 3, 10)]);
    // The three of the one end among the first few of the other's thirty.
    expect(ended.lastIndexOf(2)).toBeLessThan(12);
  });

  it('gives no credit for having been idle', async () => {
    const shares = createProcessorShares();
    let done = 0;
    function* counted(): Work<void> {
      for (done = 0; done < 100; done += 1) {
        yield* busy(1, 0.2);
      }
    }
    await shares.run(1, counted());
    const again = shares.run(1, counted());
    let meanwhile = 0;
    // It has never asked for anything, and gets half from now on, not all.
    const newcomer = shares.run(2, busy(100, 0.2)).then(() => (meanwhile = done));
    await Promise.all([again, newcomer]);
    expect(meanwhile).toBeGreaterThan(30);
  });

  it('reports an error of work to its caller, and continues', async () => {
    const shares = createProcessorShares();
    const broken = shares.run(
      1,
      (function* (): Work<never> {
        yield;
        throw new Error('broken');
      })(),
    );
    const whole = shares.run(1, busy(3, 0));
    await expect(broken).rejects.toThrow('broken');
    expect(await whole).toBe(3);
    expect(await shares.run(1, busy(5, 0))).toBe(5);
  });
});

describe('places', () => {
  it('are never all taken by one owner, and go round among those that wait', async () => {
    const places = createPlaces(3);
    const began: number[] = [];
    const ends: (() => void)[] = [];
    const ask = (owner: number) =>
      places.within(owner, () => {
        began.push(owner);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    const all = [1, 1, 1, 1, 2, 2, 3].map(ask);
    expect(began).toEqual([1, 1, 2]);
    for (let i = 0; i < all.length; i += 1) {
      await expect.poll(() => ends.length).toBeGreaterThan(i);
      ends[i]?.();
    }
    await Promise.all(all);
    expect(began).toEqual([1, 1, 2, 1, 2, 3, 1]);
  });

  it('let no more in than there are, whatever comes and goes', { tags: ['property'] }, async () => {
    const use = fc.record({ owner: fc.nat(3), steps: fc.nat(5), breaks: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(use, { maxLength: 60 }),
        async (max, uses) => {
          const places = createPlaces(max);
          const inside: number[] = [];
          const settled = await Promise.allSettled(
            uses.map(({ owner, steps, breaks }) =>
              places.within(owner, async () => {
                inside.push(owner);
                expect(inside.length).toBeLessThanOrEqual(max);
                const own = inside.filter((each) => each === owner);
                expect(own.length).toBeLessThanOrEqual(Math.max(1, max - 1));
                for (let i = 0; i < steps; i += 1) await Promise.resolve();
                inside.splice(inside.indexOf(owner), 1);
                if (breaks) throw new Error('broken');
              }),
            ),
          );
          for (const [i, each] of settled.entries())
            expect(each.status).toBe(uses[i]?.breaks === true ? 'rejected' : 'fulfilled');
          // Nothing was left behind: the next one enters at once.
          let entered = false;
          void places.within(9, async () => void (entered = true));
          expect(entered).toBe(true);
        },
      ),
      { numRuns: runs(100, 2_000) },
    );
  });

  it('are waited for so long, and no longer', async () => {
    const places = createPlaces(2, 20);
    let leave = () => {};
    const held = places.within(1, () => new Promise<void>((resolve) => (leave = resolve)));
    await expect(places.within(1, () => Promise.resolve())).rejects.toThrow(PlaceTimeout);
    expect(await places.within(2, () => Promise.resolve('in'))).toBe('in');
    leave();
    await held;
    expect(await places.within(1, () => Promise.resolve('in'))).toBe('in');
  });
});
