/** Bodies of requests: read as bytes or JSON, and counted while they arrive. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refuse } from '../../shapes/refusal.ts';
import { parseJson } from '../../intake/json.ts';
import { createProcessorShares, type Work } from '../../lib/fair-share.ts';
import type { Account } from '../../store/store.ts';
import { createReading, type Owner, type Reading } from './reading.ts';

declare module 'fastify' {
  interface FastifyInstance {
    readonly reading: Reading;
  }
}

/** Reads a body to its end. @throws Refusal for one that is too large, or that there is no room for. */
export function readBody(request: FastifyRequest, payload: IncomingMessage): Promise<Buffer> {
  const bytesMax = request.routeOptions.bodyLimit ?? Infinity;
  if (Number(request.headers['content-length'] ?? 0) > bytesMax)
    return Promise.reject(refuse('tooLarge'));
  const owner = ownerOf(request);
  const { wanted } = request.server.reading;
  const collected = new ChunkList();
  // By its events: a loop over the stream that is left would close the connection before the refusal is out.
  return new Promise((resolve, reject) => {
    const stop = () => payload.off('data', take).off('end', finish).off('close', cutOff);
    const fail = (error: Error) => {
      stop();
      reject(error);
    };
    const cutOff = () => fail(refuse('invalid', 'The body broke off.'));
    const finish = () => {
      stop();
      resolve(collected.join());
    };
    function take(chunk: Buffer): void {
      try {
        if (collected.length + chunk.length > bytesMax) throw refuse('tooLarge');
        request.inFlight?.add('bytes', chunk.length);
        collected.add(chunk);
        wanted.take(owner, payload, chunk.length);
      } catch (error) {
        fail(error as Error);
      }
    }
    payload.on('data', take).on('end', finish).on('close', cutOff).on('error', cutOff);
  });
}

/** Chunks below this are copied together: a chunk of one byte takes a hundred bytes of memory. */
const SMALL_CHUNK_BYTES = 4_096;
const PAGE_BYTES = 16_384;

/** The chunks of a body, in about as much memory as they have bytes. */
class ChunkList {
  readonly #chunks: Buffer[] = [];
  #page: Buffer | null = null;
  #used = 0;
  length = 0;

  add(chunk: Buffer): void {
    // Most bodies come in one chunk, which is kept as it is.
    if (this.length === 0 || chunk.length >= SMALL_CHUNK_BYTES) {
      this.#endPage();
      this.#chunks.push(chunk);
    } else {
      if (this.#page === null || this.#used + chunk.length > PAGE_BYTES) {
        this.#endPage();
        this.#page = Buffer.allocUnsafe(PAGE_BYTES);
      }
      chunk.copy(this.#page, this.#used);
      this.#used += chunk.length;
    }
    this.length += chunk.length;
  }

  join(): Buffer {
    this.#endPage();
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first !== undefined
      ? first
      : Buffer.concat(this.#chunks, this.length);
  }

  #endPage(): void {
    if (this.#page !== null) this.#chunks.push(this.#page.subarray(0, this.#used));
    this.#page = null;
    this.#used = 0;
  }
}

export function setBodyParser(app: FastifyInstance): void {
  const shares = createProcessorShares();
  app.decorate('reading', createReading());
  // An answer that is a stream begins before its request has ended.
  app.addHook('onSend', async (request, _reply, payload) => {
    if (!(payload instanceof Readable)) await discardRest(request);
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/([\w.-]+\+)?json\b/i,
    async (request: FastifyRequest, payload: IncomingMessage) => {
      demandUtf8(request.headers['content-type'] ?? '');
      const bytes = await readBody(request, payload);
      if (request.routeOptions.config.takesBytes) return bytes;
      // A body may be left out where none is needed.
      if (bytes.length === 0) return undefined;
      return shares.run(accountIdOf(request), parse(bytes));
    },
  );
  app.addContentTypeParser(NDJSON, async (request: FastifyRequest, payload: IncomingMessage) => {
    if (!isStreamed(request)) throw refuse('mediaType');
    demandUtf8(request.headers['content-type'] ?? '');
    return payload;
  });
}

const NDJSON = /^\s*application\/(x-)?ndjson\b/i;

/** Whether a list of media types has NDJSON. */
export const isNdjson = (types: string): boolean =>
  types.split(',').some((each) => NDJSON.test(each));

/** Whether the body of a request is read while it arrives. */
export const isStreamed = ({ headers, routeOptions }: FastifyRequest): boolean =>
  routeOptions.config.takesStream === true && NDJSON.test(headers['content-type'] ?? '');

const NOBODY = 0;

/** The account of a request; none before it is identified. */
function accountIdOf(request: FastifyRequest): number {
  const account = request.account as Account | null;
  return account?.id ?? NOBODY;
}

/** The one who sends a request. */
export const ownerOf = (request: FastifyRequest): Owner =>
  request.inFlight?.owner ?? accountIdOf(request);

/** The maximum for requests that send nothing. No ordinary program writes more. */
const VALUES_MAX = 100_000;

function* parse(bytes: Buffer): Work<unknown> {
  yield;
  return parseJson(bytes, VALUES_MAX);
}

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/** JSON between systems is UTF-8 (RFC 8259, section 8.1), and ASCII is part of it. */
function demandUtf8(contentType: string): void {
  const charset = CHARSET.exec(contentType)?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset))
    throw refuse(
      'malformedJson',
      `JSON is read as UTF-8 only; the Content-Type says charset=${charset.slice(0, 40)}.`,
    );
}

/** Connections whose last request was answered before all of its body had come. */
const answered = new WeakSet<Socket>();

/** Whether the connection only has to receive the remainder of an answered request. */
export const isAnswered = (socket: Socket): boolean => answered.has(socket);

/** The remainder of an answered body is read and discarded, so that its client can read the answer. */
export async function discardRest(request: FastifyRequest): Promise<void> {
  const { raw } = request;
  if (raw.complete) return;
  const { refused } = request.server.reading;
  const owner = ownerOf(request);
  answered.add(raw.socket);
  raw.on('end', () => answered.delete(raw.socket));
  // After a read, Node.js does not discard the whole body by itself as soon as the answer is sent.
  raw.read();
  raw.on('data', (chunk: Buffer) => refused.take(owner, raw, chunk.length));
  refused.wait(owner, raw);
}
