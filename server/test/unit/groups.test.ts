import { describe, expect, it } from 'vitest';
import { createGroups } from '../../src/lib/groups.ts';

interface Work {
  readonly owner: number;
  readonly name: string;
  readonly cost?: number;
}

class Away extends Error {}

/** Groups whose calls end when the test says so. */
function begin(costMax = 4) {
  const groups: string[][] = [];
  const ends: (() => void)[] = [];
  const run = async (items: readonly Work[]) => {
    groups.push(items.map(({ name }) => name));
    await new Promise<void>((resolve) => ends.push(resolve));
    if (items.some(({ name }) => name === 'away')) throw new Away('away');
    if (items.some(({ name }) => name === 'bad')) throw new Error('bad');
    return items.map(({ name }) => `done ${name}`);
  };
  const add = createGroups<Work, string>({
    run,
    costOf: ({ cost }) => cost ?? 1,
    costMax,
    runAlone: async (owner, { name }) => `alone ${owner} ${name}`,
    concernsAll: (error) => error instanceof Away,
  });
  const end = async () => {
    ends.shift()?.();
    // All that follows from it is a matter of promises.
    await new Promise((resolve) => setImmediate(resolve));
  };
  const all = (...works: Work[]) =>
    Promise.allSettled(works.map((work) => add(work.owner, work))).then((results) =>
      results.map((each) =>
        each.status === 'fulfilled' ? each.value : (each.reason as Error).message,
      ),
    );
  return { groups, end, all };
}

const of = (owner: number, ...names: string[]): Work[] => names.map((name) => ({ owner, name }));

describe('calls in groups', () => {
  it('begin at once, and wait together while one is under way', async () => {
    const { groups, end, all } = begin();
    const results = all(...of(1, 'a', 'b', 'c'));
    expect(groups).toEqual([['a']]);
    await end();
    expect(groups).toEqual([['a'], ['b', 'c']]);
    await end();
    expect(await results).toEqual(['done a', 'done b', 'done c']);
  });

  it('serve owners in rotation, so that one with many calls holds up no other', async () => {
    const { groups, end, all } = begin();
    const results = all(...of(1, 'a', 'b', 'c', 'd', 'e', 'f'), ...of(2, 'x'), ...of(3, 'y'));
    for (let i = 0; i < 3; i += 1) await end();
    expect(groups).toEqual([['a'], ['b', 'x', 'y', 'c'], ['d', 'e', 'f']]);
    expect((await results).at(6)).toBe('done x');
  });

  it('keep a group within its cost, and run a call of that size alone, beside it', async () => {
    const { groups, end, all } = begin(4);
    const results = all(
      ...of(1, 'a'),
      { owner: 1, name: 'b', cost: 3 },
      { owner: 1, name: 'c', cost: 2 },
      { owner: 1, name: 'huge', cost: 4 },
    );
    for (let i = 0; i < 3; i += 1) await end();
    expect(groups).toEqual([['a'], ['b'], ['c']]);
    expect(await results).toEqual(['done a', 'done b', 'done c', 'alone 1 huge']);
  });

  it('are tried one by one when a group fails, so that only the call at fault fails', async () => {
    const { groups, end, all } = begin();
    const results = all(...of(1, 'a', 'b', 'bad', 'c'));
    for (let i = 0; i < 5; i += 1) await end();
    expect(groups).toEqual([['a'], ['b', 'bad', 'c'], ['b'], ['bad'], ['c']]);
    expect(await results).toEqual(['done a', 'done b', 'bad', 'done c']);
  });

  it('fail together when the error concerns all, and go on after it', async () => {
    const { groups, end, all } = begin();
    const results = all(...of(1, 'a', 'b', 'away'));
    const later = all(...of(2, 'x'));
    for (let i = 0; i < 3; i += 1) await end();
    expect(groups.slice(0, 2)).toEqual([['a'], ['b', 'x', 'away']]);
    expect(await results).toEqual(['done a', 'away', 'away']);
    expect(await later).toEqual(['away']);
    const after = all(...of(1, 'd'));
    await end();
    expect(await after).toEqual(['done d']);
  });
});
