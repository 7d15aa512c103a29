/**
 * Reassembly: messages to us that come in parts, with a user data header (3GPP TS 23.040, 9.2.3.24.1 and 9.2.3.24.8)
 * or with SAR parameters (SMPP 3.4, 5.3.2.22). Parts wait in memory, for a limited time and in limited number. After that,
 * an incomplete message is passed on as it is, because its parts were acknowledged and will not be repeated.
 */
import { ESM_CLASS, SHORT_MESSAGE_MAX, TAGS } from './commands.ts';
import type { Tlvs } from './pdu.ts';

/** A message's octets, and their place in a longer message. */
export interface MessagePart {
  readonly octets: Buffer;
  /** Null: a message of its own. */
  readonly of: {
    readonly reference: number;
    readonly total: number;
    readonly number: number;
  } | null;
}

/** Elements of a header for concatenation: reference of 8 and of 16 bits. */
const CONCATENATION = { short: 0x00, long: 0x08 } as const;

/** Removes the header, and reads the part number from it or from SAR parameters. An invalid header counts as none. */
export function readPart(octets: Buffer, esmClass: number, tlvs: Tlvs): MessagePart {
  if ((esmClass & ESM_CLASS.userDataHeader) === 0) return { octets, of: readSar(tlvs) };
  const end = (octets[0] ?? 0) + 1;
  if (end > octets.length) return { octets, of: null };
  let of: MessagePart['of'] = null;
  for (let at = 1; at + 1 < end;) {
    const [id, length] = [octets[at], octets[at + 1] ?? 0];
    if (at + 2 + length > end) break;
    const data = octets.subarray(at + 2, at + 2 + length);
    if (id === CONCATENATION.short && data.length === 3)
      of = partOf(data.readUInt8(0), data.readUInt8(1), data.readUInt8(2));
    else if (id === CONCATENATION.long && data.length === 4)
      of = partOf(data.readUInt16BE(0), data.readUInt8(2), data.readUInt8(3));
    at += 2 + length;
  }
  return { octets: octets.subarray(end), of };
}

function readSar(tlvs: Tlvs): MessagePart['of'] {
  const reference = tlvs.get(TAGS.sar_msg_ref_num);
  const total = tlvs.get(TAGS.sar_total_segments)?.[0];
  const number = tlvs.get(TAGS.sar_segment_seqnum)?.[0];
  return reference?.length !== 2 || total === undefined || number === undefined
    ? null
    : partOf(reference.readUInt16BE(0), total, number);
}

function partOf(reference: number, total: number, number: number): MessagePart['of'] {
  return total > 1 && number >= 1 && number <= total ? { reference, total, number } : null;
}

/** A complete message, with the values that came with its first part. */
export interface WholeMessage<Context> {
  readonly octets: Buffer;
  readonly context: Context;
}

export interface Reassembly<Context> {
  /**
   * Takes a part of a message between two addresses. Returns messages that it completes, and messages that were dropped
   * for it.
   * @param between distinguishes messages with the same reference
   */
  take(part: MessagePart, between: string, context: Context): WholeMessage<Context>[];
  /** Messages that waited too long, as far as they are complete. */
  expire(): WholeMessage<Context>[];
  /** Everything that waits, as far as it has come. */
  flush(): WholeMessage<Context>[];
  readonly waiting: number;
}

interface Begun<Context> {
  readonly parts: (Buffer | undefined)[];
  readonly context: Context;
  readonly begunAt: number;
  missing: number;
}

/** An empty reassembly that holds up to `messagesMax` incomplete messages for up to `waitMs`. */
export function createReassembly<Context>(
  messagesMax: number,
  waitMs: number,
  now: () => number,
): Reassembly<Context> {
  const begun = new Map<string, Begun<Context>>();

  function end(key: string, { parts, context }: Begun<Context>): WholeMessage<Context> {
    begun.delete(key);
    return { octets: Buffer.concat(parts.flatMap((each) => each ?? [])), context };
  }

  /** Oldest first; they stand in that order. */
  function endWhile(test: (each: Begun<Context>) => boolean): WholeMessage<Context>[] {
    const ended: WholeMessage<Context>[] = [];
    for (const [key, each] of begun) {
      if (!test(each)) break;
      ended.push(end(key, each));
    }
    return ended;
  }

  return {
    get waiting() {
      return begun.size;
    },
    take({ octets, of }, between, context) {
      // A part longer than possible is none; otherwise a few could fill the memory.
      if (of === null || octets.length > SHORT_MESSAGE_MAX) return [{ octets, context }];
      const key = `${of.reference} ${of.total} ${between}`;
      let message = begun.get(key);
      const gaveWay: WholeMessage<Context>[] = [];
      if (message === undefined) {
        if (begun.size >= messagesMax) gaveWay.push(...endWhile(() => begun.size >= messagesMax));
        message = {
          parts: Array.from({ length: of.total }),
          context,
          begunAt: now(),
          missing: of.total,
        };
        begun.set(key, message);
      }
      if (message.parts[of.number - 1] === undefined) {
        // A copy: the octets are a view of all that came with them.
        message.parts[of.number - 1] = Buffer.from(octets);
        message.missing -= 1;
      }
      return message.missing > 0 ? gaveWay : [...gaveWay, end(key, message)];
    },
    expire() {
      const since = now() - waitMs;
      return endWhile((each) => each.begunAt <= since);
    },
    flush: () => endWhile(() => true),
  };
}
