/**
 * Collects items and flushes them in batches: at `sizeMax` items, or `delayMs` after the first, whichever is earlier. One
 * flush runs at a time, so a slow consumer gets larger batches, not more. `waitingMax` limits the waiting items, if callers
 * wait for `room` before they add.
 *
 * ```ts
 * const receipts = createBatcher<Receipt>({ sizeMax: 1000, delayMs: 10, waitingMax: 20_000, flush: apply });
 * receipts.add(some);
 * await receipts.room();
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
  /** Takes items at once. Callers ask for room first. */
  add(items: readonly Item[]): void;
  /** Whether `waitingMax` items wait. */
  readonly isFull: boolean;
  /** Resolves when there is room again, or `signal` is aborted. */
  room(signal?: AbortSignal): Promise<void>;
  /** Items without a finished flush. */
  readonly waiting: number;
  /** Resolves when all items added so far are flushed, whatever is added meanwhile. */
  flushed(): Promise<void>;
  /** Flushes waiting items; resolves when none is left. Items may still be added. */
  drain(): Promise<void>;
}

export function createBatcher<Item>(options: BatcherOptions<Item>): Batcher<Item> {
  let queue: Item[] = [];
  let timer: NodeJS.Timeout | null = null;
  let flushing = false;
  /** Numbers of items ever added and ever flushed; their difference waits or is being flushed. */
  let added = 0;
  let done = 0;
  const waitingForRoom: (() => void)[] = [];
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
      if (added - done < options.waitingMax)
        for (const resolve of waitingForRoom.splice(0)) resolve();
    }
    // In the same step as the last check of the queue: later items begin a flush of their own.
    flushing = false;
  }

  function add(items: readonly Item[]): void {
    for (const item of items) queue.push(item);
    added += items.length;
    if (flushing) return;
    if (queue.length >= options.sizeMax) void flushAll();
    else timer ??= setTimeout(() => void flushAll(), options.delayMs);
  }

  function room(signal?: AbortSignal): Promise<void> {
    if (added - done < options.waitingMax || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        signal?.removeEventListener('abort', go);
        resolve();
      };
      signal?.addEventListener('abort', go);
      waitingForRoom.push(go);
    });
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
    room,
    flushed,
    drain,
    get isFull() {
      return added - done >= options.waitingMax;
    },
    get waiting() {
      return added - done;
    },
  };
}
