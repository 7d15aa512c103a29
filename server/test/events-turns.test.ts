/** A subscription that always has something due is told by turns: its owner's word counts meanwhile, and nobody spins. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import {
  ALL_ROLES,
  recipients,
  smsOnly,
  startFanfare,
  text,
  until,
  type Json,
} from './support/fanfare.ts';
import { startReceiver } from './support/receiver.ts';

it('counts what its owner changes while it is told without a pause', async () => {
  const fanfare = await startFanfare({
    config: { roles: ALL_ROLES, events: { allowTargets: ['127.0.0.1'] } },
  });
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
  await fanfare.send({ to: recipients(5_000), content: text('Hi'), ...smsOnly });
  await until(async () => first.requests.length > 10);
  await patch({ url: second.url });
  await until(async () => second.requests.length > 10);
  const { length } = first.requests;
  await patch({ status: 'DISABLED' });
  await sleep(3_000);
  const told = second.requests.length;
  await sleep(1_000);
  expect(second.requests.length).toBe(told);
  expect(first.requests.length).toBe(length);
  const { rows } = await fanfare.database.query(
    `select count(*)::int as waiting from event_delivery where status = 'PENDING'`,
  );
  expect(rows[0].waiting).toBeGreaterThan(0);
});

it('is left in peace while all that is due waits behind something else', async () => {
  const fanfare = await startFanfare({
    config: {
      roles: ALL_ROLES,
      events: { allowTargets: ['127.0.0.1'], retryDelaysMs: [20, 60_000, 60_000] },
    },
  });
  const receiver = await startReceiver();
  receiver.behaviour = () => 500;
  const { body } = await fanfare.request('POST', '/v1/Subscriptions', {
    url: receiver.url,
    batch: { size: 1, delayMs: 0 },
  });
  await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
  await until(async () => receiver.requests.length === 2);
  const leases = async () => {
    const { rows } = await fanfare.database.query('select lease from subscription where id = $1', [
      decodeTypeId('comms_subscription', body['id']),
    ]);
    return rows[0].lease as number;
  };
  await sleep(1_000);
  const before = await leases();
  await sleep(3_000);
  expect((await leases()) - before).toBeLessThanOrEqual(4);
  expect(receiver.requests.length).toBe(2);
});
