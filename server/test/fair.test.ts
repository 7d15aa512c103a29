/** Turns: nobody's many messages hold up another's few, neither of another account nor of another operation. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { recipients, smsOnly, text, until, useFanfare, type Json } from './support/fanfare.ts';

const CROWD = 4;
const MANY = 1_500;

it('serves accounts and their operations in turns', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-fair-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const journalFile = join(folder, 'journal.ndjson');
  const options = {
    config: {
      dispatch: { batchesPerLaneMax: 2 },
      carriers: {
        simulator: {
          journalFile,
          windowMax: 50,
          answerDelayMs: { min: 0, max: 2 },
          receiptDelayMs: { min: 0, max: 2 },
          throughputPerSecond: 600,
        },
      },
    },
  };
  const [fanfare, other] = [await useFanfare(options), await useFanfare(options)];
  /** The words of all that was handed over so far, in its order: what it tells is no matter of when it is read. */
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
  for (const id of crowd) await fanfare.watch(id, ({ status }) => status === 'COMPLETED');

  const journal = await readJournal();
  expect(journal).toHaveLength(CROWD * MANY + 20);
  // Both had their turn while the crowd still waited: in turn it takes two to seven of the crowd's twelve batches, else all of them.
  const isCrowd = (words: string) => words.startsWith('Many');
  const left = CROWD * MANY - before.filter(isCrowd).length;
  expect(left).toBeGreaterThan(CROWD * MANY * 0.5);
  for (const words of ['Few of another account', 'Few of the same account']) {
    const lastOfFew = journal.lastIndexOf(words);
    expect(journal.slice(lastOfFew).filter(isCrowd).length).toBeGreaterThan(left / 10);
  }
  // They end together: none of the crowd is done before all have begun.
  const names = crowd.map((_, i) => `Many ${i}`);
  const lastBegun = Math.max(...names.map((words) => journal.indexOf(words)));
  const firstDone = Math.min(...names.map((words) => journal.lastIndexOf(words)));
  expect(lastBegun).toBeLessThan(firstDone);
}, 90_000);
