/** The NATS sink against a real nats-server: order, duplicates, and everything that can be unavailable. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { nkeys } from '@nats-io/transport-node';
import { afterEach, describe, expect, it } from 'vitest';
import {
  NATS_DEFAULTS,
  type BrokerTls,
  type NatsOptions,
} from '../../src/events/broker-options.ts';
import { createNatsSink } from '../../src/events/nats-sink.ts';
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
import { makeCertificate } from '../support/certificate.ts';
import {
  NATS_SERVER,
  startNatsServer,
  type NatsServer,
  type NatsServerOptions,
} from '../support/nats-server.ts';
import { until } from '../support/until.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function openSink(url: string, changes: Partial<NatsOptions> = {}): Promise<EventSink> {
  const sink = await createNatsSink({
    ...NATS_DEFAULTS,
    servers: [url],
    username: null,
    password: null,
    token: null,
    credentials: null,
    tls: null,
    // A busy machine is slow, and no failure.
    timeoutMs: 30_000,
    name: 'events',
    logger: createLogger('silent'),
    ...changes,
  });
  closing.push(() => sink.stop());
  return sink;
}

async function openServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options);
  closing.push(() => server.close());
  return server;
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

const withServer = NATS_SERVER === undefined ? describe.skip : describe;
const REASON = NATS_SERVER === undefined ? ' (skipped: nats-server is not installed)' : '';

withServer(`a NATS sink${REASON}`, () => {
  it('publishes CloudEvents to subjects of its template', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url, { subject: 'fanfare.{key}.{type}' });
    const events = [event(1, 'op.1'), event(2, 'op 2', { type: 'a b..c' })];
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(DELIVERED);
    const stored = await server.read();
    expect(stored.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(
      [
        { subject: 'fanfare.op_1.com.fanfare.message.delivered', event: events[0] },
        { subject: 'fanfare.op_2.a_b._.c', event: events[1] },
      ]
        .map((each) => ({
          subject: each.subject,
          id: each.event?.id,
          contentType: 'application/cloudevents+json',
          json: each.event?.json,
        }))
        .toSorted((a, b) => String(a.id).localeCompare(String(b.id))),
    );
  });

  it('keeps the order of each key, in a batch and over batches at once', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url, { windowMax: 16 });
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const events = alternatingEvents(keys, 100);
    const others = alternatingEvents(['x', 'y'], 100);
    const results = await Promise.all([
      sink.deliver(TARGET, batchOf(events)),
      sink.deliver(TARGET, batchOf(others)),
    ]);
    expect(results).toEqual([DELIVERED, DELIVERED]);
    const stored = numbersByKey((await server.read()).map(({ json }) => json));
    expect(stored).toEqual(Object.fromEntries([...keys, 'x', 'y'].map((key) => [key, upTo(100)])));
  });

  it('leaves no event twice in the stream when a batch is delivered again', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url);
    const events = alternatingEvents(['a', 'b'], 10);
    expect(await sink.deliver(TARGET, batchOf(events.slice(0, 7)))).toEqual(DELIVERED);
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(DELIVERED);
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(DELIVERED);
    expect(numbersByKey((await server.read()).map(({ json }) => json))).toEqual({
      a: upTo(10),
      b: upTo(10),
    });
  });

  it('begins without a server, and delivers once there is one', async () => {
    const server = await openServer();
    await server.addStream();
    await server.kill();
    const sink = await openSink(server.url);
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure(`No connection to ${server.url}: connection refused.`),
    );
    await server.start();
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(DELIVERED);
  });

  it('delivers again after the server was killed in the middle of a batch', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url, { windowMax: 4 });
    const events = alternatingEvents(['a', 'b', 'c'], 2_000);
    const first = sink.deliver(TARGET, batchOf(events));
    await waitForMessages(server, 50);
    await server.kill();
    expect(await first).toEqual(failure(expect.stringMatching(/: the connection was lost\.$/)));
    expect(await sink.deliver(TARGET, batchOf(events))).toEqual(failure(expect.any(String)));
    await server.start();
    // What the last acknowledgements were about may have been lost with the killed server's memory: that is the stream's.
    expect(await sink.deliver(TARGET, batchOf(events.slice(0, 900)))).toEqual(DELIVERED);
    const stored = numbersByKey((await server.read()).map(({ json }) => json));
    for (const key of ['a', 'b', 'c']) expect(stored[key]).toEqual(upTo(stored[key]?.length ?? 0));
    expect(stored['a']?.length).toBeGreaterThanOrEqual(300);
  });

  it('gives up in time on a server that hangs, and delivers when it continues', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url, { timeoutMs: 1_000 });
    await untilDelivered(sink, [event(0, 'a')]);
    await server.freeze();
    const began = performance.now();
    expect(await sink.deliver(TARGET, batchOf(alternatingEvents(['a', 'b'], 3)))).toEqual(
      failure(
        expect.stringMatching(/^Events that the broker acknowledged within 1000 ms: \d of 6\.$/),
      ),
    );
    expect(performance.now() - began).toBeLessThan(5_000);
    server.thaw();
    await untilDelivered(sink, alternatingEvents(['a', 'b'], 3));
    expect(numbersByKey((await server.read()).map(({ json }) => json))).toEqual({
      a: upTo(3),
      b: upTo(3),
    });
  });

  it('says when no stream takes the subject, and when JetStream is off', async () => {
    const words =
      'fanfare.com.fanfare.message.delivered: no stream takes this subject, or JetStream is off. Make a stream with this subject.';
    for (const jetStream of [true, false]) {
      const server = await openServer({ jetStream });
      const sink = await openSink(server.url);
      expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(failure(words));
    }
  });

  it('publishes nothing of a key after an event that the stream refuses', async () => {
    const server = await openServer();
    await server.addStream({ max_msg_size: 1_000 });
    const sink = await openSink(server.url);
    const large = event(1, 'a', { json: JSON.stringify({ data: 'x'.repeat(2_000) }) });
    expect(await sink.deliver(TARGET, batchOf([event(0, 'a'), large, event(2, 'a')]))).toEqual(
      failure(expect.stringMatching(/the stream refuses it: message size exceeds maximum allowed/)),
    );
    expect((await server.read()).map(({ id }) => id)).toEqual(['evt_a_0']);
  });

  it('says when an event is larger than the server takes', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url);
    const large = event(1, 'a', { json: JSON.stringify({ data: 'x'.repeat(2_000_000) }) });
    expect(await sink.deliver(TARGET, batchOf([large]))).toEqual(
      failure(expect.stringMatching(/larger than the server takes \(max_payload\)/)),
    );
  });

  it('logs in by password, token or credentials, and says when it may not', async () => {
    const pair = nkeys.createUser();
    const seed = new TextDecoder().decode(pair.getSeed());
    const ways = [
      { config: 'user: fan, password: fare', login: { username: 'fan', password: 'fare' } },
      { config: 'token: fanfare', login: { token: 'fanfare' } },
      {
        config: `users: [{ nkey: ${pair.getPublicKey()} }]`,
        login: { credentials: credentialsOf(seed) },
      },
    ];
    for (const { config, login } of ways) {
      const server = await openServer({
        jetStream: false,
        files: { 'nats.conf': `authorization { ${config} }` },
      });
      const known = await openSink(server.url, login);
      expect(await known.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
        failure(expect.stringMatching(/no stream takes this subject/)),
      );
      const unknown = await openSink(server.url);
      expect(await unknown.deliver(TARGET, batchOf([event(2, 'a')]))).toEqual(
        failure(expect.stringMatching(/the server does not take our credentials/)),
      );
    }
  });

  it('says when the account may not publish', async () => {
    const user = 'user: fan, password: fare, permissions: { publish: "other.>" }';
    const server = await openServer({
      files: { 'nats.conf': `authorization { users: [{ ${user} }] }` },
    });
    const sink = await openSink(server.url, { username: 'fan', password: 'fare' });
    expect(await sink.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(
      failure(expect.stringMatching(/the account may not do this/)),
    );
  });

  it('speaks TLS with a server that it can verify', async () => {
    const { key, cert } = makeCertificate('localhost');
    const tls: BrokerTls = {
      ca: cert,
      certificate: null,
      privateKey: null,
      servername: null,
      rejectUnauthorized: true,
    };
    const server = await openServer({
      files: {
        'key.pem': key,
        'cert.pem': cert,
        'nats.conf': 'tls { cert_file: "cert.pem", key_file: "key.pem" }',
      },
      client: { tls: { ca: cert } },
    });
    await server.addStream();
    const url = `tls://localhost:${server.port}`;
    const trusting = await openSink(url, { tls });
    expect(await trusting.deliver(TARGET, batchOf([event(1, 'a')]))).toEqual(DELIVERED);
    const strange = await openSink(url);
    expect(await strange.deliver(TARGET, batchOf([event(2, 'a')]))).toEqual(
      failure(expect.stringMatching(/^No connection to .*self.signed certificate/)),
    );
    const plain = await openServer();
    const requiring = await openSink(`tls://localhost:${plain.port}`);
    expect(await requiring.deliver(TARGET, batchOf([event(3, 'a')]))).toEqual(
      failure(expect.stringMatching(/does not support 'tls'/)),
    );
  });

  it('lets a batch end that is under way when it is stopped, and takes no other', async () => {
    const server = await openServer();
    await server.addStream();
    const sink = await openSink(server.url, { windowMax: 2 });
    const delivery = sink.deliver(TARGET, batchOf(alternatingEvents(['a', 'b'], 200)));
    await waitForMessages(server, 1);
    const stopped = sink.stop();
    expect(await sink.deliver(TARGET, batchOf([event(1, 'c')]))).toEqual(
      failure('Fanfare is stopping.'),
    );
    expect(await delivery).toEqual(DELIVERED);
    await stopped;
    expect(await server.count()).toBe(400);
  });
});

describe('a NATS sink without nats-server', () => {
  it('leaves no connection open to a server that says nothing', async () => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sink = await openSink(`nats://127.0.0.1:${port}`, { timeoutMs: 300 });
    for (const n of upTo(3))
      expect(await sink.deliver(TARGET, batchOf([event(n, 'a')]))).toEqual(
        failure(expect.stringMatching(/^No connection to /)),
      );
    await until(() => sockets.size === 0);
    server.close();
  });

  it('names the package to install when its client is missing', async () => {
    const printed = await runWithoutPackages(
      'nats-sink.ts',
      `
      import { createNatsSink } from './sink.js';
      await createNatsSink({}).catch((error) => console.log(error.name + ': ' + error.message));
    `,
    );
    expect(printed.trim()).toBe(
      'MissingPackageError: A sink of kind "nats" requires @nats-io/jetstream and @nats-io/transport-node, which are not installed with Fanfare. Run: npm install @nats-io/jetstream@3.3 @nats-io/transport-node@3.3',
    );
  });
});

/** A `.creds` file, of which a server that knows the key looks at the seed's signature only. */
function credentialsOf(seed: string): string {
  const part = (name: string, text: string) =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  return `${part('NATS USER JWT', 'e30.e30.e30')}\n${part('USER NKEY SEED', seed)}`;
}

async function waitForMessages(server: NatsServer, count: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while ((await server.count()) < count)
    if (performance.now() > deadline) throw new Error(`The stream does not get ${count} messages.`);
}

async function untilDelivered(sink: EventSink, events: ReturnType<typeof alternatingEvents>) {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const result = await sink.deliver(TARGET, batchOf(events));
    if (result.kind === 'delivered') return;
    if (performance.now() > deadline) throw new Error(`Not delivered: ${result.detail}`);
  }
}
