/**
 * Receipts in: buffered for milliseconds, matched to their attempt, applied per account. While the database is
 * away they wait here, and whoever brought them waits too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Receipt } from '../domain/receipt.ts';
import { parseAttemptReference } from '../domain/ids.ts';
import { rankOf } from '../domain/message.ts';
import { keepableProviderId } from '../domain/receipt.ts';
import { keepable } from '../domain/storable.ts';
import { createBatcher } from '../lib/batcher.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  type CarrierReceipt,
  type MatchedReceipt,
  type ReceiptTally,
  type Store,
} from '../store/store.ts';
import { createCarrierMatcher } from './carrier-matcher.ts';

export interface ReceiptIntake {
  /** Takes receipts of a carrier; resolves when they are applied, or parked until their attempt is known. */
  take(lane: string, receipts: readonly Receipt[]): Promise<void>;
  /** Whether `waitingMax` receipts wait: whoever can send them again shall be told to. */
  readonly isFull: boolean;
  /** Tries those again that named nothing when they came. Resolves with the number tried. */
  retryParked(): Promise<number>;
  /** Resolves when everything taken so far is applied. */
  drain(): Promise<void>;
}

/** A receipt and the carrier that it came from. */
interface Arrival {
  readonly lane: string;
  readonly receipt: Receipt;
}

/** What a receipt that cannot be applied is named by in the log: no address, and no word of the carrier's. */
interface Named {
  readonly messageId?: string;
  readonly providerIds?: readonly string[];
}

const RETRY_MS = 250;
const DETAIL_LENGTH_MAX = 500;
const NOTHING: ReceiptTally = { applied: 0, parked: 0, ignored: 0, strangers: 0 };

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
  /** The carriers over any of which a receipt on this one's messages may come, itself included. */
  readonly lanesOf: (lane: string) => readonly string[];
}): ReceiptIntake {
  const { store, log, onApplied } = options;
  const matcher = createCarrierMatcher(store, options.lanesOf, (lane) =>
    log.warn(
      { carrier: lane },
      'Receipts name messages that went to other addresses, and are left out; `receiptSource` says what the carrier writes',
    ),
  );

  /**
   * Does it with all of them, now or once the database is back. After a bug it is done with one half and then the other,
   * so that what cannot be done is one receipt's, which is logged and counted; no other goes with it.
   */
  async function persist<Item extends Named>(
    items: readonly Item[],
    work: (items: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    for (;;) {
      try {
        return items.length === 0 ? undefined : await work(items);
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) return await persistApart(items, work, error);
        log.warn({ reason: error.message }, 'The database is away; receipts wait');
        await sleep(RETRY_MS);
      }
    }
  }

  async function persistApart<Item extends Named>(
    items: readonly Item[],
    work: (items: readonly Item[]) => Promise<void>,
    error: unknown,
  ): Promise<void> {
    if (items.length === 1) {
      const [item] = items;
      log.error(
        { err: error, of: item?.messageId ?? item?.providerIds },
        'A receipt cannot be applied',
      );
      onApplied({ ...NOTHING, strangers: 1 });
      return;
    }
    const half = Math.ceil(items.length / 2);
    for (const some of [items.slice(0, half), items.slice(half)]) await persist(some, work);
  }

  async function apply(receipts: readonly MatchedReceipt[]): Promise<void> {
    await persist(receipts, async (some) => onApplied(await store.receipts.applyReceipts(some)));
  }

  async function applyAll(receipts: readonly MatchedReceipt[]): Promise<void> {
    for (const group of groupByAccount(receipts))
      for (const wave of splitWaves(group)) await apply(wave);
  }

  /** Finds what carriers' own ids name; what they do not name for certain yet is parked. */
  async function match(receipts: readonly CarrierReceipt[]): Promise<readonly MatchedReceipt[]> {
    const all: MatchedReceipt[] = [];
    await persist(receipts, async (some) => {
      const { matched, waiting } = await matcher.match(some.map((each) => [each, 0]));
      all.push(...matched);
      // Parts of messages whose other parts are awaited.
      onApplied({ ...NOTHING, ignored: some.length - waiting.length - matched.length });
      await persist(waiting, async (strange) => {
        await store.receipts.parkCarrierReceipts(strange);
        onApplied({ ...NOTHING, parked: strange.length });
      });
    });
    return all;
  }

  const batcher = createBatcher<Arrival>({
    sizeMax: options.batchMax,
    delayMs: options.delayMs,
    waitingMax: options.waitingMax,
    async flush(arrivals) {
      await options.outcomesWritten();
      const { referring, quoting, complaints, strangers } = readReceipts(arrivals);
      if (strangers > 0) onApplied({ ...NOTHING, strangers });
      await applyAll([...referring, ...(await match(quoting))]);
      await persist(complaints, async (some) => {
        for (const { accountId, messageId } of some)
          await store.suppressions.suppressRecipient(accountId, messageId, 'complaint');
      });
    },
  });

  return {
    async take(lane, receipts) {
      if (receipts.length === 0) return;
      batcher.add(receipts.map((receipt) => ({ lane, receipt })));
      await batcher.flushed();
    },
    get isFull() {
      return batcher.isFull;
    },
    async retryParked() {
      const due = await store.receipts.takeParkedCarrierReceipts();
      if (due.length === 0) return 0;
      const { matched, waiting } = await matcher.match(due.map((each) => [each, each.tries]));
      await applyAll(matched);
      const still = new Set<CarrierReceipt>(waiting);
      const done = due.filter((each) => !still.has(each)).map((each) => each.id);
      // Only now: after a crash they are applied again, which changes nothing.
      await store.receipts.dropParkedCarrierReceipts(done);
      const strangers = await store.receipts.dropStrangeCarrierReceipts();
      if (strangers > 0) onApplied({ ...NOTHING, strangers });
      return due.length;
    },
    drain: () => batcher.drain(),
  };
}

/** Reads references; what quotes a carrier's own id is left to be looked up. */
function readReceipts(arrivals: readonly Arrival[]): {
  readonly referring: readonly MatchedReceipt[];
  readonly quoting: readonly CarrierReceipt[];
  /** Those of `referring` whose recipients want no more. */
  readonly complaints: readonly MatchedReceipt[];
  readonly strangers: number;
} {
  const referring: MatchedReceipt[] = [];
  const quoting: CarrierReceipt[] = [];
  const complaints: MatchedReceipt[] = [];
  let strangers = 0;
  for (const { lane, receipt } of arrivals) {
    const { status, code = null } = receipt;
    const detail =
      receipt.detail === undefined ? null : keepable(receipt.detail, DETAIL_LENGTH_MAX);
    if (receipt.reference === undefined) {
      const providerIds = receipt.providerIds.map(keepableProviderId).filter((id) => id !== '');
      const { recipients = null, mustMatch = false } = receipt;
      if (providerIds.length === 0) strangers += 1;
      else quoting.push({ lane, providerIds, recipients, mustMatch, status, code, detail });
      continue;
    }
    const reference = parseAttemptReference(receipt.reference);
    if (reference === null) {
      strangers += 1;
      continue;
    }
    const { accountId, messageUuid: messageId, attempt } = reference;
    const matched = { accountId, messageId, attempt, status, code, detail };
    referring.push(matched);
    if (receipt.complaint) complaints.push(matched);
  }
  return { referring, quoting, complaints, strangers };
}

function groupByAccount(receipts: readonly MatchedReceipt[]): MatchedReceipt[][] {
  const groups = new Map<number, MatchedReceipt[]>();
  for (const receipt of receipts) {
    const group = groups.get(receipt.accountId);
    if (group === undefined) groups.set(receipt.accountId, [receipt]);
    else group.push(receipt);
  }
  return [...groups.values()];
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
