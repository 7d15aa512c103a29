/** The same work on one, two and four nodes of one database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { body, median, MESSAGES, print, rateOf, show, untilReached } from './measure.ts';
import { startServer, type BenchServer } from './server.ts';

const COUNTS = [1, 2, 4];
const ROUNDS = 4;
const OPERATIONS = 8;

export async function benchNodes(databaseUrl: string, folder: string): Promise<void> {
  let ofOne = 0;
  for (const count of COUNTS) {
    const servers: BenchServer[] = [];
    try {
      while (servers.length < count)
        servers.push(await startServer(databaseUrl, folder, { databaseConnections: 4 }));
      const ms: number[] = [];
      for (let round = -1; round < ROUNDS; round += 1) {
        const took = await sendToAll(servers);
        if (round >= 0) ms.push(took);
      }
      const rate = rateOf(OPERATIONS * MESSAGES, median(ms));
      ofOne ||= rate;
      print(
        `nodes        ${count}   ${show(rate).padStart(8)}/s   ratio ${(rate / ofOne).toFixed(2)}`,
      );
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
    await sleep(500);
  }
}

/** Requests go to each node in turn, as a load balancer would send them. */
async function sendToAll(servers: readonly BenchServer[]): Promise<number> {
  const text = body();
  const startedAt = performance.now();
  const locations = await Promise.all(
    Array.from({ length: OPERATIONS }, async (_, i) => {
      const server = servers[i % servers.length];
      return (await server?.send(text))?.location ?? '';
    }),
  );
  const [first] = servers;
  if (first !== undefined) await untilReached(first, locations, 'delivered', MESSAGES);
  return performance.now() - startedAt;
}
