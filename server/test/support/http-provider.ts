/** Scripted HTTP providers on loopback: they answer, stall, break off, send garbage. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';

/** A request as it was read. */
export interface Seen {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Provider {
  readonly origin: string;
  /** Requests read whole, in order. */
  readonly seen: Seen[];
  /** Reactions to the next requests; the last one stays. */
  behave(...behaviours: Behaviour[]): void;
  close(): Promise<void>;
}

export type Behaviour = (seen: Seen, response: ServerResponse) => void;

/** Answers with JSON. */
export function reply(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Behaviour {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** Reads the request and breaks the connection. */
export const breakOff: Behaviour = (_, response) => {
  response.socket?.destroy();
};

/** Reads the request and says nothing. */
export const sayNothing: Behaviour = () => undefined;

/** A provider on a free port of 127.0.0.1. */
export async function startProvider(first: Behaviour): Promise<Provider> {
  const seen: Seen[] = [];
  let behaviours: Behaviour[] = [first];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const each = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'http://provider'),
        headers: request.headers,
        body,
      };
      seen.push(each);
      const behave = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
      behave?.(each, response);
    });
  });
  const port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    behave(...next) {
      behaviours = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A server that sends raw bytes, unlike any real provider. */
export async function startRawServer(
  serve: (socket: Socket) => void,
): Promise<{ origin: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    serve(socket);
  });
  const port = await listen(server);
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** An origin of 127.0.0.1 where nobody listens. */
export async function findDeadOrigin(): Promise<string> {
  const server = createTcpServer();
  const port = await listen(server);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return `http://127.0.0.1:${port}`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
