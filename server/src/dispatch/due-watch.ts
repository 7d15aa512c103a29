/**
 * The watch for due work. Without it, each dispatch loop and each maintenance task would poll the database. It checks
 * for all of them in one statement, and nudges the ones with due work. When the statement fails, all of them look for
 * themselves, after their own backoff.
 */
import { createLoop, type Service } from '../lib/service.ts';
import type { DueWork, Store } from '../store/store.ts';

/** Pause between two questions, in milliseconds, and the longest after failures. */
const IDLE_MS = 200;
const BACKOFF_MS_MAX = 1_000;

export interface DueWatchOptions {
  readonly store: Store;
  /** Names of the carriers of this node. */
  readonly carriers: readonly string[];
  /** Receives the due work, or null when the statement failed: anything may be due then. */
  readonly onDue: (due: DueWork | null) => void;
}

export function createDueWatch({ store, carriers, onDue }: DueWatchOptions): Service {
  return createLoop({
    idleMs: IDLE_MS,
    backoffMsMax: BACKOFF_MS_MAX,
    onError: () => onDue(null),
    async work() {
      onDue(await store.maintenance.findDueWork(carriers));
      return false;
    },
  });
}
