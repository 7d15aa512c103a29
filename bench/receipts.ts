/**
 * What receipts cost over SMPP: the same operations to one SMSC with a window of 50, through a carrier that requests
 * receipts and one that does not, in turns. Without receipts a message ends as SENT, with them as DELIVERED.
 */
import { body, median, MESSAGES, print, rateOf, show, untilReached } from './measure.ts';
import { startServer } from './server.ts';
import { startSmsc } from './smpp.ts';

const ROUNDS = 7;
/** Operations of one round. */
const OPERATIONS = 2;
const WINDOW = 50;

const KINDS = [
  { name: 'without', from: '+15005550101', registeredDelivery: false, status: 'sent' },
  { name: 'with', from: '+15005550102', registeredDelivery: true, status: 'delivered' },
] as const;

export async function benchReceipts(databaseUrl: string, folder: string): Promise<void> {
  const { port, stop } = await startSmsc('receipts');
  const carriers = KINDS.map(({ name, registeredDelivery }) => [
    name,
    {
      kind: 'smpp',
      host: '127.0.0.1',
      port,
      systemId: 'a',
      password: 'b',
      binds: 1,
      windowPerBind: WINDOW,
      registeredDelivery,
    },
  ]);
  const senders = KINDS.map(({ name, from }) => ({ address: from, channel: 'SMS', carrier: name }));
  const server = await startServer(databaseUrl, folder, {
    senders,
    carriers: Object.fromEntries(carriers) as object,
  });
  const took: number[][] = KINDS.map(() => []);
  try {
    for (let round = -1; round < ROUNDS; round += 1)
      for (const [which, { from, status }] of KINDS.entries()) {
        const text = body({ from: { channel: 'SMS', address: from } });
        const startedAt = performance.now();
        const locations: string[] = [];
        for (let i = 0; i < OPERATIONS; i += 1) locations.push((await server.send(text)).location);
        await untilReached(server, locations, status, MESSAGES);
        if (round >= 0) took[which]?.push(performance.now() - startedAt);
      }
  } finally {
    await server.stop();
    await stop();
  }
  const [without = NaN, withThem = NaN] = took.map(median);
  const of = (ms: number) => show(rateOf(OPERATIONS * MESSAGES, ms)).padStart(8);
  print(
    `receipts     without ${of(without)}/s   with ${of(withThem)}/s   ratio ${(without / withThem).toFixed(2)}`,
  );
}
