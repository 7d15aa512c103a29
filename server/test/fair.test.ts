/** Fair shares: many messages delay no few messages of another account or operation. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { recipients, smsOnly, text, until, useFanfare, type Json } from './support/fanfare.ts';

const CROWD = 4;
const MANY = 1_500;
/** Messages of a batch. */
const BATCH = 500;

it('serves accounts and their operations in rotation', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-fair-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const journalFile = join(folder, 'journal.ndjson');
  const options = {
    config: {
      dispatch: { batchesPerCarrierMax: 2 },
      carriers: {
        simulator: {
          journalFile,
          windowMax: 50,
          answerDelayMs: { min: 0, max: 2 },
          receiptDelayMs: { min: 0, max: 2 },
          throughputPerSecond: 400,
        },
      },
    },
  };
  const [fanfare, other] = [await useFanfare(options), await useFanfare(options)];
  /** The texts of all submissions so far, in their order, whenever it is read. */
  const readJournal = async (): Promise<string[]> =>
    (await readFile(journalFile, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as Json)['text']);

  const crowd: string[] = [];
  for (let i = 0; i < CROWD; i += 1)
    crowd.push(
      await fanfare.send({ to: recipients(MANY), content: text(`Many ${i}`), ...smsOnly }),
    );
  await until(async () => (await fanfare.operation(crowd[0] ?? ''))['stats'].sent > 0);

  const few = (words: string) => ({ to: recipients(10), content: text(words), ...smsOnly });
  const others = await other.send(few('Few of another account'));
  const own = await fanfare.send(few('Few of the same account'));
  const before = await readJournal();
  await fanfare.watch(own, ({ status }) => status === 'COMPLETED');
  await other.watch(others, ({ status }) => status === 'COMPLETED');

  const journal = await readJournal();
  const isCrowd = (words: string) => words.startsWith('Many');
  const waitedFor = (words: string) =>
    journal.slice(before.length, journal.lastIndexOf(words)).filter(isCrowd).length;
  // Two batches are at work; then the other account is next, and the own operation within a round of the five.
  expect(CROWD * MANY - before.filter(isCrowd).length).toBeGreaterThan(8 * BATCH);
  expect(waitedFor('Few of another account')).toBeLessThan(4 * BATCH);
  expect(waitedFor('Few of the same account')).toBeLessThan(8 * BATCH);
  // The crowd's operations are as far as each other: all have begun, and none is done.
  for (const [i] of crowd.entries()) {
    const sent = journal.filter((words) => words === `Many ${i}`).length;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(MANY);
  }
}, 90_000);
