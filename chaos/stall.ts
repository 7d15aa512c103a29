/**
 * Simulates a disk that stalls repeatedly; a real stalling device needs root and a device. Either only the device of the WAL
 * stalls: commits wait, with their locks, while reads and work in memory continue. Or the device of the data stalls too: sooner or
 * later everything waits, so all of PostgreSQL is stopped.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { freeze } from './processes.ts';
import type { Random } from './random.ts';

export interface Stall {
  readonly stallMs: number;
  /** From its end to the next. */
  readonly restMs: number;
  /** Whether commits wait, or everything does. */
  readonly isOfLog: boolean;
}

/** Far below a lease. */
const STALL_MS = { min: 200, max: 1_500 };
const REST_MS = { min: 50, max: 300 };
/** Commits wait for a standby that is not there, as long as they would wait for the disk. */
const NOBODY = 'nobody';

/** Stalls and pauses of at least this many milliseconds in all. */
export function planStalls(random: Random, totalMs: number): Stall[] {
  const stalls: Stall[] = [];
  for (let atMs = 0; atMs < totalMs;) {
    const stall = {
      stallMs: random.between(STALL_MS.min, STALL_MS.max),
      restMs: random.between(REST_MS.min, REST_MS.max),
      isOfLog: random.pick([true, false]),
    };
    stalls.push(stall);
    atMs += stall.stallMs + stall.restMs;
  }
  return stalls;
}

/** Plays them. Resolves with the most commits that were seen to wait for the log. */
export async function playStalls(cluster: Cluster, stalls: readonly Stall[]): Promise<number> {
  let waitingMax = 0;
  for (const { stallMs, restMs, isOfLog } of stalls) {
    if (isOfLog) waitingMax = Math.max(waitingMax, await stallLog(cluster, stallMs));
    else await freeze(await cluster.findPostmaster(), () => sleep(stallMs));
    await sleep(restMs);
  }
  return waitingMax;
}

async function stallLog(cluster: Cluster, stallMs: number): Promise<number> {
  try {
    await cluster.waitForStandby(NOBODY);
    await sleep(stallMs);
    const [row] = await cluster.sql<{ waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity where wait_event = 'SyncRep'`,
    );
    return row?.waiting ?? 0;
  } finally {
    await cluster.waitForStandby(null);
  }
}
