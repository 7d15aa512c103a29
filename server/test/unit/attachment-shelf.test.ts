/** Attachments while their e-mails are sent: read once, with bounded memory. */
import { describe, expect, it } from 'vitest';
import { AttachmentShelf } from '../../src/dispatch/attachment-shelf.ts';

const notes = (...sizes: number[]) =>
  sizes.map((size, i) => ({ filename: `${i}`, contentType: 'text/plain', size }));
const batch = (operationId: string) => ({ accountId: 1, operationId });

/** A shelf of 10 bytes, and its reads. */
function open(read = async (size: number) => new Uint8Array(size)) {
  const reads: string[] = [];
  const shelf = new AttachmentShelf(async (_account, operationId) => {
    reads.push(operationId);
    return [await read(Number(operationId.split('/')[1]))];
  }, 10);
  const hold = (operationId: string) =>
    shelf.hold(batch(operationId), notes(Number(operationId.split('/')[1])));
  return { hold, reads, shelf };
}

/** Whether a promise is still waiting after everything else has had its turn. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  const turn = new Promise((resolve) => setImmediate(() => resolve('waiting')));
  return (await Promise.race([promise, turn])) === 'waiting';
}

describe('the shelf of attachments', () => {
  it('reads the files of an operation once while they have room', async () => {
    const { hold, reads } = open();
    const [first, second] = await Promise.all([hold('a/4'), hold('a/4')]);
    expect(first.attachments).toBe(second.attachments);
    expect(first.attachments).toMatchObject([{ filename: '0', contentType: 'text/plain' }]);
    first.release();
    second.release();
    (await hold('a/4')).release();
    (await hold('b/4')).release();
    expect(reads).toEqual(['a/4', 'b/4']);
    // The longest unused goes first.
    (await hold('a/4')).release();
    (await hold('c/4')).release();
    (await hold('a/4')).release();
    (await hold('b/4')).release();
    expect(reads).toEqual(['a/4', 'b/4', 'c/4', 'b/4']);
  });

  it('makes callers without room wait, and takes an operation that is larger than the shelf alone', async () => {
    const { hold } = open();
    const [one, two] = await Promise.all([hold('a/6'), hold('b/4')]);
    const third = hold('c/30');
    const fourth = hold('a/6');
    expect(await isWaiting(third)).toBe(true);
    (await fourth).release();
    one.release();
    expect(await isWaiting(third)).toBe(true);
    two.release();
    const large = await third;
    const fifth = hold('b/4');
    expect(await isWaiting(fifth)).toBe(true);
    large.release();
    (await fifth).release();
  });

  it('reads nothing for operations without files, and keeps no failure', async () => {
    let isBroken = true;
    const { hold, shelf } = open(async (size) => {
      if (isBroken) throw new Error('away');
      return new Uint8Array(size);
    });
    expect((await shelf.hold(batch('x'), [])).attachments).toEqual([]);
    await expect(hold('a/10')).rejects.toThrow('away');
    isBroken = false;
    (await hold('b/10')).release();
    expect((await hold('a/10')).attachments).toHaveLength(1);
  });
});
