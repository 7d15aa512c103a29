/**
 * The connections of webhooks: a bounded number to each origin, each with one request at a time.
 * When all are in use, requests wait in line. A connection that is idle for some seconds is
 * closed, and an origin without connections is forgotten, because subscribers come and go. The
 * requests are made elsewhere.
 *
 * undici's own pool is not used. It forgets a client that cannot connect, although that client
 * goes on serving waiting requests, so a recovered origin would have too many connections.
 */
import { Client } from 'undici';
import type { AddressGuard } from '../net/address-guard.ts';
import { createGuardedConnector, type GuardedConnector } from '../net/guarded-connector.ts';

/** A connection, or one to be made: it is opened by the first request, and again when it was lost. */
export interface Connection {
  readonly client: Client;
  /** Whether it went to a public address, as far as it went anywhere. */
  readonly isPublic: boolean;
  /** Ends its use: a `good` connection is kept, another is closed. */
  release(good: boolean): void;
}

/** The answer to a request for a connection. */
export interface Grant {
  readonly connection: Connection | null;
  /** How long all were in use, in milliseconds; 0 when one was free. */
  readonly waitedMs: number;
}

/** Connections to many origins. */
export interface Connections {
  /** The connection that was idle last, or a new one, or the next to be free; none after `timeoutMs`. */
  take(origin: string, timeoutMs: number): Promise<Grant>;
  /** Closes all connections. None may be requested afterwards. */
  close(): Promise<void>;
}

export interface ConnectionsOptions {
  /** To one origin. */
  readonly connectionsMax: number;
  /** How long TCP and TLS may take until the socket is dropped, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Certificates to trust instead of Node.js's own, as PEM. */
  readonly ca?: string | undefined;
}

/** How long an idle connection is kept: many servers drop theirs after five seconds. */
const KEEP_ALIVE_MS = 4_000;

/** Opens no connection before the first request. */
export function createConnections(guard: AddressGuard, options: ConnectionsOptions): Connections {
  const origins = new Map<string, Origin>();

  function findOrigin(name: string): Origin {
    const known = origins.get(name);
    if (known !== undefined) return known;
    const origin = new Origin(name, guard, options, () => origins.delete(name));
    origins.set(name, origin);
    return origin;
  }

  return {
    take: (name, timeoutMs) => findOrigin(name).take(timeoutMs),
    async close() {
      await Promise.all([...origins.values()].map((origin) => origin.close()));
    },
  };
}

interface Kept extends Connection {
  readonly connector: GuardedConnector;
}

/** The connections to one origin. */
class Origin {
  readonly #name: string;
  readonly #guard: AddressGuard;
  readonly #options: ConnectionsOptions;
  readonly #onEmpty: () => void;
  readonly #all = new Set<Kept>();
  /** The last is the warmest. */
  readonly #idle: Kept[] = [];
  /** In order. */
  readonly #waiting = new Set<(connection: Kept) => void>();

  constructor(name: string, guard: AddressGuard, options: ConnectionsOptions, onEmpty: () => void) {
    this.#name = name;
    this.#guard = guard;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  take(timeoutMs: number): Promise<Grant> {
    const connection =
      this.#idle.pop() ?? (this.#all.size < this.#options.connectionsMax ? this.#make() : null);
    if (connection !== null) return Promise.resolve({ connection, waitedMs: 0 });
    const beganAtMs = performance.now();
    return new Promise((resolve) => {
      const serve = (given: Kept | null) => {
        clearTimeout(timer);
        this.#waiting.delete(serve);
        resolve({ connection: given, waitedMs: performance.now() - beganAtMs });
      };
      const timer = setTimeout(() => serve(null), timeoutMs);
      this.#waiting.add(serve);
    });
  }

  #release(connection: Kept, good: boolean): void {
    // It may have been closed with the last byte of the answer.
    const stays = good && connection.connector.openSockets > 0;
    if (!stays) this.#drop(connection);
    const [next] = this.#waiting;
    if (next !== undefined) next(stays ? connection : this.#make());
    else if (stays) this.#idle.push(connection);
  }

  async close(): Promise<void> {
    const clients = [...this.#all].map(({ client }) => client);
    for (const connection of this.#all) this.#drop(connection);
    await Promise.all(clients.map((client) => client.destroy()));
  }

  #make(): Kept {
    const { connectTimeoutMs, ca } = this.#options;
    const connector = createGuardedConnector(this.#guard, {
      timeoutMs: connectTimeoutMs,
      ca,
      onClosed: () => {
        const place = this.#idle.indexOf(connection);
        if (place < 0) return;
        this.#idle.splice(place, 1);
        this.#drop(connection);
      },
    });
    const client = new Client(this.#name, {
      pipelining: 1,
      connect: connector.connect,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // The request has one deadline for everything: these would restart with every byte.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const connection: Kept = {
      client,
      connector,
      get isPublic() {
        return connector.isPublic;
      },
      release: (good) => this.#release(connection, good),
    };
    this.#all.add(connection);
    return connection;
  }

  #drop(connection: Kept): void {
    this.#all.delete(connection);
    void connection.client.destroy();
    // Connections that are still being opened are included.
    connection.connector.destroy();
    if (this.#all.size === 0 && this.#waiting.size === 0) this.#onEmpty();
  }
}
