/**
 * `npm run bench`: Fanfare beside the floor, in one run on one PostgreSQL, as ratios. Rounds of both alternate, so that
 * a noisy machine is noisy for both; medians are compared.
 *
 * `npm run bench -- --messages 1000000` sets how many messages the memory run sends (200,000 unless said);
 * `--only accept`, `end-to-end`, `read`, `pace`, `memory` or `smpp` runs that part alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEmbedded } from 'fanfare/dist/store/embedded.js';
import { MESSAGES, openFloor, type Floor } from './floor.ts';
import { benchPace } from './pace.ts';
import { startServer, type BenchServer } from './server.ts';
import { benchSmpp } from './smpp.ts';

const ACCEPT_ROUNDS = 15;
const END_TO_END_ROUNDS = 5;
/** Operations of one end-to-end round. */
const OPERATIONS = 5;
const FLOOR_WORKERS = 4;
const READ_ROUNDS = 20;

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '200000' },
    only: { type: 'string', default: '' },
  },
});
const isWanted = (part: string) => values.only === '' || values.only === part;

/** Encoded once: what the client pays for that is not the server's. */
const body = (extra: object = {}) =>
  Buffer.from(
    JSON.stringify({
      to: Array.from({ length: MESSAGES }, (_, i) => ({
        address: `+1500556${String(i).padStart(4, '0')}`,
        channel: 'PHONE',
        variables: { name: `Ada ${i}` },
      })),
      content: { text: 'Hello {{ name }}, your order is on its way.' },
      ...extra,
    }),
  );

const median = (values_: readonly number[]) =>
  values_.toSorted((a, b) => a - b)[Math.floor(values_.length / 2)] ?? NaN;
const percentile = (values_: readonly number[], share: number) =>
  values_.toSorted((a, b) => a - b)[
    Math.min(values_.length - 1, Math.floor(values_.length * share))
  ] ?? NaN;
const rate = (messages: number, ms: number) => Math.round((messages / ms) * 1000);
const show = (value: number) => value.toLocaleString('en');

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Accepts only: messages scheduled a day ahead, so that nothing is sent beside. */
async function benchAccept(floor: Floor, server: BenchServer): Promise<void> {
  const later = body({ schedule: { sendAt: [new Date(Date.now() + 86_400_000).toISOString()] } });
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
  const [a, b] = [rate(MESSAGES, median(floorMs)), rate(MESSAGES, median(serverMs))];
  print(
    `accept       floor ${show(a).padStart(8)}/s   fanfare ${show(b).padStart(8)}/s   ratio ${(b / a).toFixed(2)}`,
  );
}

async function sendAll(
  server: BenchServer,
  text: Buffer<ArrayBuffer>,
  operations: number,
): Promise<number> {
  const startedAt = performance.now();
  const locations: string[] = [];
  for (let i = 0; i < operations; i += 1) locations.push((await server.send(text)).location);
  for (const location of locations)
    while (((await server.read(location)).stats['delivered'] ?? 0) < MESSAGES) await sleep(20);
  return performance.now() - startedAt;
}

async function benchEndToEnd(floor: Floor, server: BenchServer): Promise<void> {
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
  const [a, b] = [rate(all, median(floorMs)), rate(all, median(serverMs))];
  print(
    `end to end   floor ${show(a).padStart(8)}/s   fanfare ${show(b).padStart(8)}/s   ratio ${(b / a).toFixed(2)}`,
  );
}

/** How long it takes to read an operation between its 202 and its last receipt. */
async function benchReads(server: BenchServer): Promise<void> {
  const text = body();
  const readMs: number[] = [];
  for (let round = 0; round < READ_ROUNDS; round += 1) {
    const { location } = await server.send(text);
    for (let running = true; running;) {
      const startedAt = performance.now();
      const { stats } = await server.read(location);
      readMs.push(performance.now() - startedAt);
      running = (stats['delivered'] ?? 0) < MESSAGES;
      await sleep(2);
    }
  }
  print(
    `read         p50 ${percentile(readMs, 0.5).toFixed(1)} ms   p99 ${percentile(readMs, 0.99).toFixed(1)} ms   over ${show(readMs.length)} reads of running operations`,
  );
}

/** What memory does over many messages. */
async function benchMemory(server: BenchServer, messages: number): Promise<void> {
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

/** How fast an SMPP session submits, beside npm `smpp`. Needs no server and no database. */
async function benchSubmit(): Promise<void> {
  const { theirs, ours } = await benchSmpp();
  print(
    `smpp         npm   ${show(Math.round(theirs)).padStart(8)}/s   fanfare ${show(Math.round(ours)).padStart(8)}/s   ratio ${(ours / theirs).toFixed(2)}`,
  );
}

/** The parts that need a server on a database. */
async function benchWhole(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-bench-'));
  const engine = await startEmbedded({ dataDir: join(folder, 'data') });
  try {
    const server = await startServer(engine.url, folder);
    try {
      const floor = await openFloor(engine.url);
      print(
        `Node ${process.version}, embedded PostgreSQL, ${MESSAGES.toLocaleString('en')} messages an operation\n`,
      );
      if (isWanted('accept')) await benchAccept(floor, server);
      if (isWanted('end-to-end')) await benchEndToEnd(floor, server);
      await floor.close();
      if (isWanted('read')) await benchReads(server);
      if (isWanted('memory')) await benchMemory(server, Number(values.messages));
    } finally {
      await server.stop();
    }
    if (isWanted('pace')) await benchPace(engine.url, folder, print);
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (isWanted('smpp')) await benchSubmit();
if (values.only !== 'smpp') await benchWhole();
