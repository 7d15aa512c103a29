/**
 * Group calls: while one group is under way, further calls wait, and then all of them form the next group. So a group has
 * one call when there is little to do, and many when there is much; no timer adds a delay.
 *
 * Owners are served in rotation, so the calls of one fill no group while others wait. A call that is as large as a group
 * goes alone, beside the groups.
 */
export interface GroupOptions<Item, Result> {
  /** Does all of a group. Resolves with a result for each item, in their order; or rejects for all of them. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** The cost of an item. The sum of a group is at most `costMax`. */
  readonly costOf: (item: Item) => number;
  readonly costMax: number;
  /** Does one item that is as large as a group. */
  readonly runAlone: (owner: number, item: Item) => Promise<Result>;
  /** Whether an error concerns the whole group, such as an unavailable database: then no item is tried alone. */
  readonly concernsAll: (error: unknown) => boolean;
}

interface Call<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Returns a function that does an item in a group, and resolves with its result. */
export function createGroups<Item, Result>(
  options: GroupOptions<Item, Result>,
): (owner: number, item: Item) => Promise<Result> {
  const { run, costOf, costMax, runAlone, concernsAll } = options;
  /** By owner, in the order in which they are served. */
  const waiting = new Map<number, Call<Item, Result>[]>();
  let isRunning = false;

  function takeGroup(): Call<Item, Result>[] {
    const group: Call<Item, Result>[] = [];
    let cost = 0;
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const [owner, [first, ...others]] = next;
      if (first === undefined) break;
      cost += costOf(first.item);
      if (group.length > 0 && cost > costMax) break;
      group.push(first);
      waiting.delete(owner);
      if (others.length > 0) waiting.set(owner, others);
    }
    return group;
  }

  async function runGroup(group: readonly Call<Item, Result>[]): Promise<void> {
    try {
      const results = await run(group.map(({ item }) => item));
      for (const [i, { resolve }] of group.entries()) resolve(results[i] as Result);
    } catch (error) {
      if (group.length === 1 || concernsAll(error)) for (const { reject } of group) reject(error);
      // One of them is at fault. Alone, it harms no other.
      else for (const call of group) await runGroup([call]);
    }
  }

  async function runAll(): Promise<void> {
    isRunning = true;
    while (waiting.size > 0) await runGroup(takeGroup());
    isRunning = false;
  }

  return (owner, item) => {
    if (costOf(item) >= costMax) return runAlone(owner, item);
    return new Promise<Result>((resolve, reject) => {
      const own = waiting.get(owner);
      if (own === undefined) waiting.set(owner, [{ item, resolve, reject }]);
      else own.push({ item, resolve, reject });
      if (!isRunning) void runAll();
    });
  };
}
