/**
 * Requests of one message, beside a bare Fastify that parses the same body and answers 202. Both run in turns, with the same
 * clients. What was accepted must be delivered exactly once: the operations' counters are compared with the rows.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
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
import type { BenchServer } from './server.ts';

const REQUESTS = 5_000;
const CLIENTS = 32;
const ROUNDS = 3;
/** One alone, with nothing else going on. */
const ALONE = 200;

export async function benchSmall(server: BenchServer, databaseUrl: string): Promise<void> {
  const text = body({}, 1);
  const echo = await startEcho();
  const echoMs: number[] = [];
  const acceptedMs: number[] = [];
  const settledMs: number[] = [];
  const answers: number[] = [];
  try {
    for (let round = -1; round < ROUNDS; round += 1) {
      const beside = await sendMany(() => post(echo.url, text));
      const before = await countDelivered(databaseUrl);
      const startedAt = performance.now();
      const accepted = await sendMany(async () => (await server.send(text)).tookMs);
      await untilCounted(databaseUrl, before + REQUESTS);
      const settled = performance.now() - startedAt;
      if (round < 0) continue;
      echoMs.push(beside.ms);
      acceptedMs.push(accepted.ms);
      settledMs.push(settled);
      answers.push(...accepted.answers);
    }
    await expectExact(databaseUrl);
  } finally {
    echo.stop();
  }
  const of = (ms: number[]) => rateOf(REQUESTS, median(ms));
  print(
    `small        fastify ${show(of(echoMs)).padStart(6)}/s   fanfare ${show(of(acceptedMs)).padStart(6)}/s accepted, ${show(of(settledMs)).padStart(6)}/s settled   ratio ${(median(echoMs) / median(settledMs)).toFixed(2)}   (202 after ${median(answers).toFixed(1)} ms, p99 ${percentile(answers, 0.99).toFixed(1)} ms)`,
  );
  const alone: number[] = [];
  for (let i = 0; i < ALONE; i += 1) {
    alone.push((await server.send(text)).tookMs);
    await sleep(5);
  }
  print(
    `small        one alone: 202 after ${median(alone).toFixed(1)} ms, p99 ${percentile(alone, 0.99).toFixed(1)} ms`,
  );
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

/** A bare Fastify in a process of its own. */
async function startEcho(): Promise<{ url: string; stop: () => void }> {
  const child = fork(fileURLToPath(new URL('./fastify-echo.js', import.meta.url)));
  const [url] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The bare Fastify did not start.'))),
  ])) as [string];
  return { url, stop: () => child.kill() };
}
