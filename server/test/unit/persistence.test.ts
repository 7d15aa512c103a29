/** Writing of which no part is lost to another, whatever PostgreSQL says to it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DatabaseUnavailable } from '../../src/store/database-error.ts';
import { writeAll } from '../../src/store/persistence.ts';
import { until } from '../support/until.ts';

const away = (code: string) =>
  new DatabaseUnavailable('away', { cause: Object.assign(new Error(), { code }) });
const bug = Object.assign(new Error('bad data'), { code: '22021' });

/** Writes numbers until `fail` throws. */
async function play(
  items: readonly number[],
  fail: (some: readonly number[]) => void,
  patienceMs = 0,
) {
  const written: number[] = [];
  const refused: number[] = [];
  const postponed: number[] = [];
  let calls = 0;
  await writeAll(items, {
    patienceMs,
    async write(some) {
      calls += 1;
      fail(some);
      written.push(...some);
    },
    onAway: () => undefined,
    onPostponed: (item) => postponed.push(item) < 0,
    onRefused: (item) => refused.push(item),
  });
  return { written, refused, postponed, calls };
}

describe('writing all', () => {
  it('leaves out refused items, once each, and writes the others in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(1_000), { maxLength: 200 }),
        fc.array(fc.nat(1_000), { maxLength: 5 }),
        async (items, bad) => {
          const { written, refused, calls } = await play(items, (some) => {
            if (some.some((each) => bad.includes(each))) throw bug;
          });
          const isBad = (each: number) => bad.includes(each);
          expect(written).toEqual(items.filter((each) => !isBad(each)));
          expect(refused).toEqual(items.filter(isBad));
          // Halving: each bad one costs two calls a level at most.
          expect(calls).toBeLessThanOrEqual(1 + refused.length * 2 * 8);
        },
      ),
    );
  });

  it('waits while the database is unavailable', async () => {
    let times = 3;
    const { written, calls } = await play([1, 2, 3], () => {
      times -= 1;
      if (times >= 0) throw away('ECONNREFUSED');
    });
    expect({ written, calls }).toEqual({ written: [1, 2, 3], calls: 4 });
  });

  it('makes progress when most statements fail and no large part succeeds', async () => {
    const items = Array.from({ length: 16 }, (_, i) => i);
    const { written, refused } = await play(items, (some) => {
      if (some.length > 4) throw away('ECONNRESET');
    });
    expect(written).toEqual(items);
    expect(refused).toEqual([]);
  });

  it.each(['57014', 'XX001', '54000'])(
    'leaves out what PostgreSQL gives up on again and again by %s, after all others',
    async (code) => {
      const { written, refused, postponed } = await play(
        [1, 2, 3, 4, 5],
        (some) => {
          if (some.includes(2)) throw away(code);
        },
        600,
      );
      expect(written).toEqual([1, 3, 4, 5]);
      expect(postponed).toEqual([2]);
      await until(() => refused.length > 0);
      expect(refused).toEqual([2]);
    },
  );

  it('writes an item that PostgreSQL gave up on only for a while', async () => {
    let times = 4;
    const { written, refused } = await play(
      [1, 2],
      (some) => {
        if (!some.includes(1)) return;
        times -= 1;
        if (times >= 0) throw away('57014');
      },
      10_000,
    );
    await until(() => written.length > 1);
    expect(written).toEqual([2, 1]);
    expect(refused).toEqual([]);
  });

  it('does nothing where there is nothing', async () => {
    expect((await play([], () => undefined)).calls).toBe(0);
  });
});
