/**
 * Collects items and hands them on in batches: when there are `sizeMax`, or `delayMs` after the first, whichever
 * is earlier; one flush at a time, so a slow consumer makes batches larger, not more. Bounded: `add` resolves at once while fewer
 * than `waitingMax` wait, else when there is room.
 *
 * ```ts
 * const receipts = createBatcher<Receipt>({ sizeMax: 1000, delayMs: 10, waitingMax: 20_000, flush: apply });
 * await receipts.add(some);
 * ```
 */
export interface BatcherOptions<Item> {
  readonly sizeMax: number;
  readonly delayMs: number;
  readonly waitingMax: number;
  /** Must not reject; an item it could not handle is its own affair. */
  readonly flush: (items: Item[]) => Promise<void>;
}

export interface Batcher<Item> {
  add(items: readonly Item[]): Promise<void>;
  /** Items not yet handed to a finished flush. */
  readonly waiting: number;
  /** Resolves when all items added so far are flushed, whatever is added meanwhile. */
  flushed(): Promise<void>;
  /** Flushes what waits; resolves when nothing is left. Items may still be added. */
  drain(): Promise<void>;
}

export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  let queue: Item[] = [];
  let timer: NodeJS.Timeout | null = null;
  let flushing = false;
  /** Items ever added and ever flushed: what lies between waits or is being flushed. */
  let added = 0;
  let done = 0;
  const room: (() => void)[] = [];
  const watchers: { readonly until: number; readonly resolve: () => void }[] = [];

  async function flushAll(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (flushing) return;
    flushing = true;
    while (queue.length > 0) {
      const items = queue.length <= options.sizeMax ? queue : queue.slice(0, options.sizeMax);
      queue = queue.length <= options.sizeMax ? [] : queue.slice(options.sizeMax);
      await options.flush(items);
      done += items.length;
      while (watchers[0] !== undefined && watchers[0].until <= done) watchers.shift()?.resolve();
      for (const resolve of room.splice(0)) resolve();
    }
    // In the turn of the last look at the queue: what is added from now on begins a flush of its own.
    flushing = false;
  }

  async function add(items: readonly Item[]): Promise<void> {
    while (added - done >= options.waitingMax)
      await new Promise<void>((resolve) => room.push(resolve));
    for (const item of items) queue.push(item);
    added += items.length;
    if (flushing) return;
    if (queue.length >= options.sizeMax) void flushAll();
    else timer ??= setTimeout(() => void flushAll(), options.delayMs);
  }

  function flushed(): Promise<void> {
    const until = added;
    return until <= done
      ? Promise.resolve()
      : new Promise((resolve) => watchers.push({ until, resolve }));
  }

  async function drain(): Promise<void> {
    while (done < added) {
      void flushAll();
      await flushed();
    }
  }

  return {
    add,
    flushed,
    drain,
    get waiting() {
      return added - done;
    },
  };
}
