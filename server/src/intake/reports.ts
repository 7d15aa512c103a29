/** Stores all reports of carriers: receipts and inbound messages. */
import { WHOLE } from '../domain/carriage.ts';
import { createKeywordFinder, ENGLISH, type KeywordSet } from '../domain/keywords.ts';
import type { InboundMessage } from '../domain/inbound.ts';
import type { Receipt } from '../domain/receipt.ts';
import { createShares } from '../lib/fair-share.ts';
import type { Logger } from '../lib/log.ts';
import type { KeywordScope, ReceiptTally, Store } from '../store/store.ts';
import { createInboundIntake, type InboundIntake } from './inbound.ts';
import { createReceiptIntake, type ReceiptIntake } from './receipts.ts';
import { createSubmitter } from './submit.ts';

/** The reports in one call of a carrier. */
export interface Reported {
  readonly receipts: readonly Receipt[];
  readonly inbound: readonly InboundMessage[];
}

export interface Reports {
  readonly receipts: ReceiptIntake;
  readonly inbound: InboundIntake;
  /** Resolves when all of it is stored; with false, to be reported again, when there is no room now. */
  take(carrier: string, reported: Reported): Promise<boolean>;
}

export interface ReportsOptions {
  readonly store: Store;
  readonly log: Logger;
  readonly receipts: {
    readonly flushDelayMs: number;
    readonly batchMax: number;
    readonly bufferMax: number;
  };
  readonly inbound: {
    readonly keywords: boolean;
    readonly scope: KeywordScope;
    readonly languages: Readonly<Record<string, KeywordSet>>;
  };
  /** Resolves when the outcomes that this node knows are written: receipts that follow them find them. */
  readonly outcomesWritten: () => Promise<void>;
  readonly onApplied: (tally: ReceiptTally) => void;
  /** As in `createReceiptIntake`. */
  readonly carriersOf: (carrier: string) => readonly string[];
  /** The database does not keep something as it is. */
  readonly onRefused: (what: 'receipt' | 'inbound') => void;
}

const ANSWERS_AT_ONCE = 2;

export function createReports(options: ReportsOptions): Reports {
  const { store, log } = options;
  const receipts = createReceiptIntake({
    store,
    log,
    delayMs: options.receipts.flushDelayMs,
    batchMax: options.receipts.batchMax,
    waitingMax: options.receipts.bufferMax,
    outcomesWritten: options.outcomesWritten,
    onApplied: options.onApplied,
    carriersOf: options.carriersOf,
    onRefused: () => options.onRefused('receipt'),
  });
  const { keywords, scope, languages } = options.inbound;
  const inbound = createInboundIntake({
    store,
    log,
    submitter: createSubmitter({
      store,
      shares: createShares(ANSWERS_AT_ONCE),
      requireVariables: true,
      now: () => new Date(),
      // Answers to keywords have none.
      findTargetProblem: () => null,
      // They are short texts, which every carrier can carry.
      findCarriage: () => WHOLE,
    }),
    findKeyword: keywords ? createKeywordFinder(listKeywords(languages)) : null,
    scope,
    carriersOf: options.carriersOf,
    onRefused: () => options.onRefused('inbound'),
  });
  return {
    receipts,
    inbound,
    async take(carrier, reported) {
      if (receipts.isFull) return false;
      try {
        await Promise.all([
          receipts.take(carrier, reported.receipts),
          inbound.take(carrier, reported.inbound),
        ]);
        return true;
      } catch (error) {
        log.warn({ err: error, carrier }, 'A carrier callback could not be stored');
        return false;
      }
    },
  };
}

/** English always, unless the configuration has its own. */
function listKeywords(languages: Readonly<Record<string, KeywordSet>>): KeywordSet[] {
  return Object.values({ ...languages, en: languages['en'] ?? ENGLISH });
}
