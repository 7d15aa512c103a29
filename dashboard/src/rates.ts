/** Rates of operations, calculated from their counters: the rate over the last seconds, and the time left. */
import { useRef } from 'preact/hooks';
import { doneOf, type AnyOperation } from './counters.ts';

/** The window of a rate, in milliseconds. */
const SPAN_MS = 12_000;

interface Sample {
  readonly at: number;
  readonly done: number;
}

export interface Rate {
  /** Messages processed per second. */
  readonly perSecond: number;
  /** Null if no message waits, or the rate is zero. */
  readonly secondsLeft: number | null;
}

/** Records samples of operations and returns the rate of each; null until two samples differ in time. */
export function useRates(): (operation: AnyOperation, at: Date | null) => Rate | null {
  const all = useRef(new Map<string, Sample[]>());
  return (operation, readAt) => {
    const at = readAt?.getTime() ?? Date.now();
    const done = doneOf(operation);
    const samples = all.current.get(operation.id) ?? [];
    all.current.set(operation.id, samples);
    if (samples.at(-1)?.at !== at) samples.push({ at, done });
    while (samples.length > 2 && at - (samples[0]?.at ?? at) > SPAN_MS) samples.shift();
    const first = samples[0];
    if (first === undefined || at - first.at < 500) return null;
    const perSecond = ((done - first.done) * 1_000) / (at - first.at);
    const { queued } = operation.stats;
    return {
      perSecond,
      secondsLeft: queued === 0 || perSecond <= 0 ? null : queued / perSecond,
    };
  };
}
