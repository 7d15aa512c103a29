/**
 * Connects with a client that does not let go of its socket when connecting takes too long: with a server that hangs, each try
 * would leave one open. The client hides its sockets; Node.js tells of each, and the asynchronous context whose it is.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const opened = new AsyncLocalStorage<Set<Socket>>();
subscribe('net.client.socket', (message) =>
  opened.getStore()?.add((message as { readonly socket: Socket }).socket),
);

/** What `connect` resolves to. When it rejects, every connection that it began is destroyed first. */
export async function connectOrDestroy<Connection>(
  connect: () => Promise<Connection>,
): Promise<Connection> {
  const sockets = new Set<Socket>();
  try {
    return await opened.run(sockets, connect);
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  } finally {
    sockets.clear();
  }
}
