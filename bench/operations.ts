/** The same 10,000 messages as one operation, as a hundred and as ten thousand. */
import {
  body,
  countDelivered,
  expectExact,
  median,
  MESSAGES,
  print,
  rateOf,
  show,
  untilCounted,
} from './measure.ts';
import type { BenchServer } from './server.ts';

const COUNTS = [1, 100, 10_000];
const ROUNDS = 3;
/** Requests under way at a time. */
const CLIENTS = 32;

export async function benchOperations(server: BenchServer, databaseUrl: string): Promise<void> {
  const bodies = COUNTS.map((count) => body({}, MESSAGES / count));
  const sent: number[][] = COUNTS.map(() => []);
  const accepted: number[][] = COUNTS.map(() => []);
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [which, count] of COUNTS.entries()) {
      const before = await countDelivered(databaseUrl);
      const startedAt = performance.now();
      await sendMany(server, bodies[which] ?? Buffer.alloc(0), count);
      const acceptedMs = performance.now() - startedAt;
      await untilCounted(databaseUrl, before + MESSAGES);
      if (round < 0) continue;
      accepted[which]?.push(acceptedMs);
      sent[which]?.push(performance.now() - startedAt);
    }
  }
  await expectExact(databaseUrl);
  const ofOne = rateOf(MESSAGES, median(sent[0] ?? []));
  for (const [which, count] of COUNTS.entries()) {
    const rate = rateOf(MESSAGES, median(sent[which] ?? []));
    print(
      `operations   ${show(count).padStart(6)} of ${show(MESSAGES / count).padStart(6)} messages   ${show(rate).padStart(7)}/s   ratio ${(rate / ofOne).toFixed(2)}   (all accepted after ${(100 * (median(accepted[which] ?? []) / median(sent[which] ?? []))).toFixed(0)}% of the time)`,
    );
  }
}

async function sendMany(
  server: BenchServer,
  text: Buffer<ArrayBuffer>,
  count: number,
): Promise<void> {
  let left = count;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      await server.send(text);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CLIENTS, count) }, client));
}
