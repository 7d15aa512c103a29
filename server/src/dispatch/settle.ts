/**
 * Settle: outcomes of attempts, collected for milliseconds and written per account. What is added here is
 * written once the database allows it; while it is away, nothing is dropped and `room` holds the senders back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createBatcher } from '../lib/batcher.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  type SettledBatch,
  type Settlement,
  type Store,
} from '../store/store.ts';

/** One outcome of a leased batch, or its end. */
export interface SettleItem {
  readonly accountId: number;
  readonly batch: SettledBatch;
  /** Null: the batch ends, all its outcomes came before. */
  readonly settlement: Settlement | null;
}

export interface Settler {
  /** Takes outcomes; whoever adds asks for room first. */
  add(items: readonly SettleItem[]): void;
  readonly isFull: boolean;
  /** Resolves when there is room again, or `signal` is aborted. */
  room(signal: AbortSignal): Promise<void>;
  /** Resolves when everything added so far is written. */
  flushed(): Promise<void>;
  /** Writes at once what waits; resolves when nothing is left. */
  drain(): Promise<void>;
  /** Whether an outcome of the batch could not be written: then it must come again as it is. */
  isSpoiled(batch: SettledBatch): boolean;
  /** Whether outcomes wait because the database is away. */
  readonly isStalled: boolean;
}

const BATCH_MAX = 1_000;
const RETRY_MS = 250;

export function createSettler(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly delayMs: number;
  /** Outcomes known and not written: sending waits while there are more. */
  readonly waitingMax: number;
  readonly onSettled: (count: number) => void;
}): Settler {
  const { store, log } = options;
  /** Leased batches of which an outcome could not be written: they must not end, but come again. */
  const spoiled = new Set<string>();
  let stalled = false;

  async function settle(items: readonly SettleItem[]): Promise<void> {
    const [first] = items;
    if (first === undefined) return;
    const settlements = items.flatMap((item) => item.settlement ?? []);
    const ends = items.filter((item) => item.settlement === null).map((item) => item.batch);
    const ended = ends.filter((batch) => !spoiled.has(nameOf(batch)));
    for (;;) {
      try {
        await store.settlements.settle(first.accountId, settlements, ended);
        stalled = false;
        for (const batch of ends) spoiled.delete(nameOf(batch));
        options.onSettled(settlements.length);
        return;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) return await settleApart(items, error);
        stalled = true;
        log.warn({ reason: error.message }, 'The database is away; outcomes wait to be settled');
        await sleep(RETRY_MS);
      }
    }
  }

  /** After a bug: that of one batch shall not take the outcomes of others with it. */
  async function settleApart(items: readonly SettleItem[], error: unknown): Promise<void> {
    const batches = groupBy(items, (item) => nameOf(item.batch));
    if (batches.length > 1) {
      for (const batch of batches) await settle(batch);
      return;
    }
    // The lease runs out and what is not on record comes again as doubtful: late, but not lost.
    log.error({ err: error, batch: items[0]?.batch.id }, 'Outcomes cannot be settled');
    for (const item of items) if (item.settlement !== null) spoiled.add(nameOf(item.batch));
  }

  const batcher = createBatcher<SettleItem>({
    sizeMax: BATCH_MAX,
    delayMs: options.delayMs,
    waitingMax: options.waitingMax,
    async flush(items) {
      for (const group of groupBy(items, (item) => item.accountId)) await settle(group);
    },
  });

  return {
    add: batcher.add,
    room: batcher.room,
    flushed: batcher.flushed,
    drain: batcher.drain,
    isSpoiled: (batch) => spoiled.has(nameOf(batch)),
    get isFull() {
      return batcher.isFull;
    },
    get isStalled() {
      return stalled;
    },
  };
}

function nameOf({ id, lease }: SettledBatch): string {
  return `${id}/${lease}`;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => unknown): Item[][] {
  const groups = new Map<unknown, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
