/**
 * Live streams over HTTP, as server-sent events (HTML Living Standard, section 9.2). One of everything that happens in an account,
 * which goes on behind the last event that a client has seen; and one of an operation's states, which begins with the present one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchEventType, type EventName } from '../domain/event.ts';
import type { Operation } from '../domain/operation.ts';
import { ERRORS } from '../domain/errors.ts';
import type { Account } from '../store/store.ts';
import { Refusal, refuse } from './reply.ts';

/** An event as text, and its place in the order of all. */
interface StreamedEvent {
  readonly id: string;
  readonly type: string;
  readonly json: string;
}

/** What tells those who listen. */
export interface StreamSource {
  followAccount(
    account: Account,
    listener: {
      readonly names: ReadonlySet<EventName> | null;
      take(events: readonly StreamedEvent[]): boolean;
      end(): void;
    },
    afterSid: string | null,
  ): Promise<() => void>;
  followOperation(
    accountId: number,
    operation: Operation,
    listener: { take(operation: Operation): boolean; end(): void },
  ): () => void;
}

export interface Streams {
  /** Answers with everything that happens in the account from now on, or from behind `Last-Event-ID`. */
  streamAccount(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  /** Answers with an operation as it is and whenever it changes, until nothing of it can change any more. */
  streamOperation(
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
    show: (operation: Operation) => object,
  ): FastifyReply;
  /** Ends all streams: clients come back elsewhere. */
  stop(): void;
}

/** Streams of one node; more are refused. */
const STREAMS_MAX = 10_000;
/** A comment goes out this often, so that nothing between takes the connection for dead. */
const ALIVE_MS = 15_000;
/** After this a stream ends, and its client comes back: with credentials that may have been revoked, to a node that may have room. */
const STREAM_MS_MAX = 900_000;
/** Bytes that a client may be behind before it is let go of. */
const BEHIND_BYTES_MAX = 1_048_576;
/** What clients are told to wait before they come back. */
const RETRY_MS = 2_000;

export function createStreams(source: StreamSource): Streams {
  const open = new Set<Stream>();

  function start(reply: FastifyReply): Stream {
    if (open.size >= STREAMS_MAX)
      throw refuse('unavailable', 'Too many streams are open on this node.', {
        'retry-after': '5',
      });
    const stream = new Stream(reply);
    open.add(stream);
    stream.onEnd(() => open.delete(stream));
    return stream;
  }

  return {
    async streamAccount(request, reply) {
      const { names, lastEventId } = readAccountQuery(request);
      const stream = start(reply);
      const listener = {
        names,
        take: (events: readonly StreamedEvent[]) => {
          let text = '';
          for (const { id, type, json } of events)
            text += `id: ${id}\nevent: ${type}\ndata: ${json}\n\n`;
          return stream.write(text);
        },
        end: () => stream.end(),
      };
      try {
        stream.onEnd(await source.followAccount(request.account, listener, lastEventId));
      } catch (error) {
        request.log.warn({ err: error }, 'A stream could not begin');
        stream.end();
      }
      return reply;
    },

    streamOperation(request, reply, operation, show) {
      const stream = start(reply);
      const seen = readLastEventId(request);
      const tell = (now: Operation) => {
        const id = String(now.revision);
        const isKept =
          id === seen ||
          stream.write(`id: ${id}\nevent: operation\ndata: ${JSON.stringify(show(now))}\n\n`);
        if (!isFinal(now)) return isKept;
        // Whoever keeps coming back (EventSource does) is told the same again.
        stream.write('event: end\ndata: {}\n\n');
        return false;
      };
      if (!tell(operation)) stream.end();
      else
        stream.onEnd(
          source.followOperation(request.account.id, operation, {
            take: tell,
            end: () => stream.end(),
          }),
        );
      return reply;
    },

    stop() {
      for (const stream of open) stream.end();
    },
  };
}

/** Whether no counter moves any more, but by a receipt that is better than the last one. */
function isFinal({ status, stats }: Operation): boolean {
  return (
    (status === 'COMPLETED' || status === 'CANCELED') &&
    stats.scheduled + stats.queued + stats.sent === 0
  );
}

/** As EventSource sends it, or in the URL for a first request. */
function readLastEventId(request: FastifyRequest): string | null {
  const header = request.headers['last-event-id'];
  if (typeof header === 'string' && header !== '') return header;
  const { lastEventId } = request.query as { lastEventId?: string };
  return lastEventId === undefined || lastEventId === '' ? null : lastEventId;
}

const EVENT_ID = /^EZ[0-9a-f]{32}$/;

function readAccountQuery(request: FastifyRequest): {
  readonly names: ReadonlySet<EventName> | null;
  readonly lastEventId: string | null;
} {
  const lastEventId = readLastEventId(request);
  if (lastEventId !== null && !EVENT_ID.test(lastEventId))
    throw refuseQuery('It is not the id of an event: EZ and 32 hex digits.', '$.lastEventId');
  const { types } = request.query as { types?: string };
  if (types === undefined) return { names: null, lastEventId };
  const names = new Set<EventName>();
  for (const each of types.split(',')) {
    const matched = matchEventType(each.trim());
    if (matched.length === 0)
      throw refuseQuery(
        `There is no type "${each.slice(0, 100)}"; give types with commas between, or their beginnings with * at the end.`,
        '$.types',
      );
    for (const name of matched) names.add(name);
  }
  return { names, lastEventId };
}

function refuseQuery(message: string, context: string): Refusal {
  return new Refusal(400, [{ code: ERRORS.invalid.code, message, context }]);
}

/** One answer that goes on. */
class Stream {
  readonly #reply: FastifyReply;
  readonly #ends: (() => void)[] = [];
  #isOver = false;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value);
    reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that know it pass every event on at once.
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${RETRY_MS}\n\n`);
    const alive = setInterval(() => this.write(':\n\n'), ALIVE_MS);
    const limit = setTimeout(() => this.end(), STREAM_MS_MAX);
    raw.on('close', () => {
      this.#isOver = true;
      clearInterval(alive);
      clearTimeout(limit);
      for (const each of this.#ends.splice(0)) each();
    });
    raw.on('error', () => undefined);
  }

  /** False when it is over, or its client too far behind: then it ends. */
  write(text: string): boolean {
    if (this.#isOver) return false;
    const { raw } = this.#reply;
    raw.write(text);
    if (raw.writableLength <= BEHIND_BYTES_MAX) return true;
    raw.destroy();
    return false;
  }

  end(): void {
    if (!this.#isOver) this.#reply.raw.end();
    this.#isOver = true;
  }

  /** Calls back when it is over, at once when it is already. */
  onEnd(end: () => void): void {
    if (this.#reply.raw.closed) end();
    else this.#ends.push(end);
  }
}
