/** A proxy before a server that answers in its place, or breaks the connection once the server has answered. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What happens to a request: it is passed on, answered here, or passed on and its answer lost. */
export type Fate =
  | 'pass'
  | 'lose'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> };

export interface Meddler {
  readonly url: string;
  /** Requests so far. */
  readonly seen: { readonly method: string; readonly path: string; readonly key: string | null }[];
}

export async function startMeddler(
  target: string,
  decide: (incoming: IncomingMessage, nth: number) => Fate,
): Promise<Meddler> {
  const seen: { method: string; path: string; key: string | null }[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    seen.push({ method, path: url, key: String(headers['idempotency-key'] ?? '') || null });
    const fate = decide(incoming, seen.length);
    if (typeof fate === 'object') {
      incoming.resume();
      outgoing.writeHead(fate.status, fate.headers).end('Not what you asked for.');
      return;
    }
    const onward = request(`${target}${url}`, { method, headers }, (answer) => {
      if (fate === 'lose') {
        answer.resume().on('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen };
}
