/**
 * Removes interim responses of HTTP. A server may send any number of them before its response, without a request for them
 * (RFC 9110, 15.2). undici closes a connection at a 100 (Continue), and the request would be in doubt. So they are removed
 * before undici reads.
 */
import type { Socket } from 'node:net';

/** A switch of protocols (101) is passed on: the data after it is not HTTP. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/;
const STATUS_LENGTH = 'HTTP/1.1 100'.length;
/** Maximum size of an incomplete interim response in bytes. */
const HELD_MAX = 65_536;

/** Removes them from the data after each write. For connections with one request at a time, written in one call. */
export function skipInterimAnswers(socket: Socket): void {
  const read = socket.read.bind(socket) as () => Buffer | null;
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
  let isBegin = false;
  let held: Buffer = Buffer.alloc(0);

  function take(): Buffer | null {
    for (;;) {
      const chunk = read();
      if (chunk === null || !isBegin) return chunk;
      const rest = withoutInterim(held.length === 0 ? chunk : Buffer.concat([held, chunk]));
      if (rest.isAnswer || rest.bytes.length > HELD_MAX) {
        isBegin = false;
        held = Buffer.alloc(0);
        return rest.bytes;
      }
      held = rest.bytes;
    }
  }

  socket.read = take;
  socket.write = (...given: unknown[]) => {
    isBegin = true;
    return write(...given);
  };
}

/** The data after the interim responses, and whether it may be the start of another one. */
function withoutInterim(bytes: Buffer): { bytes: Buffer; isAnswer: boolean } {
  if (bytes.length < STATUS_LENGTH) return { bytes, isAnswer: false };
  if (!INTERIM.test(bytes.toString('latin1', 0, STATUS_LENGTH))) return { bytes, isAnswer: true };
  const end = bytes.indexOf('\r\n\r\n');
  return end === -1 ? { bytes, isAnswer: false } : withoutInterim(bytes.subarray(end + 4));
}
