/**
 * Reads PDUs from octets. Octet strings are views of the given bytes, not copies. The result is always a PDU, null for an
 * unknown command, or a `PduError` with the readable part of the PDU.
 *
 * Maximum lengths of strings are not enforced: a string that is too long does no harm within a PDU's length.
 */
import { findCommand, type CommandName } from './commands.ts';
import {
  NO_TLVS,
  PduError,
  type DataBody,
  type MessageBody,
  type Pdu,
  type SmppAddress,
  type Tlvs,
} from './pdu.ts';
import { STATUS } from './statuses.ts';

/** Octets of a header: length, id, status, sequence (3.2). */
export const HEADER_LENGTH = 16;
/** Octets before the value of an optional parameter: tag and length (3.2.4.1). */
const TLV_HEADER_LENGTH = 4;

/** A problem of a body, with its status (5.1.3). */
interface Damage {
  readonly what: string;
  readonly status: number;
}

/** Thrown where a body cannot be read any further. */
class Unreadable extends Error {
  readonly damage: Damage;

  constructor(damage: Damage) {
    super(damage.what);
    this.damage = damage;
  }
}

class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;
  /** The position at the end of the readable part. */
  damage: Damage | null = null;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  octet(): number {
    if (this.#at >= this.#end)
      throw new Unreadable({ what: 'A field is missing', status: STATUS.invalidLength });
    const value = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  /** A C-octet string (3.1): up to the next NUL, which must come before the end. */
  text(): string {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end)
      throw new Unreadable({ what: 'A string is not terminated', status: STATUS.invalidLength });
    const text = this.#bytes.toString('latin1', this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  /** The only string of an answer, empty where there is no body (4.4.2). Without its NUL it goes to the end. */
  onlyText(): string {
    if (this.isAtEnd) return '';
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul >= 0 && nul < this.#end) return this.text();
    this.damage = { what: 'A string is not terminated', status: STATUS.invalidLength };
    const text = this.#bytes.toString('latin1', this.#at, this.#end);
    this.#at = this.#end;
    return text;
  }

  address(): SmppAddress {
    return { ton: this.octet(), npi: this.octet(), address: this.text() };
  }

  /** short_message behind its length (4.4.1). */
  shortMessage(): Buffer {
    const length = this.octet();
    if (this.#at + length > this.#end)
      throw new Unreadable({
        what: 'The message is longer than its PDU',
        status: STATUS.invalidMessageLength,
      });
    return this.#octets(length);
  }

  #octets(length: number): Buffer {
    const octets = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return octets;
  }

  /** All optional parameters up to the end (3.2.4), or up to the first that is cut off. */
  tlvs(): Tlvs {
    if (this.isAtEnd) return NO_TLVS;
    const tlvs = new Map<number, Buffer>();
    while (!this.isAtEnd) {
      const left = this.#end - this.#at - TLV_HEADER_LENGTH;
      const length = left < 0 ? 0 : this.#bytes.readUInt16BE(this.#at + 2);
      if (length > left) {
        const what = 'An optional parameter is cut off';
        this.damage = { what, status: STATUS.invalidOptionalParameters };
        break;
      }
      const tag = this.#bytes.readUInt16BE(this.#at);
      this.#at += TLV_HEADER_LENGTH;
      tlvs.set(tag, this.#octets(length));
    }
    return tlvs;
  }
}

/** The id and the sequence number of a frame. */
export function readHeader(bytes: Buffer, start: number): { id: number; sequence: number } {
  return { id: bytes.readUInt32BE(start + 4), sequence: bytes.readUInt32BE(start + 12) };
}

/**
 * Reads the PDU that fills `bytes` from `start` to `end`, as the frame decoder cuts them: at least a header. Null when
 * the command is unknown.
 * @throws PduError when the body does not fit its command: status ESME_RINVCMDLEN for a field that is missing or not
 * terminated, ESME_RINVMSGLEN for a short_message and ESME_RINVOPTPARSTREAM for an optional parameter beyond the end.
 */
export function readPdu(bytes: Buffer, start: number, end: number): Pdu | null {
  const command = findCommand(bytes.readUInt32BE(start + 4));
  if (command === undefined) return null;
  const status = bytes.readUInt32BE(start + 8);
  const sequence = bytes.readUInt32BE(start + 12);
  const cursor = new Cursor(bytes, start + HEADER_LENGTH, end);
  try {
    const pdu = readBody(command, status, sequence, cursor);
    if (cursor.damage === null) return pdu;
    const { what, status: answer } = cursor.damage;
    throw new PduError(what, answer, bytes.subarray(start, end), pdu);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { what, status: answer } = error.damage;
    throw new PduError(what, answer, bytes.subarray(start, end));
  }
}

function readBody(command: CommandName, status: number, sequence: number, cursor: Cursor): Pdu {
  switch (command) {
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
    case 'data_sm_resp':
      return {
        command,
        status,
        sequence,
        messageId: cursor.onlyText(),
        tlvs: cursor.tlvs(),
      };
    case 'bind_receiver_resp':
    case 'bind_transmitter_resp':
    case 'bind_transceiver_resp':
      return {
        command,
        status,
        sequence,
        systemId: cursor.onlyText(),
        tlvs: cursor.tlvs(),
      };
    case 'submit_sm':
    case 'deliver_sm':
      return { command, status, sequence, ...readMessage(cursor) };
    case 'data_sm':
      return { command, status, sequence, ...readData(cursor) };
    case 'bind_receiver':
    case 'bind_transmitter':
    case 'bind_transceiver':
      return {
        command,
        status,
        sequence,
        systemId: cursor.text(),
        password: cursor.text(),
        systemType: cursor.text(),
        interfaceVersion: cursor.octet(),
        addressRange: cursor.address(),
      };
    case 'outbind':
      return { command, status, sequence, systemId: cursor.text(), password: cursor.text() };
    case 'alert_notification': {
      const [source, esme] = [cursor.address(), cursor.address()];
      return { command, status, sequence, source, esme, tlvs: cursor.tlvs() };
    }
    case 'generic_nack':
    case 'unbind':
    case 'unbind_resp':
    case 'enquire_link':
    case 'enquire_link_resp':
      return { command, status, sequence };
  }
}

function readMessage(cursor: Cursor): MessageBody {
  return {
    serviceType: cursor.text(),
    source: cursor.address(),
    destination: cursor.address(),
    esmClass: cursor.octet(),
    protocolId: cursor.octet(),
    priority: cursor.octet(),
    scheduledAt: cursor.text(),
    validity: cursor.text(),
    registeredDelivery: cursor.octet(),
    replaceIfPresent: cursor.octet(),
    dataCoding: cursor.octet(),
    defaultMessageId: cursor.octet(),
    shortMessage: cursor.shortMessage(),
    tlvs: cursor.tlvs(),
  };
}

function readData(cursor: Cursor): DataBody {
  return {
    serviceType: cursor.text(),
    source: cursor.address(),
    destination: cursor.address(),
    esmClass: cursor.octet(),
    registeredDelivery: cursor.octet(),
    dataCoding: cursor.octet(),
    tlvs: cursor.tlvs(),
  };
}
