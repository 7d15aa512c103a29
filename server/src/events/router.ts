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
import { createLoop, type Service } from '../lib/service.ts';
import type { Store } from '../store/store.ts';

/** News are looked for this often; nothing tells of them, since that would cost every commit. */
const POLL_MS = 100;
const REST_MS_MAX = 1_000;
/** Rows of one turn. */
const TURN_SIZE = 1_000;
/** Between two events of progress of one operation. */
export const PROGRESS_MS = 1_000;
/** Operations whose progress is told; of more at once some are left out. */
const PROGRESS_MAX = 10_000;

export function createRouter(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly node: string;
  /** Called after news were put into the log. */
  readonly onRouted: () => void;
}): Service {
  const { store, log, node } = options;
  const progress = new Progress();

  const loop = createLoop({
    idleMs: POLL_MS,
    restMsMax: REST_MS_MAX,
    onError: (error) =>
      log.warn({ err: error }, 'Outbox events could not be put into the event log'),
    async work() {
      const due = progress.takeDue(performance.now());
      if (due.length > 0) await store.events.addProgress(due);
      else if (!(await store.events.hasNews())) return false;
      const { count, moved } = await store.events.routeNews(node, TURN_SIZE);
      if (count === 0) return false;
      options.onRouted();
      progress.note(moved, performance.now());
      return count >= TURN_SIZE;
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

interface Moving {
  readonly accountId: number;
  readonly operationId: string;
}

/** Which operations move, and when that is to be told. */
class Progress {
  /** By operation: when it is due, on the clock of `performance.now()`; in that order. */
  readonly #due = new Map<string, Moving & { readonly at: number }>();

  note(moved: readonly Moving[], now: number): void {
    for (const each of moved)
      if (!this.#due.has(each.operationId) && this.#due.size < PROGRESS_MAX)
        this.#due.set(each.operationId, { ...each, at: now + PROGRESS_MS });
  }

  takeDue(now: number): Moving[] {
    const due: Moving[] = [];
    for (const [id, each] of this.#due) {
      if (each.at > now) break;
      this.#due.delete(id);
      due.push(each);
    }
    return due;
  }
}
