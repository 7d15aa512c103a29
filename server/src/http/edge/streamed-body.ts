/** Passes the body of a streamed request on, part by part, and no faster than it is taken. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { Refusal, refuse } from '../../shapes/refusal.ts';
import { ownerOf } from './bodies.ts';
import { extendRequestTime } from './request-time.ts';

/** Bytes that wait for being taken; as many are with their taker. */
const WINDOW_BYTES = 262_144;
/** What a streamed request takes of the bytes in flight: its parts here, and the recipients of two chunks. */
const IN_FLIGHT_BYTES = 8_388_608;
/** Lists of recipients shrink to a tenth or a fiftieth. Beyond this, bytes were made to expand. */
const EXPANSION_MAX = 200;
const EXPANSION_FREE_BYTES = 1_048_576;

/** Bytes that can be moved to another thread. */
export type Part = Uint8Array<ArrayBuffer>;

/**
 * Calls `take` with all bytes of a body, in their order, one call at a time. Resolves with the first result that is not null,
 * and takes nothing more then; with null at the end of the body. @throws Refusal when the body breaks off or is damaged
 */
export async function passBody<Result>(
  request: FastifyRequest,
  take: (parts: readonly Part[]) => Promise<Result | null>,
): Promise<Result | null> {
  const body = new Body(request);
  try {
    for (;;) {
      const parts = await body.next();
      if (parts === null) return null;
      const result = await take(parts);
      if (result !== null) return result;
    }
  } finally {
    body.leave();
  }
}

/** A body as parts. It waits while nobody asks for more, and while others of its owner have their turn. */
class Body {
  readonly #payload: IncomingMessage;
  /** The payload, or what it unpacks to. */
  readonly #source: Readable;
  readonly #count: (bytes: number) => void;
  #parts: Part[] = [];
  #waiting = 0;
  /** Bytes that are counted as in flight. */
  #reserved = 0;
  /** Whether it waits for the next round of its owner. */
  #isHeld = false;
  #hasEnded = false;
  #error: Error | null = null;
  #wake: () => void = () => undefined;

  constructor(request: FastifyRequest) {
    this.#payload = request.body as IncomingMessage;
    const isPacked = /gzip/i.test(request.headers['content-encoding'] ?? '');
    this.#source = isPacked ? unpack(this.#payload) : this.#payload;
    const { wanted } = request.server.reading;
    const owner = ownerOf(request);
    this.#count = (bytes) => {
      this.#reserve(request, bytes);
      wanted.take(owner, this, bytes);
    };
    this.#source.on('data', this.#receive).on('end', this.#finish).on('error', this.#spoil);
    this.#payload.on('close', this.#cutOff);
  }

  /** The next parts, as soon as there are any; null at the end. */
  async next(): Promise<readonly Part[] | null> {
    extendRequestTime(this.#payload);
    while (this.#waiting === 0 && !this.#hasEnded && this.#error === null)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#error !== null) throw this.#error;
    if (this.#waiting === 0) return null;
    const parts = this.#parts;
    this.#parts = [];
    this.#waiting = 0;
    this.#move();
    return parts;
  }

  /** Leaves the remainder to others. */
  leave(): void {
    this.#source.off('data', this.#receive).off('end', this.#finish);
    this.#payload.off('close', this.#cutOff);
    if (this.#source === this.#payload) return;
    this.#payload.unpipe();
    this.#source.destroy();
  }

  get destroyed(): boolean {
    return this.#source.destroyed;
  }

  pause(): void {
    this.#isHeld = true;
    this.#move();
  }

  resume(): void {
    this.#isHeld = false;
    this.#move();
  }

  #move(): void {
    if (this.#isHeld || this.#waiting >= WINDOW_BYTES) this.#source.pause();
    else this.#source.resume();
  }

  /** Counts its bytes as in flight, as they arrive, up to the memory that a request takes at most. */
  #reserve(request: FastifyRequest, bytes: number): void {
    const more = Math.min(bytes, IN_FLIGHT_BYTES - this.#reserved);
    if (more <= 0) return;
    try {
      request.inFlight?.add('bytes', more);
      this.#reserved += more;
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  readonly #receive = (part: Buffer): void => {
    extendRequestTime(this.#payload);
    this.#parts.push(ownBytes(part));
    this.#waiting += part.length;
    this.#move();
    this.#count(part.length);
    this.#wake();
  };

  readonly #finish = (): void => {
    this.#hasEnded = true;
    this.#wake();
  };

  readonly #cutOff = (): void => {
    if (!this.#payload.complete) this.#fail(refuse('invalid', 'The body broke off.'));
  };

  /** Where the source is the payload, its end is found otherwise. */
  readonly #spoil = (error: Error): void => {
    if (this.#source !== this.#payload)
      this.#fail(error instanceof Refusal ? error : damaged(error.message));
  };

  #fail(error: Error): void {
    this.#error = error;
    this.#wake();
  }
}

/** Bytes in memory of their own. Small buffers share theirs with others, and are copied. */
export function ownBytes(part: Buffer): Part {
  const { buffer, byteLength } = part;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
    ? new Uint8Array(buffer)
    : new Uint8Array(part);
}

/** The unpacked bytes of a body. Its errors are refusals, or zlib's. */
function unpack(payload: IncomingMessage): Readable {
  const gunzip = createGunzip();
  let packed = 0;
  let unpacked = 0;
  payload.on('data', (part: Buffer) => (packed += part.length));
  gunzip.on('data', (part: Buffer) => {
    unpacked += part.length;
    if (unpacked > EXPANSION_FREE_BYTES && unpacked > packed * EXPANSION_MAX)
      gunzip.destroy(damaged(`it expands to more than ${EXPANSION_MAX} times its size`));
  });
  return payload.pipe(gunzip);
}

const damaged = (reason: string): Refusal =>
  refuse('invalid', `The body cannot be read as gzip: ${reason}.`);
