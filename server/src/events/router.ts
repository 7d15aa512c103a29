/**
 * The router moves events from the outbox to the log and adds the progress of active operations.
 * One node does so at a time; the others check whether it still does.
 *
 * ```
 *  outbox ──in the order of the changes──▶ log ──▶ streams
 *    ▲                                      └─────▶ deliveries of subscriptions
 *    └── progress, a second after an operation's first change, and each second during changes
 * ```
 */
import type { Logger } from '../lib/log.ts';
import { PollInterval } from '../lib/poll-interval.ts';
import { createLoop, type Service } from '../lib/service.ts';
import type { Store } from '../store/store.ts';

/** Polls of the outbox. A notification would cost every commit. */
const INTERVAL = { shortMs: 100, longMs: 250 };
const BACKOFF_MS_MAX = 1_000;
/** Rows of one step. */
const STEP_SIZE = 1_000;
/** Between two events of progress of one operation. */
export const PROGRESS_MS = 1_000;
/** Maximum operations with progress events at the same time; further ones are left out. */
const PROGRESS_MAX = 10_000;

export function createRouter(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly node: string;
  /** Called after events were put into the log. */
  readonly onRouted: () => void;
}): Service {
  const { store, log, node } = options;
  const progress = new Progress();
  const interval = new PollInterval(INTERVAL);

  const loop = createLoop({
    idleMs: () => interval.ms,
    backoffMsMax: BACKOFF_MS_MAX,
    onError: (error) =>
      log.warn({ err: error }, 'Outbox events could not be put into the event log'),
    async work() {
      const due = progress.takeDue(performance.now());
      if (due.length > 0) await store.events.addProgress(due);
      else if (!(await store.events.hasOutboxEvents())) return false;
      const { count, transitioned } = await store.events.routeOutboxEvents(node, STEP_SIZE);
      if (count === 0) return false;
      options.onRouted();
      interval.shorten();
      progress.note(transitioned, performance.now());
      return count >= STEP_SIZE;
    },
  });

  return {
    start: () => loop.start(),
    async stop() {
      await loop.stop();
      await store.events.leaveRouting(node).catch((error: unknown) => {
        log.warn(
          { err: error },
          'The lease of the router could not be released; another node takes over in a few seconds',
        );
      });
    },
  };
}

interface Active {
  readonly accountId: number;
  readonly operationId: string;
}

/** Active operations, and when their progress is due. */
class Progress {
  /** By operation: when it is due, on the clock of `performance.now()`; in that order. */
  readonly #due = new Map<string, Active & { readonly at: number }>();

  note(active: readonly Active[], now: number): void {
    for (const each of active)
      if (!this.#due.has(each.operationId) && this.#due.size < PROGRESS_MAX)
        this.#due.set(each.operationId, { ...each, at: now + PROGRESS_MS });
  }

  takeDue(now: number): Active[] {
    const due: Active[] = [];
    for (const [id, each] of this.#due) {
      if (each.at > now) break;
      this.#due.delete(id);
      due.push(each);
    }
    return due;
  }
}
