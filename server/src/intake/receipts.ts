/**
 * Receipts in: buffered for milliseconds, matched to their attempt, applied per operation. While the database is
 * away they wait here, and a full buffer holds the carrier back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt } from '../domain/receipt.ts';
import { operationUuidOf, parseAttemptReference } from '../domain/ids.ts';
import { rankOf } from '../domain/message.ts';
import { createBatcher } from '../lib/batcher.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  type MatchedReceipt,
  type ReceiptTally,
  type Store,
} from '../store/store.ts';

export interface ReceiptIntake {
  /** Takes receipts; resolves when there is room for more. */
  take(receipts: readonly Receipt[]): Promise<void>;
  /** Resolves when everything taken so far is applied. */
  drain(): Promise<void>;
  readonly waiting: number;
}

const RETRY_MS = 250;
const DETAIL_LENGTH_MAX = 500;

export function createReceiptIntake(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly delayMs: number;
  readonly batchMax: number;
  readonly waitingMax: number;
  /**
   * Resolves when the outcomes known so far are written. A receipt whose attempt was answered a moment ago then finds
   * it settled, instead of being parked.
   */
  readonly outcomesWritten: () => Promise<void>;
  readonly onApplied: (tally: ReceiptTally) => void;
}): ReceiptIntake {
  const { store, log } = options;

  async function apply(receipts: readonly MatchedReceipt[]): Promise<void> {
    for (;;) {
      try {
        options.onApplied(await store.receipts.applyReceipts(receipts));
        return;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) {
          // A bug. One receipt that cannot be applied shall not take the others with it.
          if (receipts.length > 1) for (const each of receipts) await apply([each]);
          else log.error({ err: error }, 'A receipt cannot be applied');
          return;
        }
        log.warn({ reason: error.message }, 'The database is away; receipts wait');
        await sleep(RETRY_MS);
      }
    }
  }

  const batcher = createBatcher<Receipt>({
    sizeMax: options.batchMax,
    delayMs: options.delayMs,
    waitingMax: options.waitingMax,
    async flush(receipts) {
      await options.outcomesWritten();
      const { groups, strangers } = groupReceipts(receipts);
      if (strangers > 0) options.onApplied({ applied: 0, parked: 0, ignored: 0, strangers });
      for (const group of groups) for (const wave of splitWaves(group)) await apply(wave);
    },
  });

  return {
    take(receipts) {
      batcher.add(receipts);
      return batcher.room();
    },
    drain: () => batcher.drain(),
    get waiting() {
      return batcher.waiting;
    },
  };
}

/** Matches references and groups by operation, in the order of operation ids. */
function groupReceipts(receipts: readonly Receipt[]): {
  groups: MatchedReceipt[][];
  strangers: number;
} {
  const groups = new Map<string, MatchedReceipt[]>();
  let strangers = 0;
  for (const receipt of receipts) {
    // One that names the carrier's id only cannot be matched here yet.
    const reference =
      receipt.reference === undefined ? null : parseAttemptReference(receipt.reference);
    if (reference === null) {
      strangers += 1;
      continue;
    }
    const matched: MatchedReceipt = {
      accountId: reference.accountId,
      messageId: reference.messageUuid,
      attempt: reference.attempt,
      status: receipt.status,
      code: receipt.code ?? null,
      detail: receipt.detail?.slice(0, DETAIL_LENGTH_MAX).replaceAll('\0', '') ?? null,
    };
    const key = `${reference.accountId} ${operationUuidOf(reference.messageUuid)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [matched]);
    else group.push(matched);
  }
  return {
    groups: [...groups.entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, group]) => group),
    strangers,
  };
}

/**
 * Splits receipts so that each wave has at most one per message, and each message's come in order of rank: a
 * delivery and its reading are two moves even when they arrive together. Repetitions are dropped.
 */
function splitWaves(receipts: readonly MatchedReceipt[]): MatchedReceipt[][] {
  const byMessage = new Map<string, MatchedReceipt[]>();
  for (const receipt of receipts) {
    const own = byMessage.get(receipt.messageId);
    if (own === undefined) byMessage.set(receipt.messageId, [receipt]);
    else if (
      !own.some((each) => each.attempt === receipt.attempt && each.status === receipt.status)
    )
      own.push(receipt);
  }
  const waves: MatchedReceipt[][] = [];
  for (const own of byMessage.values()) {
    if (own.length > 1)
      own.sort((a, b) => a.attempt - b.attempt || rankOf(a.status) - rankOf(b.status));
    for (const [i, receipt] of own.entries()) (waves[i] ??= []).push(receipt);
  }
  return waves;
}
