/**
 * Reading: octets to PDUs. Octet strings are views of the bytes given, not copies. Whatever the octets are, the result
 * is a PDU, null for an unknown command, or a `PduError`.
 *
 * Maximum lengths of strings are not enforced: an SMSC that says more than it may does no harm within a PDU's length.
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

class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #sequence: number;
  #at: number;

  constructor(bytes: Buffer, at: number, end: number, sequence: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#sequence = sequence;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  #fail(what: string): never {
    throw new PduError(what, STATUS.invalidLength, this.#sequence);
  }

  octet(): number {
    if (this.#at >= this.#end) this.#fail('A field is missing');
    const value = this.#bytes[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  /** A C-octet string (3.1): up to the next NUL, which must come before the end. */
  text(): string {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) this.#fail('A string is not terminated');
    const text = this.#bytes.toString('latin1', this.#at, nul);
    this.#at = nul + 1;
    return text;
  }

  octets(length: number): Buffer {
    if (this.#at + length > this.#end) this.#fail('A field is longer than its PDU');
    const octets = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return octets;
  }

  address(): SmppAddress {
    return { ton: this.octet(), npi: this.octet(), address: this.text() };
  }

  /** All optional parameters up to the end (3.2.4). */
  tlvs(): Tlvs {
    if (this.isAtEnd) return NO_TLVS;
    const tlvs = new Map<number, Buffer>();
    while (!this.isAtEnd) {
      if (this.#at + 4 > this.#end) this.#fail('An optional parameter is cut off');
      const tag = this.#bytes.readUInt16BE(this.#at);
      const length = this.#bytes.readUInt16BE(this.#at + 2);
      this.#at += 4;
      tlvs.set(tag, this.octets(length));
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
 * @throws PduError when the body does not fit its command (status ESME_RINVCMDLEN).
 */
export function readPdu(bytes: Buffer, start: number, end: number): Pdu | null {
  const command = findCommand(bytes.readUInt32BE(start + 4));
  if (command === undefined) return null;
  const status = bytes.readUInt32BE(start + 8);
  const sequence = bytes.readUInt32BE(start + 12);
  const cursor = new Cursor(bytes, start + HEADER_LENGTH, end, sequence);
  return readBody(command, status, sequence, cursor);
}

function readBody(command: CommandName, status: number, sequence: number, cursor: Cursor): Pdu {
  switch (command) {
    case 'submit_sm_resp':
    case 'deliver_sm_resp':
    case 'data_sm_resp':
      // With an error there is no body (4.4.2), and some leave it out of others too.
      return {
        command,
        status,
        sequence,
        messageId: cursor.isAtEnd ? '' : cursor.text(),
        tlvs: cursor.tlvs(),
      };
    case 'bind_receiver_resp':
    case 'bind_transmitter_resp':
    case 'bind_transceiver_resp':
      return {
        command,
        status,
        sequence,
        systemId: cursor.isAtEnd ? '' : cursor.text(),
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
    shortMessage: cursor.octets(cursor.octet()),
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
