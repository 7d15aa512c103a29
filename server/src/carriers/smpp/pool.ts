/**
 * A pool: the links of one carrier. Each request goes to the link with the most free window. Requests without a free link
 * wait in order; while no link is bound, they wait only for a limited time.
 */
import type { Link } from './link.ts';
import type { Answer } from './outstanding.ts';
import type { MessageBody } from './pdu.ts';

export interface Pool {
  /** Submits one message. `unsent`: there was no session for it in time; it can be submitted again. */
  submit(body: MessageBody): Promise<Answer>;
  /** A link was bound, or has room again. */
  onRoom(): void;
  /** A link went down. */
  onDown(): void;
  /** Ends waiting submissions; nothing is taken any more. */
  stop(): void;
}

interface Waiting {
  readonly body: MessageBody;
  readonly since: number;
  readonly resolve: (answer: Answer) => void;
}

/** How often the waiting are looked through while no link is bound, at most. */
const SWEEP_MS = 250;

/** A pool of links that can transmit. */
export function createPool(links: readonly Link[], unboundWaitMs: number): Pool {
  let waiting: Waiting[] = [];
  let unboundSince: number | null = performance.now();
  let sweeper: NodeJS.Timeout | null = null;
  let stopped = false;

  function chooseLink(): Link | null {
    let best: Link | null = null;
    let most = 0;
    for (const link of links) {
      const { room } = link;
      if (room > most) [best, most] = [link, room];
    }
    return best;
  }

  function hand(link: Link, { body, since, resolve }: Waiting): void {
    link.submit(body, (answer) => {
      // It never left us: another session may take it.
      if (answer.kind === 'unsent' && !stopped) waitFor({ body, since, resolve });
      else resolve(answer);
    });
  }

  function waitFor(request: Waiting): void {
    waiting.push(request);
    sweeper ??= setInterval(sweep, Math.max(5, Math.min(SWEEP_MS, unboundWaitMs / 4)));
  }

  function sweep(): void {
    drain();
    const now = performance.now();
    if (unboundSince !== null) {
      const from = unboundSince;
      const expired = waiting.filter((each) => now - Math.max(each.since, from) >= unboundWaitMs);
      if (expired.length > 0) waiting = waiting.filter((each) => !expired.includes(each));
      for (const { resolve } of expired) resolve({ kind: 'unsent', detail: whyNot() });
    }
    if (waiting.length > 0 || sweeper === null) return;
    clearInterval(sweeper);
    sweeper = null;
  }

  function whyNot(): string {
    return links.find((link) => link.detail !== null)?.detail ?? 'No session is bound';
  }

  function drain(): void {
    if (unboundSince !== null && links.some((link) => link.isBound)) unboundSince = null;
    while (waiting.length > 0) {
      const link = chooseLink();
      const next = link === null ? undefined : waiting.shift();
      if (link === null || next === undefined) return;
      hand(link, next);
    }
  }

  return {
    submit(body) {
      return new Promise((resolve) => {
        const request = { body, since: performance.now(), resolve };
        const link = waiting.length === 0 && !stopped ? chooseLink() : null;
        if (link !== null) hand(link, request);
        else if (stopped) resolve({ kind: 'unsent', detail: 'Stopped' });
        else waitFor(request);
      });
    },
    onRoom: drain,
    onDown() {
      if (!links.some((link) => link.isBound)) unboundSince ??= performance.now();
      // Another session may now take the submissions that it did not send.
      drain();
    },
    stop() {
      stopped = true;
      if (sweeper !== null) clearInterval(sweeper);
      sweeper = null;
      for (const { resolve } of waiting.splice(0)) resolve({ kind: 'unsent', detail: 'Stopped' });
    },
  };
}
