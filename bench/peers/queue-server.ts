/**
 * BullMQ as people put it behind HTTP, in a process of its own: each request inserts a row, adds a job and is answered
 * with 202. The worker is another process.
 */
import Fastify from 'fastify';
import pg from 'pg';
import { openBullmq, type WorkerOptions } from './queue-peer.ts';

const CONNECTIONS = 8;

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
const table = process.argv[3] ?? '';
const pool = new pg.Pool({ connectionString: options.databaseUrl, max: CONNECTIONS });
const queue = openBullmq(options.redisPort);

const app = Fastify();
let count = 0;
app.post('/v1/Messages', async (request, reply) => {
  const { to, content } = request.body as {
    to: readonly { readonly address: string }[];
    content: { readonly text: string };
  };
  const id = (count += 1);
  const job = { id, to: to[0]?.address ?? '', text: content.text };
  await pool.query({
    name: 'insert',
    text: `insert into ${table} (id, address, body) values ($1, $2, $3)`,
    values: [id, job.to, job.text],
  });
  await queue.add(job);
  return reply.code(202).send({ operationId: `op_${id}` });
});
process.send?.(await app.listen({ port: 0, host: '127.0.0.1' }));
