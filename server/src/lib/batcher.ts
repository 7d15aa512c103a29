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
  /** Flushes what waits; resolves when nothing is left. Items may still be added. */
  drain(): Promise<void>;
}

export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  let queue: Item[] = [];
  let inFlush = 0;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;
  let room: (() => void)[] = [];

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const items = queue.length <= options.sizeMax ? queue : queue.slice(0, options.sizeMax);
      queue = queue.length <= options.sizeMax ? [] : queue.slice(options.sizeMax);
      inFlush = items.length;
      await options.flush(items);
      inFlush = 0;
      for (const resolve of room.splice(0)) resolve();
    }
  }

  function start(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    running ??= run().finally(() => {
      running = null;
    });
    return running;
  }

  async function add(items: readonly Item[]): Promise<void> {
    while (queue.length + inFlush >= options.waitingMax)
      await new Promise<void>((resolve) => room.push(resolve));
    for (const item of items) queue.push(item);
    if (running !== null) return;
    if (queue.length >= options.sizeMax) void start();
    else timer ??= setTimeout(start, options.delayMs);
  }

  async function drain(): Promise<void> {
    while (queue.length > 0 || running !== null) await start();
  }

  return {
    add,
    drain,
    get waiting() {
      return queue.length + inFlush;
    },
  };
}
