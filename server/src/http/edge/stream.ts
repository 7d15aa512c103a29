/**
 * Live streams over HTTP, as server-sent events (HTML Living Standard, section 9.2). One has all
 * events of an account and continues after the last event that a client has seen. The other has
 * the states of an operation and starts with the present one.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { matchEventType, type EventName } from '../../domain/event.ts';
import type { StreamedEvent, StreamSource } from '../../domain/live-events.ts';
import type { Operation } from '../../domain/operation.ts';
import { ERRORS } from '../../domain/errors.ts';
import { Refusal, refuse } from '../../shapes/refusal.ts';
import { isStillGood, type Who } from './identify.ts';
import { NOT_READ, Stream } from './server-events.ts';
import type { Unread } from './unread.ts';

export interface Streams {
  /** Answers with all events of the account from now on, or from behind `Last-Event-ID`. */
  streamAccount(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  /** Sends an operation at once and after each change, until it cannot change any more. */
  streamOperation(
    request: FastifyRequest,
    reply: FastifyReply,
    operation: Operation,
    serialize: (operation: Operation) => object,
  ): Promise<FastifyReply>;
  /** Ends all streams: clients come back elsewhere. */
  stop(): void;
  /** How many are open. */
  readonly count: number;
}

/** Streams of one node; more are refused. */
const STREAMS_MAX = 10_000;
/** How often it is asked whether the credentials of streams are good: a revoked one is gone within five seconds. */
const CREDENTIALS_MS = 2_500;
/** Credentials that are asked about at once: requests need the database too. */
const CREDENTIALS_TOGETHER = 10;
const AGAIN = { 'retry-after': '5' };

export interface StreamDeps {
  readonly source: StreamSource;
  readonly unread: Unread;
  /** Streams of one account on this node; more are refused. */
  readonly streamsPerAccount: number;
  readonly who: Who;
}

export function createStreams(deps: StreamDeps): Streams {
  const { source, unread } = deps;
  const open = new Map<number, Set<Stream>>();
  const closures = new Closures();
  let count = 0;
  let checking: NodeJS.Timeout | undefined;

  /** Credentials are checked in the database: a revoked key does not open another stream. */
  async function start(request: FastifyRequest, reply: FastifyReply): Promise<Stream> {
    if (!(await isStillGood(request, deps.who))) throw refuse('authentication');
    const { id } = request.account;
    const own = open.get(id) ?? new Set();
    if (own.size >= deps.streamsPerAccount)
      throw refuse('tooManyRequests', describeExcess(own.size), AGAIN);
    if (count >= STREAMS_MAX)
      throw refuse('unavailable', 'Too many streams are open on this node.', AGAIN);
    const stream = new Stream(request, reply, (bytes) => {
      unread.add(id, bytes);
      if (bytes > 0) shed(id);
    });
    count += 1;
    open.set(id, own.add(stream));
    checking ??= setInterval(() => void checkCredentials(), CREDENTIALS_MS);
    stream.onEnd(() => {
      count -= 1;
      own.delete(stream);
      if (own.size === 0) open.delete(id);
      if (stream.closedBecause !== null) closures.note(request, stream.closedBecause);
      if (count > 0) return;
      clearInterval(checking);
      checking = undefined;
    });
    const why = closures.take(request);
    if (why !== null) stream.sendClosure(why);
    return stream;
  }

  /** Closes the streams that are furthest behind, of the account or of whom most is unread, until there is room. */
  function shed(accountId: number): void {
    while (unread.isAccountFull(accountId) && closeFurthestBehind(accountId));
    while (unread.isNodeFull()) {
      const [first, ...rest] = open.keys();
      if (first === undefined) return;
      const most = rest.reduce((a, b) => (unread.of(b) > unread.of(a) ? b : a), first);
      if (!closeFurthestBehind(most)) return;
    }
  }

  function closeFurthestBehind(accountId: number): boolean {
    let furthest: Stream | null = null;
    for (const each of open.get(accountId) ?? [])
      if (each.unread > (furthest?.unread ?? 0)) furthest = each;
    furthest?.cut(NOT_READ);
    return furthest !== null;
  }

  let isChecking = false;
  /** Each credential is asked about once, however many streams it has. */
  async function checkCredentials(): Promise<void> {
    if (isChecking) return;
    isChecking = true;
    const byProof = new Map<string, Stream[]>();
    for (const stream of [...open.values()].flatMap((own) => [...own])) {
      const { authorization, cookie } = stream.request.headers;
      const proof = authorization ?? cookie ?? '';
      const known = byProof.get(proof);
      if (known === undefined) byProof.set(proof, [stream]);
      else known.push(stream);
    }
    const all = [...byProof.values()];
    while (all.length > 0)
      await Promise.all(all.splice(0, CREDENTIALS_TOGETHER).map(checkCredential));
    isChecking = false;
  }

  async function checkCredential(streams: readonly Stream[]): Promise<void> {
    const [first] = streams;
    if (first === undefined) return;
    // While the database is unavailable, the answer is unknown and there are no events.
    const isGood = await isStillGood(first.request, deps.who).catch(() => true);
    if (!isGood)
      for (const each of streams) each.end('The credentials of this stream are no longer valid.');
  }

  return {
    async streamAccount(request, reply) {
      if (request.method === 'HEAD') return answerHead(reply);
      const { names, lastEventId } = readAccountQuery(request);
      const stream = await start(request, reply);
      const listener = {
        names,
        // A client that leaves before the first event continues here, too.
        begin: (place: string) => void stream.write(`id: ${place}\n\n`),
        take: (events: readonly StreamedEvent[]) => stream.writeEvents(events),
        waitForRoom: () => stream.waitForRoom(),
        end: () => stream.end(),
      };
      try {
        stream.onEnd(await source.followAccount(request.account, listener, lastEventId));
      } catch (error) {
        request.log.warn({ err: error }, 'A stream could not be started');
        stream.end();
      }
      return reply;
    },

    async streamOperation(request, reply, operation, serialize) {
      if (request.method === 'HEAD') return answerHead(reply);
      const stream = await start(request, reply);
      const seen = readLastEventId(request);
      const send = (now: Operation) => {
        const id = String(now.revision);
        const isKept =
          id === seen ||
          stream.write(`id: ${id}\nevent: operation\ndata: ${JSON.stringify(serialize(now))}\n\n`);
        if (!isFinal(now)) return isKept;
        // A client that comes back again and again, as EventSource does, gets the same again.
        stream.write('event: end\ndata: {}\n\n');
        return false;
      };
      if (!send(operation)) stream.end();
      else
        stream.onEnd(
          source.followOperation(request.account.id, operation, {
            take: send,
            end: () => stream.end(),
          }),
        );
      return reply;
    },

    stop() {
      for (const own of open.values()) for (const stream of own) stream.stop();
    },

    get count() {
      return count;
    },
  };
}

function describeExcess(open: number): string {
  return `This account has ${open === 1 ? '1 stream' : `${open} streams`} open on this node, the maximum (limits.streamsPerAccount). Close one, or receive several types over one stream with ?types=.`;
}

/** The headers of a stream, without a stream (RFC 9110, 9.3.2). */
const answerHead = (reply: FastifyReply) => reply.type('text/event-stream').send('');

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
        `There is no type "${each.slice(0, 100)}"; use types, or prefixes with * at the end, separated by commas.`,
        '$.types',
      );
    for (const name of matched) names.add(name);
  }
  return { names, lastEventId };
}

function refuseQuery(message: string, context: string): Refusal {
  return new Refusal(400, [{ code: ERRORS.invalid.code, message, context }]);
}

/** Closures are remembered for this long, and this many of them; beyond that all are forgotten. */
const REMEMBERED_MS = 900_000;
const REMEMBERED_MAX = 1_000;

/** Why streams were closed, until their clients come back: with the same credentials, from the same address, to the same stream. */
class Closures {
  readonly #known = new Map<string, { readonly at: Date; readonly why: string }>();

  note(request: FastifyRequest, why: string): void {
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    this.#known.set(nameOf(request), { at: new Date(), why });
  }

  /** A sentence, once. */
  take(request: FastifyRequest): string | null {
    const name = nameOf(request);
    const known = this.#known.get(name);
    this.#known.delete(name);
    if (known === undefined || Date.now() - known.at.getTime() > REMEMBERED_MS) return null;
    return `The server closed this stream at ${known.at.toISOString()}: ${known.why}. It continues after Last-Event-ID.`;
  }
}

function nameOf({ credentialSid, ip, url, query }: FastifyRequest): string {
  const { types = '' } = query as { types?: string };
  return [credentialSid, ip, url.split('?', 1)[0], types].join(' ');
}
