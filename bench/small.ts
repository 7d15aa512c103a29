/**
 * Requests of one message, beside a bare Fastify that parses the same body and answers 202, and beside BullMQ behind the
 * same Fastify, with a row for each message. All run in turns, with the same clients. What was accepted must be delivered
 * exactly once: the operations' counters are compared with the rows.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  body,
  countDelivered,
  expectExact,
  median,
  percentile,
  print,
  rateOf,
  show,
  untilCounted,
} from './measure.ts';
import { createTable, startWorker, type WorkerOptions } from './peers/queue-peer.ts';
import { startRedis } from './peers/redis.ts';
import { hasProgram } from './peers.ts';
import type { BenchServer } from './server.ts';

const REQUESTS = 5_000;
const CLIENTS = 32;
const ROUNDS = 3;
/** One alone, with nothing else going on. */
const ALONE = 200;

const TABLE = 'bench_small';

/** Something that takes requests; `settle` sends them all, and resolves when all that they asked for is done. */
interface Side {
  readonly name: string;
  settle(): Promise<{ acceptedMs: number; settledMs: number; answers: number[] }>;
  stop(): Promise<void>;
}

export async function benchSmall(
  server: BenchServer,
  databaseUrl: string,
  folder: string,
): Promise<void> {
  const text = body({}, 1);
  const sides: Side[] = [openFanfare(server, databaseUrl, text)];
  try {
    sides.push(await openEcho(text));
    if (await hasProgram('redis-server')) sides.push(await openBullmq(databaseUrl, folder, text));
    else print('small        redis-server is not installed: without BullMQ');
    await compare(sides);
    await expectExact(databaseUrl);
  } finally {
    for (const side of sides.toReversed()) await side.stop();
  }
  const alone: number[] = [];
  for (let i = 0; i < ALONE; i += 1) {
    alone.push((await server.send(text)).tookMs);
    await sleep(5);
  }
  print(
    `small        one alone: 202 after ${median(alone).toFixed(1)} ms, p99 ${percentile(alone, 0.99).toFixed(1)} ms`,
  );
}

async function compare(sides: readonly Side[]): Promise<void> {
  const accepted = sides.map((): number[] => []);
  const settled = sides.map((): number[] => []);
  const answers = sides.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round += 1)
    for (const [which, side] of sides.entries()) {
      const took = await side.settle();
      if (round < 0) continue;
      accepted[which]?.push(took.acceptedMs);
      settled[which]?.push(took.settledMs);
      answers[which]?.push(...took.answers);
    }
  const rate = (ms: readonly number[] = []) => rateOf(REQUESTS, median(ms));
  const ours = rate(settled[0]);
  for (const [which, { name }] of sides.entries()) {
    const times = answers[which] ?? [];
    print(
      `small        ${name.padEnd(8)} ${show(rate(accepted[which])).padStart(6)}/s accepted, ${show(rate(settled[which])).padStart(6)}/s settled   fanfare has ${(ours / rate(settled[which])).toFixed(2)} of it   (202 after ${median(times).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms)`,
    );
  }
}

function openFanfare(server: BenchServer, databaseUrl: string, text: Buffer<ArrayBuffer>): Side {
  return {
    name: 'fanfare',
    async settle() {
      const before = await countDelivered(databaseUrl);
      const startedAt = performance.now();
      const { ms, answers } = await sendMany(async () => (await server.send(text)).tookMs);
      await untilCounted(databaseUrl, before + REQUESTS);
      return { acceptedMs: ms, settledMs: performance.now() - startedAt, answers };
    },
    stop: async () => undefined,
  };
}

/** Its requests are settled when they are answered. */
async function openEcho(text: Buffer<ArrayBuffer>): Promise<Side> {
  const echo = await startProcess('fastify-echo');
  return {
    name: 'fastify',
    async settle() {
      const { ms, answers } = await sendMany(() => post(echo.url, text));
      return { acceptedMs: ms, settledMs: ms, answers };
    },
    stop: async () => echo.stop(),
  };
}

async function openBullmq(
  databaseUrl: string,
  folder: string,
  text: Buffer<ArrayBuffer>,
): Promise<Side> {
  const redisFolder = join(folder, 'redis');
  await mkdir(redisFolder);
  const redis = await startRedis(redisFolder);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  await createTable(pool, TABLE);
  await pool.end();
  const options: WorkerOptions = { queue: 'bullmq', databaseUrl, redisPort: redis.port };
  const worker = await startWorker(options, TABLE);
  const http = await startProcess('queue-server', JSON.stringify(options), TABLE);
  return {
    name: 'bullmq',
    async settle() {
      const startedAt = performance.now();
      const done = worker.done(REQUESTS);
      const { ms, answers } = await sendMany(() => post(http.url, text));
      await done;
      return { acceptedMs: ms, settledMs: performance.now() - startedAt, answers };
    },
    async stop() {
      http.stop();
      await worker.stop();
      await redis.stop();
    },
  };
}

async function sendMany(send: () => Promise<number>): Promise<{ ms: number; answers: number[] }> {
  const answers: number[] = [];
  let left = REQUESTS;
  const startedAt = performance.now();
  const client = async () => {
    while (left > 0) {
      left -= 1;
      answers.push(await send());
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { ms: performance.now() - startedAt, answers };
}

async function post(url: string, text: Buffer<ArrayBuffer>): Promise<number> {
  const startedAt = performance.now();
  const answer = await fetch(`${url}/v1/Messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: text,
  });
  await answer.json();
  return performance.now() - startedAt;
}

/** A program of `peers/` that reports its URL. */
async function startProcess(
  name: string,
  ...args: readonly string[]
): Promise<{ url: string; stop: () => void }> {
  const child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), args);
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} did not start.`))),
  ])) as [string];
  return { url, stop: () => child.kill() };
}
