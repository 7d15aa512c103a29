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

const RETRY_MS = 5_000;

/** Starts to listen; calls `lost` once when the connection breaks. Resolves with a function that stops it. */
export type Listen = (
  wake: () => void,
  lost: (error: Error) => void,
) => Promise<() => Promise<void>>;

export interface KeepOptions {
  readonly log: Logger;
  /** Names the connection in the log. */
  readonly what: string;
  readonly wake?: () => void;
  /** Pause before the next attempt, in milliseconds; 5 seconds unless said otherwise. */
  readonly retryMs?: number;
}

/** Resolves with a function that stops it, once it listens or the first attempt has failed. */
export async function keepListening(
  listen: Listen,
  { log, what, wake = () => undefined, retryMs = RETRY_MS }: KeepOptions,
): Promise<() => Promise<void>> {
  /** A break is logged once, however many attempts follow. */
  let isBroken = false;
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
      if (!isBroken) log.warn({ err: error }, `${what} broke; trying again`);
      isBroken = true;
      timer = setTimeout(() => void begin(), retryMs);
    };
    try {
      const endThis = await listen(wake, again);
      if (stopped || isOver) await endThis().catch(() => undefined);
      else {
        end = endThis;
        isBroken = false;
      }
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
