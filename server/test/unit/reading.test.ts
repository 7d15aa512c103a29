/** Reading in turns: how many bytes of an owner are read, whatever it sends, and who has a turn when. */
import { Readable } from 'node:stream';
import { setImmediate as nextRound } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTurns, type Owner } from '../../src/http/edge/reading.ts';

const CHUNK = 65_536;
const TURN = 4 * CHUNK;

/** Turns that begin when the test says so, and bodies that bring bytes as fast as they are taken. */
function setUp() {
  const begins: (() => void)[] = [];
  const turns = createTurns(TURN, (begin) => begins.push(begin));
  const read = new Map<Owner, number>();
  return {
    turns,
    readOf: (owner: Owner) => read.get(owner) ?? 0,
    awaited: () => begins.length,
    /** All that may be read before the next turn has been once many rounds have passed. */
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
        turns.take(owner, body, chunk.length);
      });
      return body;
    },
  };
}

it('an owner is read so many bytes of in a turn, however many bodies it sends', async () => {
  const { send, readOf, settle, begin } = setUp();
  const BODIES = 32;
  for (let i = 0; i < BODIES; i += 1) send('hostile');
  await settle();
  // Each brings a chunk before it can be paused.
  expect(readOf('hostile')).toBeLessThanOrEqual(TURN + BODIES * CHUNK);
  for (let turn = 0; turn < 10; turn += 1) {
    const before = readOf('hostile');
    begin();
    await settle();
    expect(readOf('hostile') - before).toBeLessThanOrEqual(2 * TURN);
    expect(readOf('hostile')).toBeGreaterThan(before);
  }
});

it('an owner that has had its turn takes none from another', async () => {
  const { send, readOf, settle, begin } = setUp();
  for (let i = 0; i < 32; i += 1) send('hostile');
  await settle();
  send('other', TURN - 1);
  await settle();
  expect(readOf('other')).toBe(TURN - 1);
  begin();
  await settle();
  send('other', TURN - 1);
  await settle();
  expect(readOf('other')).toBe(2 * (TURN - 1));
});

it('every body comes to its end, and those that have gone hold up none', async () => {
  const { send, readOf, settle, begin, awaited } = setUp();
  const size = 10 * CHUNK;
  const bodies = Array.from({ length: 8 }, () => send('one', size));
  await settle();
  bodies.slice(0, 4).forEach((each) => each.destroy());
  const ended = bodies.slice(4);
  for (let turn = 0; turn < 100 && !ended.every((each) => each.readableEnded); turn += 1) {
    begin();
    await settle();
  }
  expect(ended.every((each) => each.readableEnded)).toBe(true);
  expect(readOf('one')).toBeGreaterThanOrEqual(4 * size);
  begin();
  expect(awaited()).toBe(0);
});

it('small chunks cost their owner turns, and nobody else', async () => {
  const { send, turns, readOf, settle, begin } = setUp();
  const body = new Readable({ read: () => undefined });
  body.on('data', () => undefined);
  // About as much work for the parser as 5 MB: twenty turns.
  for (let i = 0; i < 10_000; i += 1) turns.take('hostile', body, 1);
  expect(body.isPaused()).toBe(true);
  send('other', 3 * TURN);
  for (let turn = 0; turn < 15; turn += 1) {
    begin();
    await settle();
    expect(body.isPaused()).toBe(true);
  }
  expect(readOf('other')).toBe(3 * TURN);
  for (let turn = 0; turn < 10; turn += 1) begin();
  expect(body.isPaused()).toBe(false);
});
