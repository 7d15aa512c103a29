/**
 * What people would otherwise use, alternating with Fanfare on one machine, each with the same messages:
 *
 * - BullMQ: jobs in Redis, a worker that updates one row per message;
 * - pg-boss: jobs in the same PostgreSQL, a worker that updates one row per message;
 * - Kannel: its own batch sender, through bearerbox with its store, to its fake SMSC.
 *
 * They do less: no receipts, no counters, no retries that know of a carrier.
 */
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { body, median, MESSAGES, print, rateOf, sendAll, show } from './measure.ts';
import { openKannel } from './peers/kannel.ts';
import { openQueuePeer } from './peers/queue-peer.ts';
import { startRedis } from './peers/redis.ts';
import { startServer } from './server.ts';

const ROUNDS = 3;
const OPERATIONS = 5;

/** Something that sends messages and says how long it took, in milliseconds. */
export interface Peer {
  readonly name: string;
  send(messages: number): Promise<number>;
  close(): Promise<void>;
}

export const hasProgram = (name: string) =>
  promisify(execFile)('which', [name]).then(
    () => true,
    () => false,
  );

export async function benchPeers(databaseUrl: string, folder: string): Promise<void> {
  const peers: Peer[] = [];
  try {
    peers.push(await openFanfare(databaseUrl, folder));
    if (await hasProgram('redis-server')) {
      const redis = await startRedis(await makeFolder(folder, 'redis'));
      const peer = await openQueuePeer('bullmq', databaseUrl, redis.port);
      peers.push({ ...peer, close: () => peer.close().then(redis.stop) });
    } else print('peers        redis-server is not installed: without BullMQ');
    peers.push(await openQueuePeer('pg-boss', databaseUrl, 0));
    if (await hasProgram('bearerbox'))
      peers.push(await openKannel(await makeFolder(folder, 'kannel')));
    else print('peers        bearerbox (kannel, kannel-extras) is not installed: without Kannel');
    await compare(peers);
  } finally {
    for (const peer of peers.toReversed()) await peer.close();
  }
}

async function makeFolder(folder: string, name: string): Promise<string> {
  await mkdir(join(folder, name));
  return join(folder, name);
}

async function openFanfare(databaseUrl: string, folder: string): Promise<Peer> {
  const server = await startServer(databaseUrl, folder);
  const text = body();
  return {
    name: 'fanfare',
    send: (messages) => sendAll(server, text, messages / MESSAGES),
    close: () => server.stop(),
  };
}

async function compare(peers: readonly Peer[]): Promise<void> {
  const messages = OPERATIONS * MESSAGES;
  const ms = peers.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round += 1)
    for (const [which, peer] of peers.entries()) {
      const took = await peer.send(messages);
      if (round >= 0) ms[which]?.push(took);
    }
  const rates = ms.map((all) => rateOf(messages, median(all)));
  const [ours = NaN] = rates;
  for (const [which, { name }] of peers.entries())
    print(
      `peers        ${name.padEnd(9)} ${show(rates[which] ?? NaN).padStart(8)}/s   fanfare is ${(ours / (rates[which] ?? NaN)).toFixed(1)} times as fast`,
    );
}
