/** Several threads that start together and stop in reverse order, and one that starts when it is first needed. */
import type { Thread, ThreadApi } from './thread.ts';

export type Stoppable = ThreadApi & { readonly stop: () => Promise<void> };

type Starting<Api extends Stoppable> = Promise<Thread<Api>> | false;

/** Waits for threads that load in parallel. They stop in reverse order. If one fails, the others are stopped, too. */
export async function startThreads<Apis extends readonly Stoppable[]>(
  stops: (() => Promise<void>)[],
  ...starting: { [Place in keyof Apis]: Starting<Apis[Place]> }
): Promise<{ [Place in keyof Apis]: Thread<Apis[Place]> | null }> {
  const settled = await Promise.allSettled(starting);
  for (const each of settled)
    if (each.status === 'fulfilled' && each.value !== false) {
      const thread = each.value as Thread<Stoppable>;
      stops.push(() => stopThread(thread));
    }
  return settled.map(threadOf) as { [Place in keyof Apis]: Thread<Apis[Place]> | null };
}

function threadOf<Api extends Stoppable>(
  settled: PromiseSettledResult<Thread<Api> | false>,
): Thread<Api> | null {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value === false ? null : settled.value;
}

async function stopThread(thread: Thread<Stoppable>): Promise<void> {
  await thread.call('stop', []);
  await thread.terminate();
}

export interface ThreadOnDemand<Api extends Stoppable> {
  /** The thread, or null while it is not ready: the first call begins its start, and a call after a failed start the next. */
  get(): Thread<Api> | null;
  stop(): Promise<void>;
}

export function startOnDemand<Api extends Stoppable>(
  start: () => Promise<Thread<Api>>,
  onFailed: (error: unknown) => void,
): ThreadOnDemand<Api> {
  let thread: Thread<Api> | null = null;
  let starting: Promise<void> | null = null;
  let isStopped = false;
  const begin = async () => {
    try {
      thread = await start();
    } catch (error) {
      starting = null;
      onFailed(error);
    }
  };
  return {
    get() {
      if (!isStopped) starting ??= begin();
      return thread;
    },
    async stop() {
      isStopped = true;
      await starting;
      if (thread !== null) await stopThread(thread as Thread<Stoppable>);
    },
  };
}
