/**
 * Collects outcomes of attempts for some milliseconds and writes them per account. During an
 * outage of the database nothing is dropped, and `room` makes senders wait. When PostgreSQL
 * refuses an outcome, it is written without the carrier's words; when it refuses that too, the
 * outcome is skipped.
 */
import { messageUuid } from '../domain/ids.ts';
import { createBatcher } from '../lib/batcher.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  writeAll,
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
  /** Called when the outcome is written, or is given up. */
  readonly onDone?: (() => void) | undefined;
}

export interface Settler {
  /** Accepts outcomes; callers wait for `room` first. */
  add(items: readonly SettleItem[]): void;
  readonly isFull: boolean;
  /** Resolves when there is room again, or `signal` is aborted. */
  room(signal: AbortSignal): Promise<void>;
  /** Resolves when everything added so far is written. */
  flushed(): Promise<void>;
  /** Writes waiting outcomes at once; resolves when none are left. */
  drain(): Promise<void>;
  /** Whether an outcome of the batch could not be written: then it must come again as it is. */
  isSpoiled(batch: SettledBatch): boolean;
  /** Whether outcomes wait because the database is unavailable. */
  readonly isStalled: boolean;
}

const BATCH_MAX = 1_000;
/** Messages remembered as reported. */
const REPORTED_MAX = 10_000;

export function createSettler(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly delayMs: number;
  /** Outcomes known and not written: sending waits while there are more. */
  readonly waitingMax: number;
  readonly onSettled: (count: number) => void;
  /** An outcome could not be written as it is. */
  readonly onRefused: () => void;
}): Settler {
  const { store, log } = options;
  /** Leased batches of which an outcome could not be written: they must not end, but come again. */
  const spoiled = new Set<string>();
  let stalled = false;
  /** Messages whose outcome was refused: it comes again with each lease, and is logged once. */
  const reported = new Set<string>();

  async function settle(items: readonly SettleItem[]): Promise<void> {
    const [first] = items;
    if (first === undefined) return;
    const settlements = items.flatMap((item) => item.settlement ?? []);
    const ends = items.filter((item) => item.settlement === null).map((item) => item.batch);
    const ended = ends.filter((batch) => !spoiled.has(nameOf(batch)));
    await store.settlements.settle(first.accountId, settlements, ended);
    stalled = false;
    for (const batch of ends) spoiled.delete(nameOf(batch));
    options.onSettled(settlements.length);
    for (const item of items) item.onDone?.();
  }

  /** A single refused outcome is tried without the carrier's text, which comes from outside and may be the cause. */
  async function settleOrStrip(items: readonly SettleItem[]): Promise<void> {
    try {
      await settle(items);
    } catch (error) {
      const [item] = items;
      if (error instanceof DatabaseUnavailable || items.length > 1 || !item?.settlement)
        throw error;
      await settle([{ ...item, settlement: strip(item.settlement) }]);
      options.onRefused();
      log.error(
        { err: error, batch: item.batch.id },
        "An outcome was written without the carrier's data",
      );
    }
  }

  const settleAll = (group: readonly SettleItem[]) =>
    writeAll(group, {
      write: settleOrStrip,
      onAway(error) {
        stalled = true;
        log.warn(
          { reason: error.message },
          'The database is unavailable; outcomes wait to be written',
        );
      },
      onPostponed({ batch }) {
        spoiled.add(nameOf(batch));
        return false;
      },
      onRefused({ batch, settlement, onDone }, error) {
        onDone?.();
        // The lease runs out, and messages without a written outcome come again as in doubt: late, but not lost.
        spoiled.add(nameOf(batch));
        options.onRefused();
        const message = settlement && messageUuid(settlement.operationId, settlement.ordinal);
        if (message !== null && reported.has(message)) return;
        if (message !== null && reported.size < REPORTED_MAX) reported.add(message);
        log.error({ err: error, batch: batch.id, message }, 'An outcome cannot be settled');
      },
    });

  const batcher = createBatcher<SettleItem>({
    sizeMax: BATCH_MAX,
    delayMs: options.delayMs,
    waitingMax: options.waitingMax,
    async flush(items) {
      for (const group of groupBy(items, (item) => item.accountId)) await settleAll(group);
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

function strip(settlement: Settlement): Settlement {
  return { ...settlement, providerId: null, quoted: null, errorDetail: null };
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
