/**
 * Cross-origin requests of programs in browsers (Fetch Standard, "CORS protocol"): allowed for the configured origins
 * only, with credentials in the Authorization header, never with cookies. Other origins get no header, so that their
 * browser shows them nothing.
 */
import type { FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const METHODS = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'];
/** Headers of requests. The one of a dashboard's session is not among them. */
const REQUEST_HEADERS = ['Authorization', 'Content-Type', 'Idempotency-Key', 'Last-Event-ID'];
/** Headers of answers that a program may read. */
const ANSWER_HEADERS = [
  'operationId',
  'operation-id',
  'operation-location',
  'Location',
  'Retry-After',
  'Idempotent-Replayed',
  'X-Request-Id',
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'Allow',
];
/** Seconds that a browser may keep the answer to a preflight request: the maximum of Chromium. */
const PREFLIGHT_SECONDS = 7_200;

/** Allows requests of origins to a scope. It comes before credentials, which a preflight request never has. */
export async function allowOrigins(
  scope: FastifyInstance,
  origins: readonly string[],
): Promise<void> {
  if (origins.length === 0) return;
  const allowed = new Set(origins);
  const answerTo = ({ headers }: FastifyRequest): FastifyCorsOptions => ({
    origin: headers.origin !== undefined && allowed.has(headers.origin) ? headers.origin : false,
    methods: METHODS,
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: ANSWER_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    // An OPTIONS that is no preflight request is answered as elsewhere.
    preflight: headers['access-control-request-method'] !== undefined,
  });
  // Loaded only where it is needed.
  const { default: cors } = await import('@fastify/cors');
  await scope.register(cors, {
    delegator: (request, callback) => callback(null, answerTo(request)),
  });
}
