/**
 * Carrier callbacks: `/carriers/{name}/receipts`. No credentials of ours; each carrier's own check
 * identifies the caller. A carrier gets its acknowledgment once its report is stored, and is asked to come again otherwise.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { InboundHttp, ReceiptParser } from '../../domain/receipt-call.ts';
import { createFirstTime } from '../../lib/first-time.ts';
import { parseForm } from '../../lib/decode-text.ts';
import type { Logger } from '../../lib/log.ts';
import type { ApiMetrics } from '../../lib/metrics.ts';
import { readBody } from '../edge/bodies.ts';
import type { RequestThreads } from '../edge/request-threads.ts';
import { refuse, refuseForNow } from '../../shapes/refusal.ts';

export interface CarrierCallbackDeps {
  /** By the name of the carrier, for carriers that are called. */
  readonly receiptParsers: ReadonlyMap<string, ReceiptParser>;
  readonly threads: Pick<RequestThreads, 'report'>;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
}

/** Longest report. Providers send some hundred receipts at a time, a bounced e-mail is a message. */
const BODY_BYTES_MAX = 1_048_576;
/** A provider that waits longer takes it for a failure anyway. */
const STORE_TIMEOUT_MS = 10_000;

/** Adds the route to a scope of its own; bodies of every type are taken as they are. */
export async function registerCarrierCallbacks(
  app: FastifyInstance,
  { receiptParsers, threads, metrics, log }: CarrierCallbackDeps,
): Promise<void> {
  const isFirst = createFirstTime();
  function reportUnreadable(carrier: string, reason: string): void {
    metrics.unreadableCalls.inc({ carrier });
    if (isFirst(`${carrier} ${reason}`))
      log.warn(
        { carrier, reason },
        'A carrier callback cannot be read; logged once for each reason, and counted',
      );
  }

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBody(request, payload),
  );
  app.route({
    method: ['GET', 'POST'],
    url: '/carriers/:name/receipts',
    bodyLimit: BODY_BYTES_MAX,
    exposeHeadRoute: false,
    schema: { hide: true },
    async handler(request, reply) {
      const { name } = request.params as { name: string };
      const read = receiptParsers.get(name);
      if (read === undefined)
        throw refuse('notFound', 'No carrier of this name accepts callbacks.');
      const { answer, receipts, inbound, unreadable } = await read(toCall(request), new Date());
      if (unreadable !== undefined) reportUnreadable(name, unreadable);
      if (
        receipts.length + inbound.length > 0 &&
        !(await inTime(threads.report(name, { receipts, inbound })))
      )
        throw refuseForNow('The report cannot be stored now; send it again.');
      return reply.code(answer.status).headers(answer.headers).send(answer.body);
    },
  });
}

function toCall(request: FastifyRequest): InboundHttp {
  const { url = '/' } = request.raw;
  return {
    method: request.method,
    path: url.split('?', 1)[0] ?? '/',
    fullUrl: `${request.origin}${url}`,
    headers: request.headers,
    query: parseForm(url.slice(url.indexOf('?') + 1 || url.length), null),
    rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}

/** False if it takes too long. The report may be stored all the same, and a repetition changes nothing. */
async function inTime(stored: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), STORE_TIMEOUT_MS);
  });
  try {
    return await Promise.race([stored, late]);
  } finally {
    clearTimeout(timer);
  }
}
