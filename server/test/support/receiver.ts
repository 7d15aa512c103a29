/** A subscriber on loopback: keeps its events, and answers as a test wants it to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Json } from './fanfare.ts';

/** One request as it came. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly events: readonly Json[];
}

/** Answers a request: a status, at once or later, or null where it does so by hand. */
export type Behaviour = (
  received: Received,
  response: ServerResponse,
) => number | null | Promise<number | null>;

export interface Receiver {
  readonly url: string;
  readonly requests: readonly Received[];
  /** Of requests that were answered with 200, in the order in which they came. */
  readonly events: readonly Json[];
  behaviour: Behaviour;
  /** Goes away, as a program that is ended. */
  close(): Promise<void>;
  /** Comes back at the same address. */
  open(): Promise<void>;
}

/** Holds answers back until the returned function is called; then they are sent as usual. */
export function hold(receiver: Receiver): () => void {
  const { behaviour } = receiver;
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  receiver.behaviour = async (received, response) => {
    await released;
    return behaviour(received, response);
  };
  return release;
}

/** Starts one that takes everything; it ends with the test. */
export async function startReceiver(): Promise<Receiver> {
  const requests: Received[] = [];
  const events: Json[] = [];
  let port = 0;
  let server: Server | null = null;

  const receiver: Receiver & { behaviour: Behaviour } = {
    get url() {
      return `http://127.0.0.1:${port}/hook`;
    },
    requests,
    events,
    behaviour: () => 200,
    async close() {
      server?.closeAllConnections();
      server?.close();
      server = null;
    },
    async open() {
      server = createServer((request, response) => {
        let body = '';
        request.setEncoding('utf8');
        request.on('data', (text: string) => (body += text));
        request.on('end', async () => {
          const { headers, url: path = '' } = request;
          const received = { path, headers, body, events: JSON.parse(body) as Json[] };
          requests.push(received);
          const status = await receiver.behaviour(received, response);
          if (status === null) return;
          if (status === 200) events.push(...received.events);
          response.writeHead(status).end();
        });
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
  };
  await receiver.open();
  onTestFinished(() => receiver.close());
  return receiver;
}
