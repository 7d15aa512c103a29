/**
 * Idle connections. Node closes idle ones when a server closes, but counts one without a first
 * request as busy. Browsers and clients open such connections in advance, and a stop would wait
 * for them until their headers are overdue.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Watches a server from before it listens. The result closes all idle connections, and each busy one after its answer. */
export function watchConnections(server: Server): () => void {
  // By the peer's address and port: a TLS connection announces two sockets, of which the second replaces the first.
  const idle = new Map<string, Socket>();
  /** Requests under way; more than one with pipelining. */
  const busy = new WeakMap<Socket, number>();
  let isClosing = false;
  const nameOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
  for (const event of ['connection', 'secureConnection'])
    server.on(event, (socket: Socket) => {
      const name = nameOf(socket);
      idle.set(name, socket);
      socket.on('close', () => {
        if (idle.get(name) === socket) idle.delete(name);
      });
    });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const name = nameOf(socket);
    idle.delete(name);
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
    response.on('close', () => {
      const left = (busy.get(socket) ?? 1) - 1;
      busy.set(socket, left);
      if (left > 0) return;
      if (isClosing) socket.destroySoon();
      else if (!socket.destroyed) idle.set(name, socket);
    });
  });
  return () => {
    isClosing = true;
    for (const socket of idle.values()) socket.destroy();
  };
}
