/** Maintenance tasks: a failing one stops no other, and old rows are removed completely. */
import { describe, expect, it } from 'vitest';
import { decodeTypeId, messageUuid } from '../src/domain/ids.ts';
import { openStore } from '../src/store/store.ts';
import {
  recipients,
  smsOnly,
  special,
  startFanfare,
  text,
  until,
  type Fanfare,
  type FanfareClient,
} from './support/fanfare.ts';

/** Runs that failed, by maintenance task. */
async function failuresOf(fanfare: Fanfare): Promise<Record<string, number>> {
  const { body } = await fanfare.get('/metrics');
  const found = String(body['text']).matchAll(
    /^fanfare_maintenance_failures_total\{task="([a-z-]+)"\} (\d+)/gm,
  );
  return Object.fromEntries([...found].map(([, task = '', count]) => [task, Number(count)]));
}

const count = async ({ database }: FanfareClient, what: string): Promise<number> =>
  (await database.query(`select count(*)::int as n from ${what}`)).rows[0].n;

const soon = () => ({ sendAt: [new Date(Date.now() + 1_500).toISOString()] });

describe('a maintenance task that always fails', () => {
  it('stops none of the others', async () => {
    const fanfare = await startFanfare();
    await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
    await fanfare.terminate();
    const { database } = fanfare;
    // More than one go of each.
    await database.query(
      `insert into idempotency_key select 1, n, '', gen_random_uuid(), now() - interval '1 hour' from generate_series(1, 12000) n`,
    );
    await database.query(
      `insert into parked_receipt select 1, gen_random_uuid(), 1, 'READ', null, null, now() - interval '5 days' from generate_series(1, 6000)`,
    );
    await database.query('alter table parked_carrier_receipt rename to broken_1');
    await database.query('alter table inbound_seen rename to broken_2');
    await fanfare.restart();

    const id = await fanfare.send({
      to: recipients(2),
      content: text('Hi'),
      schedule: soon(),
      ...smsOnly,
    });
    await fanfare.watch(id, ({ stats }) => stats.delivered === 2);
    await until(async () => (await count(fanfare, 'parked_receipt')) === 0);
    await until(
      async () => (await count(fanfare, 'idempotency_key where expires_at < now()')) === 0,
    );
    const failures = await until(async () => {
      const now = await failuresOf(fanfare);
      return (now['carrier-receipts'] ?? 0) > 3 && (now['inbound-seen'] ?? 0) > 3 ? now : null;
    });
    expect(Object.keys(failures).toSorted()).toEqual(['carrier-receipts', 'inbound-seen']);

    await database.query('alter table broken_1 rename to parked_carrier_receipt');
    await database.query('alter table broken_2 rename to inbound_seen');
  });

  it('leaves the rest of a batch of its own alone, too', async () => {
    const fanfare = await startFanfare();
    await fanfare.database.query(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if new.address = '+15005560003' then raise exception 'refused' using errcode = '23514'; end if;
        return new;
      end $$;
      create trigger refuse before update on message for each row execute function refuse();`);
    const schedule = soon();
    const ids = await Promise.all(
      recipients(6).map((to) =>
        fanfare.send({ to: [to], content: text('Hi'), schedule, ...smsOnly }),
      ),
    );
    await Promise.all(
      ids.map((id, i) =>
        i === 3 ? null : fanfare.watch(id, ({ stats }) => stats.delivered === 1),
      ),
    );
    await until(async () => ((await failuresOf(fanfare))['wake'] ?? 0) > 0);
    await fanfare.database.query('drop trigger refuse on message');
    await fanfare.watch(ids[3] ?? '', ({ stats }) => stats.delivered === 1);
  });
});

describe('a word on the first attempt of a message that was erased after its fallback', () => {
  async function begin() {
    const fanfare = await startFanfare();
    const id = await fanfare.send({ to: [special(6)], content: text('Hi') });
    await fanfare.watch(id, ({ stats }) => stats.delivered === 1 && stats.attempts === 2);
    const uuid = decodeTypeId('comms_operation', id) ?? '';
    await fanfare.request('DELETE', `/v1/Messages/Operations/${id}`);
    const word = {
      accountId: 1,
      messageId: messageUuid(uuid, 0),
      attempt: 1,
      status: 'READ',
      code: null,
      detail: null,
    } as const;
    return { fanfare, id, word };
  }

  it('is applied', async () => {
    const { fanfare, id, word } = await begin();
    const store = await openStore({ url: fanfare.databaseUrl, connectionsMax: 1, name: 'test' });
    const tally = await store.receipts.applyReceipts([word]);
    await store.close();
    expect(tally).toEqual({ applied: 1, parked: 0, ignored: 0, unmatched: 0 });
    await fanfare.watch(id, ({ stats }) => stats.read === 1);
  });

  it('is applied when it was parked, and what is parked behind it is, too', async () => {
    const { fanfare, id, word } = await begin();
    const other = await fanfare.send({ to: recipients(1), content: text('Hi'), ...smsOnly });
    await fanfare.watch(other, ({ stats }) => stats.delivered === 1);
    const otherId = messageUuid(decodeTypeId('comms_operation', other) ?? '', 0);
    await fanfare.database.query(
      `insert into parked_receipt select 1, id, 1, 'READ', null, null, now() from unnest($1::uuid[]) as id`,
      [[word.messageId, otherId]],
    );
    await fanfare.watch(other, ({ stats }) => stats.read === 1);
    await fanfare.watch(id, ({ stats }) => stats.read === 1);
    await until(async () => (await count(fanfare, 'parked_receipt')) === 0);
  });
});
