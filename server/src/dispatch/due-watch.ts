/**
 * The watch for work that is due. Each dispatch loop and each maintenance task would have to poll
 * the database for its own work; this asks for all of them in one statement, and nudges those that
 * have some. When the question fails, all of them look for themselves, after their own backoff.
 */
import type { Loop, Service } from '../lib/service.ts';
import { createLoop } from '../lib/service.ts';
import type { DueWork, Store } from '../store/store.ts';

/** Pause between two questions, in milliseconds, and the longest after failures. */
const IDLE_MS = 200;
const BACKOFF_MS_MAX = 1_000;

export interface DueWatchOptions {
  readonly store: Store;
  /** Names of the carriers of this node. */
  readonly carriers: readonly string[];
  /** Receives what is due, and null when the question failed: anything may be due then. */
  readonly onDue: (due: DueWork | null) => void;
}

export function createDueWatch({ store, carriers, onDue }: DueWatchOptions): Service {
  const loop: Loop = createLoop({
    idleMs: IDLE_MS,
    backoffMsMax: BACKOFF_MS_MAX,
    onError: () => onDue(null),
    async work() {
      onDue(await store.maintenance.findDueWork(carriers));
      return false;
    },
  });
  return loop;
}
