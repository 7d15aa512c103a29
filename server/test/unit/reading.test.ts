/** Reading in rounds: the number of bytes that are read of an owner, whatever it sends. */
import { Readable } from 'node:stream';
import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createRounds, type Owner } from '../../src/http/edge/reading.ts';

const CHUNK = 65_536;
const ROUND = 4 * CHUNK;

/** Rounds that the test begins, and bodies that send as fast as they are read. */
function setUp() {
  const begins: (() => void)[] = [];
  const rounds = createRounds(ROUND, (begin) => begins.push(begin));
  const read = new Map<Owner, number>();
  return {
    rounds,
    readOf: (owner: Owner) => read.get(owner) ?? 0,
    awaited: () => begins.length,
    /** All that may be read before the next round has been once many rounds have passed. */
    async settle() {
      for (let round = 0; round < 50; round += 1) await nextRound();
    },
    begin: () => begins.splice(0).forEach((each) => each()),
    send(owner: Owner, bytes = Infinity) {
      let left = bytes;
      const body = new Readable({
        highWaterMark: CHUNK,
        read() {
          const size = Math.min(left, CHUNK);
          left -= size;
          this.push(size > 0 ? Buffer.alloc(size) : null);
        },
      });
      body.on('data', (chunk: Buffer) => {
        read.set(owner, (read.get(owner) ?? 0) + chunk.length);
        rounds.take(owner, body, chunk.length);
      });
      return body;
    },
  };
}

it('reads a bounded number of bytes of an owner per round, however many bodies it sends', async () => {
  const { send, readOf, settle, begin } = setUp();
  const BODIES = 32;
  for (let i = 0; i < BODIES; i += 1) send('hostile');
  await settle();
  // Each brings a chunk before it can be paused.
  expect(readOf('hostile')).toBeLessThanOrEqual(ROUND + BODIES * CHUNK);
  for (let round = 0; round < 10; round += 1) {
    const before = readOf('hostile');
    begin();
    await settle();
    expect(readOf('hostile') - before).toBeLessThanOrEqual(2 * ROUND);
    expect(readOf('hostile')).toBeGreaterThan(before);
  }
});

it('reads another owner in full when one owner has used up its round', async () => {
  const { send, readOf, settle, begin } = setUp();
  for (let i = 0; i < 32; i += 1) send('hostile');
  await settle();
  send('other', ROUND - 1);
  await settle();
  expect(readOf('other')).toBe(ROUND - 1);
  begin();
  await settle();
  send('other', ROUND - 1);
  await settle();
  expect(readOf('other')).toBe(2 * (ROUND - 1));
});

it('every body comes to its end, and those that have gone hold up none', async () => {
  const { send, readOf, settle, begin, awaited } = setUp();
  const size = 10 * CHUNK;
  const bodies = Array.from({ length: 8 }, () => send('one', size));
  await settle();
  bodies.slice(0, 4).forEach((each) => each.destroy());
  const ended = bodies.slice(4);
  for (let round = 0; round < 100 && !ended.every((each) => each.readableEnded); round += 1) {
    begin();
    await settle();
  }
  expect(ended.every((each) => each.readableEnded)).toBe(true);
  expect(readOf('one')).toBeGreaterThanOrEqual(4 * size);
  begin();
  expect(awaited()).toBe(0);
});

it('charges small chunks to their owner, and to no other', async () => {
  const { send, rounds, readOf, settle, begin } = setUp();
  const body = new Readable({ read: () => undefined });
  body.on('data', () => undefined);
  // About as much work for the parser as 5 MB: twenty rounds.
  for (let i = 0; i < 10_000; i += 1) rounds.take('hostile', body, 1);
  expect(body.isPaused()).toBe(true);
  send('other', 3 * ROUND);
  for (let round = 0; round < 15; round += 1) {
    begin();
    await settle();
    expect(body.isPaused()).toBe(true);
  }
  expect(readOf('other')).toBe(3 * ROUND);
  for (let round = 0; round < 10; round += 1) begin();
  expect(body.isPaused()).toBe(false);
});
