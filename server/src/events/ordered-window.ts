/**
 * A window over tasks, with a limit over all runs and a limit for each key in a run. The tasks of
 * a key start in order. A run starts nothing after a failure, so with a limit of one per key
 * nothing overtakes a failed task. Knows nothing of brokers.
 */
export interface OrderedWindow {
  /** Resolves when no task of the run is under way any more. Tasks must end by themselves. */
  run<Item>(items: readonly Item[], tasks: Tasks<Item>): Promise<RunResult>;
}

export interface Tasks<Item> {
  readonly keyOf: (item: Item) => string;
  /** Rejects when the item failed. */
  readonly work: (item: Item) => Promise<void>;
  /** Aborted: no more tasks are begun. */
  readonly signal: AbortSignal;
}

export interface RunResult {
  /** The first rejection; null when there was none. */
  readonly failure: { readonly reason: unknown } | null;
}

export function createOrderedWindow(limits: {
  readonly windowMax: number;
  readonly windowPerKey: number;
}): OrderedWindow {
  let underWay = 0;
  const waiting: (() => void)[] = [];

  function enter(): Promise<void> {
    if (underWay === limits.windowMax) return new Promise((resolve) => waiting.push(resolve));
    underWay += 1;
    return Promise.resolve();
  }

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) underWay -= 1;
    // Its place goes over.
    else next();
  }

  return {
    async run(items, { keyOf, work, signal }) {
      let failure: RunResult['failure'] = null;
      const workThrough = async (queue: Iterator<(typeof items)[number]>) => {
        for (;;) {
          await enter();
          try {
            // Slots are taken in order, so items of a key begin in order.
            const next = failure !== null || signal.aborted ? null : queue.next();
            if (next === null || next.done === true) return;
            await work(next.value);
          } catch (reason) {
            failure ??= { reason };
          } finally {
            leave();
          }
        }
      };
      const workers = groupByKey(items, keyOf).flatMap((group) => {
        const queue = group.values();
        return Array.from({ length: Math.min(limits.windowPerKey, group.length) }, () =>
          workThrough(queue),
        );
      });
      await Promise.all(workers);
      return { failure };
    },
  };
}

function groupByKey<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
