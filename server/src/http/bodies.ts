/** Bodies of requests: read into bytes or JSON, and counted before they are read. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { refuseForNow } from './reply.ts';
import { parseJson } from './send.ts';

/** Bodies at work are counted before they are read: memory has a bound, whoever sends. */
export function boundBytesInFlight(
  api: FastifyInstance,
  bytesMax: number,
  requestBytesMax: number,
): void {
  let inFlight = 0;
  const sizes = new WeakMap<FastifyRequest, number>();
  api.addHook('onRequest', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const stated = Number(request.headers['content-length'] ?? requestBytesMax);
    const size = Number.isFinite(stated) ? Math.min(stated, requestBytesMax) : requestBytesMax;
    if (inFlight > 0 && inFlight + size > bytesMax)
      throw refuseForNow('Too many requests are at work; nothing of this one was kept.');
    inFlight += size;
    sizes.set(request, size);
  });
  const release = (request: FastifyRequest) => {
    inFlight -= sizes.get(request) ?? 0;
    sizes.delete(request);
  };
  api.addHook('onResponse', async (request) => release(request));
  api.addHook('onRequestAbort', async (request) => release(request));
}

export function setBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/([\w.-]+\+)?json\b/i,
    { parseAs: 'buffer' },
    (request, body, done) => {
      const bytes = body as Buffer;
      if (request.routeOptions.config.takesBytes) return done(null, bytes);
      // A body may be left out where none is needed.
      if (bytes.length === 0) return done(null, undefined);
      try {
        done(null, parseJson(bytes));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/** Bodies up to this size are read to their end and thrown away, so that their senders get to see the refusal. */
const DISCARDED_BYTES_MAX = 100 * 2 ** 20;

export function discardRest(request: FastifyRequest, reply: FastifyReply): void {
  if (Number(request.headers['content-length'] ?? 0) > DISCARDED_BYTES_MAX) return;
  reply.removeHeader('connection');
  request.raw.resume();
}
