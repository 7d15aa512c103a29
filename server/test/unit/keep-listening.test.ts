/** Keeping to listen, while connections break in every way that they can. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepListening, type Listen } from '../../src/lib/keep-listening.ts';
import { createLogger } from '../../src/lib/log.ts';

const log = createLogger('fatal');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Counts how many listen at the same time. */
function count(begin: (lost: (error: Error) => void, nth: number) => Promise<void>) {
  const seen = { begun: 0, open: 0 };
  const listen: Listen = async (_, lost) => {
    seen.begun += 1;
    await begin(lost, seen.begun);
    seen.open += 1;
    return async () => void (seen.open -= 1);
  };
  return { seen, listen };
}

describe('listening', () => {
  it('begins once again where a connection breaks while it begins, and so fails twice', async () => {
    const { seen, listen } = count(async (lost, nth) => {
      if (nth > 3) return;
      lost(new Error('reset'));
      throw new Error('reset');
    });
    const end = await keepListening(listen, { log, what: 'The test' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual({ begun: 4, open: 1 });
    await end();
    expect(seen.open).toBe(0);
  });

  it('keeps no connection that was lost while it began', async () => {
    const { seen, listen } = count(async (lost, nth) => {
      if (nth === 1) lost(new Error('reset'));
    });
    const end = await keepListening(listen, { log, what: 'The test' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual({ begun: 2, open: 1 });
    await end();
  });

  it('keeps no connection that was made after the end', async () => {
    let made = () => {};
    const { seen, listen } = count((lost, nth) => {
      if (nth === 1) lost(new Error('reset'));
      return nth === 1 ? Promise.resolve() : new Promise((resolve) => (made = resolve));
    });
    const end = await keepListening(listen, { log, what: 'The test' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(seen.begun).toBe(2);
    await end();
    made();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen).toEqual({ begun: 2, open: 0 });
  });
});
