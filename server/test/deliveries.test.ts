/** Pending deliveries: none is given up because of another in the same request, and all of any number become due. */
import { expect, it } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import {
  ALL_ROLES,
  recipients,
  smsOnly,
  startFanfare,
  text,
  until,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';
import { startReceiver } from './support/receiver.ts';

const TRIES = 5;

async function begin(): Promise<{
  fanfare: Fanfare;
  receiver: Awaited<ReturnType<typeof startReceiver>>;
  id: string;
}> {
  const fanfare = await startFanfare({
    config: {
      roles: ALL_ROLES,
      events: {
        allowTargets: ['127.0.0.1'],
        retryDelaysMs: Array.from({ length: TRIES - 1 }, () => 20),
      },
    },
  });
  const receiver = await startReceiver();
  const { body } = await fanfare.request('POST', '/v1/Subscriptions', {
    url: receiver.url,
    types: ['com.twilio.comms-api.message.delivered'],
    batch: { delayMs: 20 },
  });
  return { fanfare, receiver, id: decodeTypeId('comms_subscription', body['id']) ?? '' };
}

it('events that were delivered together to a subscriber that is down are not given up for one that it does not take', async () => {
  const { fanfare, receiver, id } = await begin();
  receiver.behaviour = ({ events }) => {
    if (receiver.requests.length < TRIES) return 503;
    return events.some(({ data }) => (data as Json)['tags'].poison === 'yes') ? 400 : 200;
  };
  // Down already, and left alone until all of it is due.
  await fanfare.database.query(
    `update subscription set failures = 5, backoff_until = now() + interval '1 hour' where id = $1`,
    [id],
  );
  for (const [i, to] of recipients(3).entries())
    await fanfare.send({
      to: [to],
      content: text('Hi'),
      tags: { poison: i === 1 ? 'yes' : 'no' },
      ...smsOnly,
    });
  const statuses = async () =>
    (
      await fanfare.database.query<{ status: string }>(
        'select status from event_delivery where subscription_id = $1 order by status',
        [id],
      )
    ).rows.map(({ status }) => status);
  await until(async () => (await statuses()).length === 3);
  await fanfare.database.query(
    `update subscription set backoff_until = '-infinity' where id = $1`,
    [id],
  );
  await until(async () => !(await statuses()).includes('PENDING'));
  expect(await statuses()).toEqual(['DELIVERED', 'DELIVERED', 'FAILED']);
});

it('all pending deliveries of a subscription are due at once when it is enabled again', async () => {
  const { fanfare, id } = await begin();
  const { body } = await fanfare.get('/v1/Subscriptions');
  const path = `/v1/Subscriptions/${body['subscriptions'][0]['id']}`;
  await fanfare.request('PATCH', path, { status: 'DISABLED' });
  await fanfare.database.query(
    `insert into event_delivery (account_id, subscription_id, event_id, subject_id, tries, due_at)
     select 1, $1, uuid_floor(now() - n * interval '1 ms'), gen_random_uuid(), 2, now() + interval '1 hour'
     from generate_series(1, 12000) n`,
    [id],
  );
  // Nobody takes them: they are to be counted.
  await fanfare.database.query(
    `create function rest() returns trigger language plpgsql as $$ begin
       new.backoff_until = 'infinity'; return new; end $$;
     create trigger rest before update on subscription for each row execute function rest();`,
  );
  expect((await fanfare.request('PATCH', path, { status: 'ENABLED' })).status).toBe(200);
  const { rows } = await fanfare.database.query(
    'select count(*)::int as n from event_delivery where subscription_id = $1 and due_at <= now() and tries = 0',
    [id],
  );
  expect(rows).toEqual([{ n: 12_000 }]);
});
