/**
 * Keeps a connection that only listens, or only holds a lock, and opens it again when it breaks. Others cover the time between:
 * polling, or leases.
 *
 * ```
 *  listening ──lost──▶ resting ──5 s──▶ beginning ──▶ listening
 *                         ▲               │ failed, or lost meanwhile
 *                         └───────────────┘
 * ```
 */
import type { Logger } from './log.ts';

const LISTEN_RETRY_MS = 5_000;

/** Starts to listen; calls `lost` once when the connection breaks. Resolves with a function that stops it. */
export type Listen = (
  wake: () => void,
  lost: (error: Error) => void,
) => Promise<() => Promise<void>>;

/**
 * Resolves with a function that stops it, once it listens or the first attempt has failed.
 * @param what names the connection in the log
 */
export async function keepListening(
  listen: Listen,
  log: Logger,
  what: string,
  wake: () => void = () => undefined,
): Promise<() => Promise<void>> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let end: (() => Promise<void>) | null = null;

  async function begin(): Promise<void> {
    let isOver = false;
    // A connection that breaks while it begins fails twice, and is followed by one other.
    const again = (error: unknown) => {
      if (stopped || isOver) return;
      isOver = true;
      end = null;
      log.warn({ err: error }, `${what} broke; trying again`);
      timer = setTimeout(() => void begin(), LISTEN_RETRY_MS);
    };
    try {
      const endThis = await listen(wake, again);
      if (stopped || isOver) await endThis().catch(() => undefined);
      else end = endThis;
    } catch (error) {
      again(error);
    }
  }

  await begin();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await end?.().catch(() => undefined);
  };
}
