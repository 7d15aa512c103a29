/**
 * Checks the head of a request beyond Node.js. A head that two servers could read differently is
 * refused, and the connection ends.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuse, type Refusal } from '../../shapes/refusal.ts';
import { isStreamed } from './bodies.ts';

/** Fields of which a second one would be dropped silently, or joined to the first (RFC 9110, section 5.3). */
const SINGLE = new Set(['host', 'authorization', 'content-type', 'idempotency-key']);
/** RFC 3986, section 3.2.2, as far as a Host may have it; an empty one is allowed (RFC 9110, section 7.2). */
const HOST = /^([\w.~!$&'()*+,;=%-]*|\[[0-9a-f:.]+(%25[\w.~-]+)?\])(:\d{0,5})?$/i;

/** @throws Refusal for a head that is meaningless or ambiguous */
export function checkHead(request: FastifyRequest, reply: FastifyReply): void {
  const problem = findProblem(request);
  if (problem === null) return;
  endConnection(request, reply);
  throw problem;
}

/** Ends the connection after the answer, and after the remainder of the body. */
export function endConnection({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'close');
  if (!raw.complete) raw.once('end', () => raw.socket.end());
}

function findProblem(request: FastifyRequest): Refusal | null {
  const { raw, headers } = request;
  const twice = findTwice(raw.rawHeaders);
  if (twice !== null) return refuse('invalid', `There is more than one ${twice} header.`);
  // RFC 9112, section 3.2.
  if (headers.host === undefined && raw.httpVersion === '1.1')
    return refuse('invalid', 'A request of HTTP/1.1 needs a Host header.');
  if (headers.host !== undefined && !HOST.test(headers.host))
    return refuse('invalid', 'The Host header names no host.');
  // RFC 9112, section 6.1.
  const { 'transfer-encoding': coding = 'chunked' } = headers;
  if (coding.trim().toLowerCase() !== 'chunked')
    return refuse('notImplemented', 'The only Transfer-Encoding that is understood is "chunked".');
  return findEncodingProblem(request);
}

/** RFC 9110, section 8.4. */
function findEncodingProblem(request: FastifyRequest): Refusal | null {
  const { 'content-encoding': encoding = '' } = request.headers;
  if (/^\s*(identity)?\s*$/i.test(encoding)) return null;
  const isPackable = isStreamed(request);
  if (isPackable && /^\s*(x-)?gzip\s*$/i.test(encoding)) return null;
  return refuse(
    'mediaType',
    isPackable
      ? `The Content-Encoding of a streamed request is gzip or none, not ${encoding.slice(0, 40)}.`
      : `Bodies are taken as they are: leave out Content-Encoding: ${encoding.slice(0, 40)}.`,
  );
}

/**
 * The name of a single field that occurs more than once; null if there is none. `rawHeaders` alternates names and
 * values.
 */
function findTwice(rawHeaders: readonly string[]): string | null {
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    if (!SINGLE.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}
