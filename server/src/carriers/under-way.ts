/** Submissions without an answer, for a stop that waits for them. */
export interface UnderWay<Answer> {
  /** Counts a submission until it is answered. */
  track(answer: Promise<Answer>): Promise<Answer>;
  /** Resolves when all are answered, or after `STOP_WAIT_MS`. */
  settled(): Promise<void>;
}

/** The dispatcher has waited before, so late answers are not expected. */
const STOP_WAIT_MS = 2_000;

export function createUnderWay<Answer>(): UnderWay<Answer> {
  const open = new Set<Promise<Answer>>();
  return {
    track(answer) {
      open.add(answer);
      return answer.finally(() => open.delete(answer));
    },
    async settled() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, STOP_WAIT_MS);
      });
      await Promise.race([Promise.allSettled(open), late]);
      clearTimeout(timer);
    },
  };
}
