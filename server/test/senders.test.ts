import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  launchFanfare,
  recipients,
  special,
  startFanfare,
  text,
  until,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';

let fanfare: Fanfare;
beforeAll(async () => {
  fanfare = await launchFanfare();
});
afterAll(async () => {
  await fanfare.stop();
});

const isDone = (operation: Json) =>
  operation['status'] === 'COMPLETED' && operation['stats'].sent === 0;

async function addSender(address: string, channel = 'SMS', more: Json = {}): Promise<string> {
  const { status, body } = await fanfare.request('POST', '/v1/Senders', {
    address,
    channel,
    ...more,
  });
  expect(status).toBe(201);
  return body['id'];
}

async function addPool(name: string, senderIds: string[]): Promise<string> {
  const { status, body } = await fanfare.request('POST', '/v1/SenderPools', {
    name,
    senders: senderIds.map((senderId) => ({ senderId })),
  });
  expect(status).toBe(202);
  const list = await fanfare.get(`/v1/SenderPools?operationId=${body['operationId']}`);
  return list.body['senderPools'][0].id;
}

async function messagesOf(id: string): Promise<Json[]> {
  return (await fanfare.get(`/v1/Messages?operationId=${id}&pageSize=1000`)).body[
    'messages'
  ].toReversed();
}

describe('senders', () => {
  it('come from the configuration, which alone can change them', async () => {
    const { body } = await fanfare.get('/v1/Senders?channel=RCS');
    expect(body['senders']).toMatchObject([
      {
        address: 'fanfare_demo_agent',
        channel: 'RCS',
        status: 'ACTIVATED',
        configured: true,
        carrier: 'simulator',
      },
    ]);
    const path = `/v1/Senders/${body['senders'][0].id}`;
    expect((await fanfare.get(path)).body['address']).toBe('fanfare_demo_agent');
    for (const method of ['PATCH', 'DELETE']) {
      const answer = await fanfare.request(
        method,
        path,
        method === 'PATCH' ? { displayName: 'x' } : undefined,
      );
      expect([answer.status, answer.body['code']]).toEqual([400, 21606]);
    }
  });

  it('are added, changed, found and deleted', async () => {
    const id = await addSender('+15005550801', 'SMS', { displayName: 'One', tags: { team: 'a' } });
    const again = await fanfare.request('POST', '/v1/Senders', {
      address: '+15005550801',
      channel: 'SMS',
    });
    expect([again.status, again.body['code']]).toEqual([409, 20409]);
    const found = await fanfare.request('POST', '/v1/Senders/Search', {
      address: '+15005550801',
      channel: 'SMS',
      pageSize: 5,
    });
    expect(found.body['senders']).toMatchObject([{ id, displayName: 'One', tags: { team: 'a' } }]);
    const changed = await fanfare.request('PATCH', `/v1/Senders/${id}`, {
      status: 'DEACTIVATED',
      displayName: null,
    });
    expect(changed.body).toMatchObject({
      status: 'DEACTIVATED',
      displayName: null,
      tags: { team: 'a' },
    });
    for (const from of [{ senderId: id }, { address: '+15005550801', channel: 'SMS' }]) {
      const refused = await fanfare.request('POST', '/v1/Messages', {
        to: recipients(1),
        content: text('Hi'),
        from,
      });
      expect(refused.body['errors'][0]).toMatchObject({
        code: 21606,
        message: expect.stringContaining('deactivated'),
      });
    }
    expect((await fanfare.request('DELETE', `/v1/Senders/${id}`)).status).toBe(204);
    expect((await fanfare.get(`/v1/Senders/${id}`)).status).toBe(404);
    const wrong = await fanfare.request('POST', '/v1/Senders', {
      address: '1',
      channel: 'SMS',
      carrier: 'smoke',
    });
    expect(wrong.body['errors'][0]).toMatchObject({
      context: '$.carrier',
      message: expect.stringContaining('simulator'),
    });
  });

  it('are named by id in a request and on the message', async () => {
    const senderId = await addSender('+15005550802');
    const id = await fanfare.send({ to: recipients(1), content: text('Hi'), from: { senderId } });
    await fanfare.watch(id, isDone);
    const [message] = await messagesOf(id);
    expect(message?.['from']).toEqual({ address: '+15005550802', channel: 'SMS', senderId });
    for (const wrong of ['junk', 'comms_sender_01h9krwprkeee8fzqspvwy6nq8']) {
      const answer = await fanfare.request('POST', '/v1/Messages', {
        to: recipients(1),
        content: text('Hi'),
        from: { senderId: wrong },
      });
      expect([answer.status, answer.body['errors'][0].context]).toEqual([400, '$.from.senderId']);
    }
  });

  it('follow the configuration when it changes', async () => {
    const config = (address: string) => ({
      senders: [{ address, channel: 'SMS', carrier: 'simulator' }],
    });
    const server = await startFanfare({ config: config('+15005550810') });
    await server.terminate();
    await server.restart(config('+15005550811'));
    const { body } = await server.get('/v1/Senders');
    expect(
      body['senders'].map((each: Json) => [each['address'], each['status']]).toSorted(),
    ).toEqual([
      ['+15005550810', 'DEACTIVATED'],
      ['+15005550811', 'ACTIVATED'],
    ]);
    const id = await server.send({ to: recipients(1), content: text('Hi') });
    const list = await server.get(`/v1/Messages?operationId=${id}`);
    expect(list.body['messages'][0].from.address).toBe('+15005550811');
  });
});

describe('sender pools', () => {
  it('are made, listed, changed and deleted, and show the results for their members', async () => {
    const one = await addSender('+15005550821');
    const two = await addSender('+15005550822');
    const unknown = 'comms_sender_01h9krwprkeee8fzqspvwy6nq8';
    const made = await fanfare.request('POST', '/v1/SenderPools', {
      name: 'Spring',
      senders: [{ senderId: one }, { senderId: unknown }],
      tags: { a: 'b' },
    });
    expect([made.status, made.headers.get('operation-id')]).toEqual([
      202,
      made.body['operationId'],
    ]);
    const operation = await fanfare.get(new URL(made.body['operationLocation']).pathname);
    expect(operation.body).toMatchObject({
      status: 'COMPLETED',
      stats: { total: 2, queued: 0, created: 1, failed: 1 },
    });
    const [pool] = (await fanfare.get(`/v1/SenderPools?operationId=${made.body['operationId']}`))
      .body['senderPools'];
    expect(pool).toMatchObject({ name: 'Spring', tags: { a: 'b' } });
    const path = `/v1/SenderPools/${pool.id}`;
    expect(
      (await fanfare.request('POST', '/v1/SenderPools', { name: 'Spring' })).body['code'],
    ).toBe(20409);
    const added = await fanfare.request('POST', `${path}/Senders`, [{ senderId: two }]);
    expect(added.status).toBe(202);
    const members = async () =>
      (await fanfare.get(`${path}/Senders`)).body['senders'].map((each: Json) => each['id']);
    expect(await members()).toEqual([two, one]);
    const removed = await fanfare.request('DELETE', `${path}/Senders/${one}`);
    expect([removed.status, removed.body['resourceId']]).toEqual([202, pool.id]);
    expect((await fanfare.request('DELETE', `${path}/Senders/${one}`)).status).toBe(404);
    expect(await members()).toEqual([two]);
    const other = await addPool('Summer', []);
    expect(
      (await fanfare.request('PATCH', `/v1/SenderPools/${other}`, { name: 'Spring' })).status,
    ).toBe(409);
    expect((await fanfare.request('PATCH', path, {})).status).toBe(400);
    expect((await fanfare.request('PATCH', path, { name: 'Autumn' })).status).toBe(202);
    expect((await fanfare.get(path)).body['name']).toBe('Autumn');
    expect((await fanfare.get('/v1/SenderPools?pageSize=1')).body['pagination'].next).toMatch(
      /^[\w-]+$/,
    );
    expect((await fanfare.request('DELETE', path)).status).toBe(202);
    expect((await fanfare.get(path)).status).toBe(404);
    expect((await fanfare.get(`/v1/Senders/${two}`)).status).toBe(200);
    expect(
      (await fanfare.get('/v1/SenderPools/Operations?status=CANCELED')).body['operations'],
    ).toEqual([]);
    expect(
      (await fanfare.get('/v1/SenderPools/Operations?pageSize=1')).body['operations'],
    ).toHaveLength(1);
  });

  it('send by the richest channel first, or as asked, and keep a recipient with a sender', async () => {
    const ids = [
      await addSender('+15005550831'),
      await addSender('+15005550832'),
      await addSender('+15005550833'),
      await addSender('pool_agent', 'RCS'),
    ];
    const senderPoolId = await addPool('Mixed', ids);
    const senders = async (to: Json[], channels?: Json) => {
      const id = await fanfare.send({
        to,
        content: text('Hi'),
        from: { senderPoolId, ...(channels ? { channels } : {}) },
      });
      await fanfare.watch(id, isDone);
      return (await messagesOf(id)).map((each) => each['from']);
    };
    expect(await senders([special(900)])).toEqual([
      { address: 'pool_agent', channel: 'RCS', senderId: ids[3], senderPoolId },
    ]);
    expect((await senders([special(6)])).map((each) => each.channel)).toEqual(['SMS']);
    const byPriority = await senders(recipients(200), {
      priority: [{ channel: 'SMS', priority: 0 }],
    });
    expect(new Set(byPriority.map((each) => each.address)).size).toBe(3);
    expect(await senders(recipients(200), { filterIn: ['SMS'] })).toEqual(byPriority);
    const none = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(1),
      content: text('Hi'),
      from: { senderPoolId, channels: { filterIn: ['WHATSAPP'] } },
    });
    expect(none.body['errors'][0]).toMatchObject({
      code: 21606,
      context: '$.from.channels.filterIn',
    });
    const twice = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(1),
      content: text('Hi'),
      from: {
        senderPoolId,
        channels: { priority: [1, 2].map((priority) => ({ channel: 'SMS', priority })) },
      },
    });
    expect([twice.status, twice.body['errors']]).toEqual([
      400,
      [
        expect.objectContaining({
          message: 'Each channel may appear once.',
          context: '$.from.channels.priority',
        }),
      ],
    ]);
    const empty = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(1),
      content: text('Hi'),
      from: { senderPoolId: 'comms_senderpool_01h9krwprkeee8fzqspvwy6nq8' },
    });
    expect(empty.body['errors'][0]).toMatchObject({ code: 21606, context: '$.from.senderPoolId' });
  });

  it('are used as they are at each moment, whatever was read of them before', async () => {
    const addresses = Array.from({ length: 6 }, (_, i) => `+1500555085${i}`);
    const ids: string[] = [];
    for (const each of addresses) ids.push(await addSender(each));
    const senderPoolId = await addPool('Changing', ids.slice(0, 4));
    const used = async () => {
      const request = { to: recipients(300), content: text('Hi'), from: { senderPoolId } };
      const { body } = await fanfare.request('POST', '/v1/Messages', { ...request, dryRun: true });
      const from = (body['messages'] ?? []).map((each: Json) => addresses.indexOf(each['from']));
      return [...new Set<number>(from)].toSorted();
    };
    const patch = (i: number, change: Json) =>
      fanfare.request('PATCH', `/v1/Senders/${ids[i]}`, change);
    const members = `/v1/SenderPools/${senderPoolId}/Senders`;
    const add = (...places: number[]) =>
      fanfare.request(
        'POST',
        members,
        places.map((i) => ({ senderId: ids[i] })),
      );
    const remove = (i: number) => fanfare.request('DELETE', `${members}/${ids[i]}`);
    const changes: [number[], () => Promise<unknown>][] = [
      [[0, 1, 2, 3], async () => undefined],
      [[0, 2, 3], () => patch(1, { status: 'DEACTIVATED' })],
      [[0, 1, 2, 3], () => patch(1, { status: 'ACTIVATED' })],
      [[0, 1, 3], () => remove(2)],
      [[0, 1, 3, 4, 5], () => add(4, 5)],
      [[0, 1, 3, 5], () => fanfare.request('DELETE', `/v1/Senders/${ids[4]}`)],
      [[], () => Promise.all([remove(0), remove(1), remove(3), remove(5)])],
      [[2], () => add(2)],
    ];
    for (const [expected, change] of changes) {
      await change();
      expect(await used()).toEqual(expected);
      expect(await used()).toEqual(expected);
    }
    // A sender that is being changed, in a transaction that is still open, while it becomes a member.
    const client = await fanfare.database.connect();
    try {
      await client.query('begin');
      const where = `account_id = (select id from account where sid = $1) and address = $2`;
      await client.query(`update sender set status = 'DEACTIVATED' where ${where}`, [
        fanfare.sid,
        addresses[3],
      ]);
      let isAdded = false;
      const adding = add(3).then(() => (isAdded = true));
      await until(async () => {
        const { rows } = await fanfare.database.query<{ waiting: boolean }>(
          `select exists (select from pg_stat_activity where datname = current_database()
             and wait_event_type = 'Lock') as waiting`,
        );
        return isAdded || rows[0]?.waiting;
      });
      await used();
      await client.query('commit');
      await adding;
    } finally {
      client.release();
    }
    expect(await used()).toEqual([2]);
  });

  it('of many senders have the same plan in each operation, whatever became of the first', async () => {
    const SIZE = 120;
    const pool = await addPool('Many', [await addSender('+15005550860')]);
    await fanfare.database.query(
      `with added as (insert into sender (account_id, id, channel, address, carrier)
         select account.id, gen_random_uuid(), 'SMS', '+1500556' || 1000 + n, 'simulator'
         from account, generate_series(2, $2::int) n where sid = $1 returning id, account_id)
       insert into sender_pool_member (account_id, pool_id, sender_id)
       select p.account_id, p.id, added.id from added join sender_pool p using (account_id) where p.name = 'Many'`,
      [fanfare.sid, SIZE],
    );
    const send = () =>
      fanfare.send({
        to: recipients(3),
        content: text('Hi'),
        from: { senderPoolId: pool },
        schedule: { sendAt: [new Date(Date.now() + 3_600_000).toISOString()] },
      });
    const ofPool = `plan -> 'senders' -> 0 ->> 'senderPoolId' = (select id::text from sender_pool where name = 'Many')`;
    const plans = async () => {
      const { rows } = await fanfare.database.query<{ operations: number; senders: number }>(
        `select count(*)::int as operations, jsonb_array_length(plan -> 'senders') as senders from operation
         where ${ofPool} group by plan`,
      );
      return rows;
    };
    await Promise.all([send(), send(), send()]);
    await send();
    expect(await plans()).toEqual([{ operations: 4, senders: SIZE }]);
    // As retention takes them away.
    await fanfare.database.query(`delete from operation where ${ofPool}`);
    await send();
    expect(await plans()).toEqual([{ operations: 1, senders: SIZE }]);
  });

  it('resolve which sender would reach whom', async () => {
    const ids = [await addSender('+15005550841'), await addSender('resolve_agent', 'RCS')];
    const senderPoolId = await addPool('Resolve', ids);
    const ask = async (body: Json) =>
      (await fanfare.request('POST', '/v1/Senders/Resolve', body)).body;
    const { results } = await ask({
      recipientAddresses: [special(1), { address: '+15005550002', channel: 'WHATSAPP' }],
      senderPoolId,
    });
    expect(results).toEqual([
      {
        from: { senderId: ids[1], displayName: null, channel: 'RCS', address: 'resolve_agent' },
        to: special(1),
        priority: 0,
      },
      {
        from: { senderId: ids[0], displayName: null, channel: 'SMS', address: '+15005550841' },
        to: special(1),
        priority: 1,
      },
    ]);
    const named = await ask({
      recipientAddresses: [special(1)],
      senderAddresses: [{ address: '+15005550841', channel: 'SMS' }],
    });
    expect(named['results']).toHaveLength(1);
    expect(
      (
        await ask({
          recipientAddresses: [special(1)],
          senderPoolId,
          senderAddresses: [{ address: 'x', channel: 'SMS' }],
        })
      )['errors'][0].context,
    ).toBe('$.senderAddresses');
    expect(
      (await ask({ recipientAddresses: [special(1)] }))['results'].length,
    ).toBeGreaterThanOrEqual(2);
  });

  it('resolve addresses in any spelling, as a send does', async () => {
    const id = await addSender('+15005550842');
    const shop = await addSender('Shop842');
    const ask = async (senderAddresses: Json[]) =>
      fanfare.request('POST', '/v1/Senders/Resolve', {
        recipientAddresses: [special(1)],
        senderAddresses,
      });
    const idsOf = async (...senderAddresses: Json[]) =>
      (await ask(senderAddresses)).body['results'].map((each: any) => each.from.senderId);
    for (const address of ['15005550842', '+1 (500) 555-0842', '0015005550842'])
      expect(await idsOf({ address, channel: 'SMS' })).toEqual([id]);
    expect(await idsOf({ address: 'sHOP842', channel: 'SMS' })).toEqual([shop]);
    expect(
      await idsOf(
        { address: '15005550842', channel: 'SMS' },
        { address: '+15005550842', channel: 'SMS' },
      ),
    ).toEqual([id]);
    expect(await idsOf({ address: '+15005550842', channel: 'RCS' })).toEqual([]);
    expect(await idsOf({ fcm: 'comms_credential_1', apn: 'comms_credential_2' })).toEqual([]);
    await fanfare.request('PATCH', `/v1/Senders/${shop}`, { status: 'DEACTIVATED' });
    expect(await idsOf({ address: 'Shop842', channel: 'SMS' })).toEqual([]);
    const wrong = await ask([
      { name: 'x' },
      { fcm: 'a', address: 'b' },
      { address: 'a', name: 'b' },
    ]);
    expect(wrong.body['errors'].map((each: any) => [each.context, each.message])).toEqual([
      [
        '$.senderAddresses[0]',
        'A part is missing: give address and channel, the address of an e-mail, or fcm or apn.',
      ],
      ['$.senderAddresses[1].address', expect.stringContaining('There is no field "address" here')],
    ]);
    const search = await fanfare.request('POST', '/v1/Senders/Search', {
      address: '1 500 5550842',
      channel: 'SMS',
    });
    expect(search.body['senders']).toMatchObject([{ id }]);
  });

  it('have every channel of the API in searches, and none of PUSH', async () => {
    const id = await addSender('+15005550843');
    const pool = await addPool('Channels', [id]);
    const members = `/v1/SenderPools/${pool}/Senders`;
    for (const path of [
      '/v1/Senders?channel=PUSH',
      `${members}?channel=PUSH`,
      `${members}?channel=EMAIL`,
    ]) {
      const { status, body } = await fanfare.get(path);
      expect([status, body]).toMatchObject([200, { senders: [], pagination: { next: null } }]);
    }
    expect((await fanfare.get('/v1/Senders?channel=EMAIL')).status).toBe(200);
    expect((await fanfare.get('/v1/Senders?channel=PUSH&pageSize=0')).status).toBe(400);
    const search = await fanfare.request('POST', '/v1/Senders/Search', {
      address: 'app',
      channel: 'PUSH',
    });
    expect([search.status, search.body['senders']]).toEqual([200, []]);
    const made = await fanfare.request('POST', '/v1/Senders', { address: 'app', channel: 'PUSH' });
    expect([made.status, made.body['errors'][0]]).toMatchObject([
      400,
      { context: '$.channel', message: 'Must be one of SMS, RCS, WHATSAPP, EMAIL, not "PUSH".' },
    ]);
    const send = (channels: Json) =>
      fanfare.request('POST', '/v1/Messages', {
        to: [special(1)],
        content: { text: 'Hi' },
        from: { senderPoolId: pool, channels },
        dryRun: true,
      });
    const sent = await send({
      filterIn: ['EMAIL', 'SMS', 'PUSH'],
      priority: [
        { channel: 'PUSH', priority: 0 },
        { channel: 'SMS', priority: 1 },
      ],
    });
    expect(sent.body['messages']).toMatchObject([{ channel: 'SMS', fallbacks: [] }]);
    expect((await send({ filterIn: ['EMAIL', 'PUSH'] })).body['errors'][0]).toMatchObject({
      code: 21606,
      context: '$.from.channels.filterIn',
    });
    const resolved = await fanfare.request('POST', '/v1/Senders/Resolve', {
      recipientAddresses: [special(1)],
      channels: { filterIn: ['PUSH'] },
    });
    expect(resolved.body).toEqual({ results: [] });
  });
});
