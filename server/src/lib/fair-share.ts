/**
 * Fair shares of one thread, or of one pool of connections, among owners. An owner with much work delays itself, not the
 * others.
 *
 * Processor time is shared by start-time fair queueing (Goyal, Vin, Cheng 1996). Each owner has a clock of the time it has
 * used, and the owner with the lowest clock is next. After idling, an owner continues at the clock of the others, or at its
 * own if that is higher.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { Tally } from './tally.ts';

/** Work in steps: it may be suspended at each `yield`. */
export type Work<Result> = Generator<undefined, Result, undefined>;

export interface ProcessorShares {
  /** Runs work to its end, alternating with the work of others. Rejects with its error. */
  run<Result>(owner: number, work: Work<Result>): Promise<Result>;
}

export interface Places {
  /** Does something in one of the places; waits for one where none is free. Rejects with `PlaceTimeout`, or as the work does. */
  within<Result>(owner: number, work: () => Promise<Result>): Promise<Result>;
}

/** Shares of processor time and of places together. */
export type Shares = ProcessorShares & Places;

/** No place became free in time. */
export class PlaceTimeout extends Error {
  override readonly name = 'PlaceTimeout';
}

/** Shares of this thread's processor time, and of a number of places. */
export function createShares(placesMax: number): Shares {
  return { ...createProcessorShares(), ...createPlaces(placesMax) };
}

/** The time slice of an owner, in milliseconds; one step may take longer. */
const SLICE_MS = 2;

/** Number of clocks above which clocks behind the others are dropped. */
const IDLE_MAX = 1_000;

interface Job {
  readonly work: Work<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Owner {
  /** Milliseconds of processor time, on the clock that all share. */
  usedMs: number;
  /** In the order of their scheduling. */
  readonly jobs: Job[];
}

export function createProcessorShares(): ProcessorShares {
  /** Owners with work. */
  const owners = new Map<number, Owner>();
  /** Clocks of owners without work, while they are ahead of the others. */
  const idle = new Map<number, number>();
  /** Where the clock of the last slice stood when it began. */
  let now = 0;
  let isRunning = false;

  function next(): [number, Owner] | undefined {
    let first: [number, Owner] | undefined;
    for (const each of owners)
      if (first === undefined || each[1].usedMs < first[1].usedMs) first = each;
    return first;
  }

  /** Runs one job for a slice; one that is not done goes behind the other jobs of its owner. */
  function runSlice(id: number, owner: Owner): void {
    const job = owner.jobs.shift();
    if (job === undefined) return;
    now = owner.usedMs;
    const startedAt = performance.now();
    if (!advance(job, startedAt + SLICE_MS)) owner.jobs.push(job);
    owner.usedMs += performance.now() - startedAt;
    if (owner.jobs.length > 0) return;
    owners.delete(id);
    idle.set(id, owner.usedMs);
    if (idle.size > IDLE_MAX)
      for (const [each, usedMs] of idle) if (usedMs <= now) idle.delete(each);
  }

  async function runAll(): Promise<void> {
    isRunning = true;
    for (let each = next(); each !== undefined; each = next()) {
      runSlice(...each);
      await yieldToOthers();
    }
    isRunning = false;
  }

  return {
    run: <Result>(id: number, work: Work<Result>) =>
      new Promise<Result>((resolve, reject) => {
        const owner = owners.get(id) ?? { usedMs: Math.max(now, idle.get(id) ?? 0), jobs: [] };
        idle.delete(id);
        owner.jobs.push({ work, resolve, reject });
        owners.set(id, owner);
        if (!isRunning) void runAll();
      }),
  };
}

/** Runs until the work is done or its time slice ends; true if it is done. */
function advance({ work, resolve, reject }: Job, until: number): boolean {
  try {
    do {
      const { done, value } = work.next();
      if (done === true) {
        resolve(value as never);
        return true;
      }
    } while (performance.now() < until);
    return false;
  } catch (error) {
    reject(error);
    return true;
  }
}

/** A number of places; no owner can take the last one. An owner that waits longer than `waitMs` gets none. */
export function createPlaces(max: number, waitMs = Infinity): Places {
  const taken = new Tally<number>();
  /** In the order of their scheduling. */
  const waiting = new Map<number, Set<() => void>>();

  const mayEnter = (owner: number) => taken.total < max && taken.of(owner) < Math.max(1, max - 1);

  function leave(owner: number): void {
    taken.add(owner, -1);
    for (const [each, queue] of waiting) {
      if (!mayEnter(each)) continue;
      const [wake] = queue;
      // Behind the others that wait.
      waiting.delete(each);
      if (wake !== undefined) queue.delete(wake);
      if (queue.size > 0) waiting.set(each, queue);
      taken.add(each, 1);
      wake?.();
      return;
    }
  }

  function wait(owner: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = waiting.get(owner) ?? new Set();
      const wake = () => {
        clearTimeout(timer);
        resolve();
      };
      const giveUp = () => {
        queue.delete(wake);
        if (queue.size === 0) waiting.delete(owner);
        reject(new PlaceTimeout(`No place was free within ${waitMs} ms.`));
      };
      const timer = waitMs === Infinity ? undefined : setTimeout(giveUp, waitMs);
      queue.add(wake);
      waiting.set(owner, queue);
    });
  }

  return {
    async within(owner, work) {
      if (mayEnter(owner)) taken.add(owner, 1);
      else await wait(owner);
      try {
        return await work();
      } finally {
        leave(owner);
      }
    },
  };
}
