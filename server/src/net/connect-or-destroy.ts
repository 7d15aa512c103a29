/**
 * Connects with a client that keeps its socket open after a connect timeout: with a server that hangs, each try would leak
 * one socket. The client hides its sockets, but Node.js announces each, and the asynchronous context shows its owner.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const opened = new AsyncLocalStorage<Set<Socket>>();
subscribe('net.client.socket', (message) =>
  opened.getStore()?.add((message as { readonly socket: Socket }).socket),
);

/** Resolves with the result of `connect`. If it rejects, all its connections are destroyed first. */
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
