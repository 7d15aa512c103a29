/**
 * The cost of a subscriber to everything: the same operations on one server without a subscription and with one, alternately.
 * With one, all events must have arrived before the next round begins, so that none pays for another.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { body, median, MESSAGES, print, rateOf, sendAll, show } from './measure.ts';
import type { BenchServer } from './server.ts';

const ROUNDS = 7;
/** Operations of one round. */
const OPERATIONS = 5;
/** Of a message that is delivered: queued, sent, delivered. */
const EVENTS_PER_MESSAGE = 3;
/** Events of one request. */
const BATCH_SIZE = 1_000;
const TYPE = '"type":"com.twilio.comms-api.message.';

/** A subscriber that counts events of messages and reads nothing else in them. */
async function startSubscriber(): Promise<{ url: string; count: () => number; close(): void }> {
  let count = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (data: Buffer) => parts.push(data));
    request.on('end', () => {
      response.end();
      const all = Buffer.concat(parts);
      for (let at = all.indexOf(TYPE); at >= 0; at = all.indexOf(TYPE, at + TYPE.length))
        count += 1;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, count: () => count, close: () => server.close() };
}

export async function benchEvents(server: BenchServer): Promise<void> {
  const subscriber = await startSubscriber();
  const text = body();
  const withoutMs: number[] = [];
  const withMs: number[] = [];
  const deliveredMs: number[] = [];
  const all = OPERATIONS * MESSAGES;
  for (let round = -1; round < ROUNDS; round += 1) {
    const one = await sendAll(server, text, OPERATIONS);
    const { id } = await server.request('POST', '/v1/Subscriptions', {
      url: subscriber.url,
      batch: { size: BATCH_SIZE },
    });
    const startedAt = performance.now();
    const before = subscriber.count();
    const other = await sendAll(server, text, OPERATIONS);
    while (subscriber.count() - before < all * EVENTS_PER_MESSAGE) await sleep(5);
    const delivered = performance.now() - startedAt;
    await server.request('DELETE', `/v1/Subscriptions/${String(id)}`);
    if (round < 0) continue;
    withoutMs.push(one);
    withMs.push(other);
    deliveredMs.push(delivered);
  }
  subscriber.close();
  const [without, beside] = [median(withoutMs), median(withMs)];
  print(
    `events       off   ${show(rateOf(all, without)).padStart(8)}/s   on      ${show(rateOf(all, beside)).padStart(8)}/s   ratio ${(without / beside).toFixed(2)}   delivered ${show(rateOf(all * EVENTS_PER_MESSAGE, median(deliveredMs)))} events/s`,
  );
}
