/**
 * Calls functions in another thread, so that parsing a megabyte or sending a thousand messages does not block the event
 * loop that answers requests. Arguments and results are cloned, so they must be plain data.
 *
 * ```ts
 * const thread = await startThread<Api>('counter', { data, youngMemoryMb: 64, onDeath });
 * await thread.call('count', 3);
 * ```
 * and in `counter.ts`, an entry of the bundle: `void serveThread((data) => ({ count: async (n) => n + data.start }))`.
 */
import { once } from 'node:events';
import { parentPort, Worker, type Transferable } from 'node:worker_threads';

/** The functions of a thread. */
export type ThreadApi = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

export interface Thread<Api extends ThreadApi> {
  /** Rejects with the function's error (its name, code and message), or when the thread dies. */
  call<Name extends keyof Api & string>(
    name: Name,
    args: Parameters<Api[Name]>,
    transfer?: readonly Transferable[],
  ): Promise<Awaited<ReturnType<Api[Name]>>>;
  /** Ends the thread; unanswered calls reject. */
  terminate(): Promise<void>;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: unknown };
}

/** Id of the answer that reports a thread as ready, or as failed. */
const READY = 0;

export interface ThreadOptions {
  /** Plain data for the thread, which loads its code meanwhile. Where it rejects, so does the start. */
  readonly data: Promise<unknown>;
  /** Room for short-lived objects: with more, they are collected less often and more of them die first. */
  readonly youngMemoryMb: number;
  /** Called when the thread ends without a request: a bug, or memory ran out. */
  readonly onDeath: (error: Error) => void;
}

/** The first file of every thread, next to this one in the bundle. It loads the given entry. */
const BOOT = new URL('./boot.cjs', import.meta.url);

/** Starts a thread; resolves when it is ready, rejects if its start rejects. `entry` is its file name in the bundle. */
export async function startThread<Api extends ThreadApi>(
  entry: string,
  options: ThreadOptions,
): Promise<Thread<Api>> {
  const worker = new Worker(BOOT, {
    workerData: entry,
    resourceLimits: { maxYoungGenerationSizeMb: options.youngMemoryMb },
  });
  const open = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  let asked = READY;
  let ended = false;
  const end = (error: Error) => {
    const died = !ended;
    ended = true;
    for (const each of open.values()) each.reject(error);
    open.clear();
    if (died && ready) options.onDeath(error);
  };
  worker.on('message', ({ id, value, error }: Answer) => {
    const waiting = open.get(id);
    open.delete(id);
    if (error === undefined) waiting?.resolve(value as never);
    else waiting?.reject(Object.assign(new Error(error.message), error));
  });
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => end(new Error(`A thread ended with code ${code}.`)));
  let ready = false;
  const ask = (id: number) =>
    new Promise<never>((resolve, reject) => open.set(id, { resolve, reject }));
  try {
    // Asked first: it may die before it is given its data.
    const answer = ask(READY);
    answer.catch(() => undefined);
    worker.postMessage(await options.data, []);
    await answer;
    ready = true;
  } catch (error) {
    ended = true;
    await worker.terminate();
    throw error;
  }
  return {
    call(name, args, transfer = []) {
      if (ended) return Promise.reject(new Error('The thread has ended.'));
      asked += 1;
      const answer = ask(asked);
      const question: Question = { id: asked, name, args };
      worker.postMessage(question, transfer);
      return answer;
    },
    async terminate() {
      ended = true;
      await worker.terminate();
    },
  };
}

/** Makes this thread answer calls. Its file must call this once. */
export async function serveThread<Data, Api extends ThreadApi>(
  start: (data: Data) => Promise<Api>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('This file is the start of a thread.');
  const reply = async (id: number, work: () => Promise<unknown>) => {
    try {
      port.postMessage({ id, value: await work() } satisfies Answer);
    } catch (error) {
      const { name, message, code } = (
        error instanceof Error ? error : new Error(String(error))
      ) as NodeJS.ErrnoException;
      const described = { name, message, ...(code === undefined ? {} : { code }) };
      port.postMessage({ id, error: described } satisfies Answer);
    }
  };
  const [data] = (await once(port, 'message')) as [Data];
  await reply(READY, async () => {
    const api = await start(data);
    port.on('message', ({ id, name, args }: Question) => {
      const work = api[name] as ((...each: readonly unknown[]) => Promise<unknown>) | undefined;
      void reply(id, async () => {
        if (work === undefined) throw new Error(`The thread knows no "${name}".`);
        return work(...args);
      });
    });
  });
}
