/** Limits the requests of one address to routes that need no credentials. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refuse } from '../../shapes/refusal.ts';
import { networkOf } from './failed-sign-ins.ts';
import { NO_RATE_HEADERS } from './route.ts';

/** For all routes of the scope, together. */
export async function limitByAddress(
  app: FastifyInstance,
  requestsPerSecond: number,
): Promise<void> {
  await app.register(rateLimit, {
    max: requestsPerSecond,
    timeWindow: 1_000,
    keyGenerator: ({ ip }: FastifyRequest) => networkOf(ip) ?? ip,
    addHeadersOnExceeding: NO_RATE_HEADERS,
    errorResponseBuilder: () => refuse('tooManyRequests', undefined, { 'retry-after': '1' }),
  });
}
