/** Waiting in tests: for a condition, up to a deadline, instead of for a guessed time. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when `test` is true; rejects when that takes too long. */
export async function until(test: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!test()) {
    if (performance.now() > deadline) throw new Error(`Not within ${timeoutMs} ms: ${test}`);
    await sleep(2);
  }
}
