/**
 * The Kafka sink against a scripted peer, which is not Kafka: its requests, and its reactions to answers, missing
 * answers and unavailable brokers. docs/events-brokers.md has the results with real brokers.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KAFKA_DEFAULTS, type KafkaOptions } from '../../src/events/broker-options.ts';
import { composeKafkaMessage, splitRequests } from '../../src/events/kafka-message.ts';
import { createKafkaSink } from '../../src/events/kafka-sink.ts';
import type { EventSink } from '../../src/events/sink.ts';
import { createLogger } from '../../src/lib/log.ts';
import {
  batchOf,
  DELIVERED,
  event,
  alternatingEvents,
  failure,
  numbersByKey,
  runWithoutPackages,
  TARGET,
} from '../support/broker-events.ts';
import {
  startKafkaBroker,
  type KafkaBroker,
  type ProduceAnswer,
  type ProduceRequest,
} from '../support/kafka-broker.ts';
import { until } from '../support/until.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function openSink(
  brokers: readonly string[],
  changes: Partial<KafkaOptions> = {},
): Promise<EventSink> {
  const sink = await createKafkaSink({
    ...KAFKA_DEFAULTS,
    brokers,
    topic: 'events',
    tls: null,
    sasl: null,
    // A busy machine is slow, and no failure.
    timeoutMs: 30_000,
    name: 'events',
    logger: createLogger('silent'),
    ...changes,
  });
  closing.push(() => sink.stop());
  return sink;
}

async function openBroker(
  respond: (
    request: ProduceRequest,
    number: number,
  ) => ProduceAnswer | Promise<ProduceAnswer> = () => 0,
): Promise<KafkaBroker> {
  const broker = await startKafkaBroker(respond);
  closing.push(() => broker.close());
  return broker;
}

const jsonsOf = ({ records }: KafkaBroker) => records.map(({ value }) => value);
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('a Kafka sink', () => {
  it('produces CloudEvents with their key, for all in-sync replicas to acknowledge', async () => {
    const broker = await openBroker();
    const sink = await openSink([broker.address]);
    const sent = event(1, 'comms_operation_1');
    expect(await sink.deliver(TARGET, batchOf([sent]))).toEqual(DELIVERED);
    expect(broker.requests.map(({ acks }) => acks)).toEqual([-1]);
    expect(broker.records).toEqual([
      {
        partition: expect.any(Number),
        key: 'comms_operation_1',
        value: sent.json,
        headers: {
          'content-type': 'application/cloudevents+json; charset=UTF-8',
          ce_id: sent.id,
          ce_type: sent.type,
        },
      },
    ]);
  });

  it.each(['none', 'gzip'] as const)(
    'keeps each key in one partition and in order, over requests of limited size (%s)',
    async (compression) => {
      const broker = await openBroker();
      const sink = await openSink([broker.address], { requestBytesMax: 5_000, compression });
      const keys = ['a', 'b', 'c', 'd', 'e'];
      expect(await sink.deliver(TARGET, batchOf(alternatingEvents(keys, 40)))).toEqual(DELIVERED);
      expect(broker.requests.length).toBeGreaterThan(5);
      expect(numbersByKey(jsonsOf(broker))).toEqual(
        Object.fromEntries(keys.map((key) => [key, upTo(40)])),
      );
      const places = new Set(broker.records.map(({ key, partition }) => `${key} ${partition}`));
      expect(places.size).toBe(keys.length);
    },
  );

  it('sends nothing more of a batch when a request fails, and all of it again', async () => {
    const NOT_ENOUGH_REPLICAS = 19;
    const broker = await openBroker((_request, number) => (number === 2 ? NOT_ENOUGH_REPLICAS : 0));
    const sink = await openSink([broker.address], { requestBytesMax: 1_000 });
    const events = alternatingEvents(['a'], 12);
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(
      failure('events: too few replicas are in sync (min.insync.replicas).'),
    );
    expect(broker.requests).toHaveLength(2);
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(DELIVERED);
    const numbers = numbersByKey(jsonsOf(broker))['a'] ?? [];
    expect([...new Set(numbers)]).toEqual(upTo(12));
  });

  it('loses nothing when an answer is lost: accepted events come twice, later ones follow', async () => {
    const broker = await openBroker((_request, number) => (number === 2 ? 'close' : 0));
    const sink = await openSink([broker.address]);
    expect(await sink.deliver(TARGET, batchOf([event(0, 'a')]))).toEqual(DELIVERED);
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure('events: Closed connection.'),
    );
    // Whoever reused its sequence number would have it taken for the one before.
    expect(await sink.deliver(TARGET, batchOf([event(2, 'a')]))).toEqual(DELIVERED);
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(DELIVERED);
    expect(numbersByKey(jsonsOf(broker))).toEqual({ a: [0, 1, 2, 1] });
  });

  it('gives up in time on a broker that does not answer, and leaves no connection', async () => {
    const broker = await openBroker((_request, number) => (number === 1 ? 'silence' : 0));
    const sink = await openSink([broker.address], { timeoutMs: 2_000 });
    const began = performance.now();
    expect(await sink.deliver(TARGET, batchOf([event(0, 'a')]))).toEqual(
      failure('Events that the broker acknowledged within 2000 ms: 0 of 1.'),
    );
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await sink.deliver(TARGET, batchOf([event(0, 'a')]))).toEqual(DELIVERED);
    await sink.stop();
    await until(() => broker.openConnections === 0);
  });

  it('says when there is no such topic, and when a request is too large', async () => {
    const MESSAGE_TOO_LARGE = 10;
    const broker = await openBroker(() => MESSAGE_TOO_LARGE);
    const other = await openSink([broker.address], { topic: 'others' });
    expect(await other.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure('others: there is no such topic. Make it: Fanfare makes none.'),
    );
    const sink = await openSink([broker.address]);
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure(expect.stringMatching(/^events: a request is larger than the topic takes/)),
    );
  });

  it('begins without brokers, and with the one of several that is there', async () => {
    const dead = await findDeadAddress();
    const away = await openSink([dead]);
    expect(await away.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure(`No connection to ${dead}: Connection error: connect ECONNREFUSED ${dead}.`),
    );
    const broker = await openBroker();
    const sink = await openSink([dead, broker.address]);
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(DELIVERED);
  });

  it('gives up in time on a broker that accepts connections and never answers', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.resume();
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sink = await openSink([`127.0.0.1:${port}`], { timeoutMs: 300 });
    const began = performance.now();
    for (const n of upTo(3))
      expect(await sink.deliver(TARGET, batchOf([event(n, 'a')]))).toEqual(
        failure(expect.stringMatching(/^No connection to /)),
      );
    expect(performance.now() - began).toBeLessThan(5_000);
    await sink.stop();
    await until(() => sockets.size === 0);
    server.close();
  });

  it('does nothing while there is nothing to deliver', async () => {
    const broker = await openBroker();
    const sink = await openSink([broker.address]);
    expect(await sink.deliver(TARGET, batchOf([event(0, 'a')]))).toEqual(DELIVERED);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await sleep(200);
    // The client as it comes would have looked for waiting requests some 200 times.
    expect(timers.mock.calls.length).toBeLessThan(5);
    timers.mockRestore();
  });

  it('lets a batch end that is under way when it is stopped, and takes no other', async () => {
    let take: (answer: ProduceAnswer) => void = () => undefined;
    const broker = await openBroker(() => new Promise((resolve) => (take = resolve)));
    const sink = await openSink([broker.address]);
    const delivery = sink.deliver(TARGET, batchOf([event(0, 'a')]));
    await until(() => broker.requests.length === 1);
    const stopped = sink.stop();
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure('Fanfare is stopping.'),
    );
    take(0);
    expect(await delivery).toEqual(DELIVERED);
    await stopped;
    await until(() => broker.openConnections === 0);
  });

  it('names the package to install when its client is missing', async () => {
    const printed = await runWithoutPackages(
      'kafka-sink.ts',
      `
      import { createKafkaSink } from './sink.js';
      await createKafkaSink({}).catch((error) => console.log(error.name + ': ' + error.message));
    `,
    );
    expect(printed.trim()).toBe(
      'MissingPackageError: A sink of kind "kafka" requires kafkajs, which is not installed with Fanfare. Run: npm install kafkajs@2.2',
    );
  });
});

describe('requests', () => {
  it('hold all messages in order, within the limit unless one alone is larger', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3_000 }), { maxLength: 60 }),
        fc.integer({ min: 1_000, max: 5_000 }),
        (sizes, bytesMax) => {
          const messages = sizes.map((size, n) =>
            composeKafkaMessage(event(n, 'a', { json: 'é'.repeat(size) })),
          );
          const requests = splitRequests(messages, bytesMax);
          expect(requests.flat()).toEqual(messages);
          for (const request of requests) {
            const bytes = request.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0);
            expect(request.length === 1 || bytes <= bytesMax).toBe(true);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

async function findDeadAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}
