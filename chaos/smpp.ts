/** The part of SMPP 3.4 that an SMSC needs to accept messages and to send receipts. Sections are from the standard. */

export const BIND = 0x09;
export const SUBMIT = 0x04;
export const DELIVER_RESP = 0x80000005;
export const ENQUIRE = 0x15;
export const UNBIND = 0x06;
const DELIVER = 0x05;
const RESPONSE = 0x80000000;
const HEADER = 16;

export interface RawPdu {
  readonly command: number;
  readonly status: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** Cuts a stream into PDUs (3.2: length, id, status, sequence number, body). */
export function readPdus(take: (pdu: RawPdu) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER && bytes.length - at >= bytes.readUInt32BE(at)) {
      const length = bytes.readUInt32BE(at);
      take({
        command: bytes.readUInt32BE(at + 4),
        status: bytes.readUInt32BE(at + 8),
        sequence: bytes.readUInt32BE(at + 12),
        body: bytes.subarray(at + HEADER, at + length),
      });
      at += length;
    }
    rest = Buffer.from(bytes.subarray(at));
  };
}

function pdu(command: number, status: number, sequence: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(HEADER + body.length, 0);
  header.writeUInt32BE(command >>> 0, 4);
  header.writeUInt32BE(status, 8);
  header.writeUInt32BE(sequence, 12);
  return Buffer.concat([header, body]);
}

/** The answer to a request, with a name or an id in it where it has one. */
export function answerTo(
  { command, sequence }: Pick<RawPdu, 'command' | 'sequence'>,
  status: number,
  text: string | null,
): Buffer {
  const body = text === null ? Buffer.alloc(0) : Buffer.from(`${text}\0`, 'latin1');
  return pdu(command | RESPONSE, status, sequence, body);
}

/** The recipient of a submit_sm (4.4.1: service type; source ton, npi, address; destination ton, npi, address; …). */
export function addressOf({ body }: RawPdu): string {
  const afterService = body.indexOf(0) + 1;
  const afterSource = body.indexOf(0, afterService + 2) + 1;
  const from = afterSource + 2;
  return body.toString('latin1', from, body.indexOf(0, from));
}

/** A deliver_sm that says DELIVRD (4.6.1, appendix B). */
export function receiptPdu(sequence: number, id: string, address: string): Buffer {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010101 done date:2601010102 stat:DELIVRD err:000 text:`;
  const body = Buffer.concat([
    Buffer.from(`\0\x01\x01${address}\0\x01\x0115005550100\0`, 'latin1'),
    // esm_class "receipt", protocol, priority, times, registered delivery, replace, coding, default message
    Buffer.from([0x04, 0, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.from([text.length]),
    Buffer.from(text, 'latin1'),
  ]);
  return pdu(DELIVER, 0, sequence, body);
}
