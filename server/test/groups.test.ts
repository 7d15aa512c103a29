/** Small requests are read and written in groups. Each of them ends as if it had come alone. */
import { describe, expect, it } from 'vitest';
import {
  recipients,
  smsOnly,
  startFanfare,
  text,
  useFanfare,
  type Json,
} from './support/fanfare.ts';

const body = (address: string, extra: Json = {}) => ({
  to: [{ address, channel: 'PHONE' }],
  content: text('Hi'),
  ...smsOnly,
  ...extra,
});

describe('small requests that come at once', () => {
  it('keep their conflicts, replays and refusals to themselves', async () => {
    const fanfare = await useFanfare();
    const post = (request: object, key?: string) =>
      fanfare.request(
        'POST',
        '/v1/Messages',
        request,
        key === undefined ? {} : { 'idempotency-key': key },
      );
    const good = Array.from({ length: 40 }, (_, i) => post(body(`+150055601${i + 10}`)));
    const twins = Array.from({ length: 6 }, () => post(body('+15005560200'), 'twins'));
    const rivals = ['+15005560201', '+15005560202'].map((address) => post(body(address), 'rivals'));
    const refused = [post(body('nobody')), post(body('+15005560203', { from: { senderId: 'x' } }))];
    const preview = post(body('+15005560204', { dryRun: true }));
    const large = post({ to: recipients(2_000), content: text('Hi'), ...smsOnly });

    const ids = new Set<string>();
    for (const { status, body: answer } of await Promise.all([...good, large])) {
      expect(status).toBe(202);
      ids.add(answer['operationId']);
    }
    expect(ids.size).toBe(41);
    const answers = await Promise.all(twins);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(new Set(answers.map((each) => each.body['operationId'])).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.has('idempotent-replayed'))).toHaveLength(5);
    const [won, lost] = (await Promise.all(rivals)).toSorted((a, b) => a.status - b.status);
    expect([won?.status, lost?.status]).toEqual([202, 409]);
    for (const { status } of await Promise.all(refused)) expect(status).toBe(400);
    expect((await preview).status).toBe(200);

    ids.add(answers[0]?.body['operationId']);
    ids.add(won?.body['operationId']);
    for (const id of ids)
      await fanfare.watch(id, ({ status, stats }) => {
        return status === 'COMPLETED' && stats.delivered === stats.total;
      });
    const { rows } = await fanfare.database.query<{ operations: number }>(
      `select count(*)::int as operations from operation o join account a on a.id = o.account_id
       where a.sid = $1`,
      [fanfare.sid],
    );
    expect(rows[0]?.operations).toBe(43);
  });

  it('are written all but the one that cannot be', async () => {
    const fanfare = await startFanfare();
    await fanfare.database.query(`
      create function spoil() returns trigger language plpgsql as
        $$ begin if new.address = '+15005560666' then raise 'spoiled'; end if; return new; end $$;
      create trigger spoil before insert on message for each row execute function spoil()`);
    const addresses = Array.from({ length: 30 }, (_, i) => `+150055606${i + 60}`);
    expect(addresses).toContain('+15005560666');
    const answers = await Promise.all(
      addresses.map((address) => fanfare.request('POST', '/v1/Messages', body(address))),
    );
    for (const [i, { status, body: answer }] of answers.entries()) {
      expect([addresses[i], status]).toEqual([
        addresses[i],
        addresses[i] === '+15005560666' ? 500 : 202,
      ]);
      if (status === 202)
        await fanfare.watch(answer['operationId'], ({ stats }) => stats.delivered === 1);
    }
    const { rows } = await fanfare.database.query<{ count: number }>(
      'select count(*)::int as count from operation',
    );
    expect(rows[0]?.count).toBe(29);
  });
});
