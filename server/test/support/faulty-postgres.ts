/**
 * A proxy before PostgreSQL that speaks enough of its protocol (PostgreSQL, "Frontend/Backend Protocol") to let statements fail, one
 * in so many, in a way that is chosen. The state of each connection stays sound: an error is PostgreSQL's own, raised in place of the
 * statement, so that a transaction has failed on both sides.
 *
 * ```
 *  frontend ──Query, or Parse … Sync──▶ counted ──▶ forwarded
 *                                          └─ every n-th: error · fatal · reset · silence · lost
 * ```
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type Fault =
  /** PostgreSQL answers with this SQLSTATE. */
  | { readonly kind: 'error'; readonly code: string }
  /** The same, and the connection ends. */
  | { readonly kind: 'fatal'; readonly code: string }
  | { readonly kind: 'reset' }
  /** Nothing of the connection arrives any more, in either direction, and neither end sees that it has ended. */
  | { readonly kind: 'silence' }
  /** The statement is done, its answer is lost and the connection breaks. */
  | { readonly kind: 'lost' };

export interface FaultyPostgres {
  readonly url: string;
  /** From now on about every `every`th statement fails. The seed decides which. */
  inject(fault: Fault, every: number, seed: number): void;
  /** From now on none does. Connections that are silent stay so. */
  heal(): void;
  /** Statements that have failed since `inject`. */
  readonly failed: number;
  close(): void;
}

const PROTOCOL_3 = 196_608;

/** Messages of a stream, but for the first ones of a frontend: a type of one byte, the length, the rest. */
class Frames {
  #bytes: Buffer = Buffer.alloc(0);
  #isStarted = false;

  /** The messages that are complete. */
  *take(bytes: Buffer): Generator<Buffer> {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const head = this.#isStarted ? 1 : 0;
      if (this.#bytes.length < head + 4) return;
      const length = head + this.#bytes.readUInt32BE(head);
      if (this.#bytes.length < length) return;
      const message = this.#bytes.subarray(0, length);
      this.#bytes = this.#bytes.subarray(length);
      this.#isStarted ||= message.length >= 8 && message.readUInt32BE(4) === PROTOCOL_3;
      yield message;
    }
  }
}

function frame(type: string, content: string): Buffer {
  const body = Buffer.from(content);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const raise = (code: string) =>
  frame('Q', `do $$ begin raise exception 'injected' using errcode = '${code}'; end $$\0`);
const fatal = (code: string) => frame('E', `SFATAL\0VFATAL\0C${code}\0Minjected\0\0`);

/** ReadyForQuery but for its status; it ends each answer. CopyInResponse begins another exchange. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5]);
const COPY_IN = 0x47;

class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #choose: () => Fault | null;
  readonly #frames = new Frames();
  /** Of a statement in several messages: what comes in its place at Sync. */
  #instead: Buffer | null = null;
  #isSkipping = false;
  #isSilent = false;
  #isLost = false;
  #tail: Buffer = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, choose: () => Fault | null) {
    this.#client = client;
    this.#server = server;
    this.#choose = choose;
    client.on('error', () => undefined).on('close', () => this.#isSilent || server.destroy());
    server.on('error', () => undefined).on('close', () => this.#isSilent || client.destroy());
    client.on('data', (bytes: Buffer) => {
      for (const message of this.#frames.take(bytes)) this.#pass(message);
    });
    server.on('data', (bytes: Buffer) => this.#answer(bytes));
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #pass(message: Buffer): void {
    const type = String.fromCharCode(message[0] ?? 0);
    if (this.#isSilent) return;
    if (this.#isSkipping) {
      if (type !== 'S') return;
      this.#isSkipping = false;
      if (this.#instead !== null) this.#server.write(this.#instead);
      return;
    }
    const fault = type === 'Q' || type === 'P' ? this.#choose() : null;
    if (fault === null) this.#server.write(message);
    else this.#fail(fault, message, type === 'P');
  }

  #fail(fault: Fault, message: Buffer, hasParts: boolean): void {
    switch (fault.kind) {
      case 'error':
        this.#isSkipping = hasParts;
        this.#instead = raise(fault.code);
        if (!hasParts) this.#server.write(this.#instead);
        return;
      case 'fatal':
        this.#isSkipping = true;
        this.#instead = null;
        this.#client.end(fatal(fault.code));
        this.#server.destroy();
        return;
      case 'reset':
        this.#client.resetAndDestroy();
        this.#server.destroy();
        return;
      case 'silence':
        this.#isSilent = true;
        return;
      case 'lost':
        this.#isLost = true;
        this.#server.write(message);
    }
  }

  #answer(bytes: Buffer): void {
    if (this.#isSilent) return;
    if (!this.#isLost) {
      this.#client.write(bytes);
      return;
    }
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-(READY.length + 1));
    if (bytes[0] === COPY_IN || this.#tail.subarray(0, -1).equals(READY)) this.destroy();
  }
}

/** Numbers in [0, 1) that a seed brings back. */
function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export async function startFaultyPostgres(databaseUrl: string): Promise<FaultyPostgres> {
  const target = new URL(databaseUrl);
  const links = new Set<Link>();
  let left = Number.POSITIVE_INFINITY;
  let next = () => left;
  let fault: Fault | null = null;
  let failed = 0;
  const choose = () => {
    left -= 1;
    if (fault === null || left > 0) return null;
    left = next();
    failed += 1;
    return fault;
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const onward = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    const link = new Link(socket, onward, choose);
    links.add(link);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(port) }).href,
    inject(given, every, seed) {
      const chance = createChance(seed);
      next = () => 1 + Math.floor(chance() * (2 * every - 1));
      fault = given;
      failed = 0;
      left = next();
    },
    heal() {
      fault = null;
    },
    get failed() {
      return failed;
    },
    close() {
      for (const each of links) each.destroy();
      server.close();
    },
  };
}
