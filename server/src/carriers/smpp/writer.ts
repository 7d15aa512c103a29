/**
 * Writes PDUs as octets into one buffer, so that each round of the event loop needs one write. Strings end at their first
 * NUL and at the maximum length of the standard; numbers are reduced modulo their size.
 */
import { COMMAND_IDS } from './commands.ts';
import type { DataBody, MessageBody, Pdu, SmppAddress, Tlvs } from './pdu.ts';
import { HEADER_LENGTH } from './reader.ts';

/** Most octets of each string, its NUL not counted (chapter 4). */
const LENGTHS = {
  // The standard allows 15, 8 and 12; there are SMSCs whose credentials are longer.
  systemId: 64,
  password: 64,
  systemType: 64,
  addressRange: 40,
  serviceType: 5,
  address: 20,
  esmeAddress: 64,
  time: 16,
  messageId: 64,
} as const;

/** Room for the fixed fields of a message and its strings at their longest. */
const MESSAGE_LENGTH_MAX = 512;

/** A buffer that PDUs are written into. */
export class PduWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** Octets written and not taken. */
  get length(): number {
    return this.#at;
  }

  /**
   * The octets written since the last call. They belong to the caller; the writer continues behind them or in another
   * buffer.
   */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = this.#bytes.subarray(this.#at);
    this.#at = 0;
    return taken;
  }

  /** Makes room for `size` more octets. */
  #reserve(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(64 * 1024, (this.#at + size) * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }

  #octet(value: number): void {
    this.#bytes[this.#at] = value;
    this.#at += 1;
  }

  #int(value: number, at: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** Short strings by hand: a call into the runtime costs more than the loop. */
  #text(text: string, max: number): void {
    const bytes = this.#bytes;
    const end = Math.min(text.length, max);
    let at = this.#at;
    for (let i = 0; i < end; i += 1) {
      const unit = text.charCodeAt(i);
      if (unit === 0) break;
      bytes[at] = unit;
      at += 1;
    }
    bytes[at] = 0;
    this.#at = at + 1;
  }

  #address(address: SmppAddress, max: number): void {
    this.#octet(address.ton);
    this.#octet(address.npi);
    this.#text(address.address, max);
  }

  #octets(octets: Buffer): void {
    this.#reserve(octets.length);
    octets.copy(this.#bytes, this.#at);
    this.#at += octets.length;
  }

  #tlvs(tlvs: Tlvs): void {
    for (const [tag, value] of tlvs) {
      this.#reserve(4 + value.length);
      this.#octet(tag >>> 8);
      this.#octet(tag);
      this.#octet(value.length >>> 8);
      this.#octet(value.length);
      this.#octets(value);
    }
  }

  #begin(id: number, status: number, sequence: number): number {
    this.#reserve(MESSAGE_LENGTH_MAX);
    const start = this.#at;
    this.#int(id, start + 4);
    this.#int(status, start + 8);
    this.#int(sequence, start + 12);
    this.#at = start + HEADER_LENGTH;
    return start;
  }

  /** Writes a submit_sm (4.4.1) without a PDU's object around its body: the hot path. */
  writeSubmit(sequence: number, body: MessageBody): void {
    const start = this.#begin(COMMAND_IDS.submit_sm, 0, sequence);
    this.#message(body);
    this.#int(this.#at - start, start);
  }

  /** Writes any PDU. */
  write(pdu: Pdu): void {
    const start = this.#begin(COMMAND_IDS[pdu.command], pdu.status, pdu.sequence);
    this.#body(pdu);
    this.#int(this.#at - start, start);
  }

  #message(body: MessageBody): void {
    this.#text(body.serviceType, LENGTHS.serviceType);
    this.#address(body.source, LENGTHS.address);
    this.#address(body.destination, LENGTHS.address);
    this.#octet(body.esmClass);
    this.#octet(body.protocolId);
    this.#octet(body.priority);
    this.#text(body.scheduledAt, LENGTHS.time);
    this.#text(body.validity, LENGTHS.time);
    this.#octet(body.registeredDelivery);
    this.#octet(body.replaceIfPresent);
    this.#octet(body.dataCoding);
    this.#octet(body.defaultMessageId);
    this.#octet(body.shortMessage.length);
    this.#octets(body.shortMessage);
    this.#tlvs(body.tlvs);
  }

  #body(pdu: Pdu): void {
    switch (pdu.command) {
      case 'submit_sm':
      case 'deliver_sm':
        this.#message(pdu);
        return;
      case 'submit_sm_resp':
      case 'deliver_sm_resp':
      case 'data_sm_resp':
        this.#text(pdu.messageId, LENGTHS.messageId);
        this.#tlvs(pdu.tlvs);
        return;
      case 'bind_receiver':
      case 'bind_transmitter':
      case 'bind_transceiver':
        this.#text(pdu.systemId, LENGTHS.systemId);
        this.#text(pdu.password, LENGTHS.password);
        this.#text(pdu.systemType, LENGTHS.systemType);
        this.#octet(pdu.interfaceVersion);
        this.#address(pdu.addressRange, LENGTHS.addressRange);
        return;
      case 'bind_receiver_resp':
      case 'bind_transmitter_resp':
      case 'bind_transceiver_resp':
        this.#text(pdu.systemId, LENGTHS.systemId);
        this.#tlvs(pdu.tlvs);
        return;
      case 'data_sm':
        this.#data(pdu);
        return;
      case 'outbind':
        this.#text(pdu.systemId, LENGTHS.systemId);
        this.#text(pdu.password, LENGTHS.password);
        return;
      case 'alert_notification':
        this.#address(pdu.source, LENGTHS.esmeAddress);
        this.#address(pdu.esme, LENGTHS.esmeAddress);
        this.#tlvs(pdu.tlvs);
        return;
      case 'generic_nack':
      case 'unbind':
      case 'unbind_resp':
      case 'enquire_link':
      case 'enquire_link_resp':
        return;
    }
  }

  #data(body: DataBody): void {
    this.#text(body.serviceType, LENGTHS.serviceType);
    this.#address(body.source, LENGTHS.esmeAddress);
    this.#address(body.destination, LENGTHS.esmeAddress);
    this.#octet(body.esmClass);
    this.#octet(body.registeredDelivery);
    this.#octet(body.dataCoding);
    this.#tlvs(body.tlvs);
  }
}

/** One PDU as octets. */
export function encodePdu(pdu: Pdu): Buffer {
  const writer = new PduWriter(MESSAGE_LENGTH_MAX);
  writer.write(pdu);
  return writer.take();
}
