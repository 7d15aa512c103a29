/**
 * Outstanding requests of one session, by sequence number and in the order of their deadlines. All have the same timeout,
 * so they expire in the order of sending, and the oldest request shows whether any is late.
 */
import { SEQUENCE_MAX, type CommandName } from './commands.ts';

/** The result of a submit_sm. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly messageId: string }
  /** It left us, and no answer will come: it may or may not have been taken. */
  | { readonly kind: 'lost'; readonly detail: string }
  /** It never left us. */
  | { readonly kind: 'unsent'; readonly detail: string };

/** A request that waits for its answer. */
export interface Outstanding {
  readonly command: CommandName;
  readonly sentAt: number;
  /** Its place among all requests of the session: unlike the sequence number it does not wrap. */
  readonly order: number;
  /** For submit_sm. */
  readonly done: ((answer: Answer) => void) | null;
}

export interface OutstandingRequests {
  /** Requests that count in the window: submit_sm without an answer. */
  readonly submits: number;
  /** Requests entered so far. */
  readonly entered: number;
  /** Enters a request and gives it the next free sequence number. */
  enter(command: CommandName, done?: (answer: Answer) => void): number;
  /** The request that a response answers, taken out; undefined: none, or another command's. */
  take(sequence: number, command: CommandName | null): Outstanding | undefined;
  /** The requests entered at or before a time, oldest first, taken out. */
  takeSince(time: number): Outstanding[];
  /** The submit_sm of this order and later, taken out. */
  takeFrom(order: number): Outstanding[];
}

/** An empty list; `first` is the first sequence number. */
export function createOutstanding(now: () => number, first = 1): OutstandingRequests {
  const requests = new Map<number, Outstanding>();
  let last = first - 1;
  let entered = 0;
  let submits = 0;

  function remove(sequence: number, request: Outstanding): void {
    requests.delete(sequence);
    if (request.done !== null) submits -= 1;
  }

  return {
    get submits() {
      return submits;
    },
    get entered() {
      return entered;
    },
    enter(command, done) {
      do last = last >= SEQUENCE_MAX ? 1 : last + 1;
      while (requests.has(last));
      requests.set(last, { command, sentAt: now(), order: entered, done: done ?? null });
      entered += 1;
      if (done !== undefined) submits += 1;
      return last;
    },
    take(sequence, command) {
      const request = requests.get(sequence);
      if (request === undefined || (command !== null && request.command !== command))
        return undefined;
      remove(sequence, request);
      return request;
    },
    takeSince(time) {
      const late: Outstanding[] = [];
      for (const [sequence, request] of requests) {
        if (request.sentAt > time) break;
        remove(sequence, request);
        late.push(request);
      }
      return late;
    },
    takeFrom(order) {
      const taken: Outstanding[] = [];
      for (const [sequence, request] of requests) {
        if (request.order < order || request.done === null) continue;
        remove(sequence, request);
        taken.push(request);
      }
      return taken;
    },
  };
}
