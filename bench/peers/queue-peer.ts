/**
 * A job queue with a worker in a process of its own. The rows of the messages are written by one COPY, the jobs by the
 * queue's own bulk call; the clock stops when the worker has updated the last row.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import PgBoss from 'pg-boss';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Peer } from '../peers.ts';

export const QUEUE = 'bench';
/** Jobs of one bulk call. */
const BULK = 1_000;

export type QueueName = 'bullmq' | 'pg-boss';

/** The input of the worker. It reports `ready`, and then the number of jobs done since its last report. */
export interface WorkerOptions {
  readonly queue: QueueName;
  readonly databaseUrl: string;
  readonly redisPort: number;
}

export interface Job {
  readonly id: number;
  readonly to: string;
  readonly text: string;
}

interface Producer {
  addBulk(jobs: readonly Job[]): Promise<void>;
  close(): Promise<void>;
}

export function openBullmq(redisPort: number): Producer & { add(job: Job): Promise<void> } {
  const queue = new Queue(QUEUE, {
    connection: { host: '127.0.0.1', port: redisPort },
    defaultJobOptions: { removeOnComplete: true },
  });
  return {
    async add(job) {
      await queue.add('send', job);
    },
    async addBulk(jobs) {
      await queue.addBulk(jobs.map((data) => ({ name: 'send', data })));
    },
    close: () => queue.close(),
  };
}

async function openPgBoss(databaseUrl: string): Promise<Producer> {
  const boss = new PgBoss(databaseUrl);
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    async addBulk(jobs) {
      await boss.insert(jobs.map((data) => ({ name: QUEUE, data })));
    },
    close: () => boss.stop({ graceful: false }),
  };
}

/** Messages of a queue, without an index on what changes. */
export async function createTable(pool: pg.Pool, table: string): Promise<void> {
  await pool.query(
    `create table ${table} (id int primary key, address text not null, body text not null,
       status text not null default 'QUEUED', updated_at timestamptz not null default now()) with (fillfactor = 60)`,
  );
}

export interface QueueWorker {
  /** Resolves when this many jobs more are done. */
  done(jobs: number): Promise<void>;
  stop(): Promise<void>;
}

/** The worker, in a process of its own, on a table that exists. */
export async function startWorker(options: WorkerOptions, table: string): Promise<QueueWorker> {
  const program = fileURLToPath(new URL('./queue-worker.js', import.meta.url));
  const worker = fork(program, [JSON.stringify(options), table]);
  await once(worker, 'message');
  return {
    done: (jobs) =>
      new Promise((resolve) => {
        let left = jobs;
        const count = (number: unknown) => {
          left -= Number(number);
          if (left > 0) return;
          worker.off('message', count);
          resolve();
        };
        worker.on('message', count);
      }),
    async stop() {
      worker.kill('SIGKILL');
      await once(worker, 'exit');
    },
  };
}

export async function openQueuePeer(
  queue: QueueName,
  databaseUrl: string,
  redisPort: number,
): Promise<Peer> {
  const table = queue === 'bullmq' ? 'bench_bullmq' : 'bench_pg_boss';
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  await createTable(pool, table);
  const producer = queue === 'bullmq' ? openBullmq(redisPort) : await openPgBoss(databaseUrl);
  const worker = await startWorker({ queue, databaseUrl, redisPort }, table);
  let made = 0;

  async function copyRows(jobs: readonly Job[]): Promise<void> {
    const client = await pool.connect();
    const rows = jobs.map(({ id, to, text }) => `${id}\t${to}\t${text}\n`);
    await pipeline(
      Readable.from([Buffer.from(rows.join(''))]),
      client.query(copyFrom(`copy ${table} (id, address, body) from stdin`)),
    );
    client.release();
  }

  return {
    name: queue,
    async send(messages) {
      const jobs = Array.from({ length: messages }, (_, i): Job => {
        const id = made + i;
        const to = `+1500556${String(i).padStart(4, '0')}`;
        return { id, to, text: `Hello Ada ${i}, your order is on its way.` };
      });
      made += messages;
      const startedAt = performance.now();
      const done = worker.done(messages);
      await copyRows(jobs);
      for (let at = 0; at < messages; at += BULK) await producer.addBulk(jobs.slice(at, at + BULK));
      await done;
      return performance.now() - startedAt;
    },
    async close() {
      await worker.stop();
      await producer.close();
      await pool.end();
    },
  };
}
