/** E-mails from the request to the simulator's journal, and back by their links. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTypeId } from '../src/domain/ids.ts';
import sends from './data/email-requests.json' with { type: 'json' };
import {
  launchFanfare,
  QUICK,
  startFanfare,
  until,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';
import { startMailServer, type MailServer } from './support/mail-server.ts';

const PUBLIC = 'https://fanfare.example';
const BOUNCE_SECRET = 'the secret of the reports';
let fanfare: Fanfare;
let folder = '';
let journalFile = '';
let mailbox: MailServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfare-emails-'));
  journalFile = join(folder, 'journal');
  mailbox = await startMailServer();
  fanfare = await launchFanfare({ config: configWith({ publicUrl: PUBLIC }) });
});
afterAll(async () => {
  await fanfare.stop();
  await mailbox.close();
  await rm(folder, { recursive: true, force: true });
});

function configWith(more: Json): Json {
  return {
    carriers: {
      simulator: { ...QUICK, journalFile },
      relay: { kind: 'smtp', host: '127.0.0.1', port: mailbox.port, security: 'none' },
      reporting: {
        kind: 'smtp',
        host: '127.0.0.1',
        port: mailbox.port,
        security: 'none',
        bounceAddress: 'bounces@mail.example',
        bounceSecret: BOUNCE_SECRET,
      },
    },
    senders: [
      { address: '+15005550100', channel: 'SMS', carrier: 'simulator' },
      { address: '*@Example.com', channel: 'EMAIL', carrier: 'simulator' },
      { address: 'support@example.company.io', channel: 'EMAIL', carrier: 'simulator' },
      { address: '*@relay.example', channel: 'EMAIL', carrier: 'relay' },
      { address: '*@reporting.example', channel: 'EMAIL', carrier: 'reporting' },
    ],
    ...more,
  };
}

const from = { address: 'fanfare@example.com' };
const content = { subject: 'Hi', html: '<p>Hello</p>' };
const to = (...names: string[]) => names.map((name) => ({ address: `${name}@example.org` }));

async function sendTo(server: Fanfare, body: Json): Promise<string> {
  const answer = await server.request('POST', '/v1/Emails', { from, content, ...body });
  expect(answer.body).toHaveProperty('operationId');
  expect(answer.status).toBe(202);
  return answer.body['operationId'];
}
const send = (body: Json) => sendTo(fanfare, body);

/** Reads an operation until `done` says so; its counters must be consistent each time. */
const watch = (id: string, done: (operation: Json) => boolean, server = fanfare) =>
  until(async () => {
    const { body } = await server.get(`/v1/Emails/Operations/${id}`);
    const { stats } = body;
    expect(stats.sent).toBeGreaterThanOrEqual(stats.delivered + stats.undelivered);
    expect(stats.delivered).toBeGreaterThanOrEqual(stats.opened);
    expect(stats.scheduled + stats.queued + stats.sent + stats.failed + stats.canceled).toBe(
      stats.total,
    );
    return done(body) ? body : null;
  });
const isDelivered = ({ stats }: Json) => stats.delivered + stats.undelivered === stats.total;

async function list(id: string, more = ''): Promise<Json[]> {
  const { status, body } = await fanfare.get(`/v1/Emails?operationId=${id}${more}`);
  expect(status).toBe(200);
  return body['emails'].toReversed();
}

async function journalOf(address: string): Promise<Json> {
  const lines = (await readFile(journalFile, 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line)).findLast((each: Json) => each['to'] === address);
}

async function refusalOf(body: Json): Promise<[string, number][]> {
  const answer = await fanfare.request('POST', '/v1/Emails', {
    from,
    to: to('x'),
    content,
    ...body,
  });
  expect(answer.status).toBe(400);
  return answer.body['errors'].map((each: Json) => [each['context'], each['code']]);
}

describe('an e-mail as programs of the hosted API send it', () => {
  it.each(sends.map((each) => [each.name, each.body] as const))('%s', async (_name, body) => {
    const { status, headers, body: answer } = await fanfare.request('POST', '/v1/Emails', body);
    expect(answer).toEqual({
      operationId: expect.stringMatching(/^comms_operation_[0-7][a-hjkmnp-tv-z0-9]{25}$/),
      operationLocation: `${PUBLIC}/v1/Emails/Operations/${answer['operationId']}`,
    });
    expect(status).toBe(202);
    expect(headers.get('operation-id')).toBe(answer['operationId']);
    expect(headers.get('location')).toBe(answer['operationLocation']);
    const done = await watch(answer['operationId'], isDelivered);
    const count = body.to.length;
    expect(Object.keys(done)).toEqual(
      expect.arrayContaining(['id', 'status', 'stats', 'createdAt', 'updatedAt']),
    );
    expect(done['stats']).toEqual({
      total: count,
      recipients: count,
      attempts: count,
      scheduled: 0,
      queued: 0,
      sent: count,
      delivered: count,
      opened: 0,
      undelivered: 0,
      failed: 0,
      canceled: 0,
    });
  });

  it('is shown as there', async () => {
    const [first] = sends;
    const id = await send(first?.body as Json);
    await watch(id, isDelivered);
    const [summary] = await list(id);
    const { status, body } = await fanfare.get(`/v1/Emails/${summary?.['id']}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^comms_email_[0-7][a-hjkmnp-tv-z0-9]{25}$/),
      from: {
        address: 'support@example.com',
        name: 'Support Team',
        senderId: expect.stringMatching(/^comms_sender_/),
      },
      to: [{ address: 'john.doe@example.com', name: 'John Doe' }],
      status: 'DELIVERED',
      related: [{ name: 'OPERATION', id }],
      tags: {},
      scheduledFor: null,
      deletedAt: null,
      content: { ...first?.body.content, attachments: [] },
      attempts: [{ status: 'DELIVERED', id: expect.stringMatching(/^SM[0-9a-f]{32}$/) }],
    });
    const receipts = await fanfare.get(`/v1/Emails/${summary?.['id']}/Receipts`);
    expect(receipts.body['receipts']).toMatchObject([
      { attemptId: body['attempts'][0].id, status: 'DELIVERED', to: body['to'][0] },
    ]);
  });
});

describe('an e-mail', () => {
  it('reaches the carrier with all that it has', async () => {
    const id = await send({
      from: { ...from, name: 'Zoë' },
      to: [{ address: 'Ada@Example.ORG', name: 'Ada', variables: { name: 'Ada', n: '7' } }],
      content: {
        subject: 'Hi {{ name }}',
        html: '<b>{{ name | escape }}</b>',
        text: 'Hi {{ name }}',
        headers: { 'X-Number': 'No {{ n }}', 'Reply-To': 'help@example.com' },
        attachments: [{ filename: 'a b.pdf', contentType: 'application/pdf', content: 'AAEC' }],
      },
      tags: { n: '{{ n }}' },
      ipPoolName: 'transactional',
    });
    await watch(id, isDelivered);
    const { email, ...line } = await journalOf('Ada@example.org');
    expect(line).toMatchObject({ channel: 'EMAIL', from: from.address, text: null });
    expect(email).toEqual({
      subject: 'Hi Ada',
      html: '<b>Ada</b>',
      text: 'Hi Ada',
      fromName: 'Zoë',
      toName: 'Ada',
      headers: { 'X-Number': 'No 7', 'Reply-To': 'help@example.com' },
      attachments: [{ filename: 'a b.pdf', contentType: 'application/pdf', size: 3 }],
      unsubscribeUrl: expect.stringMatching(/^https:\/\/fanfare\.example\/u\/[\w-]{60,}$/),
    });
    const { rows } = await fanfare.database.query(
      `select content from email_attachment where position = 0 and content = '\\x000102'`,
    );
    expect(rows).toHaveLength(1);
    expect(await list(id, '&tags=n:7')).toHaveLength(1);
    expect(await list(id, '&tags=n:8')).toHaveLength(0);
  });

  it('ends as the mailbox says', async () => {
    const names = ['refused', 'bounced', 'opened', 'silent', 'flaky+1', 'noisy', 'early', 'sender'];
    const id = await send({ to: to(...names) });
    const done = await watch(
      id,
      ({ stats, status }) =>
        status === 'COMPLETED' &&
        stats.delivered === 4 &&
        stats.undelivered === 1 &&
        stats.opened === 2,
    );
    // A local part is taken whole: "flaky+1" is none of them. What is refused for its sender has no other.
    expect(done['stats']).toMatchObject({ total: 8, sent: 6, failed: 2, attempts: 8 });
    expect((await list(id)).map((each) => each['status'])).toEqual([
      'FAILED',
      'UNDELIVERED',
      'OPENED',
      'SENT',
      'DELIVERED',
      'OPENED',
      'DELIVERED',
      'FAILED',
    ]);
    expect((await list(id, '&status=OPENED')).map((each) => each['to'][0].address)).toEqual([
      'opened@example.org',
      'noisy@example.org',
    ]);
    expect(await list(id, '&status=INBOUND')).toEqual([]);
    const errors = await fanfare.get(`/v1/Emails/Operations/${id}/Errors`);
    expect(errors.body['errors']).toMatchObject([
      { context: '$.to[0]', code: 30005, to: [{ address: 'refused@example.org' }] },
      { context: '$.to[1]', code: 30003, emailId: expect.stringMatching(/^comms_email_/) },
      { context: '$.to[7]', code: 30034 },
    ]);
  });

  it('is found by its address, in a body', async () => {
    for (const [address, asked, name] of [
      ['Findme@example.org', 'Findme@EXAMPLE.org', 'F'],
      ['find@MÜLLER.example', 'find@xn--mller-kva.example'],
    ]) {
      const id = await send({ to: [{ address, name }] });
      const found = await fanfare.request('POST', '/v1/Emails/Search', { address: asked });
      expect(found.body['emails']).toMatchObject([{ related: [{ id }] }]);
    }
  });

  it('is apart from messages', async () => {
    const id = await send({ to: to('apart') });
    const [email] = await list(id);
    const message = email?.['id'].replace('comms_email_', 'comms_message_');
    await watch(id, isDelivered);
    expect((await fanfare.get(`/v1/Messages?operationId=${id}`)).body['messages']).toEqual([]);
    expect((await fanfare.get('/v1/Messages')).body['messages']).toEqual([]);
    expect((await fanfare.get('/v1/Messages/Operations')).body['operations']).toEqual([]);
    const attempt = (await fanfare.get(`/v1/Emails/${email?.['id']}`)).body['attempts'][0].id;
    for (const path of [
      `Messages/Operations/${id}`,
      `Messages/Operations/${id}/Errors`,
      `Messages/${message}`,
      `Messages/${message}/Receipts`,
      `Messages/Seek/${attempt}`,
      `Emails/${message}`,
    ])
      expect([path, (await fanfare.get(`/v1/${path}`)).status]).toEqual([path, 404]);
    for (const path of [
      `Messages/Operations/${id}/Pause`,
      `Messages/Operations/${id}/Cancel`,
      `Messages/${message}/Cancel`,
    ])
      expect((await fanfare.request('POST', `/v1/${path}`)).status).toBe(404);
    const other = await fanfare.send({
      to: [{ address: '+15005560001', channel: 'PHONE' }],
      content: { text: 'Hi' },
    });
    expect((await fanfare.get(`/v1/Emails/Operations/${other}`)).status).toBe(404);
    expect(await list(other)).toEqual([]);
    expect((await fanfare.get(`/v1/emails/operations/${id}`)).status).toBe(200);
  });

  it('is sent once under one key', async () => {
    const body = { from, to: to('once'), content };
    const key = { 'idempotency-key': 'once' };
    const first = await fanfare.request('POST', '/v1/Emails', body, key);
    const again = await fanfare.request('POST', '/v1/Emails', body, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await fanfare.request('POST', '/v1/Emails', { ...body, to: to('b') }, key);
    expect(other.status).toBe(409);
  });

  it('can be tried out without being sent', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({
      address: `dry${i % 11}@example.org`,
      variables: { i: `${i}` },
    }));
    const { status, body } = await fanfare.request('POST', '/v1/Emails', {
      from: { ...from, name: 'F' },
      to: many,
      content: { subject: 'No {{ i }}', html: '<p>{{ i }}</p>' },
      dryRun: true,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dryRun: true,
      recipients: 12,
      unaddressable: [],
      duplicates: [{ address: 'dry0@example.org', contexts: ['$.to[0]', '$.to[11]'] }],
    });
    expect(body['emails'][0]).toEqual({
      context: '$.to[0]',
      from: { ...from, name: 'F' },
      to: { address: 'dry0@example.org' },
      subject: 'No 0',
      headers: {},
      tags: {},
      html: '<p>0</p>',
      text: null,
    });
    expect(body['emails'][11]).not.toHaveProperty('html');
  });
});

describe('an e-mail that waits', () => {
  const later = () => new Date(Date.now() + 3_600_000).toISOString();

  it('is scheduled, paused, resumed and canceled', async () => {
    const id = await send({ to: to('a', 'b', 'c'), schedule: { sendAt: [later()] } });
    const path = `/v1/Emails/Operations/${id}`;
    expect((await fanfare.get(path)).body).toMatchObject({
      status: 'SCHEDULED',
      stats: { scheduled: 3, sent: 0 },
    });
    expect((await fanfare.request('POST', `${path}/Pause`)).body['pausedAt']).not.toBeNull();
    expect((await fanfare.request('POST', `${path}/Resume`)).body['pausedAt']).toBeNull();
    const [email] = await list(id);
    const canceled = await fanfare.request('POST', `/v1/Emails/${email?.['id']}/Cancel`);
    expect(canceled.body['status']).toBe('CANCELED');
    const all = await fanfare.request('POST', `${path}/Cancel`);
    expect(all.body).toMatchObject({ status: 'CANCELED', stats: { canceled: 3, total: 3 } });
  });

  it('is canceled when it is deleted, and forgotten', async () => {
    const id = await send({
      to: [{ address: 'gone@example.org', name: 'Gone', variables: { a: 'secret' } }],
      tags: { who: '{{ a }}' },
      schedule: { sendAt: [later()] },
    });
    const [email] = await list(id);
    const path = `/v1/Emails/${email?.['id']}`;
    expect((await fanfare.request('DELETE', path)).status).toBe(204);
    const { body: left } = await fanfare.get(path);
    expect(left).toEqual({
      ...email,
      to: [{ address: '' }],
      status: 'CANCELED',
      tags: {},
      content: { subject: '', html: '', attachments: [] },
      attempts: [],
      updatedAt: left['deletedAt'],
      deletedAt: expect.any(String),
    });
    expect((await fanfare.get(`${path}/Receipts`)).body['receipts']).toEqual([]);
    expect((await fanfare.request('DELETE', path)).status).toBe(204);
    expect((await fanfare.get(path)).body).toEqual(left);
    expect(await list(id)).toEqual([]);
    expect((await fanfare.get(`/v1/Emails/Operations/${id}`)).body).toMatchObject({
      status: 'COMPLETED',
      stats: { total: 1, canceled: 1 },
    });
    const { rows } = await fanfare.database.query(
      `select to_jsonb(m)::text as row from message m where status = 'CANCELED'`,
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((each) => each.row).join()).not.toMatch(/gone|secret/i);
  });

  it('cannot be deleted while a carrier has it and has not answered', async () => {
    const id = await send({ to: to('slow') });
    const [email] = await list(id);
    const path = `/v1/Emails/${email?.['id']}`;
    await until(async () => (await readFile(journalFile, 'utf8')).includes('slow@example.org'));
    const refused = await fanfare.request('DELETE', path);
    expect([refused.status, refused.body['code']]).toEqual([409, 20409]);
    expect(refused.headers.get('retry-after')).toBe('1');
    await watch(id, isDelivered);
    expect((await fanfare.request('DELETE', path)).status).toBe(204);
    expect((await watch(id, isDelivered))['stats']).toMatchObject({ total: 1, delivered: 1 });
  });
});

describe('a request for e-mails is refused', () => {
  it('for all that is wrong with it at once', async () => {
    expect(
      await refusalOf({
        from: { address: 'jürgen@example.com', name: 'a\r\nBcc: x@example.org' },
        to: [
          { address: 'not an address' },
          { address: 'a@b' },
          { name: 'x' },
          { address: 'a@example.org', name: 'x\n' },
        ],
        content: {
          subject: 'x',
          html: 'y',
          headers: { Bcc: 'x', 'X-A': 'a', 'x-a': 'b', 'bad name': 'x', 'Content-Type': 'x' },
          attachments: [
            { filename: '../x', contentType: 'pdf', content: 'AA' },
            { filename: 'a\nb', contentType: 'text/plain\r\nX: y', content: 'AA==' },
          ],
        },
        expireAt: 7,
      }),
    ).toEqual([
      ['$.expireAt', 20422],
      ['$.content.headers.Bcc', 20422],
      ['$.content.headers["x-a"]', 20422],
      ['$.content.headers["bad name"]', 20422],
      ['$.content.headers["Content-Type"]', 20422],
      ['$.content.attachments[0].filename', 20422],
      ['$.content.attachments[0].contentType', 20422],
      ['$.content.attachments[0].content', 20422],
      ['$.content.attachments[1].filename', 20422],
      ['$.content.attachments[1].contentType', 20422],
      ['$.from.address', 20422],
      ['$.from.name', 20422],
      ['$.to[0].address', 20422],
      ['$.to[1].address', 20422],
      ['$.to[2].address', 20422],
      ['$.to[3].name', 20422],
    ]);
    expect(await refusalOf({ from: { address: 'a@müller.example' } })).toEqual([
      ['$.from.address', 20422],
    ]);
    expect(await refusalOf({ from: undefined, content: { subject: 'x' } })).toEqual([
      ['$.from', 20422],
      ['$.content.html', 20422],
    ]);
    expect(
      await refusalOf({
        to: [
          { profileId: 'mem_profile_1', memoryStoreId: 'mem_store_1' },
          { cohortId: 'cmp_cohort_1' },
        ],
      }),
    ).toEqual([
      ['$.to[0].profileId', 20018],
      ['$.to[1].cohortId', 20018],
    ]);
    expect(
      await refusalOf({
        to: [{ address: 'a@example.com', variables: { name: '${Twilio.Profile.name}' } }],
      }),
    ).toEqual([['$.to[0].variables.name', 20018]]);
  });

  it('for a sender that is none', async () => {
    for (const address of ['fanfare@example.net', 'fanfare@sub.example.com'])
      expect(await refusalOf({ from: { address } })).toEqual([['$.from.address', 21606]]);
    await send({ from: { address: 'Support@EXAMPLE.company.io' }, to: to('x') });
    const { body } = await fanfare.get('/v1/Senders?channel=EMAIL');
    const refused = await fanfare.request('POST', '/v1/Messages', {
      to: [{ address: '+15005560001', channel: 'PHONE' }],
      content: { text: 'x' },
      from: { senderId: body['senders'][0].id },
    });
    expect(refused.body['errors'][0]).toMatchObject({ code: 21606, context: '$.from.senderId' });
  });

  it('for lines that variables would break', async () => {
    const hostile = (value: string) => [{ address: 'x@example.org', variables: { v: value } }];
    for (const value of ['a\r\nBcc: y@example.org', 'a\n', 'a\rb', 'a\u0085b', 'a\u2028b', '\t'])
      for (const part of [{ subject: '{{ v }}' }, { headers: { 'X-A': '{{ v }}' } }])
        expect(await refusalOf({ to: hostile(value), content: { ...content, ...part } })).toEqual([
          ['$.to[0]', 20024],
        ]);
    for (const part of [{ subject: 'a\nb' }, { headers: { 'X-A': 'a\r\nb' } }]) {
      const [problem] = await refusalOf({ content: { ...content, ...part } });
      expect(problem?.[1]).toBe(20422);
    }
    expect(await refusalOf({ to: hostile('a\0') })).toEqual([['$.to[0].variables.v', 20422]]);
    expect(await refusalOf({ content: { ...content, subject: '{{ missing }}' } })).toEqual([
      ['$.to[0].variables.missing', 20019],
    ]);
    // In html a line end is nothing.
    await send({ to: hostile('a\r\nb'), content: { ...content, html: '{{ v }}' } });
  });

  const base64 = (bytes: number) => Buffer.alloc(bytes).toString('base64');
  const file = (bytes: number, filename = 'a') => ({
    filename,
    contentType: 'text/plain',
    content: base64(bytes),
  });
  const headers = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-${i}`, 'x']));
  const LIMITS: readonly (readonly [string, number, (size: number) => Json])[] = [
    ['a subject', 998, (size) => ({ content: { ...content, subject: 'x'.repeat(size) } })],
    [
      'a rendered subject',
      998,
      (size) => ({
        content: { ...content, subject: '{{ v }}' },
        to: [{ address: 'x@example.org', variables: { v: 'x'.repeat(size) } }],
      }),
    ],
    ['html', 262_144, (size) => ({ content: { ...content, html: 'x'.repeat(size) } })],
    [
      'html with Liquid',
      262_144,
      (size) => ({
        content: { ...content, html: `{{ v | default: 'x' }}${'x'.repeat(size - 22)}` },
      }),
    ],
    ['text', 262_144, (size) => ({ content: { ...content, text: 'x'.repeat(size) } })],
    ['headers', 30, (size) => ({ content: { ...content, headers: headers(size) } })],
    [
      'a header',
      998,
      (size) => ({ content: { ...content, headers: { 'X-A': 'x'.repeat(size) } } }),
    ],
    [
      "a header's name",
      76,
      (size) => ({ content: { ...content, headers: { ['X'.repeat(size)]: 'x' } } }),
    ],
    [
      'attachments',
      20,
      (size) => ({
        content: { ...content, attachments: Array.from({ length: size }, () => file(1)) },
      }),
    ],
    [
      "attachments' bytes",
      3_670_016,
      (size) => ({ content: { ...content, attachments: [file(size - 10), file(10)] } }),
    ],
    [
      "a file's name",
      255,
      (size) => ({ content: { ...content, attachments: [file(1, 'x'.repeat(size))] } }),
    ],
    ['a name', 256, (size) => ({ to: [{ address: 'x@example.org', name: 'x'.repeat(size) }] })],
    ['a local part', 64, (size) => ({ to: to('x'.repeat(size)) })],
    [
      'an address',
      254,
      (size) => {
        const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.org`;
        return { to: [{ address: `x@${'d'.repeat(size - domain.length - 3)}.${domain}` }] };
      },
    ],
    ['ipPoolName', 64, (size) => ({ ipPoolName: 'x'.repeat(size) })],
    ['recipients', 10_000, (size) => ({ to: Array.from({ length: size }, () => to('x')[0]) })],
  ];
  it.each(LIMITS)('for %s beyond %d', async (_name, limit, build) => {
    const ask = async (size: number) => {
      const body = { from, to: to('x'), content, dryRun: true, ...build(size) };
      return (await fanfare.request('POST', '/v1/Emails', body)).status;
    };
    expect([await ask(limit), await ask(limit + 1)]).toEqual([200, 400]);
  });

  it('beyond 5 MB', async () => {
    const body = (bytes: number) => {
      const text = JSON.stringify({ from, to: to('x'), content, dryRun: true });
      return text + ' '.repeat(bytes - text.length);
    };
    const ask = async (bytes: number) =>
      (await fanfare.request('POST', '/v1/Emails', body(bytes))).status;
    expect([await ask(5_242_880), await ask(5_242_881)]).toEqual([200, 413]);
  });
});

describe('a recipient who has opted out', () => {
  it('by the list gets no e-mail, however the address is written', async () => {
    const added = await fanfare.request('POST', '/v1/Suppressions', {
      address: 'Out@Example.org',
    });
    expect([added.status, added.body['address']]).toEqual([201, 'out@example.org']);
    const found = await fanfare.request('POST', '/v1/Suppressions/Search', {
      address: 'OUT@example.org',
    });
    expect(found.body['suppressions']).toHaveLength(1);
    const id = await send({ to: [...to('oUt'), ...to('in')] });
    const done = await watch(id, ({ stats }) => stats.delivered === 1);
    expect(done['stats']).toMatchObject({ recipients: 2, total: 1 });
    const errors = await fanfare.get(`/v1/Emails/Operations/${id}/Errors`);
    expect(errors.body['errors']).toMatchObject([
      { code: 21610, context: '$.to[0]', to: [{ address: 'oUt@example.org' }], emailId: null },
    ]);
    const wrong = await fanfare.request('POST', '/v1/Suppressions', { address: 'a@b' });
    expect(wrong.body['errors'][0]).toMatchObject({ code: 20422, context: '$.address' });
  });

  it('between acceptance and sending gets none either', async () => {
    const sendAt = [new Date(Date.now() + 3_600_000).toISOString()];
    const id = await send({ to: to('Late'), schedule: { sendAt } });
    await fanfare.request('POST', '/v1/Suppressions', { address: 'late@Example.org' });
    // Its time has come, however late it is here.
    await fanfare.database.query(
      'update dispatch_batch set due_at = now() where operation_id = $1',
      [decodeTypeId('comms_operation', id)],
    );
    const done = await watch(id, ({ status }) => status === 'COMPLETED');
    expect(done['stats']).toMatchObject({ total: 1, failed: 1, attempts: 0 });
    const [email] = await list(id);
    const { body } = await fanfare.get(`/v1/Emails/${email?.['id']}`);
    expect(body['error'].code).toBe(21610);
  });

  it('cannot be asked without end', async () => {
    const server = await startFanfare({ config: { limits: { requestsPerSecond: 2 } } });
    const asked = Array.from({ length: 20 }, () => fetch(`${server.url}/u/x`, { method: 'POST' }));
    const answers = await Promise.all(asked);
    expect(answers.map((each) => each.status)).toContain(429);
    const [refused] = answers.filter((each) => each.status === 429);
    expect(refused?.headers.get('retry-after')).toBe('1');
    const large = await fetch(`${fanfare.url}/u/x`, { method: 'POST', body: 'x'.repeat(5_000) });
    expect(large.status).toBe(413);
  });

  it('by one click is on the list; looking at the link changes nothing', async () => {
    const id = await send({ to: to('Clicker') });
    await watch(id, isDelivered);
    const { email } = await journalOf('Clicker@example.org');
    const path = email.unsubscribeUrl.slice(PUBLIC.length);
    const listed = async () =>
      (await fanfare.request('POST', '/v1/Suppressions/Search', { address: 'clicker@example.org' }))
        .body['suppressions'];
    const page = await fetch(`${fanfare.url}${path}`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<form method="post">');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await listed()).toEqual([]);
    const [summary] = await list(id);
    // The link outlives the record of the e-mail.
    expect((await fanfare.request('DELETE', `/v1/Emails/${summary?.['id']}`)).status).toBe(204);
    // And a restart.
    await fanfare.terminate();
    await fanfare.restart();
    for (let i = 0; i < 2; i += 1) {
      const click = await fetch(`${fanfare.url}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ 'List-Unsubscribe': 'One-Click' }),
      });
      expect(click.status).toBe(200);
    }
    expect(await listed()).toMatchObject([{ reason: 'unsubscribe' }]);
  });

  it('cannot be used for another purpose', async () => {
    const id = await send({ to: to('sealed'), trackOpens: true });
    await watch(id, isDelivered);
    const { email } = await journalOf('sealed@example.org');
    const [, open = ''] = /\/o\/([\w-]+)\.gif/.exec(email.html) ?? [];
    const unsubscribe = email.unsubscribeUrl.split('/u/')[1] ?? '';
    const flipped = `${unsubscribe.slice(0, 30)}${unsubscribe[30] === 'A' ? 'B' : 'A'}${unsubscribe.slice(31)}`;
    for (const token of [open, flipped, unsubscribe.slice(0, -1), `${unsubscribe}A`, 'x'])
      for (const method of ['GET', 'POST'])
        expect((await fetch(`${fanfare.url}/u/${token}`, { method })).status).toBe(404);
    expect((await fetch(`${fanfare.url}/o/${unsubscribe}.gif`)).status).toBe(404);
  });
});

describe('an e-mail that is opened', () => {
  it('reports the opening, on request', async () => {
    const id = await send({
      to: to('reader'),
      trackOpens: true,
      // Some letters have more of them in lower case.
      content: { subject: 'x', html: '<html><body>İİİ Hi</BODY></html>' },
    });
    await watch(id, isDelivered);
    const { email } = await journalOf('reader@example.org');
    const [, path = ''] =
      /Hi<img src="https:\/\/fanfare\.example(\/o\/[\w-]+\.gif)"[^>]*><\/BODY>/.exec(email.html) ??
      [];
    expect((await fetch(`${fanfare.url}${path}`, { method: 'HEAD' })).status).toBe(404);
    expect((await watch(id, isDelivered))['stats'].opened).toBe(0);
    for (let i = 0; i < 2; i += 1) {
      const picture = await fetch(`${fanfare.url}${path}`);
      expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/gif']);
      expect(Buffer.from(await picture.arrayBuffer()).toString('latin1')).toMatch(/^GIF89a/);
    }
    const done = await watch(id, ({ stats }) => stats.opened === 1);
    expect(done['stats']).toMatchObject({ total: 1, sent: 1, delivered: 1, opened: 1 });
    const [summary] = await list(id);
    expect(summary?.['status']).toBe('OPENED');
    // What is shown is what was written.
    const shown = (await fanfare.get(`/v1/Emails/${summary?.['id']}`)).body['content'].html;
    expect(shown).toBe('<html><body>İİİ Hi</BODY></html>');
  });

  it('has no links without a public URL, and none on request', async () => {
    const silent = await send({ to: to('nolink'), unsubscribe: false });
    await watch(silent, isDelivered);
    const { email } = await journalOf('nolink@example.org');
    expect([email.unsubscribeUrl, email.html]).toEqual([null, content.html]);
    const server = await startFanfare({ config: configWith({}) });
    const id = await sendTo(server, { to: to('nowhere') });
    await watch(id, isDelivered, server);
    expect((await journalOf('nowhere@example.org'))['email'].unsubscribeUrl).toBeNull();
    const refused = await server.request('POST', '/v1/Emails', {
      from,
      content,
      to: to('x'),
      unsubscribe: true,
      trackOpens: true,
    });
    expect(refused.body['errors']).toMatchObject([
      { code: 20018, context: '$.unsubscribe' },
      { code: 20018, context: '$.trackOpens' },
    ]);
  });
});

describe('an e-mail over SMTP', () => {
  it('arrives with its parts, headers, links and files', async () => {
    const id = await send({
      from: { address: 'fanfare@relay.example', name: 'Zoë' },
      to: [{ address: 'ada@example.org', name: 'Ada', variables: { name: 'Ada' } }],
      content: {
        subject: 'Größe {{ name }}',
        html: '<p>Hi {{ name }}</p>',
        headers: { 'X-A': '{{ name }}' },
        attachments: [{ filename: 'ä.bin', contentType: 'application/x-a', content: 'AAEC' }],
      },
      trackOpens: true,
    });
    await watch(id, isDelivered);
    expect(mailbox.mails).toHaveLength(1);
    const [mail] = mailbox.mails;
    expect(mail?.email).toMatchObject({
      subject: 'Größe Ada',
      from: { name: 'Zoë', address: 'fanfare@relay.example' },
      to: [{ name: 'Ada', address: 'ada@example.org' }],
      html: expect.stringContaining('<p>Hi Ada</p><img src="https://fanfare.example/o/'),
      text: expect.stringContaining('Hi Ada'),
      attachments: [{ filename: 'ä.bin', mimeType: 'application/x-a' }],
    });
    const header = (key: string) => mail?.email.headers.find((each) => each.key === key)?.value;
    expect(header('list-unsubscribe')).toMatch(/^<https:\/\/fanfare\.example\/u\/[\w-]+>$/);
    expect(header('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(header('x-a')).toBe('Ada');
  });
});

describe('an e-mail with its own Message-ID and unsubscribe link', () => {
  const own = {
    'List-Unsubscribe': '<https://shop.example/u/{{ n }}>, <mailto:leave@shop.example>',
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
    'Message-ID': '<order-{{ n }}@shop.example>',
  };
  const customers = (...names: string[]) =>
    names.map((n) => ({ address: `${n}@own.example`, variables: { n } }));
  const mailTo = (address: string) =>
    mailbox.mails.findLast((each) => each.to === address) ?? expect.fail(`no mail to ${address}`);
  const wordOf = async (body: Json): Promise<[string, string]> => {
    const answer = await fanfare.request('POST', '/v1/Emails', {
      from,
      to: customers('x'),
      content,
      ...body,
    });
    expect([answer.status, answer.body['errors']?.length]).toEqual([400, 1]);
    const [{ context, message }] = answer.body['errors'];
    return [context, message];
  };

  it('has each of them once, in the dry run, in answers and as it arrives', async () => {
    const body = {
      from: { address: 'own@relay.example' },
      to: customers('77', '78'),
      content: {
        ...content,
        headers: { ...own, 'X-A': 'a' },
        attachments: [{ filename: 'a.txt', contentType: 'text/plain', content: 'AAEC' }],
      },
    };
    const of77 = {
      'List-Unsubscribe': '<https://shop.example/u/77>, <mailto:leave@shop.example>',
      'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      'Message-ID': '<order-77@shop.example>',
      'X-A': 'a',
    };
    const dry = await fanfare.request('POST', '/v1/Emails', { ...body, dryRun: true });
    expect(dry.body['emails'].map((each: Json) => each['headers'])).toEqual([
      of77,
      expect.objectContaining({ 'Message-ID': '<order-78@shop.example>' }),
    ]);
    const id = await send(body);
    await watch(id, isDelivered);
    const [first] = await list(id);
    expect((await fanfare.get(`/v1/Emails/${first?.['id']}`)).body['content'].headers).toEqual(
      of77,
    );
    const { email, raw } = mailTo('77@own.example');
    const values = (key: string) =>
      email.headers.filter((each) => each.key === key).map((each) => each.value);
    for (const [name, value] of Object.entries(of77))
      expect([name, values(name.toLowerCase())]).toEqual([name, [value]]);
    expect(raw.toString()).not.toContain(PUBLIC);
    expect(email.attachments).toMatchObject([{ filename: 'a.txt' }]);
    expect(mailTo('78@own.example').email.messageId).toBe('<order-78@shop.example>');
  });

  it('has no link of ours beside its own, and ours beside its own Message-ID', async () => {
    const sendWith = async (name: string, headers: Json) => {
      const address = `${name}@own.example`;
      const id = await send({
        from: { address: 'o@relay.example' },
        to: [{ address }],
        content: { ...content, headers },
      });
      await watch(id, isDelivered);
      return mailTo(address).email.headers.filter(({ key }) => key.startsWith('list-'));
    };
    expect(await sendWith('mailto', { 'list-unsubscribe': '<mailto:a@shop.example>' })).toEqual([
      expect.objectContaining({ value: '<mailto:a@shop.example>' }),
    ]);
    expect(await sendWith('id', { 'message-id': '<one@shop.example>' })).toMatchObject([
      { key: 'list-unsubscribe', value: expect.stringContaining(PUBLIC) },
      { key: 'list-unsubscribe-post' },
    ]);
  });

  it('is found by reports that name no address of ours', async () => {
    const id = await send({
      from: { address: 'own@reporting.example' },
      to: customers('bounce', 'complain'),
      content: { ...content, headers: own },
    });
    await watch(id, ({ stats }) => stats.sent === 2);
    const report = (type: string, words: string, address: string) => {
      const [head = ''] = mailTo(address).raw.toString().split('\r\n\r\n', 1);
      expect(head).not.toContain('bounces+');
      const parts = [
        `Content-Type: message/${type}\r\n\r\n${words}\r\n`,
        `Content-Type: text/rfc822-headers\r\n\r\n${head}\r\n`,
      ];
      const body = parts.map((each) => `--b\r\n${each}`).join('');
      return fetch(`${fanfare.url}/carriers/reporting/receipts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${BOUNCE_SECRET}`, 'content-type': 'message/rfc822' },
        body: `Content-Type: multipart/report; boundary=b\r\n\r\n${body}--b--\r\n`,
      });
    };
    const bounce = 'Reporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.1.1';
    expect(await (await report('delivery-status', bounce, 'bounce@own.example')).text()).toBe(
      'Taken.',
    );
    const complaint = 'Feedback-Type: abuse\r\nVersion: 1';
    expect(await (await report('feedback-report', complaint, 'complain@own.example')).text()).toBe(
      'Taken.',
    );
    const done = await watch(id, ({ stats }) => stats.undelivered === 1);
    expect(done['stats']).toMatchObject({ sent: 2, undelivered: 1 });
    const emails = await list(id);
    expect(emails[0]).toMatchObject({
      status: 'UNDELIVERED',
      to: [{ address: 'bounce@own.example' }],
    });
    await until(async () => {
      const { body } = await fanfare.request('POST', '/v1/Suppressions/Search', {
        address: 'complain@own.example',
      });
      return body['suppressions'][0]?.reason === 'complaint';
    });
  });

  const header = (name: string) => `$.content.headers[${JSON.stringify(name)}]`;
  const withHeaders = (headers: Json, more: Json = {}) => ({
    content: { ...content, headers },
    ...more,
  });
  const ofThree = { ...own, 'Message-ID': '<a@shop.example>' };
  const { 'Message-ID': _, ...ofOneClick } = own;
  const having = (...values: string[]) =>
    values.map((v, i) => ({ address: `${i}@own.example`, variables: { v } }));
  it.each<[string, Json, string, RegExp]>([
    [
      'a link without brackets',
      withHeaders({ 'List-Unsubscribe': 'https://a.co' }),
      header('List-Unsubscribe'),
      /angle brackets/,
    ],
    [
      'a line break',
      withHeaders({ 'List-Unsubscribe': '<https://a.co>,\r\n <https://b.co>' }),
      header('List-Unsubscribe'),
      /one line/,
    ],
    [
      'another scheme',
      withHeaders({ 'List-Unsubscribe': '<ftp://a.co/>' }),
      header('List-Unsubscribe'),
      /neither https, http nor mailto/,
    ],
    [
      'a link that a variable breaks',
      withHeaders({ 'List-Unsubscribe': '<https://a.co/{{ v }}>' }, { to: having('a b') }),
      '$.to[0]',
      /percent-encode/,
    ],
    [
      'one click without a link',
      withHeaders({ 'List-Unsubscribe-Post': own['List-Unsubscribe-Post'] }),
      header('List-Unsubscribe-Post'),
      /https link/,
    ],
    [
      'one click without https',
      withHeaders({ ...own, 'List-Unsubscribe': '<http://a.co/>, <mailto:a@a.co>' }),
      header('List-Unsubscribe-Post'),
      /https link/,
    ],
    [
      'one click without https for one',
      withHeaders(
        { ...ofOneClick, 'List-Unsubscribe': '<{{ v }}>' },
        { to: having('https://a.co', 'http://a.co') },
      ),
      '$.to[1]',
      /https link/,
    ],
    [
      'another click',
      withHeaders({ ...own, 'List-Unsubscribe-Post': 'yes' }),
      header('List-Unsubscribe-Post'),
      /nothing else/,
    ],
    [
      'a Message-ID without brackets',
      withHeaders({ 'Message-ID': 'a@shop.example' }),
      header('Message-ID'),
      /angle brackets/,
    ],
    [
      'a long Message-ID',
      withHeaders({ 'Message-ID': `<${'a'.repeat(254)}@b.co>` }),
      header('Message-ID'),
      /255/,
    ],
    [
      'one Message-ID for all',
      withHeaders(ofThree, { to: customers('a', 'b') }),
      header('Message-ID'),
      /same Message-ID/,
    ],
    [
      'one Message-ID for two',
      withHeaders(own, { to: customers('a', 'b', 'a') }),
      '$.to[2]',
      /to\[0\] already/,
    ],
    ['two links', withHeaders(own, { unsubscribe: true }), '$.unsubscribe', /one List-Unsubscribe/],
  ])('is refused for %s', async (_name, body, path, words) => {
    expect(await wordOf(body)).toEqual([path, expect.stringMatching(words)]);
  });

  it('may go with a Message-ID that is the same for all to one recipient', async () => {
    const answer = await fanfare.request('POST', '/v1/Emails', {
      from,
      to: customers('a'),
      ...withHeaders(ofThree),
      dryRun: true,
    });
    expect(answer.status).toBe(200);
  });
});

describe('EMAIL senders', () => {
  it('are addresses or whole domains, and are resolved', async () => {
    const add = (address: string) =>
      fanfare.request('POST', '/v1/Senders', { address, channel: 'EMAIL', carrier: 'simulator' });
    expect((await add('Own@Mail.example')).body['address']).toBe('Own@mail.example');
    expect((await add('*@all.example')).status).toBe(201);
    const found = await fanfare.request('POST', '/v1/Senders/Search', {
      address: 'Own@MAIL.example',
      channel: 'EMAIL',
    });
    expect(found.body['senders']).toHaveLength(1);
    for (const address of ['+15005550100', '*', '*@*', 'a@*.example'])
      expect((await add(address)).body['errors'][0]).toMatchObject({
        code: 20422,
        context: '$.address',
      });
    await send({ from: { address: 'anyone@all.example' }, to: to('x') });
    const { body } = await fanfare.request('POST', '/v1/Senders/Resolve', {
      recipientAddresses: [
        { address: 'jane@example.org', channel: 'EMAIL' },
        { address: '+15005560001', channel: 'PHONE' },
      ],
      channels: { filterIn: ['SMS', 'EMAIL'], priority: [{ channel: 'EMAIL', priority: 0 }] },
    });
    expect(body['results'][0]).toMatchObject({ from: { channel: 'EMAIL' }, priority: 0 });
    expect(body['results'].at(-1)).toMatchObject({ from: { channel: 'SMS' } });
    const named = await fanfare.request('POST', '/v1/Senders/Resolve', {
      recipientAddresses: [{ address: 'jane@example.org', channel: 'EMAIL' }],
      senderAddresses: [
        { address: 'OWN@mail.example', name: 'Own' },
        { address: 'News@ALL.example' },
        { address: 'news@sub.all.example' },
        { address: '+15005560001', channel: 'SMS' },
      ],
    });
    expect(
      named.body['results'].map((each: any) => [each.from.channel, each.from.address]).toSorted(),
    ).toEqual([
      ['EMAIL', 'News@all.example'],
      ['EMAIL', 'Own@mail.example'],
    ]);
  });

  it('keep their pace', async () => {
    await fanfare.request('POST', '/v1/Senders', {
      address: 'slowly@mail.example',
      channel: 'EMAIL',
      carrier: 'simulator',
      throughput: 20,
    });
    const startedAt = performance.now();
    const id = await send({
      from: { address: 'slowly@mail.example' },
      to: Array.from({ length: 20 }, (_, i) => ({ address: `p${i}@example.org` })),
      content: {
        ...content,
        attachments: [{ filename: 'a', contentType: 'text/plain', content: 'AA==' }],
      },
    });
    await watch(id, isDelivered);
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });
});
