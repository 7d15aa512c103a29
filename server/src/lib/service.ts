/** Services and loops: things that start and stop. */
import { createPauses } from './pauses.ts';

/**
 * A service. Call `start` once and `stop` at any time, also before `start` or twice. When `stop` resolves, nothing of the
 * service is left.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A loop that repeats `work`: at once while it reports more to do, otherwise after `idleMs` or a nudge. After a
 * rejection, the loop reports it and backs off, longer with each further failure, up to `backoffMsMax`. A nudge does
 * not shorten that: failing work is not tried more often because there is more of it.
 */
export interface Loop extends Service {
  /** Work may have come: look now, or after the backoff. */
  nudge(): void;
}

export function createLoop(options: {
  /** Resolves true when there may be more to do at once. */
  readonly work: () => Promise<boolean>;
  readonly idleMs: number | (() => number);
  readonly backoffMsMax: number;
  readonly onError: (error: unknown) => void;
}): Loop {
  let stopping = false;
  let nudged = false;
  let wake: (() => void) | null = null;
  let isBackingOff = false;
  let running: Promise<void> | null = null;
  const { idleMs } = options;
  const backoff = createPauses(options.backoffMsMax);

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function step(): Promise<number | null> {
    try {
      const more = await options.work();
      backoff.reset();
      isBackingOff = false;
      if (more) return null;
      return typeof idleMs === 'number' ? idleMs : idleMs();
    } catch (error) {
      options.onError(error);
      isBackingOff = true;
      return backoff.next();
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      nudged = false;
      const pauseMs = await step();
      if (pauseMs !== null && (!nudged || isBackingOff) && !stopping) await sleep(pauseMs);
      wake = null;
    }
  }

  return {
    async start() {
      if (!stopping) running ??= run();
    },
    nudge() {
      nudged = true;
      if (!isBackingOff) wake?.();
    },
    async stop() {
      stopping = true;
      wake?.();
      await running;
    },
  };
}
