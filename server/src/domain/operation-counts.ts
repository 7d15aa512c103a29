/**
 * What a report counts of the messages of an operation, in a form that adds up: the counts of two
 * parts give the counts of both. Pure.
 *
 * Latencies are counted in classes, each 5% wider than the one before, because exact percentiles of
 * parts do not add up. A percentile is therefore right to 2.5%. Everything else is exact.
 */
import type { MessageStatus } from './message.ts';

export interface OperationCounts {
  /** Position of the sender in the plan, status, messages. */
  readonly senders: readonly (readonly [number, MessageStatus, number])[];
  /** Code, recipients, and up to three of the ids that they have, in order. */
  readonly errors: readonly (readonly [number, number, readonly string[]])[];
  /** Seconds of an interval: one of `STEPS`. */
  readonly step: number;
  /** Start of an interval in Unix seconds, messages submitted in it. */
  readonly submitted: readonly (readonly [number, number])[];
  /** Start of an interval in Unix seconds, class of latency, messages with their last receipt in it. */
  readonly settled: readonly (readonly [number, number, number])[];
}

export const NO_COUNTS: OperationCounts = {
  senders: [],
  errors: [],
  step: 1,
  submitted: [],
  settled: [],
};

/** How much wider a class of latency is than the one before. The first one ends at 1 ms. */
export const LATENCY_RATIO = 1.05;

/** Maximum number of intervals. */
const BUCKETS_MAX = 120;
/** Lengths of an interval in seconds. Each divides the next, so that intervals can be put together. */
const STEPS = [1, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];
/** Ids that are kept of recipients with the same error. */
const EXAMPLES_MAX = 3;

/** The counts of several parts together. */
export function addCounts(parts: readonly OperationCounts[]): OperationCounts {
  const step = chooseStep(parts);
  return {
    step,
    senders: sum(parts.flatMap(({ senders }) => senders)),
    errors: addErrors(parts.flatMap(({ errors }) => errors)),
    submitted: addIntervals(parts, step),
    settled: addLatencies(parts, step),
  };
}

/** The shortest step that all parts can have and that leaves few enough intervals. */
function chooseStep(parts: readonly OperationCounts[]): number {
  let [first, last, least] = [Infinity, -Infinity, 1];
  for (const { step, submitted, settled } of parts) {
    least = Math.max(least, step);
    for (const rows of [submitted, settled])
      for (const [at] of rows) {
        first = Math.min(first, at);
        last = Math.max(last, at);
      }
  }
  const isEnough = (step: number) =>
    step >= least && Math.floor(last / step) - Math.floor(first / step) < BUCKETS_MAX;
  return first > last ? least : (STEPS.find(isEnough) ?? least);
}

const startOf = (at: number, step: number) => Math.floor(at / step) * step;

function addIntervals(parts: readonly OperationCounts[], step: number) {
  const sums = new Map<number, number>();
  for (const { submitted } of parts)
    for (const [at, count] of submitted) {
      const start = startOf(at, step);
      sums.set(start, (sums.get(start) ?? 0) + count);
    }
  return [...sums];
}

/** More than there are classes of latency. */
const CLASSES = 4_096;

/** With a number as the key: there may be a hundred thousand of them, on the thread that answers requests. */
function addLatencies(parts: readonly OperationCounts[], step: number) {
  const sums = new Map<number, number>();
  for (const { settled } of parts)
    for (const [at, type, count] of settled) {
      const key = startOf(at, step) * CLASSES + type;
      sums.set(key, (sums.get(key) ?? 0) + count);
    }
  return [...sums].map(
    ([key, count]) => [Math.floor(key / CLASSES), key % CLASSES, count] as const,
  );
}

type Row = readonly [...unknown[], number];

/** Rows with the same values but for the last, which is added up. */
function sum<Counted extends Row>(rows: readonly Counted[]): Counted[] {
  const sums = new Map<string, unknown[]>();
  for (const row of rows) {
    const key = row.slice(0, -1).join(' ');
    const known = sums.get(key);
    if (known === undefined) sums.set(key, [...row]);
    else known[row.length - 1] = (known[row.length - 1] as number) + (row.at(-1) as number);
  }
  return [...sums.values()] as unknown as Counted[];
}

function addErrors(rows: OperationCounts['errors']): OperationCounts['errors'] {
  const byCode = new Map<number, [number, number, string[]]>();
  for (const [code, count, ids] of rows) {
    const known = byCode.get(code) ?? [code, 0, []];
    const examples = [...known[2], ...ids].toSorted().slice(0, EXAMPLES_MAX);
    byCode.set(code, [code, known[1] + count, examples]);
  }
  return [...byCode.values()];
}

/** An interval of an operation's life. Latencies are in seconds, from the submission to the last receipt. */
export interface TimeBucket {
  readonly at: Date;
  readonly submitted: number;
  readonly settled: number;
  readonly latency50: number | null;
  readonly latency95: number | null;
}

/** Numbers of submitted and of settled messages over time, in order, without empty intervals. */
export function listBuckets({ submitted, settled }: OperationCounts): TimeBucket[] {
  const classes = new Map<number, (readonly [number, number])[]>();
  for (const [at, type, count] of settled) {
    const known = classes.get(at) ?? [];
    known.push([type, count]);
    classes.set(at, known);
  }
  const began = new Map(submitted);
  return [...new Set([...began.keys(), ...classes.keys()])]
    .toSorted((a, b) => a - b)
    .map((at) => {
      const own = (classes.get(at) ?? []).toSorted(([a], [b]) => a - b);
      return {
        at: new Date(at * 1_000),
        submitted: began.get(at) ?? 0,
        settled: own.reduce((all, [, count]) => all + count, 0),
        latency50: percentile(own, 0.5),
        latency95: percentile(own, 0.95),
      };
    });
}

/** The middle of the class that has the percentile, in seconds. */
function percentile(classes: readonly (readonly [number, number])[], share: number): number | null {
  let rest = share * classes.reduce((all, [, count]) => all + count, 0);
  for (const [type, count] of classes) {
    rest -= count;
    if (rest <= 0) return LATENCY_RATIO ** (type - 0.5) / 1_000;
  }
  return null;
}
