/**
 * The least SMSC that there can be, for the benchmarks: a process of its own that says yes to everything, in one write
 * per chunk; with `receipts` it sends one for each message that wants it. Prints its port. It shares no code with any client.
 */
import { createServer, type AddressInfo } from 'node:net';

const RESPONSE = 0x80000000;
const SUBMIT = 4;
const DELIVER = 5;
const UNBIND = 6;
const ENQUIRE = 0x15;
const HEADER = 16;
/** Characters of a message's id. */
const ID = 7;
/** Octets of the answer to a bind or a submission: the header, and an id or a name with its NUL. */
const ANSWER = HEADER + ID + 1;
const RECEIPT_MAX = 200;

const sendsReceipts = process.argv[2] === 'receipts';

let submitted = 0;
const nextId = () => (submitted += 1).toString(16).padStart(ID, '0');

function writeHeader(out: Buffer, at: number, length: number, command: number, sequence: number) {
  out.writeUInt32BE(length, at);
  out.writeUInt32BE(command >>> 0, at + 4);
  out.writeUInt32BE(0, at + 8);
  out.writeUInt32BE(sequence, at + 12);
}

/** Whether a message wants a receipt, and its addresses, of which each ends with its NUL. */
function readSubmission(bytes: Buffer, at: number) {
  const source = bytes.indexOf(0, at + HEADER) + 3;
  const destination = bytes.indexOf(0, source) + 3;
  // Behind it: esm_class, protocol_id, priority_flag, two times, registered_delivery (SMPP 3.4, section 4.4.1).
  const schedule = bytes.indexOf(0, destination) + 4;
  const validity = bytes.indexOf(0, schedule) + 1;
  const registered = bytes.indexOf(0, validity) + 1;
  return {
    wantsReceipt: bytes[registered] === 1,
    from: bytes.subarray(source, destination - 2),
    to: bytes.subarray(destination, schedule - 3),
  };
}

/** Writes a receipt (SMPP 3.4, appendix B); returns its end. */
function writeReceipt(out: Buffer, at: number, id: string, from: Buffer, to: Buffer): number {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:`;
  let end = at + HEADER;
  const put = (...octets: number[]) => {
    for (const octet of octets) out[end++] = octet;
  };
  // service_type; then both addresses as international numbers of the telephone network.
  put(0, 1, 1);
  end += to.copy(out, end);
  put(1, 1);
  end += from.copy(out, end);
  // esm_class of a receipt, protocol, priority, two times, registered, replaced, coding, default message.
  put(4, 0, 0, 0, 0, 0, 0, 0, 0, text.length);
  end += out.write(text, end, 'latin1');
  writeHeader(out, at, end - at, DELIVER, submitted);
  return end;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const out = Buffer.allocUnsafe((bytes.length / HEADER + 1) * (ANSWER + RECEIPT_MAX));
    let [at, end] = [0, 0];
    while (bytes.length - at >= HEADER && bytes.length - at >= bytes.readUInt32BE(at)) {
      const command = bytes.readUInt32BE(at + 4);
      const sequence = bytes.readUInt32BE(at + 12);
      const answer = (command | RESPONSE) >>> 0;
      if (command === UNBIND || command === ENQUIRE) {
        writeHeader(out, end, HEADER, answer, sequence);
        end += HEADER;
      } else if (command < RESPONSE) {
        const id = command === SUBMIT ? nextId() : 'thesmsc';
        writeHeader(out, end, ANSWER, answer, sequence);
        out.write(`${id}\0`, end + HEADER, 'latin1');
        end += ANSWER;
        if (command === SUBMIT && sendsReceipts) {
          const { wantsReceipt, from, to } = readSubmission(bytes, at);
          if (wantsReceipt) end = writeReceipt(out, end, id, from, to);
        }
      }
      at += bytes.readUInt32BE(at);
    }
    rest = Buffer.from(bytes.subarray(at));
    if (end > 0) socket.write(out.subarray(0, end));
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
// It ends with the process that started it.
process.stdin.on('end', () => process.exit(0)).resume();
