/**
 * Work that must complete in spite of outages, and writes in which one item must not block the
 * others.
 *
 * ```
 *  write all together ──────────────────────────────────────────────▶ written
 *    ▲   │ unavailable: wait          │ refused; or twice given up by PostgreSQL, or four times unavailable
 *    └───┘                            ▼
 *                              several items:      each half by itself
 *                              one, refused:       reported once ────▶ skipped
 *                              one, given up:      retried separately for a minute ──▶ written, or skipped
 * ```
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../lib/log.ts';
import { createPauses } from '../lib/pauses.ts';
import { DatabaseUnavailable } from './database-error.ts';

const BACKOFF_MS_MAX = 250;
const START_BACKOFF_MS = 1_000;
/** Tries of a statement that PostgreSQL gives up on, before it is made smaller. */
const STATEMENT_TRIES_MAX = 2;
/**
 * Tries with all items while the database is unavailable, before fewer are tried: where many statements fail, only small
 * ones succeed.
 */
const AWAY_TRIES_MAX = 4;
/** How long one item is tried that PostgreSQL gives up on. */
const PATIENCE_MS = 60_000;

/** At a start: repeats an idempotent call while the database is unavailable, for this many milliseconds. */
export async function waitForDatabase<Result>(
  waitMs: number,
  log: Logger,
  work: () => Promise<Result>,
): Promise<Result> {
  const until = performance.now() + waitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || performance.now() >= until) throw error;
      log.warn({ reason: error.message }, 'The database is unavailable; waiting for it');
      await sleep(START_BACKOFF_MS);
    }
  }
}

export interface WriteOptions<Item> {
  /** Writes some, in their order; must do no harm twice. */
  readonly write: (items: readonly Item[]) => Promise<void>;
  readonly onAway: (error: DatabaseUnavailable) => void;
  /** An item cannot be written: it is left out. */
  readonly onRefused: (item: Item, error: unknown) => void;
  /**
   * Called when PostgreSQL gives up on an item. The item is tried aside and nothing waits for it, unless the result says
   * that it was taken over.
   */
  readonly onPostponed?: ((item: Item) => boolean) | undefined;
  /** How long an item is tried that PostgreSQL gives up on, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * Writes all items that can be written, however long the database is unavailable; then it resolves. It does not wait for
 * single items that PostgreSQL gives up on, and never rejects.
 */
export async function writeAll<Item>(
  items: readonly Item[],
  options: WriteOptions<Item>,
): Promise<void> {
  const { write, onAway, onRefused } = options;
  if (items.length === 0) return;
  const postponed: Item[] = [];
  const backoff = createPauses(BACKOFF_MS_MAX);

  /** Null if the items are written, else the reason why they cannot be written. */
  async function attempt(some: readonly Item[], triesMax: number): Promise<unknown> {
    let gaveUp = 0;
    for (let tries = 1; ; tries += 1) {
      try {
        await write(some);
        backoff.reset();
        return null;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) return error;
        onAway(error);
        if (error.isOfStatement) gaveUp += 1;
        if (gaveUp >= triesMax || (some.length > 1 && tries >= AWAY_TRIES_MAX)) return error;
        await sleep(backoff.next());
      }
    }
  }

  async function writeSome(some: readonly Item[], triesMax: number): Promise<void> {
    const error = await attempt(some, triesMax);
    if (error === null) return;
    const [first] = some;
    if (some.length > 1) {
      const half = Math.ceil(some.length / 2);
      await writeSome(some.slice(0, half), 1);
      await writeSome(some.slice(half), 1);
    } else if (first !== undefined && error instanceof DatabaseUnavailable) {
      if (options.onPostponed?.(first) !== true) postponed.push(first);
    } else if (first !== undefined) onRefused(first, error);
  }

  async function writeAside(): Promise<void> {
    const until = performance.now() + (options.patienceMs ?? PATIENCE_MS);
    for (const item of postponed) {
      let error = await attempt([item], 1);
      while (error instanceof DatabaseUnavailable && performance.now() < until) {
        await sleep(BACKOFF_MS_MAX);
        error = await attempt([item], 1);
      }
      if (error !== null) onRefused(item, error);
    }
  }

  await writeSome(items, STATEMENT_TRIES_MAX);
  void writeAside();
}
