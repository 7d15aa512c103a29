/**
 * One live stream: an unfinished answer, as server-sent events (HTML Living Standard, section
 * 9.2).
 *
 * ```
 *  open ──its client has too much unread──▶ writing stops ──it reads──▶ open
 *    │                                        │
 *    │ closed in order                        │ no reads for too long, or the memory is needed
 *    ▼                                        ▼
 *   over                                     cut, with the reason
 * ```
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StreamedEvent } from '../../domain/live-events.ts';
import { onAnswerOver, onStalled } from './unread.ts';

/** A comment is sent this often, so that no intermediary closes the connection as idle. */
const ALIVE_MS = 15_000;
/** After this a stream ends, and its client comes back, to a node that may have room. */
const STREAM_MS_MAX = 900_000;
/** The pause of clients before they come back. */
const RETRY_MS = 2_000;

/** Unread bytes of a client beyond which nothing more is written, and the number below which there is room again. */
const UNREAD_BYTES_MAX = 262_144;
const ROOM_BYTES = 65_536;
/** Characters of events that are written at once. */
const CHUNK_LENGTH = 65_536;

export const NOT_READ = 'its unread data filled the memory for unread data';
const STALLED = 'the client did not read waiting data for too long (limits.unreadTimeoutMs)';

/** One response that stays open. */
export class Stream {
  readonly request: FastifyRequest;
  readonly #raw: ServerResponse;
  /** Null once they have been called. */
  #ends: (() => void)[] | null = [];
  readonly #count: (bytes: number) => void;
  #unread = 0;
  #isOver = false;
  /** The connection is closed or closing: no more bytes are written. */
  #isGone = false;
  #closedBecause: string | null = null;
  #waiting: ((hasRoom: boolean) => void) | null = null;

  /** @param count called with the change of the unread bytes, negative when there are fewer */
  constructor(request: FastifyRequest, reply: FastifyReply, count: (bytes: number) => void) {
    this.request = request;
    this.#count = count;
    const { raw } = reply;
    this.#raw = raw;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value);
    reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that know it pass every event on at once.
      'x-accel-buffering': 'no',
    });
    const alive = setInterval(() => this.#isFull || this.write(':\n\n'), ALIVE_MS);
    const limit = setTimeout(() => this.end(), STREAM_MS_MAX);
    raw.on('error', () => undefined);
    onStalled(raw, () => this.cut(STALLED));
    onAnswerOver(request.raw, raw, () => {
      this.#isOver = true;
      this.#isGone = true;
      clearInterval(alive);
      clearTimeout(limit);
      request.raw.socket.off('end', this.#onEnded);
      this.#note();
      const ends = this.#ends ?? [];
      this.#ends = null;
      for (const each of ends) each();
    });
    // Whether it still listens would be known at the next write only, and until then it counts.
    const { socket } = request.raw;
    if (socket.readableEnded) setImmediate(() => this.end());
    else socket.once('end', this.#onEnded);
    this.write(`retry: ${RETRY_MS}\n\n`);
  }

  readonly #onEnded = () => this.end();

  /** Why the server closed it, where it did not end in order. */
  get closedBecause(): string | null {
    return this.#closedBecause;
  }

  /** Bytes that its client has not taken. */
  get unread(): number {
    return this.#unread;
  }

  get #isFull(): boolean {
    return this.#raw.writableLength > UNREAD_BYTES_MAX;
  }

  #note(): void {
    const now = this.#isGone ? 0 : this.#raw.writableLength;
    const more = now - this.#unread;
    this.#unread = now;
    if (more !== 0) this.#count(more);
    if (this.#waiting === null || (!this.#isOver && now > ROOM_BYTES)) return;
    this.#waiting(!this.#isOver);
    this.#waiting = null;
  }

  /** For events that cannot be read again: a client without enough room for them is closed. False if the stream is over. */
  write(text: string): boolean {
    if (this.#isOver) return false;
    this.#raw.write(text, () => this.#note());
    this.#note();
    if (this.#isFull) this.cut(NOT_READ);
    return !this.#isOver;
  }

  /** Writes events while there is room, and returns how many; none when it is over. */
  writeEvents(events: readonly StreamedEvent[]): number {
    let taken = 0;
    while (taken < events.length && !this.#isOver && !this.#isFull) {
      let text = '';
      for (; taken < events.length && text.length < CHUNK_LENGTH; taken += 1) {
        const { id, type, json } = events[taken] as StreamedEvent;
        text += `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
      }
      this.#raw.write(text, () => this.#note());
      this.#note();
    }
    return taken;
  }

  /** False when it is over. */
  waitForRoom(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#note();
    });
  }

  /** An event without an id: clients that come back name the last one they have had. */
  sendClosure(message: string): void {
    this.write(`event: closed\ndata: ${JSON.stringify({ message })}\n\n`);
  }

  /** Ends it in order, where there is something to say with that. */
  end(message: string | null = null): void {
    if (this.#isOver) return;
    if (message !== null) this.sendClosure(message);
    this.#isOver = true;
    this.#raw.end();
    this.#note();
  }

  /** Cuts it off, whatever waits for its client. The client gets the reason when it comes back. */
  cut(why: string | null): void {
    if (this.#isGone) return;
    this.#closedBecause = why;
    this.#isOver = true;
    this.#isGone = true;
    this.#raw.destroy();
    this.#note();
  }

  /** A stop does not wait for a client that does not read: a client that returns has lost nothing. */
  stop(): void {
    if (this.#raw.writableLength > 0) this.cut(null);
    else this.end();
  }

  /** Calls back when it is over, at once when it is already. */
  onEnd(end: () => void): void {
    if (this.#ends === null) end();
    else this.#ends.push(end);
  }
}
