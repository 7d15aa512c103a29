/** A proxy before PostgreSQL that breaks connections at a statement: before it arrives, or after it was done. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface BreakingProxy {
  readonly url: string;
  /** Connections broken so far. */
  readonly broken: () => number;
}

/** Breaks the connection at a statement with these words, this many times. */
export async function startBreakingProxy(
  databaseUrl: string,
  { words, when, times = 1 }: { words: string; when: 'before' | 'after'; times?: number },
): Promise<BreakingProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let broken = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const onward = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    let isLast = false;
    const close = () => {
      socket.destroy();
      onward.destroy();
    };
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => undefined).on('close', close);
    }
    socket.on('data', (bytes: Buffer) => {
      if (broken < times && bytes.includes(words)) {
        broken += 1;
        isLast = true;
        if (when === 'before') return close();
      }
      onward.write(bytes);
    });
    // PostgreSQL answers a statement of its own once it is committed.
    onward.on('data', (bytes: Buffer) => (isLast ? close() : socket.write(bytes)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(port) }).href,
    broken: () => broken,
  };
}
