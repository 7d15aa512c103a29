/** Queues by name: tasks of the same name run one after the other, all others concurrently. */
export interface Queues {
  /** Runs work when all earlier work of this name has ended. Resolves or rejects as the work does. */
  run<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
}

export function createQueues(): Queues {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
      const before = last.get(name) ?? Promise.resolve();
      const result = before.then(work);
      const ended = result.catch(() => undefined);
      last.set(name, ended);
      try {
        return await result;
      } finally {
        if (last.get(name) === ended) last.delete(name);
      }
    },
  };
}
