/** Services and loops: whatever has a life. */
import { createPauses } from './pauses.ts';

/**
 * A service: something with a life. `start` once, `stop` at any time, also before `start` or twice; when `stop`
 * resolves nothing of it is left.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A loop that calls `work` again and again: at once while it reports more to do, else after `idleMs` or a
 * nudge. A rejection is reported and the loop rests: for moments, and longer, up to `restMsMax`, while it fails again.
 */
export interface Loop extends Service {
  /** Work may have come: look now. */
  nudge(): void;
}

export function createLoop(options: {
  /** Resolves true when there may be more to do at once. */
  readonly work: () => Promise<boolean>;
  readonly idleMs: number;
  readonly restMsMax: number;
  readonly onError: (error: unknown) => void;
}): Loop {
  let stopping = false;
  let nudged = false;
  let wake: (() => void) | null = null;
  let running: Promise<void> | null = null;
  const rests = createPauses(options.restMsMax);

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function turn(): Promise<number | null> {
    try {
      const more = await options.work();
      rests.reset();
      return more ? null : options.idleMs;
    } catch (error) {
      options.onError(error);
      return rests.next();
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      nudged = false;
      const pauseMs = await turn();
      if (pauseMs !== null && !nudged && !stopping) await sleep(pauseMs);
      wake = null;
    }
  }

  return {
    async start() {
      if (!stopping) running ??= run();
    },
    nudge() {
      nudged = true;
      wake?.();
    },
    async stop() {
      stopping = true;
      wake?.();
      await running;
    },
  };
}
