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
  /** On the clock of `performance.now()`; extended by renewals. */
  leaseEndsAt: number;
}

/** A lease with less than this left is treated as lost: the submission must be out before it ends. */
const LEASE_MARGIN_MS = 500;
const PAUSE_MS_MAX = 250;

/** Whether no more submissions are allowed. */
export function isOver({ leaseEndsAt }: LeasedBatch): boolean {
  return leaseEndsAt - LEASE_MARGIN_MS < performance.now();
}

/**
 * Retries while the database is unavailable, until the lease ends or the node stops. `ask` must be idempotent: it may have
 * succeeded and only its answer was lost.
 */
export async function retryWhileLeased<Result>(
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

/** Leases under a name that no other call has, so that a lease with a lost answer is known by its name. */
export class Leaser {
  readonly #node: string;
  readonly #drop: (names: readonly string[]) => Promise<void>;
  readonly #unanswered = new Set<string>();
  #calls = 0;

  /** `drop` releases in the database the leases under these names. */
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
