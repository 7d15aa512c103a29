/**
 * Receives receipts: buffers them for milliseconds, matches each to its attempt, and applies them
 * per account. During an outage of the database they wait here, and so do their carriers.
 */
import type { Receipt } from '../domain/receipt.ts';
import { parseAttemptReference } from '../domain/ids.ts';
import { rankOf } from '../domain/message.ts';
import { keepableProviderId } from '../domain/receipt.ts';
import { keepable } from '../domain/storable.ts';
import { createBatcher } from '../lib/batcher.ts';
import type { Logger } from '../lib/log.ts';
import {
  DatabaseUnavailable,
  writeAll,
  type CarrierReceipt,
  type MatchedReceipt,
  type ReceiptTally,
  type Store,
} from '../store/store.ts';
import { createCarrierMatcher } from './carrier-matcher.ts';

export interface ReceiptIntake {
  /** Takes receipts of a carrier; resolves when they are applied, or parked until their attempt is known. */
  take(carrier: string, receipts: readonly Receipt[]): Promise<void>;
  /** Whether `waitingMax` receipts wait: carriers that can send them again are asked to. */
  readonly isFull: boolean;
  /** Applies parked receipts whose attempt has been settled meanwhile. Resolves with whether more may be due. */
  applyParked(): Promise<boolean>;
  /** Retries parked receipts that quote a carrier's id and matched nothing. Resolves with the number tried. */
  retryParked(): Promise<number>;
  /** Resolves when everything taken so far is applied. */
  drain(): Promise<void>;
}

/** A receipt and the carrier that it came from. */
interface Arrival {
  readonly carrier: string;
  readonly receipt: Receipt;
}

/** Identifies a receipt in the log, without its address and the carrier's text. */
interface Named {
  readonly messageId?: string;
  readonly providerIds?: readonly string[];
}

const DETAIL_LENGTH_MAX = 500;
const NOTHING: ReceiptTally = { applied: 0, parked: 0, ignored: 0, unmatched: 0 };

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
  readonly carriersOf: (carrier: string) => readonly string[];
  /** A receipt could not be written as it is. */
  readonly onRefused: () => void;
}): ReceiptIntake {
  const { store, log, onApplied } = options;
  const matcher = createCarrierMatcher(store, options.carriersOf, (carrier) =>
    log.warn(
      { carrier },
      'Receipts are ignored: their address is not the recipient of the message. See the option `receiptSource` of the carrier',
    ),
  );

  const onAway = (error: DatabaseUnavailable) =>
    log.warn({ reason: error.message }, 'The database is unavailable; receipts wait');

  /** Writes all receipts that can be written, now or once the database is available. */
  function persist<Item extends Named>(
    items: readonly Item[],
    write: (items: readonly Item[]) => Promise<void>,
    onPostponed?: (item: Item) => boolean,
  ): Promise<void> {
    return writeAll(items, {
      write,
      onPostponed,
      onAway,
      onRefused({ messageId, providerIds }, error) {
        options.onRefused();
        onApplied({ ...NOTHING, unmatched: 1 });
        log.error({ err: error, of: messageId ?? providerIds }, 'A receipt cannot be applied');
      },
    });
  }

  async function apply(receipts: readonly MatchedReceipt[]): Promise<void> {
    onApplied(await store.receipts.applyReceipts(receipts));
  }

  /** A single refused receipt is tried without the carrier's text: its status matters most. */
  async function applyOrStrip(receipts: readonly MatchedReceipt[]): Promise<void> {
    try {
      await apply(receipts);
    } catch (error) {
      const [receipt] = receipts;
      if (error instanceof DatabaseUnavailable || receipts.length > 1 || receipt === undefined)
        throw error;
      await apply([{ ...receipt, code: null, detail: null }]);
      options.onRefused();
      log.error({ err: error }, "A receipt was applied without the carrier's data");
    }
  }

  async function applyAll(
    receipts: readonly MatchedReceipt[],
    onPostponed?: (receipt: MatchedReceipt) => boolean,
  ): Promise<void> {
    for (const group of groupByAccount(receipts))
      for (const wave of splitWaves(group)) await persist(wave, applyOrStrip, onPostponed);
  }

  /** Matches receipts by carriers' own ids; `waiting` ones are not certain yet. */
  async function match<Quoting extends CarrierReceipt>(
    receipts: readonly Quoting[],
    triesOf: (receipt: Quoting) => number,
  ): Promise<{ readonly matched: readonly MatchedReceipt[]; readonly waiting: CarrierReceipt[] }> {
    const matched: MatchedReceipt[] = [];
    const waiting: CarrierReceipt[] = [];
    await persist(
      receipts,
      async (some) => {
        const found = await matcher.match(some.map((each) => [each, triesOf(each)]));
        matched.push(...found.matched);
        waiting.push(...found.waiting);
        // Parts of messages whose other parts are awaited.
        const ignored = some.length - found.waiting.length - found.matched.length;
        onApplied({ ...NOTHING, ignored });
      },
      (receipt) => waiting.push(receipt) > 0,
    );
    return { matched, waiting };
  }

  /** The same for new receipts; unmatched ones are parked. */
  async function matchOrPark(receipts: readonly CarrierReceipt[]) {
    const { matched, waiting } = await match(receipts, () => 0);
    await persist(waiting, async (some) => {
      await store.receipts.parkCarrierReceipts(some);
      onApplied({ ...NOTHING, parked: some.length });
    });
    return matched;
  }

  /** Suppresses people who complained. The outcome of their receipts is counted already. */
  function suppress(complaints: readonly MatchedReceipt[]): Promise<void> {
    return writeAll(complaints, {
      async write(some) {
        for (const { accountId, messageId } of some)
          await store.suppressions.optOutRecipient(accountId, messageId, 'complaint');
      },
      onAway,
      onRefused: ({ messageId }, error) =>
        log.error({ err: error, of: messageId }, 'A complaint could not be stored'),
    });
  }

  const batcher = createBatcher<Arrival>({
    sizeMax: options.batchMax,
    delayMs: options.delayMs,
    waitingMax: options.waitingMax,
    async flush(arrivals) {
      await options.outcomesWritten();
      const { referring, quoting, complaints, unmatched } = readReceipts(arrivals);
      if (unmatched > 0) onApplied({ ...NOTHING, unmatched });
      await applyAll([...referring, ...(await matchOrPark(quoting))]);
      await suppress(complaints);
    },
  });

  return {
    async take(carrier, receipts) {
      if (receipts.length === 0) return;
      batcher.add(receipts.map((receipt) => ({ carrier, receipt })));
      await batcher.flushed();
    },
    get isFull() {
      return batcher.isFull;
    },
    async applyParked() {
      const { settled, hasMore } = await store.receipts.takeParkedReceipts();
      if (settled.length === 0) return hasMore;
      const kept = new Set<MatchedReceipt>();
      await applyAll(settled, (receipt) => kept.add(receipt).size > 0);
      const done = settled.filter((each) => !kept.has(each));
      // After the write: a crash before that makes them apply again, which changes nothing.
      await store.receipts.dropParkedReceipts(done);
      return hasMore;
    },
    async retryParked() {
      const due = await store.receipts.takeParkedCarrierReceipts();
      if (due.length === 0) return 0;
      const { matched, waiting } = await match(due, (each) => each.tries);
      await applyAll(matched);
      const still = new Set<CarrierReceipt>(waiting);
      const done = due.filter((each) => !still.has(each)).map((each) => each.id);
      // After the write: a crash before that makes them apply again, which changes nothing.
      await store.receipts.dropParkedCarrierReceipts(done);
      const unmatched = await store.receipts.dropUnmatchedCarrierReceipts();
      if (unmatched > 0) onApplied({ ...NOTHING, unmatched });
      return due.length;
    },
    drain: () => batcher.drain(),
  };
}

/** Parses references; receipts that quote a carrier's own id are looked up later. */
function readReceipts(arrivals: readonly Arrival[]): {
  readonly referring: readonly MatchedReceipt[];
  readonly quoting: readonly CarrierReceipt[];
  /** Messages of `referring` whose recipients complained. */
  readonly complaints: readonly MatchedReceipt[];
  readonly unmatched: number;
} {
  const referring: MatchedReceipt[] = [];
  const quoting: CarrierReceipt[] = [];
  const complaints: MatchedReceipt[] = [];
  let unmatched = 0;
  for (const { carrier, receipt } of arrivals) {
    const { status, code = null } = receipt;
    const detail =
      receipt.detail === undefined ? null : keepable(receipt.detail, DETAIL_LENGTH_MAX);
    if (receipt.reference === undefined) {
      const providerIds = receipt.providerIds.map(keepableProviderId).filter((id) => id !== '');
      const { recipients = null, mustMatch = false } = receipt;
      if (providerIds.length === 0) unmatched += 1;
      else quoting.push({ carrier, providerIds, recipients, mustMatch, status, code, detail });
      continue;
    }
    const reference = parseAttemptReference(receipt.reference);
    if (reference === null) {
      unmatched += 1;
      continue;
    }
    const { accountId, messageUuid: messageId, attempt } = reference;
    const matched = { accountId, messageId, attempt, status, code, detail };
    referring.push(matched);
    if (receipt.complaint) complaints.push(matched);
  }
  return { referring, quoting, complaints, unmatched };
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
