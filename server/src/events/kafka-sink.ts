/**
 * The Kafka sink: produces events to one topic, each with its key, so that events of one key stay
 * in order in one partition. A delivery is `delivered` when all in-sync replicas have acknowledged
 * all of it (`acks=all`). It is sent in requests of limited size, one after another. In each
 * request, the events of a partition are one batch, which is written completely or not at all.
 *
 * The client's own retries and its idempotent producer are off, because either can lose events
 * silently. A retry skips partitions that have moved to a broker which has already answered. A
 * sequence number whose answer was lost is reused for other events. A failed delivery is retried
 * as a whole, and a failed client is replaced.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConfig, Producer, SASLOptions } from 'kafkajs';
import type { Logger } from '../lib/log.ts';
import { toTlsOptions, type KafkaOptions } from './broker-options.ts';
import { createBrokerSink, type Attempt } from './broker-sink.ts';
import { describeKafkaError } from './kafka-errors.ts';
import { composeKafkaMessage, splitRequests } from './kafka-message.ts';
import { mendRequestQueue } from './kafka-request-queue.ts';
import { createKafkaSockets, type KafkaSockets } from './kafka-sockets.ts';
import { requirePackages, type OptionalPackage } from './optional-packages.ts';
import { createSharedLink } from './shared-link.ts';
import type { EventSink } from './sink.ts';

export const KAFKA_PACKAGES: readonly OptionalPackage[] = [{ name: 'kafkajs', release: '2.2' }];

/** Kafka's value for `acks=all`. */
const ACKS_ALL = -1;
/** Pauses between tries of the brokers that a connection can begin with. */
const RETRY_MS = 100;
/** Time for the client to close by itself. */
const CLOSE_MS = 1_000;

interface Link {
  readonly producer: Producer;
  readonly sockets: KafkaSockets;
}

/**
 * A sink of a cluster, which may be unavailable at first: it connects at once, logs a failure, and tries
 * again with each delivery.
 * @throws MissingPackageError when the client is not installed.
 */
export async function createKafkaSink(
  options: KafkaOptions & { readonly name: string; readonly logger: Logger },
): Promise<EventSink> {
  requirePackages('A sink of kind "kafka"', KAFKA_PACKAGES);
  const { CompressionTypes, Kafka, Partitioners } = await import('kafkajs');
  mendRequestQueue();
  const { name, logger, topic, timeoutMs } = options;
  const compression =
    options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None;

  const shared = createSharedLink<Link>({
    async open() {
      const sockets = createKafkaSockets();
      const kafka = new Kafka({
        ...clientConfig(options),
        socketFactory: sockets.connect,
        logCreator: () => (entry) => logger.debug({ sink: name, kafka: entry.log }, 'Kafka client'),
      });
      const producer = kafka.producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        allowAutoTopicCreation: false,
        idempotent: false,
        retry: { retries: 0 },
      });
      const link = { producer, sockets };
      try {
        await producer.connect();
      } catch (error) {
        await closeLink(link);
        throw error;
      }
      logger.info({ sink: name, brokers: options.brokers }, 'Connected to Kafka');
      return link;
    },
    close: closeLink,
  });

  async function produceAll({ producer }: Link, attempt: Attempt): Promise<void> {
    const messages = attempt.events.map(composeKafkaMessage);
    for (const request of splitRequests(messages, options.requestBytesMax)) {
      if (attempt.signal.aborted) return;
      await producer.send({
        topic,
        acks: ACKS_ALL,
        timeout: attempt.remainingMs(),
        compression,
        messages: request,
      });
      attempt.acknowledged += request.length;
    }
  }

  async function produce(link: Link, attempt: Attempt): Promise<string | null> {
    attempt.connected = true;
    // A connection that does not answer any more would use up the next delivery's time as well.
    const giveUp = () => shared.drop(link);
    attempt.signal.addEventListener('abort', giveUp);
    try {
      await produceAll(link, attempt);
      return null;
    } catch (error) {
      giveUp();
      return `${topic}: ${describeKafkaError(error)}`;
    } finally {
      attempt.signal.removeEventListener('abort', giveUp);
    }
  }

  async function send(attempt: Attempt): Promise<string | null> {
    try {
      return await shared.use((link) => produce(link, attempt));
    } catch (error) {
      return `No connection to ${options.brokers.join(', ')}: ${describeKafkaError(error)}`;
    }
  }

  void shared
    .use(async () => undefined)
    .catch((error: unknown) =>
      logger.warn(
        { sink: name, detail: describeKafkaError(error) },
        'Kafka cannot be reached yet; every delivery tries again',
      ),
    );
  return createBrokerSink({ timeoutMs, send, close: () => shared.close() });
}

function clientConfig(options: KafkaOptions): KafkaConfig {
  const { brokers, clientId, tls, sasl, timeoutMs } = options;
  return {
    brokers: [...brokers],
    clientId,
    ssl: tls === null ? false : toTlsOptions(tls),
    ...(sasl === null ? {} : { sasl: sasl as SASLOptions }),
    // All are tried before a delivery gives up.
    connectionTimeout: Math.ceil(timeoutMs / brokers.length),
    authenticationTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    retry: { retries: brokers.length - 1, initialRetryTime: RETRY_MS, maxRetryTime: RETRY_MS },
  };
}

async function closeLink({ producer, sockets }: Link): Promise<void> {
  await Promise.race([
    producer.disconnect().catch(() => undefined),
    delay(CLOSE_MS, undefined, { ref: false }),
  ]);
  sockets.destroy();
}
