/** Requests of the dashboard: reports on operations, API keys, state of carriers, the system. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ALL_ROLES,
  launchFanfare,
  recipients,
  SID,
  smsOnly,
  special,
  text,
  TOKEN,
  type Fanfare,
} from './support/fanfare.ts';

let fanfare: Fanfare;
beforeAll(async () => {
  fanfare = await launchFanfare({ config: { roles: ALL_ROLES } });
});
afterAll(() => fanfare.stop());

const isDone = (operation: any) => operation.status === 'COMPLETED' && operation.stats.sent === 0;

describe('a report', () => {
  it('shows senders, errors and times', async () => {
    const id = await fanfare.send({
      to: [
        ...recipients(40),
        special(1),
        special(2),
        { address: '+15005550301', channel: 'WHATSAPP' },
      ],
      content: text('Hello {{ name | default: "you" }}'),
      tags: { campaign: 'spring' },
      ...smsOnly,
    });
    const { stats } = await fanfare.watch(id, isDone);
    const { status, body } = await fanfare.get(`/v1/Messages/Operations/${id}/Report`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      excerpt: 'Hello {{ name | default: "you" }}',
      tags: { campaign: 'spring' },
      scheduledFor: null,
      senders: [{ channel: 'SMS', address: '+15005550100', carrier: 'simulator', total: 42 }],
    });
    const { senders, errors, buckets } = body;
    const delivered = senders[0].statuses.find((each: any) => each.status === 'DELIVERED');
    expect(delivered.count).toBe(stats.delivered);
    const bad = stats.failed + stats.undelivered + stats.unaddressable;
    expect(errors.reduce((sum: number, each: any) => sum + each.count, 0)).toBe(bad);
    expect(errors.find((each: any) => each.code === 21612)).toMatchObject({
      count: 1,
      examples: [{ messageId: null, address: '+15005550301' }],
    });
    const sum = (name: string) => buckets.reduce((all: number, each: any) => all + each[name], 0);
    expect(sum('submitted')).toBe(42);
    expect(sum('settled')).toBe(stats.delivered + stats.undelivered);
    expect(buckets.at(-1).latency95).toBeGreaterThanOrEqual(0);
  });

  it('counts each sender of a pool', async () => {
    const addresses = ['+15005550711', '+15005550712'];
    const senders = await Promise.all(
      addresses.map(async (address) => {
        const body = { address, channel: 'SMS', carrier: 'simulator' };
        return (await fanfare.request('POST', '/v1/Senders', body)).body['id'];
      }),
    );
    const pool = await fanfare.request('POST', '/v1/SenderPools', {
      name: 'two',
      senders: senders.map((senderId) => ({ senderId })),
    });
    const list = await fanfare.get('/v1/SenderPools');
    const senderPoolId = list.body['senderPools'][0].id;
    expect(pool.status).toBe(202);
    const id = await fanfare.send({
      to: recipients(100),
      content: text('Hi'),
      from: { senderPoolId },
    });
    await fanfare.watch(id, isDone);
    const { body } = await fanfare.get(`/v1/Messages/Operations/${id}/Report`);
    expect(body['senders'].map((each: any) => each.address).toSorted()).toEqual(addresses);
    expect(body['senders'].reduce((sum: number, each: any) => sum + each.total, 0)).toBe(100);
    const request = await fanfare.get(`/v1/Messages/Operations/${id}/Request`);
    expect(request.body['from']).toEqual({ senderPoolId });
  });

  it('builds a request that sends it again to failed recipients', async () => {
    const named = { ...special(1), variables: { name: 'Ada' } };
    const id = await fanfare.send({
      to: [named, ...recipients(3)],
      content: {
        text: 'Hi {{ name | default: "you" }}',
        media: [{ url: 'https://example.com/a.png' }],
      },
      tags: { campaign: 'spring' },
      ...smsOnly,
    });
    const { stats } = await fanfare.watch(id, isDone);
    expect(stats.failed + stats.undelivered).toBe(1);
    const path = `/v1/Messages/Operations/${id}/Request`;
    const { body } = await fanfare.get(`${path}?statuses=FAILED,UNDELIVERED`);
    expect(body).toEqual({
      to: [named],
      content: {
        text: 'Hi {{ name | default: "you" }}',
        media: [{ url: 'https://example.com/a.png' }],
      },
      from: smsOnly.from,
      tags: { campaign: 'spring' },
    });
    const again = await fanfare.send(body);
    expect((await fanfare.operation(again)).stats.total).toBe(1);
    expect((await fanfare.get(path)).body['to']).toHaveLength(4);
    expect((await fanfare.get(`${path}?statuses=NOPE`)).status).toBe(400);
    expect((await fanfare.get(`/v1/Messages/Operations/nope/Report`)).status).toBe(404);
  });
});

describe('lists of operations', () => {
  it('are filtered by tags, and show their requests with details=true', async () => {
    const id = await fanfare.send({
      to: recipients(1),
      content: text('An autumn word'),
      tags: { campaign: 'autumn', team: 'a' },
    });
    const list = (query: string) => fanfare.get(`/v1/Messages/Operations?${query}`);
    const found = await list('tags=campaign:autumn;team:a&details=true');
    expect(found.body['operations']).toMatchObject([
      { id, details: { excerpt: 'An autumn word', tags: { campaign: 'autumn', team: 'a' } } },
    ]);
    expect((await list('tags=campaign:autumn;team:b')).body['operations']).toEqual([]);
    expect((await list('tags=campaign:autumn')).body['operations'][0]).not.toHaveProperty(
      'details',
    );
    expect((await list('tags=nope')).status).toBe(400);
  });
});

describe('API keys', () => {
  it('are made, used, listed and revoked with the token of the account', async () => {
    const made = await fanfare.request('POST', '/v1/ApiKeys', { name: 'shop' });
    expect(made.status).toBe(201);
    const { sid, secret } = made.body;
    const asKey = { authorization: `Basic ${btoa(`${sid}:${secret}`)}` };
    expect((await fanfare.request('GET', '/v1/Senders', undefined, asKey)).status).toBe(200);
    const refused = await fanfare.request('POST', '/v1/ApiKeys', {}, asKey);
    expect([refused.status, refused.body['code']]).toEqual([403, 20006]);
    const listed = (await fanfare.get('/v1/ApiKeys')).body['apiKeys'].find(
      (each: any) => each.sid === sid,
    );
    expect(listed).toMatchObject({ name: 'shop', revokedAt: null });
    expect(JSON.stringify(listed)).not.toContain(secret);
    expect((await fanfare.request('DELETE', `/v1/ApiKeys/${sid}`)).status).toBe(204);
    expect((await fanfare.request('DELETE', `/v1/ApiKeys/${SID}`)).status).toBe(404);
    expect(TOKEN).not.toBe(secret);
  });
});

describe('the installation', () => {
  it('shows the state of carriers, queue and database', async () => {
    const carriers = await fanfare.get('/v1/Carriers');
    expect(carriers.body['carriers']).toMatchObject([
      { name: 'simulator', queueMessages: expect.any(Number), state: { throttled: false } },
    ]);
    const { body } = await fanfare.get('/v1/System');
    expect(body).toMatchObject({
      node: { roles: ALL_ROLES },
      dispatchNodes: 1,
      database: { embedded: false, connectionsMax: expect.any(Number) },
    });
  });
});
