/**
 * A far side for the Kafka sink: one scripted broker on 127.0.0.1 with the producer's part of the protocol (ApiVersions
 * 2, Metadata 4, Produce 3, record batches of magic 2). It is not Kafka: it shows the requests of the sink and its
 * reactions to answers, not the behaviour of Kafka.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

const TOPIC = 'events';
const PARTITIONS = 3;
const PRODUCE = 0;
const METADATA = 3;
const API_VERSIONS = 18;
const UNKNOWN_TOPIC = 3;

/** A record that was taken. */
export interface KafkaRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One Produce request. */
export interface ProduceRequest {
  readonly acks: number;
  readonly records: readonly KafkaRecord[];
}

/** An error code (0: taken), or: taken and the connection closed, or: no answer at all. */
export type ProduceAnswer = number | 'close' | 'silence';

export interface KafkaBroker {
  readonly address: string;
  readonly requests: readonly ProduceRequest[];
  /** Records that were taken, in their order. */
  readonly records: readonly KafkaRecord[];
  readonly openConnections: number;
  close(): Promise<void>;
}

export async function startKafkaBroker(
  respond: (request: ProduceRequest, number: number) => ProduceAnswer | Promise<ProduceAnswer>,
): Promise<KafkaBroker> {
  const requests: ProduceRequest[] = [];
  const records: KafkaRecord[] = [];
  const sockets = new Set<Socket>();

  async function answer(socket: Socket, frame: Buffer): Promise<void> {
    const reader = new Reader(frame);
    const api = reader.int(2);
    reader.skip(2);
    const head = reader.take(4);
    reader.string();
    const body = await bodyOf(api, reader, socket);
    if (body === null || socket.destroyed) return;
    socket.write(Buffer.concat([int(4, head.length + body.length), head, body]));
  }

  async function bodyOf(api: number, reader: Reader, socket: Socket): Promise<Buffer | null> {
    if (api === API_VERSIONS) return versions();
    if (api === METADATA)
      return metadata(
        (server.address() as AddressInfo).port,
        reader.array(() => reader.string()),
      );
    if (api !== PRODUCE) throw new Error(`A producer has no need of request ${api}.`);
    const { request, partitions } = readProduce(reader);
    requests.push(request);
    const verdict = await respond(request, requests.length);
    if (verdict === 0 || verdict === 'close') records.push(...request.records);
    if (verdict === 'close') socket.destroy();
    return typeof verdict === 'number' ? produced(partitions, verdict) : null;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let rest = Buffer.alloc(0);
    let turn = Promise.resolve();
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE()) {
        const frame = rest.subarray(4, 4 + rest.readInt32BE());
        rest = rest.subarray(4 + frame.length);
        turn = turn.then(() => answer(socket, frame));
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    records,
    get openConnections() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function int(size: 1 | 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigInt64BE(BigInt(value));
  else bytes.writeIntBE(value, 0, size);
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([int(2, Buffer.byteLength(text)), Buffer.from(text)]);
}

function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int(4, items.length), ...items]);
}

function versions(): Buffer {
  const ranges = [
    [PRODUCE, 3],
    [METADATA, 4],
    [API_VERSIONS, 2],
  ] as const;
  const apis = ranges.map(([api, version]) =>
    Buffer.concat([int(2, api), int(2, version), int(2, version)]),
  );
  return Buffer.concat([int(2, 0), array(apis), int(4, 0)]);
}

function metadata(port: number, topics: readonly string[]): Buffer {
  const broker = Buffer.concat([int(4, 1), string('127.0.0.1'), int(4, port), int(2, -1)]);
  const self = array([int(4, 1)]);
  const partitions = Array.from({ length: PARTITIONS }, (_, n) =>
    Buffer.concat([int(2, 0), int(4, n), int(4, 1), self, self]),
  );
  const described = topics.map((topic) =>
    Buffer.concat([
      int(2, topic === TOPIC ? 0 : UNKNOWN_TOPIC),
      string(topic),
      int(1, 0),
      array(topic === TOPIC ? partitions : []),
    ]),
  );
  return Buffer.concat([int(4, 0), array([broker]), int(2, -1), int(4, 1), array(described)]);
}

function produced(partitions: readonly number[], error: number): Buffer {
  const each = partitions.map((partition) =>
    Buffer.concat([int(4, partition), int(2, error), int(8, 0), int(8, -1)]),
  );
  return Buffer.concat([array([Buffer.concat([string(TOPIC), array(each)])]), int(4, 0)]);
}

function readProduce(reader: Reader): { request: ProduceRequest; partitions: number[] } {
  reader.skip(2);
  const acks = reader.int(2);
  reader.skip(4);
  const partitions: number[] = [];
  const records = reader.array(() => {
    reader.string();
    return reader.array(() => {
      const partition = reader.int(4);
      partitions.push(partition);
      return readBatch(reader.take(reader.int(4)), partition);
    });
  });
  return { request: { acks, records: records.flat(2) }, partitions };
}

function readBatch(batch: Buffer, partition: number): KafkaRecord[] {
  const reader = new Reader(batch);
  reader.skip(8 + 4 + 4 + 1 + 4);
  const isGzip = (reader.int(2) & 7) === 1;
  reader.skip(4 + 8 + 8 + 8 + 2 + 4);
  const count = reader.int(4);
  const rest = reader.take(batch.length - 61);
  const body = new Reader(isGzip ? gunzipSync(rest) : rest);
  return Array.from({ length: count }, () => {
    body.varint();
    body.skip(1);
    body.varint();
    body.varint();
    const key = body.text();
    const value = body.text();
    const headers = Array.from({ length: body.varint() }, () => [body.text(), body.text()]);
    return {
      partition,
      key,
      value,
      headers: Object.fromEntries(headers) as Record<string, string>,
    };
  });
}

class Reader {
  #at = 0;
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  skip(count: number): void {
    this.#at += count;
  }
  take(count: number): Buffer {
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
  int(size: 1 | 2 | 4): number {
    return this.take(size).readIntBE(0, size);
  }
  string(): string {
    return this.take(Math.max(0, this.int(2))).toString();
  }
  array<Item>(read: () => Item): Item[] {
    return Array.from({ length: this.int(4) }, read);
  }
  /** Zigzag; of more than 32 bits only the place is right. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1).readUInt8();
      value |= (byte & 127) << shift;
      if (byte < 128) return (value >>> 1) ^ -(value & 1);
    }
  }
  text(): string {
    return this.take(Math.max(0, this.varint())).toString();
  }
}
