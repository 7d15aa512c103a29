/** Sockets of sessions: opened over TCP or TLS, and ended for certain. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SmppOptions } from './options.ts';

/** Timeout for the peer to close a connection. */
const END_MS = 2_000;

/** Begins to connect. It is usable from `connect` on, over TLS from `secureConnect` on. */
export function openSocket({
  host,
  port,
  tls,
}: Pick<SmppOptions, 'host' | 'port' | 'tls'>): Socket {
  if (tls === null) return connectTcp({ host, port, noDelay: true });
  const socket = connectTls({
    host,
    port,
    // An address is not a valid server name (RFC 6066, 3). The certificate is checked against it all the same.
    servername: tls.servername ?? (isIP(host) === 0 ? host : ''),
    rejectUnauthorized: tls.rejectUnauthorized,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
  });
  return socket.setNoDelay(true);
}

/** Closes a connection, first gracefully, then by force; resolves when it is closed. */
export function endSocket(socket: Socket): Promise<void> {
  socket.removeAllListeners('data');
  const timer = setTimeout(() => socket.destroy(), END_MS);
  const ended = new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  }).finally(() => clearTimeout(timer));
  socket.resume();
  if (socket.connecting) socket.destroy();
  else socket.end();
  return ended;
}
