/** The worker of a job queue: "sends" at once and updates the row of each message. */
import { Worker } from 'bullmq';
import PgBoss from 'pg-boss';
import pg from 'pg';
import { QUEUE, type WorkerOptions } from './queue-peer.ts';

/** Jobs of BullMQ at a time. */
const CONCURRENCY = 100;
/** Loops that fetch from pg-boss, and jobs that each takes at a time. */
const LOOPS = 4;
const FETCH = 250;
const CONNECTIONS = 8;

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
const table = process.argv[3] ?? '';
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: CONNECTIONS });

const update = (data: unknown) =>
  pool.query({
    name: 'sent',
    text: `update ${table} set status = 'SENT', updated_at = now() where id = $1`,
    values: [(data as { id: number }).id],
  });

let done = 0;
setInterval(() => {
  if (done > 0) process.send?.(done);
  done = 0;
}, 20);

if (options.queue === 'bullmq') {
  const worker = new Worker(
    QUEUE,
    async ({ data }) => {
      await update(data);
      done += 1;
    },
    {
      connection: { host: '127.0.0.1', port: options.redisPort },
      concurrency: CONCURRENCY,
      removeOnComplete: { count: 0 },
    },
  );
  await worker.waitUntilReady();
} else {
  const boss = new PgBoss({
    connectionString: options.databaseUrl,
    max: LOOPS,
    supervise: false,
    schedule: false,
  });
  await boss.start();
  const loop = async () => {
    for (;;) {
      const jobs = await boss.fetch(QUEUE, { batchSize: FETCH });
      if (jobs.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        continue;
      }
      await Promise.all(jobs.map(({ data }) => update(data)));
      await boss.complete(
        QUEUE,
        jobs.map(({ id }) => id),
      );
      done += jobs.length;
    }
  };
  for (let i = 0; i < LOOPS; i += 1) void loop();
}
process.send?.('ready');
