/**
 * Frames: splits a stream of octets into PDUs by their `command_length` (SMPP 3.4, 3.2). A PDU in one chunk is not copied;
 * a PDU in several chunks gets its own buffer. So views of a frame stay valid.
 */
import { PduError } from './pdu.ts';
import { HEADER_LENGTH } from './reader.ts';
import { STATUS } from './statuses.ts';

/** Longest PDU in either direction, in octets. The standard's longest has a message_payload of 64 kB less one. */
export const PDU_LENGTH_MAX = 65_536;

/** Called with each whole PDU; `end` is behind its last octet. */
export type OnFrame = (bytes: Buffer, start: number, end: number) => void;

export interface FrameDecoder {
  /**
   * Takes the next octets. @throws PduError at an impossible length (status ESME_RINVCMDLEN); no more may be pushed
   * then.
   */
  push(chunk: Buffer): void;
}

/** A decoder for one connection. */
export function createFrameDecoder(onFrame: OnFrame): FrameDecoder {
  /** A PDU that has begun: first the four octets of its length, then all of it. */
  let begun = Buffer.alloc(0);
  let filled = 0;

  /** Fills `begun` to `size` octets; returns how many it took. */
  function fill(chunk: Buffer, at: number, size: number): number {
    const taken = Math.min(size - filled, chunk.length - at);
    chunk.copy(begun, filled, at, at + taken);
    filled += taken;
    return taken;
  }

  /** Continues a PDU that has begun; returns the number of octets of the chunk that it took. */
  function finish(chunk: Buffer): number {
    let taken = 0;
    if (filled < 4) {
      taken = fill(chunk, 0, 4);
      if (filled < 4) return taken;
      const length = lengthAt(begun, 0);
      const whole = Buffer.allocUnsafe(length);
      begun.copy(whole, 0, 0, 4);
      begun = whole;
    }
    taken += fill(chunk, taken, begun.length);
    if (filled === begun.length) {
      filled = 0;
      onFrame(begun, 0, begun.length);
    }
    return taken;
  }

  return {
    push(chunk) {
      let at = filled > 0 ? finish(chunk) : 0;
      while (at < chunk.length) {
        const left = chunk.length - at;
        const length = left < 4 ? 4 : lengthAt(chunk, at);
        if (left < length || left < 4) {
          begun = Buffer.allocUnsafe(length);
          fill(chunk, at, left);
          return;
        }
        onFrame(chunk, at, at + length);
        at += length;
      }
    },
  };
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at);
  if (length >= HEADER_LENGTH && length <= PDU_LENGTH_MAX) return length;
  throw new PduError(
    `A PDU says that it is ${length} octets long; ${HEADER_LENGTH} to ${PDU_LENGTH_MAX} are allowed`,
    STATUS.invalidLength,
    bytes.subarray(at, at + 4),
  );
}
