/**
 * A client of PostgreSQL that contains its own faults. A peer may send anything: `DATABASE_URL`
 * may name another kind of server, and a network may damage data. The driver's parser then throws
 * inside an event of the socket, where no caller can catch it, and leaves unusable connections
 * open.
 */
import type { Socket } from 'node:net';
import pg from 'pg';

interface Connection {
  readonly stream: Socket;
  attachListeners(stream: Socket): void;
}

export class PostgresClient extends pg.Client {
  constructor(settings?: pg.ClientConfig) {
    super(settings);
    const connection = connectionOf(this);
    const attach = connection.attachListeners.bind(connection);
    connection.attachListeners = (stream) => {
      guardData(stream);
      attach(stream);
      // The one of the prototype again.
      delete (stream as Partial<Socket>).on;
    };
  }

  override connect(): Promise<pg.Client>;
  override connect(callback: (error: Error) => void): void;
  override connect(callback?: (error: Error) => void): Promise<pg.Client> | void {
    if (callback !== undefined)
      return super.connect((error: Error) => {
        if (error) this.#drop();
        callback(error);
      });
    return super.connect().catch((error: unknown) => {
      this.#drop();
      throw error;
    });
  }

  /** A client that never completed its start sends no Terminate. */
  #drop(): void {
    connectionOf(this).stream.destroy();
  }
}

function connectionOf(client: pg.Client): Connection {
  return (client as unknown as { connection: Connection }).connection;
}

/** The next listener of a stream may throw. That ends the stream, as an error of its own. */
function guardData(stream: Socket): void {
  const on = stream.on.bind(stream) as (event: string, listener: (data: Buffer) => void) => Socket;
  const guarded = (event: string, listener: (data: Buffer) => void) =>
    on(
      event,
      event !== 'data'
        ? listener
        : (data) => {
            try {
              listener(data);
            } catch (error) {
              const reason = error instanceof Error ? error.message : String(error);
              stream.destroy(
                new Error(`What answers there does not speak PostgreSQL's protocol: ${reason}`),
              );
            }
          },
    );
  stream.on = guarded as Socket['on'];
}

/**
 * A connection string with the exact name of its TLS mode: the driver verifies certificates in all of these modes, and
 * would print a page about it.
 */
export function nameTls(url: string): string {
  return url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, (whole, name: string) =>
    url.includes('uselibpqcompat=') ? whole : `${name}verify-full`,
  );
}
