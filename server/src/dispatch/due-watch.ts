/**
 * The watch for due work. Without it, each dispatch loop and each maintenance task would poll the database. It checks
 * for all of them in one statement, and nudges the ones with due work. When the statement fails, all of them look for
 * themselves, after their own backoff. It sleeps until the next known work is due, and looks now and then for work of
 * other nodes.
 */
import { PollInterval } from '../lib/poll-interval.ts';
import { createLoop, type Service } from '../lib/service.ts';
import type { DueWork, Store } from '../store/store.ts';

const INTERVAL = { shortMs: 200, longMs: 1_000 };
const BACKOFF_MS_MAX = 1_000;
/** Work that is due sooner is awaited this long all the same. */
const PAUSE_MS_MIN = 10;

export interface DueWatchOptions {
  readonly store: Store;
  /** Names of the carriers of this node. */
  readonly carriers: readonly string[];
  /** Receives the due work, or null when the statement failed: anything may be due then. */
  readonly onDue: (due: DueWork | null) => void;
}

export interface DueWatch extends Service {
  /** Work has come, so more may be due soon: looks often for some seconds. */
  expectMore(): void;
}

export function createDueWatch({ store, carriers, onDue }: DueWatchOptions): DueWatch {
  const interval = new PollInterval(INTERVAL);
  let nextInMs: number | null = null;
  const loop = createLoop({
    idleMs: () => Math.max(PAUSE_MS_MIN, Math.min(interval.ms, nextInMs ?? Infinity)),
    backoffMsMax: BACKOFF_MS_MAX,
    onError: () => onDue(null),
    async work() {
      const due = await store.maintenance.findDueWork(carriers);
      ({ nextInMs } = due);
      if (isAny(due)) interval.shorten();
      onDue(due);
      return false;
    },
  });
  return {
    start: () => loop.start(),
    stop: () => loop.stop(),
    expectMore() {
      if (interval.shorten()) loop.nudge();
    },
  };
}

function isAny(due: DueWork): boolean {
  return (
    due.carriers.length > 0 ||
    due.wake ||
    due.parkedReceipts ||
    due.carrierReceipts ||
    due.keywordAnswers ||
    due.tasks
  );
}
