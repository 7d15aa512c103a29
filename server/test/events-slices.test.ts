/** A subscription that always has due events gets time slices: changes by its owner apply meanwhile, and no loop spins. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  ALL_ROLES,
  recipients,
  smsOnly,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { startReceiver } from './support/receiver.ts';

const useTelling = () =>
  useFanfare({
    config: {
      roles: ALL_ROLES,
      events: { allowTargets: ['127.0.0.1'], retryDelaysMs: [20, 60_000, 60_000] },
    },
  });

/** What the database says of the only subscription of the account and of what is due to it. */
async function look({ database, sid }: FanfareClient): Promise<Json> {
  const { rows } = await database.query(
    `select lease, leased_until = '-infinity' as "isGivenBack",
       (select count(*)::int from event_delivery where subscription_id = s.id and status = 'PENDING') as waiting,
       (select count(*)::int from event_delivery where subscription_id = s.id and status = 'PENDING' and due_at <= now()) as due,
       (select count(*)::int from event_outbox o where o.account_id = s.account_id) as outbox
     from subscription s where account_id = (select id from account where sid = $1)`,
    [sid],
  );
  expect(rows).toHaveLength(1);
  return rows[0];
}

it('applies changes by its owner during deliveries without a pause', async () => {
  const fanfare = await useTelling();
  const [first, second] = [await startReceiver(), await startReceiver()];
  for (const receiver of [first, second])
    receiver.behaviour = (_, response) => {
      setTimeout(() => response.writeHead(200).end(), 30);
      return null;
    };
  const { body } = await fanfare.request('POST', '/v1/Subscriptions', {
    url: first.url,
    batch: { size: 5, delayMs: 0 },
  });
  const patch = (change: Json) =>
    fanfare.request('PATCH', `/v1/Subscriptions/${body['id']}`, change);
  await fanfare.send({ to: recipients(2_000), content: text('Hi'), ...smsOnly });
  await until(async () => first.requests.length > 10);
  await patch({ url: second.url });
  await until(async () => second.requests.length > 10);
  const { length } = first.requests;
  await patch({ status: 'DISABLED' });
  // Its time slice ends, and it gets no other: the poll interval is shorter than this wait.
  await until(async () => (await look(fanfare))['isGivenBack']);
  const delivered = second.requests.length;
  await sleep(600);
  expect(second.requests.length).toBe(delivered);
  expect(first.requests.length).toBe(length);
  expect((await look(fanfare))['waiting']).toBeGreaterThan(0);
});

it('is left in peace while all that is due waits behind something else', async () => {
  const fanfare = await useTelling();
  const receiver = await startReceiver();
  receiver.behaviour = () => 500;
  await fanfare.request('POST', '/v1/Subscriptions', {
    url: receiver.url,
    batch: { size: 1, delayMs: 0 },
  });
  await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
  await until(async () => receiver.requests.length === 2);
  // Something is due, and has its place behind what was tried twice.
  await until(async () => {
    const { due, outbox } = await look(fanfare);
    return outbox === 0 && due > 0;
  });
  const startedAt = performance.now();
  const before = (await look(fanfare))['lease'];
  await sleep(2_000);
  const leases = (await look(fanfare))['lease'] - before;
  // One a second, and the one that finds out.
  expect(leases).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 1_000);
  expect(receiver.requests.length).toBe(2);
});
