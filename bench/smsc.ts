/**
 * The least SMSC that there can be, for the benchmark: a process of its own that says yes to everything, in one write
 * per chunk. Prints its port. It shares no code with either client.
 */
import { createServer, type AddressInfo } from 'node:net';

const RESPONSE = 0x80000000;
const SUBMIT = 4;

/** An answer with an id or a name of seven characters, as much as binds and submissions ask for. */
function writeAnswer(out: Buffer, at: number, command: number, sequence: number): number {
  const isBare = command === 6 || command === 0x15;
  const length = isBare ? 16 : 24;
  out.writeUInt32BE(length, at);
  out.writeUInt32BE((command | RESPONSE) >>> 0, at + 4);
  out.writeUInt32BE(0, at + 8);
  out.writeUInt32BE(sequence, at + 12);
  if (!isBare) out.write(command === SUBMIT ? '012345f\0' : 'thesmsc\0', at + 16, 'latin1');
  return at + length;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const out = Buffer.allocUnsafe((bytes.length / 16 + 1) * 24);
    let [at, end] = [0, 0];
    while (bytes.length - at >= 16 && bytes.length - at >= bytes.readUInt32BE(at)) {
      const command = bytes.readUInt32BE(at + 4);
      if (command < RESPONSE) end = writeAnswer(out, end, command, bytes.readUInt32BE(at + 12));
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
