/**
 * Reading: bytes of bodies are read in turns. A socket gives no limit by itself: a client that sends much over many connections would
 * keep the thread that answers all of them busy with receiving. Each owner has so many bytes in a turn; beyond them its
 * connections are paused, and TCP makes its clients wait.
 *
 * ```
 *  wanted bytes    a turn is one round of the event loop   who sends alone is not slowed; who has neighbours takes its part of each round
 *  refused bytes   a turn lasts ten milliseconds           read so that the client gets to see the refusal, and at no haste
 * ```
 */
import type { Readable } from 'node:stream';

/** An account, a carrier by its name, or nobody. */
export type Owner = string | number;

export interface Turns {
  /** Pauses a body until its owner's next turn. */
  wait(owner: Owner, body: Readable): void;
  /** Notes bytes that a body brought; it waits where its owner has had its turn. */
  take(owner: Owner, body: Readable, bytes: number): void;
}

export interface Reading {
  readonly wanted: Turns;
  readonly refused: Turns;
}

/** Node.js reads at most so many bytes at a time, and has as many ready of a body that is paused. */
const CHUNK_BYTES = 65_536;
const WANTED_BYTES = 4 * CHUNK_BYTES;
const REFUSED_BYTES = 2 * CHUNK_BYTES;
const REFUSED_TURN_MS = 10;
/**
 * Cost of a chunk at least: Node.js parses all chunks of a read at one go, even of a body that is paused, and each takes about
 * as long as reading so many bytes. What a chunk has fewer is a debt, which its owner waits for.
 */
const CHUNK_COST_MIN = 512;

export function createReading(): Reading {
  return {
    wanted: createTurns(WANTED_BYTES, (begin) => setImmediate(begin)),
    refused: createTurns(REFUSED_BYTES, (begin) => setTimeout(begin, REFUSED_TURN_MS)),
  };
}

/** Turns of so many bytes for each owner; `next` calls back when the next one begins. */
export function createTurns(bytesMax: number, next: (begin: () => void) => void): Turns {
  const taken = new Map<Owner, number>();
  /** What small chunks cost beyond their bytes. */
  const debts = new Map<Owner, number>();
  /** Paused, in the order in which they go on. */
  const paused = new Map<Owner, Set<Readable>>();
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

  function wait(owner: Owner, body: Readable): void {
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
