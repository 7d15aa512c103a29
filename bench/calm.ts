/**
 * How calm a small send stays: the time from the request of one message until the carrier has it, alone, and beside
 * operations of 10,000 that follow each other and 1,500 messages of a rate-limited sender. Times are the carrier's, from
 * its journal, in whole milliseconds.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyFrom, median, MESSAGES, percentile, print, readJournal } from './measure.ts';
import { startServer, type BenchServer } from './server.ts';

const FREE = '+15005550100';
const PACED = '+15005550199';
const PACED_PER_SECOND = 15;
const PACED_MESSAGES = 1_500;
/** Small sends, and the pause between two. */
const SENDS = 200;
const PAUSE_MS = 50;
const FIRST_ALONE = 15_005_570_000;
const FIRST_BESIDE = 15_005_580_000;

export async function benchCalm(databaseUrl: string, folder: string): Promise<void> {
  const journalFile = join(folder, 'calm.journal');
  const senders = [
    { address: FREE, channel: 'SMS', carrier: 'simulator' },
    { address: PACED, channel: 'SMS', carrier: 'simulator', throughput: PACED_PER_SECOND },
  ];
  const server = await startServer(databaseUrl, folder, { senders, journalFile });
  try {
    const alone = await sendSmall(server, FIRST_ALONE);
    let isOver = false;
    await server.send(bodyFrom(PACED, PACED_MESSAGES, 15_005_600_000));
    const crowd = (async () => {
      let operations = 0;
      for (; !isOver; operations += 1) {
        const { location } = await server.send(bodyFrom(FREE, MESSAGES, 15_005_610_000));
        while (!isOver && ((await server.read(location)).stats['queued'] ?? 0) > 0) await sleep(20);
      }
      return operations;
    })();
    const beside = await sendSmall(server, FIRST_BESIDE);
    isOver = true;
    const operations = await crowd;
    const taken = new Map((await readJournal(journalFile)).map(({ to, at }) => [to, at]));
    show('alone', alone, taken);
    show(`beside ${operations} operations of 10,000`, beside, taken);
  } finally {
    await server.stop();
  }
}

/** When each number was requested. */
async function sendSmall(server: BenchServer, first: number): Promise<Map<string, number>> {
  const requested = new Map<string, number>();
  for (let i = 0; i < SENDS; i += 1) {
    requested.set(`+${first + i}`, Date.now());
    await server.send(bodyFrom(FREE, 1, first + i));
    await sleep(PAUSE_MS);
  }
  await sleep(2_000);
  return requested;
}

function show(what: string, requested: Map<string, number>, taken: Map<string, number>): void {
  const times = [...requested].map(([to, at]) => (taken.get(to) ?? NaN) - at);
  if (times.some(Number.isNaN)) throw new Error('A message did not come to the carrier in time.');
  print(
    `calm         one message ${what}: at the carrier after ${median(times)} ms, p99 ${percentile(times, 0.99)} ms`,
  );
}
