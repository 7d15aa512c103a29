/**
 * Limits the time in which a request arrives. Node.js has one limit for all requests; a streamed one may take longer than
 * others, as long as it does not pause.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** A request with a body that has not arrived in time is answered as Node.js would have it: by `clientError`. */
export function limitRequestTime(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('onRequest', async ({ raw }) => {
    const { 'content-length': length, 'transfer-encoding': coding } = raw.headers;
    if (raw.complete || (coding === undefined && Number(length ?? 0) === 0)) return;
    const timer = setTimeout(() => {
      const error = Object.assign(new Error('Request timeout'), {
        code: 'ERR_HTTP_REQUEST_TIMEOUT',
      });
      app.server.emit('clientError', error, raw.socket);
    }, timeoutMs);
    timers.set(raw, timer);
    raw.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
  });
}

/** Begins the time limit of a request anew: something of it has arrived, or the server was busy with it. */
export function extendRequestTime(raw: IncomingMessage): void {
  if (!raw.complete) timers.get(raw)?.refresh();
}
