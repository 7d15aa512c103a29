/**
 * The connections of one Kafka client: without delay for small requests, and tracked, so that none
 * outlives its client. (The client half-closes an unresponsive connection and forgets it.)
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

export interface KafkaSockets {
  /** For `socketFactory` of the client. */
  readonly connect: ISocketFactory;
  /** Ends all connections, with an error for requests that wait for an answer. */
  destroy(): void;
}

export function createKafkaSockets(): KafkaSockets {
  const open = new Set<Socket>();
  return {
    connect({ host, port, ssl, onConnect }) {
      // Of addresses there is no server name (RFC 6066, section 3).
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket = ssl
        ? connectTls({ host, port, ...name, ...ssl }, onConnect)
        : connectPlain({ host, port }, onConnect);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      socket.setNoDelay(true);
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      return socket;
    },
    destroy() {
      for (const socket of open) socket.destroy(new Error('The connection was given up'));
    },
  };
}
