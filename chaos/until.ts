/** Bounded waiting for a condition. */
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 20;

/** Resolves with the result of `look` once it is neither false nor undefined; rejects after `timeoutMs`. */
export async function until<Result>(
  what: string,
  timeoutMs: number,
  look: () => Result | Promise<Result>,
): Promise<Exclude<Result, false | undefined>> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const result = await look();
    if (result !== false && result !== undefined)
      return result as Exclude<Result, false | undefined>;
    if (performance.now() > end)
      throw new Error(`Waited ${Math.round(timeoutMs / 1000)} s in vain: ${what}.`);
    await sleep(LOOK_MS);
  }
}
