/**
 * Reads the bytes of bodies in rounds. Sockets have no limit of their own: a client with many connections could keep the main
 * thread busy with receiving. Each owner may send a number of bytes per round; beyond it, its connections are paused, and TCP
 * makes its clients wait.
 *
 * ```
 *  wanted bytes    a round is one round of the event loop   a single owner is not slowed; several owners share each round
 *  refused bytes   a round lasts ten milliseconds           read slowly, so that the client can read the refusal
 * ```
 */
/** What is paused: a body, or what stands for one. */
export interface Pausable {
  readonly destroyed: boolean;
  pause(): unknown;
  resume(): unknown;
}

/** An account, a carrier by its name, or 0 for unknown clients. */
export type Owner = string | number;

export interface Rounds {
  /** Pauses a body until its owner's next round. */
  wait(owner: Owner, body: Pausable): void;
  /** Counts received bytes of a body; pauses it if its owner has used up the round. */
  take(owner: Owner, body: Pausable, bytes: number): void;
}

export interface Reading {
  readonly wanted: Rounds;
  readonly refused: Rounds;
}

/** Node.js reads at most this many bytes at a time, and buffers as many of a paused body. */
const CHUNK_BYTES = 65_536;
const WANTED_BYTES = 4 * CHUNK_BYTES;
const REFUSED_BYTES = 2 * CHUNK_BYTES;
const REFUSED_ROUND_MS = 10;
/**
 * Minimum cost of a chunk. Node.js parses all chunks of a read at once, even of a paused body, and each takes about as long as
 * reading this many bytes. A smaller chunk adds the difference to the debt of its owner, who waits for it.
 */
const CHUNK_COST_MIN = 512;

export function createReading(): Reading {
  return {
    wanted: createRounds(WANTED_BYTES, (begin) => setImmediate(begin)),
    refused: createRounds(REFUSED_BYTES, (begin) => setTimeout(begin, REFUSED_ROUND_MS)),
  };
}

/** Rounds with at most `bytesMax` bytes of each owner; `next` calls back when the next round begins. */
export function createRounds(bytesMax: number, next: (begin: () => void) => void): Rounds {
  const taken = new Map<Owner, number>();
  /** The cost of small chunks beyond their bytes. */
  const debts = new Map<Owner, number>();
  /** Paused, in the order in which they go on. */
  const paused = new Map<Owner, Set<Pausable>>();
  let isOver = true;

  function begin(): void {
    isOver = true;
    taken.clear();
    for (const [owner, debt] of debts)
      if (debt > bytesMax) debts.set(owner, debt - bytesMax);
      else debts.delete(owner);
    for (const [owner, bodies] of paused) {
      if (debts.has(owner)) continue;
      let left = Math.max(1, Math.floor(bytesMax / CHUNK_BYTES));
      for (const body of bodies) {
        if (left === 0) break;
        bodies.delete(body);
        if (body.destroyed) continue;
        left -= 1;
        body.resume();
      }
      if (bodies.size === 0) paused.delete(owner);
    }
    if (paused.size > 0 || debts.size > 0) awaitNext();
  }

  function awaitNext(): void {
    if (!isOver) return;
    isOver = false;
    next(begin);
  }

  function wait(owner: Owner, body: Pausable): void {
    body.pause();
    const bodies = paused.get(owner);
    if (bodies === undefined) paused.set(owner, new Set([body]));
    else bodies.add(body);
    awaitNext();
  }

  return {
    wait,
    take(owner, body, bytes) {
      const all = (taken.get(owner) ?? 0) + bytes;
      taken.set(owner, all);
      const debt = (debts.get(owner) ?? 0) + Math.max(0, CHUNK_COST_MIN - bytes);
      if (debt > 0) debts.set(owner, debt);
      if (all >= bytesMax || debt >= bytesMax) wait(owner, body);
      else awaitNext();
    },
  };
}
