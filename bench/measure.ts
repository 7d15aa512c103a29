/** Common parts of the benchmarks: bodies to send, medians, and lines to print. */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { BenchServer } from './server.ts';

/** Recipients of a body: as many as one request may have. */
export const MESSAGES = 10_000;

/** A request, encoded once: the client's cost of encoding is not the server's. */
export const body = (extra: object = {}, recipients = MESSAGES): Buffer<ArrayBuffer> =>
  Buffer.from(
    JSON.stringify({
      to: Array.from({ length: recipients }, (_, i) => ({
        address: `+1500556${String(i).padStart(4, '0')}`,
        channel: 'PHONE',
        variables: { name: `Ada ${i}` },
      })),
      content: { text: 'Hello {{ name }}, your order is on its way.' },
      ...extra,
    }),
  );

/** A request from this sender without variables, to consecutive numbers. */
export const bodyFrom = (
  from: string,
  recipients: number,
  first = 15_005_560_000,
): Buffer<ArrayBuffer> =>
  Buffer.from(
    JSON.stringify({
      to: Array.from({ length: recipients }, (_, i) => ({
        address: `+${first + i}`,
        channel: 'PHONE',
      })),
      content: { text: 'Hello, your order is on its way.' },
      from: { channel: 'SMS', address: from },
    }),
  );

/** What the simulator has accepted, by its journal. Times are in milliseconds of the epoch. */
export async function readJournal(
  file: string,
): Promise<{ readonly from: string; readonly to: string; readonly at: number }[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return lines.map((line) => {
    const { from, to, at } = JSON.parse(line) as { from: string; to: string; at: string };
    return { from, to, at: Date.parse(at) };
  });
}

/** A request whose messages are due in a day, so that nothing is sent beside. */
export const laterBody = (recipients = MESSAGES): Buffer<ArrayBuffer> =>
  body({ schedule: { sendAt: [new Date(Date.now() + 86_400_000).toISOString()] } }, recipients);

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Messages a second. */
export const rateOf = (messages: number, ms: number): number => Math.round((messages / ms) * 1000);

export const show = (value: number): string => value.toLocaleString('en');

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Resolves when all operations have `recipients` messages of this status. */
export async function untilReached(
  server: BenchServer,
  locations: readonly string[],
  status: 'sent' | 'delivered',
  recipients: number,
): Promise<void> {
  for (const location of locations)
    while (((await server.read(location)).stats[status] ?? 0) < recipients) await sleep(20);
}

/** Milliseconds from the first request to the last receipt of `operations` operations. */
export async function sendAll(
  server: BenchServer,
  text: Buffer<ArrayBuffer>,
  operations: number,
): Promise<number> {
  const startedAt = performance.now();
  const locations: string[] = [];
  for (let i = 0; i < operations; i += 1) locations.push((await server.send(text)).location);
  await untilReached(server, locations, 'delivered', MESSAGES);
  return performance.now() - startedAt;
}

/** Resolves when the counters of all operations say that `delivered` messages are. */
export async function untilCounted(databaseUrl: string, delivered: number): Promise<void> {
  while ((await countDelivered(databaseUrl)) < delivered) await sleep(20);
}

/** Delivered messages by the counters of all operations. */
export function countDelivered(databaseUrl: string): Promise<number> {
  return count(databaseUrl, 'select coalesce(sum(delivered), 0)::int as count from operation');
}

/** Throws unless the counters of all operations agree with the rows. */
export async function expectExact(databaseUrl: string): Promise<void> {
  const counted = await countDelivered(databaseUrl);
  const rows = await count(
    databaseUrl,
    `select count(*)::int as count from message where status = 'DELIVERED'`,
  );
  if (counted !== rows) throw new Error(`Counters say ${counted}, rows ${rows} delivered.`);
}

async function count(databaseUrl: string, query: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(query);
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}
