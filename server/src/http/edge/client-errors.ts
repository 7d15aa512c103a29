/**
 * Client errors below HTTP: bytes that are no HTTP, headers without end, a request that never
 * arrives. Each is refused in the usual envelope, and the connection ends, because the start of a
 * next request cannot be found in the remaining bytes.
 */
import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { refuse, serializeRefusal, type Refusal } from '../../shapes/refusal.ts';
import { isAnswered } from './bodies.ts';
import { newRequestId, ownOrigin } from './reply.ts';

/**
 * Further bytes are read and discarded for this long: a connection closed on unread bytes is reset, and its answer is
 * lost.
 */
const LINGER_MS = 1_000;

/** Answers a connection's `clientError` (Node.js, http.Server), once, and closes it. */
export function refuseClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  publicUrl: string | null,
): void {
  // Bytes after the answer cannot be read either.
  if (socket.writableEnded) return;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered(socket)) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = writeRefusal(refusal, socket, publicUrl);
  socket.end(
    [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${newRequestId()}`,
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** Answers a request that expects more than `100-continue` (RFC 9110, section 10.1.1). */
export function refuseExpectation(response: ServerResponse, publicUrl: string | null): void {
  const { socket } = response;
  if (socket === null) return;
  const body = writeRefusal(refuse('expectation'), socket, publicUrl);
  response
    .writeHead(417, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'x-request-id': newRequestId(),
      connection: 'close',
    })
    .end(body);
}

/** The body of a refusal, as JSON; links in it lead to where the connection has come to, when there is no public URL. */
function writeRefusal(refusal: Refusal, socket: Socket, publicUrl: string | null): string {
  const origin = publicUrl ?? ownOrigin('encrypted' in socket ? 'https' : 'http', socket);
  return JSON.stringify(serializeRefusal(refusal, origin));
}

function refusalOf(code: string | undefined): Refusal {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuse('slow');
  if (code === 'HPE_HEADER_OVERFLOW') return refuse('headersTooLarge');
  return refuse('invalid', 'The request cannot be read as HTTP.');
}
