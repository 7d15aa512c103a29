/** A bare Fastify: parses a body, and answers 202 with an id. */
import Fastify from 'fastify';

const app = Fastify();
let count = 0;
app.post('/v1/Messages', (request, reply) => {
  const { to } = request.body as { to: readonly unknown[] };
  count += to.length;
  return reply.code(202).send({ operationId: `op_${count}` });
});
process.send?.(await app.listen({ port: 0, host: '127.0.0.1' }));
