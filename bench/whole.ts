/** The whole server relative to the floor: acceptance, end to end, reads meanwhile, and memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  body,
  laterBody,
  median,
  MESSAGES,
  percentile,
  print,
  rateOf,
  sendAll,
  show,
} from './measure.ts';
import type { Floor } from './floor.ts';
import type { BenchServer } from './server.ts';

const ACCEPT_ROUNDS = 15;
const END_TO_END_ROUNDS = 5;
/** Operations of one end-to-end round. */
const OPERATIONS = 5;
const FLOOR_WORKERS = 4;
const READ_ROUNDS = 20;

function printBeside(name: string, floor: number, fanfare: number): void {
  print(
    `${name.padEnd(12)} floor ${show(floor).padStart(8)}/s   fanfare ${show(fanfare).padStart(8)}/s   ratio ${(fanfare / floor).toFixed(2)}`,
  );
}

/** Accepts only. */
export async function benchAccept(floor: Floor, server: BenchServer): Promise<void> {
  const later = laterBody();
  const floorMs: number[] = [];
  const serverMs: number[] = [];
  for (let round = -2; round < ACCEPT_ROUNDS; round += 1) {
    const one = await floor.accept();
    const other = (await server.send(later)).tookMs;
    if (round >= 0) {
      floorMs.push(one);
      serverMs.push(other);
    }
  }
  printBeside('accept', rateOf(MESSAGES, median(floorMs)), rateOf(MESSAGES, median(serverMs)));
}

export async function benchEndToEnd(floor: Floor, server: BenchServer): Promise<void> {
  const text = body();
  const floorMs: number[] = [];
  const serverMs: number[] = [];
  for (let round = -1; round < END_TO_END_ROUNDS; round += 1) {
    const one = await floor.endToEnd(OPERATIONS, FLOOR_WORKERS);
    const other = await sendAll(server, text, OPERATIONS);
    if (round >= 0) {
      floorMs.push(one);
      serverMs.push(other);
    }
  }
  const all = OPERATIONS * MESSAGES;
  printBeside('end to end', rateOf(all, median(floorMs)), rateOf(all, median(serverMs)));
}

/**
 * How long it takes to read an operation between its 202 and its last receipt, beside a bare select of its row by a client
 * of PostgreSQL: what no server in front of it can be quicker than.
 */
export async function benchReads(server: BenchServer, databaseUrl: string): Promise<void> {
  const text = body();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const readMs: number[] = [];
  const selectMs: number[] = [];
  for (let round = 0; round < READ_ROUNDS; round += 1) {
    const { location } = await server.send(text);
    for (let running = true; running;) {
      const startedAt = performance.now();
      const { stats } = await server.read(location);
      const readAt = performance.now();
      await client.query('select * from operation order by id desc limit 1');
      readMs.push(readAt - startedAt);
      selectMs.push(performance.now() - readAt);
      running = (stats['delivered'] ?? 0) < MESSAGES;
      await sleep(2);
    }
  }
  await client.end();
  const times = (ms: readonly number[]) =>
    `p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`;
  print(
    `read         select ${times(selectMs)}   fanfare ${times(readMs)}   ratio of p99 ${(percentile(readMs, 0.99) / percentile(selectMs, 0.99)).toFixed(2)}   over ${show(readMs.length)} reads of running operations`,
  );
}

/** Memory over many messages. */
export async function benchMemory(server: BenchServer, messages: number): Promise<void> {
  const text = body();
  const operations = Math.ceil(messages / MESSAGES);
  const memory: number[] = [];
  for (let sent = 0; sent < operations; sent += OPERATIONS) {
    await sendAll(server, text, Math.min(OPERATIONS, operations - sent));
    memory.push(Math.round((await server.measureMemory()) / 2 ** 20));
  }
  const quarter = Math.max(1, Math.floor(memory.length / 4));
  const quarters = [0, 1, 2, 3].map((i) =>
    Math.max(...memory.slice(i * quarter, (i + 1) * quarter)),
  );
  print(
    `memory       ${show(operations * MESSAGES)} messages; largest of each quarter: ${quarters.map((each) => `${each} MB`).join(', ')}`,
  );
}
