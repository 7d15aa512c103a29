/** Counts of parts add up to the counts of the whole, however it is divided. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addCounts,
  listBuckets,
  NO_COUNTS,
  type OperationCounts,
} from '../../src/domain/operation-counts.ts';

/** The counts of one message. */
const ofMessage = fc
  .record({
    sender: fc.integer({ min: 0, max: 2 }),
    code: fc.constantFrom(30003, 30005),
    id: fc.uuid(),
    at: fc.integer({ min: 1_700_000_000, max: 1_700_090_000 }),
    after: fc.integer({ min: 0, max: 900 }),
    type: fc.integer({ min: 0, max: 200 }),
  })
  .map(({ sender, code, id, at, after, type }): OperationCounts => ({
    senders: [[sender, 'UNDELIVERED', 1]],
    errors: [[code, 1, [id]]],
    step: 1,
    submitted: [[at, 1]],
    settled: [[at + after, type, 1]],
  }));

/** In an order that does not depend on the order of the parts. */
const sorted = (counts: OperationCounts) => ({
  ...counts,
  senders: counts.senders.map(String).toSorted(),
  errors: counts.errors.map(String).toSorted(),
  submitted: counts.submitted.map(String).toSorted(),
  settled: counts.settled.map(String).toSorted(),
});

describe('counts', () => {
  it('of parts are the counts of the whole', () => {
    fc.assert(
      fc.property(fc.array(ofMessage, { maxLength: 60 }), fc.nat(60), fc.nat(60), (all, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const parts = [all.slice(0, from), all.slice(from, to), all.slice(to)];
        const whole = addCounts(all);
        expect(sorted(addCounts(parts.map(addCounts)))).toEqual(sorted(whole));
        expect(listBuckets(whole).length).toBeLessThanOrEqual(120);
        const sum = (name: 'submitted' | 'settled') =>
          listBuckets(whole).reduce((count, each) => count + each[name], 0);
        expect([sum('submitted'), sum('settled')]).toEqual([all.length, all.length]);
      }),
    );
  });

  it('of nothing are nothing', () => {
    expect(addCounts([])).toEqual(NO_COUNTS);
    expect(listBuckets(NO_COUNTS)).toEqual([]);
  });

  it('give percentiles that are right to 2.5%', () => {
    const types = [100, 100, 100, 100, 100, 100, 100, 100, 100, 120];
    const [bucket] = listBuckets(
      addCounts(types.map((type) => ({ ...NO_COUNTS, settled: [[60, type, 1]] }))),
    );
    // Class 100 is from 1.05^99 to 1.05^100 ms.
    const [low, high] = [1.05 ** 99 / 1_000, 1.05 ** 100 / 1_000];
    expect(Math.abs((bucket?.latency50 ?? 0) / low - 1)).toBeLessThan(0.025);
    expect(Math.abs((bucket?.latency50 ?? 0) / high - 1)).toBeLessThan(0.025);
    expect(bucket?.latency95).toBeCloseTo(1.05 ** 119.5 / 1_000);
  });
});
