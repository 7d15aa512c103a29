/**
 * Leases: how long this node may run a batch, and what happens during a short outage of
 * PostgreSQL. An immediate stop would put unsubmitted messages in doubt. So the statements of a
 * batch are retried while its lease lasts, and a lease whose answer was lost is released.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPauses } from '../lib/pauses.ts';
import { DatabaseUnavailable, type Batch } from '../store/store.ts';

/** A leased batch and how long this node may go on with it. */
export interface LeasedBatch {
  readonly batch: Batch;
  /** On the clock of `performance.now()`; moved by renewals. */
  leaseEndsAt: number;
}

/** A lease with less than this left is treated as lost: the submission must be out before it ends. */
const LEASE_MARGIN_MS = 500;
const PAUSE_MS_MAX = 250;

/** Whether nothing may be handed over any more. */
export function isOver({ leaseEndsAt }: LeasedBatch): boolean {
  return leaseEndsAt - LEASE_MARGIN_MS < performance.now();
}

/**
 * Asks again while the database is away, until the lease is over or the node is told to stop. What is asked may have been
 * done, and only the answer lost: it must do no harm twice.
 */
export async function insist<Result>(
  leased: LeasedBatch,
  stopping: AbortSignal,
  ask: () => Promise<Result>,
): Promise<Result> {
  const pauses = createPauses(PAUSE_MS_MAX);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || stopping.aborted || isOver(leased))
        throw error;
      await sleep(pauses.next());
    }
  }
}

/** Leases under a name that no other call has, so that what it leased is known by it where the answer got lost. */
export class Leaser {
  readonly #node: string;
  readonly #drop: (names: readonly string[]) => Promise<void>;
  readonly #unanswered = new Set<string>();
  #calls = 0;

  /** `drop` lets go, in the database, what was leased under these names. */
  constructor(node: string, drop: (names: readonly string[]) => Promise<void>) {
    this.#node = node;
    this.#drop = drop;
  }

  async lease(call: (name: string) => Promise<Batch[]>): Promise<Batch[]> {
    const unanswered = [...this.#unanswered];
    if (unanswered.length > 0) await this.#drop(unanswered);
    for (const each of unanswered) this.#unanswered.delete(each);
    this.#calls += 1;
    const name = `${this.#node}/${this.#calls}`;
    try {
      return await call(name);
    } catch (error) {
      this.#unanswered.add(name);
      throw error;
    }
  }
}
