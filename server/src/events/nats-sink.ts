/**
 * The NATS sink: publishes events to JetStream, each to a subject made from a template. A delivery
 * is `delivered` when the stream has acknowledged all of it. Events of one key are published one
 * after another, events of different keys together, within a window. Each has its id as
 * `Nats-Msg-Id`, by which the stream drops duplicates.
 *
 * A lost connection is abandoned with everything under way on it. A client that reconnects by
 * itself would send later events of a key although earlier ones were lost with the old connection.
 * The next delivery opens a new one. The operator creates streams: the sink makes none.
 */
import type { JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import type { Logger } from '../lib/log.ts';
import { toTlsOptions, type BrokerTls, type NatsOptions } from './broker-options.ts';
import { CLOUD_EVENT_JSON, createBrokerSink, type Attempt } from './broker-sink.ts';
import { connectOrDestroy } from '../net/connect-or-destroy.ts';
import { describeNatsError } from './nats-errors.ts';
import { requirePackages, type OptionalPackage } from './optional-packages.ts';
import { createOrderedWindow } from './ordered-window.ts';
import { createSharedLink } from './shared-link.ts';
import type { EventSink } from './sink.ts';
import { composeSubject } from './subject.ts';

/** Line 3.3: 3.4 depends on a package that is not for Node.js 20. */
export const NATS_PACKAGES: readonly OptionalPackage[] = [
  { name: '@nats-io/jetstream', release: '3.3' },
  { name: '@nats-io/transport-node', release: '3.3' },
];

/** The server is asked this often whether it is there, and given up when two answers are missing. */
const PING_MS = 5_000;
/** A request ends by itself this long after the delivery that has abandoned it. */
const MARGIN_MS = 1_000;

interface Link {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
}

/**
 * A sink of a server, which may be unavailable at first: it connects at once, logs a failure, and tries
 * again with each delivery.
 * @throws MissingPackageError when the client is not installed.
 */
export async function createNatsSink(
  options: NatsOptions & { readonly name: string; readonly logger: Logger },
): Promise<EventSink> {
  requirePackages('A sink of kind "nats"', NATS_PACKAGES);
  const { connect, credsAuthenticator, headers } = await import('@nats-io/transport-node');
  const { jetstream } = await import('@nats-io/jetstream');
  const { name, logger, credentials } = options;
  const window = createOrderedWindow(options);
  let stopping = false;

  const shared = createSharedLink<Link>({
    async open() {
      const connection = await connectOrDestroy(() =>
        connect({
          ...connectionOptions(options),
          ...(credentials === null
            ? {}
            : { authenticator: credsAuthenticator(Buffer.from(credentials)) }),
        }),
      );
      const link = { connection, stream: jetstream(connection) };
      logger.info({ sink: name, server: connection.getServer() }, 'Connected to NATS');
      void connection.closed().then((error) => {
        shared.drop(link);
        if (!stopping) logger.warn({ sink: name, err: error }, 'Lost the connection to NATS');
      });
      return link;
    },
    close: ({ connection }) => connection.close(),
  });

  async function publishAll({ stream }: Link, attempt: Attempt): Promise<string | null> {
    const { failure } = await window.run(attempt.events, {
      signal: attempt.signal,
      keyOf: (event) => event.key,
      async work(event) {
        const subject = composeSubject(options.subject, event);
        const message = headers();
        // CloudEvents, NATS protocol binding 1.0.3, section 3.
        message.set('Content-Type', CLOUD_EVENT_JSON);
        try {
          await stream.publish(subject, event.json, {
            msgID: event.id,
            headers: message,
            timeout: attempt.remainingMs() + MARGIN_MS,
          });
        } catch (error) {
          throw new Error(`${subject}: ${describeNatsError(error)}`, { cause: error });
        }
        attempt.acknowledged += 1;
      },
    });
    return failure === null ? null : (failure.reason as Error).message;
  }

  async function send(attempt: Attempt): Promise<string | null> {
    try {
      return await shared.use((link) => {
        attempt.connected = true;
        return publishAll(link, attempt);
      });
    } catch (error) {
      return `No connection to ${options.servers.join(', ')}: ${describeNatsError(error)}`;
    }
  }

  void shared
    .use(async () => undefined)
    .catch((error: unknown) =>
      logger.warn(
        { sink: name, detail: describeNatsError(error) },
        'NATS cannot be reached yet; every delivery tries again',
      ),
    );
  return createBrokerSink({
    timeoutMs: options.timeoutMs,
    send,
    async close() {
      stopping = true;
      await shared.close();
    },
  });
}

function connectionOptions(options: NatsOptions): NodeConnectionOptions {
  const { servers, username, password, token, timeoutMs } = options;
  const tls = tlsOf(options);
  return {
    servers: [...servers],
    name: 'fanfare',
    reconnect: false,
    // All are tried before a delivery gives up.
    timeout: Math.ceil(timeoutMs / servers.length),
    pingInterval: PING_MS,
    ...(username === null || password === null ? {} : { user: username, pass: password }),
    ...(token === null ? {} : { token }),
    ...(tls === null ? {} : { tls: toTlsOptions(tls) }),
  };
}

const SYSTEM_TLS: BrokerTls = {
  ca: null,
  certificate: null,
  privateKey: null,
  servername: null,
  rejectUnauthorized: true,
};

/** The client itself ignores the scheme. */
function tlsOf({ servers, tls }: NatsOptions): BrokerTls | null {
  return tls ?? (servers.some((each) => each.startsWith('tls://')) ? SYSTEM_TLS : null);
}
