/** A scripted mail server: smtp-server on 127.0.0.1. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** An e-mail that came, whatever was answered. */
export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly raw: Buffer;
  readonly email: Email;
}

/** Answers an e-mail: taken with an id, or refused by a reply of its own; `socket` is its connection. */
export type Respond = (
  mail: Mail,
  answer: (error?: Error | null, message?: string) => void,
  socket: Socket,
) => void;

export interface MailServer {
  readonly port: number;
  readonly mails: readonly Mail[];
  /** Connections that were ever made. */
  readonly connections: number;
  close(): Promise<void>;
}

/** A refusal with a reply of one's own. */
export function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

export async function startMailServer(
  respond: Respond = (_mail, answer) => answer(),
  options: SMTPServerOptions = {},
): Promise<MailServer> {
  const mails: Mail[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const byPort = new Map<number, Socket>();
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 10,
    logger: false,
    ...options,
    onConnect(session, callback) {
      connections += 1;
      callback(null);
      void session;
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        void PostalMime.parse(raw).then((email) => {
          const { mailFrom, rcptTo } = session.envelope;
          const mail = {
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo[0]?.address ?? '',
            raw,
            email,
          };
          mails.push(mail);
          const socket = byPort.get(session.remotePort);
          if (socket !== undefined)
            respond(mail, (error, message) => callback(error ?? null, message), socket);
        });
      });
    },
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    byPort.set(socket.remotePort ?? 0, socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
