/**
 * Bytes of answers and streams that clients have not read yet, counted for the node and for each
 * account. Sockets have no limit of their own: unread data stays in memory as long as the
 * connection lasts.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Tally } from '../../lib/tally.ts';
import type { Account } from '../../store/store.ts';
import { refuse } from '../../shapes/refusal.ts';

const RETRY_AFTER = { 'retry-after': '5' };

export interface UnreadLimits {
  readonly unreadBytesMax: number;
  readonly accountUnreadBytesMax: number;
}

export interface Unread {
  /** Bytes that came to wait for an account's clients, or with a minus were taken. */
  add(accountId: number, bytes: number): void;
  isAccountFull(accountId: number): boolean;
  isNodeFull(): boolean;
  /** Of one account. */
  of(accountId: number): number;
  readonly total: number;
}

export function createUnread({ unreadBytesMax, accountUnreadBytesMax }: UnreadLimits): Unread {
  const bytes = new Tally<number>();
  return {
    add: (accountId, more) => bytes.add(accountId, more),
    isAccountFull: (accountId) => bytes.of(accountId) > accountUnreadBytesMax,
    isNodeFull: () => bytes.total > unreadBytesMax,
    of: (accountId) => bytes.of(accountId),
    get total() {
      return bytes.total;
    },
  };
}

/** Counts answers from when they are ready until they are taken, and refuses requests while too much is unread. */
export function boundUnread(scope: FastifyInstance, unread: Unread): void {
  scope.addHook('onRequest', async ({ account }) => {
    if (unread.isAccountFull(account.id)) throw refuse('tooManyRequests', OWN_UNREAD, RETRY_AFTER);
    if (unread.isNodeFull() && unread.of(account.id) > 0)
      throw refuse('unavailable', NODE_UNREAD, RETRY_AFTER);
  });
  scope.addHook('onSend', async ({ account, raw }, reply, payload) => {
    // Requests without valid credentials have none.
    const owner: Account | null = account;
    if (owner === null || (typeof payload !== 'string' && !Buffer.isBuffer(payload))) return;
    const bytes = Buffer.byteLength(payload);
    unread.add(owner.id, bytes);
    onAnswerOver(raw, reply.raw, () => unread.add(owner.id, -bytes));
  });
}

const OWN_UNREAD =
  'The clients of this account have too much unread data. Read the open answers and streams, or close their connections.';
const NODE_UNREAD = 'Clients have too much unread data on this node.';

/** Callbacks at the close of a connection: one listener for all, however many requests a client pipelines. */
const ends = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back once, when an answer was sent or its connection is gone. Node.js does not report the answers to pipelined
 * requests if the connection closes before them.
 */
export function onAnswerOver(
  { socket }: IncomingMessage,
  answer: ServerResponse,
  over: () => void,
): void {
  if (answer.closed || socket.destroyed) return over();
  const waiting = ends.get(socket) ?? watchSocket(socket);
  const end = () => {
    if (waiting.delete(end)) over();
  };
  waiting.add(end);
  answer.once('close', end);
}

function watchSocket(socket: Socket): Set<() => void> {
  const waiting = new Set<() => void>();
  ends.set(socket, waiting);
  socket.once('close', () => {
    for (const each of waiting) each();
  });
  return waiting;
}

/** Closes clients that read no byte of a pending answer for this long. Clients that only wait for an answer stay. */
export function closeStalled(server: Server, timeoutMs: number): void {
  server.setTimeout(timeoutMs, (socket: Socket) => {
    if (socket.writableLength > 0) socket.destroy();
  });
}

/** Calls back when an answer's client has stalled, before it is closed for that. */
export function onStalled(answer: ServerResponse, stalled: () => void): void {
  answer.on('timeout', () => {
    if (answer.writableLength > 0) stalled();
  });
}
