import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  launchFanfare,
  recipients,
  smsOnly,
  special,
  text,
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

const post = (path: string, body: Json) => fanfare.request('POST', `/v1${path}`, body);
const isDone = (operation: Json) =>
  operation['status'] === 'COMPLETED' && operation['stats'].sent === 0;
const errorsOf = async (id: string) =>
  (await fanfare.get(`/v1/Messages/Operations/${id}/Errors`)).body['errors'].map((each: Json) => [
    each['code'],
    each['context'],
  ]);

describe('the suppression list', () => {
  it('keeps its people from being sent to, and lets them back', async () => {
    const added = await post('/Suppressions', { address: '+15005560001', reason: 'asked by mail' });
    expect([added.status, added.body['reason'], added.body['senderId']]).toEqual([
      201,
      'asked by mail',
      null,
    ]);
    const again = await post('/Suppressions', { address: '+15005560001' });
    expect([again.status, again.body['id']]).toEqual([200, added.body['id']]);
    const id = await fanfare.send({ to: recipients(3), content: text('Hi') });
    const last = await fanfare.watch(id, isDone);
    expect(last['stats']).toMatchObject({
      recipients: 3,
      total: 2,
      unaddressable: 1,
      delivered: 2,
    });
    expect(await errorsOf(id)).toEqual([[21610, '$.to[1]']]);
    const preview = await post('/Messages', {
      to: recipients(3),
      content: text('Hi'),
      dryRun: true,
    });
    expect(preview.body['messages']).toHaveLength(2);
    expect(preview.body['unaddressable']).toMatchObject([{ code: 21610, context: '$.to[1]' }]);
    expect((await fanfare.request('DELETE', `/v1/Suppressions/${added.body['id']}`)).status).toBe(
      204,
    );
    expect((await fanfare.request('DELETE', `/v1/Suppressions/${added.body['id']}`)).status).toBe(
      404,
    );
    const after = await fanfare.send({ to: recipients(3), content: text('Hi') });
    expect((await fanfare.watch(after, isDone))['stats'].delivered).toBe(3);
  });

  it('rules out the whole person by any of their addresses', async () => {
    const { body } = await post('/Suppressions', { address: '+15005560010' });
    const id = await fanfare.send({
      to: [
        {
          addresses: [
            { address: '+15005560011', channel: 'PHONE' },
            { address: '+15005560010', channel: 'WHATSAPP' },
          ],
        },
      ],
      content: text('Hi'),
    });
    expect(await fanfare.operation(id)).toMatchObject({
      status: 'COMPLETED',
      stats: { unaddressable: 1, total: 0 },
    });
    await fanfare.request('DELETE', `/v1/Suppressions/${body['id']}`);
  });

  it('applies to one sender or one pool only, on request', async () => {
    const sender = (await post('/Senders', { address: '+15005550901', channel: 'SMS' })).body['id'];
    const made = await post('/SenderPools', { name: 'Quiet', senders: [{ senderId: sender }] });
    const senderPoolId = (
      await fanfare.get(`/v1/SenderPools?operationId=${made.body['operationId']}`)
    ).body['senderPools'][0].id;
    await post('/Suppressions', { address: '+15005560020', senderId: sender });
    await post('/Suppressions', { address: '+15005560021', senderPoolId });
    const reached = async (from: Json) => {
      const id = await fanfare.send({ to: recipients(3, 20), content: text('Hi'), from });
      return (await fanfare.watch(id, isDone))['stats'].delivered;
    };
    expect(await reached(smsOnly.from)).toBe(3);
    expect(await reached({ senderId: sender })).toBe(2);
    expect(await reached({ senderPoolId })).toBe(1);
    for (const wrong of [
      { senderId: sender, senderPoolId },
      { senderId: 'comms_sender_01h9krwprkeee8fzqspvwy6nq8' },
    ])
      expect((await post('/Suppressions', { address: '+15005560022', ...wrong })).status).toBe(400);
  });

  it('counts at the time of sending, not of asking', async () => {
    const sendAt = new Date(Date.now() + 3_600_000).toISOString();
    const id = await fanfare.send({
      to: recipients(2, 30),
      content: text('Hi'),
      schedule: { sendAt: [sendAt] },
    });
    await post('/Suppressions', { address: '+15005560031' });
    // Now it is time for both: nothing else of this server waits.
    await fanfare.database.query('update dispatch_batch set due_at = now()');
    const last = await fanfare.watch(id, isDone);
    expect(last['stats']).toMatchObject({ delivered: 1, failed: 1, attempts: 1 });
    expect(await errorsOf(id)).toEqual([[21610, '$.to[1]']]);
  });

  const COUNT = 2_000;

  it('is imported, searched, paged and exported as hashes', async () => {
    const addresses = recipients(COUNT, 5_000).map((each) => each['address']);
    const first = await post('/Suppressions/Import', { addresses, reason: 'import' });
    expect(first.body).toEqual({ total: COUNT, created: COUNT });
    expect(
      (await post('/Suppressions/Import', { addresses: [addresses[0], '+15005551234'] })).body,
    ).toEqual({ total: 2, created: 1 });
    expect(
      (await post('/Suppressions/Search', { address: addresses[7] })).body['suppressions'],
    ).toMatchObject([{ address: addresses[7], reason: 'import' }]);
    const page = (await fanfare.get('/v1/Suppressions?pageSize=1000')).body;
    expect(page['suppressions']).toHaveLength(1000);
    expect(page['pagination'].next).toMatch(/^[\w-]+$/);
    const { text: hashes } = (await fanfare.get('/v1/Suppressions/Export')).body;
    const lines = new Set(hashes.trim().split('\n'));
    expect(lines.size).toBeGreaterThanOrEqual(COUNT + 1);
    expect(lines).toContain(createHash('sha256').update(String(addresses[0])).digest('hex'));
    const wrong = await post('/Suppressions/Import', { addresses: ['+15005551234', 'x'] });
    expect(wrong.body['errors'][0]).toMatchObject({ code: 20422, context: '$.addresses[1]' });
    const id = await fanfare.send({
      to: [...recipients(COUNT, 5_000), special(50)],
      content: text('Hi'),
    });
    expect((await fanfare.watch(id, isDone))['stats']).toMatchObject({
      unaddressable: COUNT,
      delivered: 1,
    });
  });
});
