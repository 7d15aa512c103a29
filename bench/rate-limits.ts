/** Rate limits: the rates that limited senders reach, and the slowdown of an unlimited sender beside a slow one. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyFrom, readJournal } from './measure.ts';
import { startServer, type BenchServer } from './server.ts';

const RATES = [1, 10, 200];
/** How long each of them sends, in seconds. */
const SECONDS = 20;
const FREE = '+15005550100';
const SLOW = '+15005550199';
/** Messages of the sender without a limit in one round. */
const FREE_MESSAGES = 10_000;
const ROUNDS = 5;

const addressOf = (rate: number) => `+1500555${String(9_000 + rate)}`;

async function sendAndWait(server: BenchServer, from: string, count: number): Promise<number> {
  const startedAt = performance.now();
  const { location } = await server.send(bodyFrom(from, count));
  while (((await server.read(location)).stats['delivered'] ?? 0) < count) await sleep(20);
  return performance.now() - startedAt;
}

/** First and last submission of each sender, from the carrier's own journal. */
async function readSpans(file: string): Promise<Map<string, { count: number; ms: number }>> {
  const times = new Map<string, number[]>();
  for (const { from, at } of await readJournal(file))
    times.set(from, [...(times.get(from) ?? []), at]);
  return new Map(
    [...times].map(([from, all]) => [
      from,
      { count: all.length, ms: (all.at(-1) ?? 0) - (all[0] ?? 0) },
    ]),
  );
}

/** Runs both parts on a database of their own. */
export async function benchRateLimits(
  databaseUrl: string,
  folder: string,
  print: (line: string) => void,
): Promise<void> {
  const journalFile = join(folder, 'rate-limits.journal');
  const sender = (address: string, throughput?: number) => ({
    address,
    channel: 'SMS',
    carrier: 'simulator',
    ...(throughput === undefined ? {} : { throughput }),
  });
  const senders = [
    sender(FREE),
    sender(SLOW, 1),
    ...RATES.map((rate) => sender(addressOf(rate), rate)),
  ];
  const limited = await startServer(databaseUrl, folder, { senders, journalFile });
  try {
    await Promise.all(
      RATES.map((rate) => sendAndWait(limited, addressOf(rate), rate * SECONDS + 1)),
    );
  } finally {
    await limited.stop();
  }
  const spans = await readSpans(journalFile);
  for (const rate of RATES) {
    const { count = 0, ms = NaN } = spans.get(addressOf(rate)) ?? {};
    const achieved = ((count - 1) * 1000) / ms;
    print(
      `rate-limits  ${String(rate).padStart(4)}/s configured   ${achieved.toFixed(3).padStart(8)}/s achieved   off by ${((achieved / rate - 1) * 100).toFixed(2)}%`,
    );
  }

  const server = await startServer(databaseUrl, folder, { senders });
  const alone: number[] = [];
  const beside: number[] = [];
  try {
    await sendAndWait(server, FREE, FREE_MESSAGES);
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await sendAndWait(server, FREE, FREE_MESSAGES));
      const { location } = await server.send(bodyFrom(SLOW, FREE_MESSAGES));
      beside.push(await sendAndWait(server, FREE, FREE_MESSAGES));
      await server.cancel(location);
    }
  } finally {
    await server.stop();
  }
  const [a, b] = [alone, beside].map(
    (all) => all.toSorted((x, y) => x - y)[Math.floor(all.length / 2)] ?? NaN,
  );
  print(
    `unlimited    alone ${((FREE_MESSAGES / (a ?? NaN)) * 1000).toFixed(0)}/s   beside a slow sender with ${FREE_MESSAGES} waiting ${((FREE_MESSAGES / (b ?? NaN)) * 1000).toFixed(0)}/s   ratio ${((a ?? NaN) / (b ?? NaN)).toFixed(2)}`,
  );
}
