/**
 * Interim answers of HTTP: a server may send any number of them before its answer, unasked (RFC 9110, 15.2). undici ends a connection
 * at a 100 (Continue), and what has become of the request is then unknown. So they are taken out before undici reads.
 */
import type { Socket } from 'node:net';

/** What a switch of protocols (101) means is left to the reader: what follows it is no HTTP. */
const INTERIM = /^HTTP\/1\.[01] 1(?!01)\d\d/;
const STATUS_LENGTH = 'HTTP/1.1 100'.length;
/** Bytes of interim answers that are waited for. */
const HELD_MAX = 65_536;

/** Takes them out of what is read after each write. For connections with one request at a time, written at one go. */
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

/** What follows the interim answers, and whether it is the beginning of another. */
function withoutInterim(bytes: Buffer): { bytes: Buffer; isAnswer: boolean } {
  if (bytes.length < STATUS_LENGTH) return { bytes, isAnswer: false };
  if (!INTERIM.test(bytes.toString('latin1', 0, STATUS_LENGTH))) return { bytes, isAnswer: true };
  const end = bytes.indexOf('\r\n\r\n');
  return end === -1 ? { bytes, isAnswer: false } : withoutInterim(bytes.subarray(end + 4));
}
