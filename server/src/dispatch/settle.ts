/**
 * Settle: outcomes of attempts, collected for milliseconds and written per operation. What is added here is
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

/** One outcome, the end of a batch, or both. */
export interface SettleItem {
  readonly accountId: number;
  readonly operationId: string;
  readonly settlement: Settlement | null;
  readonly done: SettledBatch | null;
}

export interface Settler {
  /** Takes outcomes; whoever adds asks for room first. */
  add(items: readonly SettleItem[]): void;
  readonly isFull: boolean;
  room(): Promise<void>;
  /** Resolves when everything added so far is written. */
  flushed(): Promise<void>;
  /** Writes at once what waits; resolves when nothing is left. */
  drain(): Promise<void>;
  readonly waiting: number;
}

const BATCH_MAX = 1_000;
const WAITING_MAX = 20_000;
const RETRY_MS = 250;

export function createSettler(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly delayMs: number;
  readonly onSettled: (count: number) => void;
}): Settler {
  const { store, log } = options;

  async function settle(
    accountId: number,
    operationId: string,
    items: SettleItem[],
  ): Promise<void> {
    const settlements = items.flatMap((item) => item.settlement ?? []);
    const done = items.flatMap((item) => item.done ?? []);
    for (;;) {
      try {
        await store.settlements.settleOperation(accountId, operationId, settlements, done);
        options.onSettled(settlements.length);
        return;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) {
          // Its lease runs out and the messages come again as doubtful: late, but not lost.
          log.error({ err: error, operationId }, 'Outcomes could not be settled');
          return;
        }
        log.warn({ reason: error.message }, 'The database is away; outcomes wait to be settled');
        await sleep(RETRY_MS);
      }
    }
  }

  return createBatcher<SettleItem>({
    sizeMax: BATCH_MAX,
    delayMs: options.delayMs,
    waitingMax: WAITING_MAX,
    async flush(items) {
      const groups = new Map<string, SettleItem[]>();
      for (const item of items) {
        const group = groups.get(item.operationId);
        if (group === undefined) groups.set(item.operationId, [item]);
        else group.push(item);
      }
      for (const [operationId, group] of groups)
        await settle(group[0]?.accountId ?? 0, operationId, group);
    },
  });
}
