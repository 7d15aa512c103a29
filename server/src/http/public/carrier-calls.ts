/**
 * Calls from carriers: `/carriers/{name}/receipts`. No credentials of ours; each carrier's own check tells who calls. A
 * carrier is told that its report was taken once it is stored, and otherwise to come again.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { InboundMessage } from '../../domain/inbound.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { readBody } from '../edge/bodies.ts';
import { refuse, refuseForNow } from '../../shapes/refusal.ts';

/** A call as it came. Header names are lower-case. */
export interface CarrierCall {
  readonly method: string;
  readonly path: string;
  /** The URL that was called, as it is known outside: signatures are over it. */
  readonly fullUrl: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawBody: Buffer;
}

/** What a carrier's reader makes of a call. */
export interface CallReading {
  /** To be given once what was read is stored. */
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly receipts: readonly Receipt[];
  readonly inbound: readonly InboundMessage[];
}

export interface CarrierCallDeps {
  /** By name, for carriers that are called. */
  readonly readers: ReadonlyMap<
    string,
    (call: CarrierCall, at: Date) => CallReading | Promise<CallReading>
  >;
  /** Stores what was reported; false when there is no room for it now. */
  readonly report: (
    carrier: string,
    reported: Pick<CallReading, 'receipts' | 'inbound'>,
  ) => Promise<boolean>;
}

/** Longest report. Providers send some hundred receipts at a time, a bounced e-mail is a message. */
const BODY_BYTES_MAX = 1_048_576;
/** A provider that waits longer takes it for a failure anyway. */
const STORE_TIMEOUT_MS = 10_000;

/** Adds the route to a scope of its own; bodies of every type are taken as they are. */
export async function registerCarrierCalls(
  app: FastifyInstance,
  { readers, report }: CarrierCallDeps,
): Promise<void> {
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
      const read = readers.get(name);
      if (read === undefined)
        throw refuse('notFound', 'No carrier of this name is called; see its documentation.');
      const { answer, receipts, inbound } = await read(toCall(request), new Date());
      if (
        receipts.length + inbound.length > 0 &&
        !(await inTime(report(name, { receipts, inbound })))
      )
        throw refuseForNow('The report cannot be stored now; send it again.');
      return reply.code(answer.status).headers(answer.headers).send(answer.body);
    },
  });
}

function toCall(request: FastifyRequest): CarrierCall {
  const { url = '/' } = request.raw;
  return {
    method: request.method,
    path: url.split('?', 1)[0] ?? '/',
    fullUrl: `${request.origin}${url}`,
    headers: request.headers,
    query: request.query as CarrierCall['query'],
    rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}

/** False when it takes too long: it may be stored all the same, and coming again changes nothing. */
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
