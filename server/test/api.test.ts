import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  launchFanfare,
  recipients,
  SID,
  smsOnly,
  special,
  startFanfare,
  text,
  TOKEN,
  until,
  useFanfare,
  type Fanfare,
} from './support/fanfare.ts';

let fanfare: Fanfare;
beforeAll(async () => {
  fanfare = await launchFanfare();
});
afterAll(async () => {
  await fanfare.stop();
});

const isDone = (operation: any) => operation.status === 'COMPLETED' && operation.stats.sent === 0;

describe('sending', () => {
  it('answers 202 with the operation in the body and in every header that programs read', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(1),
      content: text('Hi'),
    });
    expect(answer.status).toBe(202);
    const { operationId, operationLocation } = answer.body;
    expect(operationId).toMatch(/^comms_operation_[0-7][a-hjkmnp-tv-z0-9]{25}$/);
    expect(operationLocation).toBe(`${fanfare.url}/v1/Messages/Operations/${operationId}`);
    for (const name of ['operationId', 'operation-id'])
      expect(answer.headers.get(name)).toBe(operationId);
    for (const name of ['operation-location', 'location'])
      expect(answer.headers.get(name)).toBe(operationLocation);
  });

  it('counts every message from the first read to the last receipt', async () => {
    const id = await fanfare.send({ to: recipients(1_200), content: text('Hi') });
    const first = await fanfare.operation(id);
    expect(first.stats.total).toBe(1_200);
    const last = await fanfare.watch(id, isDone);
    expect(last.stats).toMatchObject({
      total: 1_200,
      recipients: 1_200,
      attempts: 1_200,
      delivered: 1_200,
      unaddressable: 0,
    });
    expect(Date.parse(last.updatedAt)).toBeGreaterThanOrEqual(Date.parse(last.createdAt));
  });

  it('takes 10,000 recipients and refuses one more', async () => {
    const id = await fanfare.send({
      to: recipients(10_000),
      content: text('Hi {{ name | default: "you" }}'),
    });
    expect((await fanfare.watch(id, isDone)).stats.delivered).toBe(10_000);
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [...recipients(10_000), special(1)],
      content: text('Hi'),
    });
    expect(answer.status).toBe(400);
    expect(answer.body['errors']).toEqual([
      expect.objectContaining({ context: '$.to', code: 20015 }),
    ]);
  });

  it('renders text, media and tags for each recipient', async () => {
    const id = await fanfare.send({
      to: [
        { ...special(200), variables: { name: 'Ada', tier: 'gold' } },
        { address: '+15005560001', channel: 'PHONE', variables: { name: 'Bob' } },
      ],
      content: {
        text: 'Hi {{ name | upcase }}',
        media: [{ url: 'https://example.com/{{ name }}.png' }],
      },
      tags: { tier: "{{ tier | default: 'bronze' }}", fixed: 'yes' },
      ...smsOnly,
    });
    await fanfare.watch(id, isDone);
    const list = await fanfare.get(`/v1/Messages?operationId=${id}`);
    const [second, first] = list.body['messages'];
    expect([first.tags, second.tags]).toEqual([
      { tier: 'gold', fixed: 'yes' },
      { tier: 'bronze', fixed: 'yes' },
    ]);
    const message = await fanfare.get(`/v1/Messages/${first.id}`);
    expect(message.body).toMatchObject({
      content: { text: 'Hi ADA', media: [{ url: 'https://example.com/Ada.png' }] },
      from: { address: '+15005550100', channel: 'SMS' },
      to: [special(200)],
      status: 'DELIVERED',
      related: [{ name: 'OPERATION', id }],
      scheduledFor: null,
      deletedAt: null,
      attempts: [{ status: 'DELIVERED', from: { channel: 'SMS' }, to: [special(200)] }],
    });
  });

  it('lists recipients that nothing reaches, and completes when all are so', async () => {
    const id = await fanfare.send({
      to: [special(300), { address: '+15005550301', channel: 'WHATSAPP' }],
      content: text('Hi'),
      ...smsOnly,
    });
    const done = await fanfare.watch(id, isDone);
    expect(done.stats).toMatchObject({ recipients: 2, total: 1, unaddressable: 1, delivered: 1 });
    const errors = await fanfare.get(`/v1/Messages/Operations/${id}/Errors`);
    expect(errors.body['errors']).toEqual([
      expect.objectContaining({
        code: 21612,
        context: '$.to[1]',
        messageId: null,
        detail:
          'The recipient has an address of the channel WHATSAPP; the senders are of SMS (for PHONE).',
        to: [{ address: '+15005550301', channel: 'WHATSAPP' }],
      }),
    ]);
    const none = await fanfare.send({
      to: [{ address: '+15005550301', channel: 'WHATSAPP' }],
      content: text('Hi'),
      ...smsOnly,
    });
    expect(await fanfare.operation(none)).toMatchObject({
      status: 'COMPLETED',
      stats: { total: 0, recipients: 1, unaddressable: 1 },
    });
  });

  it('prefers the first of several addresses', async () => {
    const id = await fanfare.send({
      to: [
        {
          addresses: [
            { address: '+15005550400', channel: 'WHATSAPP' },
            { address: '+15005550401', channel: 'PHONE' },
          ],
        },
      ],
      content: text('Hi'),
    });
    await fanfare.watch(id, isDone);
    const { body } = await fanfare.get(`/v1/Messages?operationId=${id}`);
    expect(body['messages'][0]).toMatchObject({
      from: { channel: 'WHATSAPP' },
      to: [{ addresses: [{ channel: 'WHATSAPP' }, { channel: 'PHONE' }] }],
    });
  });
});

describe('refusals', () => {
  it('name recipients that only the hosted API has', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [
        { cohortId: 'cmp_cohort_1' },
        { cohortSnapshotId: 'cmp_cohortsnapshot_1', variables: { name: 'Ada' } },
        { memoryStoreId: 'mem_store_1', profileId: 'mem_profile_1' },
        { cohortId: 'cmp_cohort_1', address: '+15005550001', channel: 'PHONE' },
        null,
      ],
      content: { text: 'Hi' },
    });
    expect(answer.status).toBe(400);
    expect(
      answer.body['errors'].map((each: any) => [each.code, each.context, each.message]),
    ).toEqual([
      [20018, '$.to[0].cohortId', 'Recipients by cohort are not supported; send addresses.'],
      [
        20018,
        '$.to[1].cohortSnapshotId',
        'Recipients by cohort snapshot are not supported; send addresses.',
      ],
      [20018, '$.to[2].memoryStoreId', 'Recipients by profile are not supported; send addresses.'],
      [20001, '$.to[3].cohortId', expect.stringContaining('There is no field "cohortId" here')],
      [20422, '$.to[4]', 'Must be an object with "address" or "addresses".'],
    ]);
  });

  it('name traits of profiles in variables', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [
        { ...special(1), variables: { name: 'Dear ${Twilio.Profile.firstName}', price: '${10}' } },
      ],
      content: { text: 'Hi {{ name | default: "you" }}' },
    });
    expect(answer.body['errors']).toEqual([
      expect.objectContaining({
        code: 20018,
        context: '$.to[0].variables.name',
        message:
          'Traits of profiles are not supported: send the value in place of "${Twilio.Profile.firstName}".',
      }),
    ]);
  });

  it('list all problems with their paths, and leave nothing behind', async () => {
    const before = await fanfare.get('/v1/Messages/Operations?pageSize=1');
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [
        special(1),
        { address: '5005550001', channel: 'FAX' },
        { adress: '+15005550001', channel: 'PHONE' },
        7,
        { profileId: 'x' },
      ],
      content: { text: '' },
      from: { address: '+15005550100', channel: 'MMS' },
      tags: { 'a b': 'x' },
      schedule: { sendAt: '2030-01-01' },
      colour: 'red',
    });
    expect(answer.status).toBe(400);
    const paths = answer.body['errors'].map((each: any) => each.context);
    for (const path of [
      '$.to[1].address',
      '$.to[1].channel',
      '$.to[2].address',
      '$.to[2].adress',
      '$.to[3]',
      '$.to[4].profileId',
      '$.content.text',
      '$.from.channel',
      '$.tags["a b"]',
      '$.schedule.sendAt',
      '$.colour',
    ])
      expect(paths).toContain(path);
    expect(answer.body['total']).toBe(paths.length);
    for (const each of answer.body['errors']) {
      expect(each.infoUrl).toBe(`${fanfare.url}/docs/errors#${each.code}`);
      expect(each.message).toMatch(/\S/);
    }
    expect(answer.body).toMatchObject({
      status: 400,
      code: expect.any(Number),
      message: expect.any(String),
    });
    expect(JSON.stringify(answer.body)).toContain('Did you mean \\"address\\"?');
    const after = await fanfare.get('/v1/Messages/Operations?pageSize=1');
    expect(after.body['operations'][0]?.id).toBe(before.body['operations'][0]?.id);
  });

  it('list the first hundred problems and the total', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: Array.from({ length: 5_000 }, () => ({ address: 'x', channel: 'PHONE' })),
      content: text('Hi'),
    });
    expect(answer.body['errors']).toHaveLength(100);
    expect(answer.body['total']).toBe(5_000);
  });

  it('name the variable and the recipient that lacks it', async () => {
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [{ ...special(1), variables: { name: 'Ada' } }, special(2)],
      content: text('Hi {{ name }}'),
    });
    expect(answer.body['errors']).toEqual([
      expect.objectContaining({
        code: 20019,
        context: '$.to[1].variables.name',
        message: expect.stringContaining('"name"'),
      }),
    ]);
  });

  it('are sent for templates that do not parse, cost too much, or produce forbidden text', async () => {
    for (const [content, context] of [
      [{ text: 'Hi {{ name' }, '$.content.text'],
      [{ text: '{% for i in (1..1000000000) %}x{% endfor %}' }, '$.to[0]'],
      [{ text: "{% include 'x' %}" }, '$.content.text'],
      [{ media: [{ url: '{{ ' }] }, '$.content.media[0].url'],
    ] as const) {
      const answer = await fanfare.request('POST', '/v1/Messages', { to: [special(1)], content });
      expect(answer.status).toBe(400);
      expect(answer.body['errors'][0].context).toBe(context);
    }
    const slow = await fanfare.request('POST', '/v1/Messages', {
      to: recipients(10_000),
      content: text('{% for i in (1..9000) %}{% endfor %}Hi'),
    });
    expect(slow.status).toBe(400);
    expect(slow.body['errors'][0].message).toMatch(/too long|limit/);
    const tag = await fanfare.request('POST', '/v1/Messages', {
      to: [{ ...special(1), variables: { t: 'two words' } }],
      content: text('Hi'),
      tags: { t: '{{ t }}' },
    });
    expect(tag.body['errors'][0]).toMatchObject({ code: 20014, context: '$.tags.t' });
  });

  it('cost little when the body is hostile', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const bodies = [
      `{"to":${JSON.stringify(Array.from({ length: 400_000 }, () => ({})))},"content":{"text":"x"}}`,
      `{"to":[{"addresses":${JSON.stringify(Array.from({ length: 300_000 }, () => ({})))}}],"content":{"text":"x"}}`,
      `{"to":[{"address":"+15005550001","channel":"PHONE","variables":${JSON.stringify(Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, i])))}}],"content":{"text":"x"}}`,
      `{"to":${deep},"content":{"text":"x"}}`,
      `{"to":[{"address":"+15005550001","channel":"PHONE","variables":{"__proto__":"x","constructor":"y"}}],"content":{"text":"{{ __proto__ }}{{ constructor }}{{ toString }}"}}`,
      '{"to":[{"address":"+15005550001","channel":"PHONE"}],"content":{"text":"a\\u0000b \\ud800"}}',
      'null',
      '[]',
      '"text"',
      '{',
      '',
    ];
    for (const body of bodies) {
      const answer = await fanfare.request('POST', '/v1/Messages', body);
      expect(answer.status).toBe(400);
      expect(answer.body['errors'].length).toBeGreaterThan(0);
    }
    expect((await fanfare.get('/healthz')).status).toBe(200);
  });

  it('have the status that says whose fault it is', async () => {
    const { request } = fanfare;
    const expectRefusal = (answer: any, status: number, code: number) => {
      expect([answer.status, answer.body.code, answer.body.errors[0].code]).toEqual([
        status,
        code,
        code,
      ]);
    };
    expectRefusal(await request('GET', '/v1/Nothing'), 404, 20404);
    expectRefusal(await request('GET', '/nothing'), 404, 20404);
    expectRefusal(
      await request('GET', '/v1/Messages/Operations/comms_operation_01h9krwprkeee8fzqspvwy6nq8'),
      404,
      20404,
    );
    expectRefusal(await request('GET', '/v1/Messages/Operations/junk'), 404, 20404);
    expectRefusal(
      await request('GET', '/v1/Messages/comms_message_01h2xcejqtf2nbrexx3vqjhp41'),
      404,
      20404,
    );
    expectRefusal(
      await request('POST', '/v1/Messages/comms_message_01h2xcejqtf2nbrexx3vqjhp41/Cancel'),
      404,
      20404,
    );
    expectRefusal(await request('GET', `/v1/Messages/Seek/SM${'a'.repeat(32)}`), 404, 20404);
    expectRefusal(await request('GET', '/v1/Messages/Seek/XX12'), 400, 20422);
    const wrongMethod = await request('DELETE', '/v1/Messages');
    expectRefusal(wrongMethod, 405, 20004);
    expect(wrongMethod.headers.get('allow')).toBe('POST, GET');
    expectRefusal(await request('POST', '/v1/Messages', 'x'.repeat(11_000_000)), 413, 20413);
    expectRefusal(
      await request('POST', '/v1/Messages', 'x', { 'content-type': 'text/csv' }),
      415,
      20415,
    );
    expectRefusal(await request('POST', '/v1/Messages', '{', {}), 400, 20025);
    for (const query of [
      'pageSize=0',
      'pageSize=1001',
      'pageSize=x',
      'pageToken=x',
      'status=LOST',
      'startDate=yesterday',
      'startDate=2026-02-30T00:00:00Z',
      'startDate=2026-02-02T00:00:00Z&endDate=2026-02-01T00:00:00Z',
      'operationId=x',
      'tags=x',
      'channel=FAX',
    ])
      expectRefusal(
        await request('GET', `/v1/Messages?${query}`),
        400,
        query === 'pageSize=1001' ? 20007 : 20422,
      );
  });

  it('come for missing and wrong credentials alike', async () => {
    const wrong = [
      undefined,
      'Basic',
      'Bearer x',
      'Basic !!',
      `Basic ${Buffer.from(`${SID}:wrong`).toString('base64')}`,
      `Basic ${Buffer.from(`AC${'f'.repeat(32)}:${TOKEN}`).toString('base64')}`,
      `Basic ${'A'.repeat(2_000)}`,
    ];
    for (const authorization of wrong) {
      const answer = await fetch(
        `${fanfare.url}/v1/Messages`,
        authorization === undefined ? {} : { headers: { authorization } },
      );
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toContain(
        authorization?.startsWith('Bearer') === true ? 'error="invalid_token"' : 'Basic',
      );
      expect(((await answer.json()) as any).errors[0].code).toBe(20003);
    }
  });
});

describe('reading', () => {
  it('pages through messages without gaps or repetitions, while more come', async () => {
    const id = await fanfare.send({ to: recipients(23), content: text('Hi') });
    const seen: string[] = [];
    let token = '';
    for (let pages = 0; pages < 9; pages += 1) {
      const { body } = await fanfare.get(
        `/v1/Messages?operationId=${id}&pageSize=5${token && `&pageToken=${token}`}`,
      );
      seen.push(...body['messages'].map((each: any) => each.id));
      if (pages === 0) await fanfare.send({ to: recipients(3), content: text('later') });
      token = body['pagination'].next;
      expect(body['pagination'].self).toMatch(/^[\w-]+$/);
      if (token === null) break;
    }
    expect(seen).toHaveLength(23);
    expect(new Set(seen).size).toBe(23);
    expect(seen).toEqual(seen.toSorted().toReversed());
  });

  it('pages through operations, newest first, by status and date', async () => {
    const start = new Date(Date.now() - 1).toISOString();
    const ids: string[] = [];
    for (let i = 0; i < 3; i += 1)
      ids.push(await fanfare.send({ to: recipients(1), content: text('Hi') }));
    const first = await fanfare.get(`/v1/Messages/Operations?startDate=${start}&pageSize=2`);
    const second = await fanfare.get(
      `/v1/Messages/Operations?startDate=${start}&pageSize=2&pageToken=${first.body['pagination'].next}`,
    );
    const listed = [...first.body['operations'], ...second.body['operations']].map(
      (each: any) => each.id,
    );
    expect(listed).toEqual(ids.toReversed());
    expect(second.body['pagination'].next).toBeNull();
    await until(
      async () =>
        (await fanfare.get(`/v1/Messages/Operations?startDate=${start}&status=COMPLETED`)).body[
          'operations'
        ].length === 3,
    );
    expect(
      (await fanfare.get(`/v1/Messages/Operations?startDate=${start}&status=CANCELED`)).body[
        'operations'
      ],
    ).toEqual([]);
    expect(
      (await fanfare.get(`/v1/Messages/Operations?endDate=2020-01-01T00:00:00Z`)).body[
        'operations'
      ],
    ).toEqual([]);
  });

  it('filters messages by operation (either spelling), status, channel, tags and address', async () => {
    const id = await fanfare.send({
      to: [
        special(1),
        { ...special(500), variables: { t: 'a' } },
        { address: '+15005550501', channel: 'WHATSAPP', variables: { t: 'b' } },
      ],
      content: text('Hi'),
      tags: { kind: "{{ t | default: 'none' }}", same: 'filter-test' },
    });
    await fanfare.watch(id, isDone);
    const list = async (query: string) =>
      (await fanfare.get(`/v1/Messages?operation_id=${id}&${query}`)).body['messages'].map(
        (each: any) => each.to[0].address,
      );
    expect(await list('')).toHaveLength(3);
    expect(await list('unknown=ignored')).toHaveLength(3);
    expect(await list('status=FAILED')).toEqual(['+15005550001']);
    expect(await list('channel=WHATSAPP')).toEqual(['+15005550501']);
    expect(await list('tags=kind:a')).toEqual(['+15005550500']);
    expect(await list('tags=same:filter-test;kind:b;')).toEqual(['+15005550501']);
    expect(await list('status=INBOUND')).toEqual([]);
    expect(await list('profile=x')).toEqual([]);
    const search = await fanfare.request('POST', '/v1/Messages/Search?pageSize=10', {
      address: '+15005550501',
      operationId: id,
    });
    expect(search.body['messages']).toHaveLength(1);
    expect(
      (await fanfare.request('POST', '/v1/Messages/Search', { addres: 'x' })).body['errors'][0],
    ).toMatchObject({
      context: '$.addres',
      message: expect.stringContaining('Did you mean "address"?'),
    });
  });

  it('finds a message by the id of any of its attempts, and its receipts', async () => {
    const id = await fanfare.send({ to: [special(6)], content: text('Hi') });
    await fanfare.watch(id, isDone);
    const [{ id: messageId }] = (await fanfare.get(`/v1/Messages?operationId=${id}`)).body[
      'messages'
    ];
    const message = (await fanfare.get(`/v1/Messages/${messageId}`)).body;
    expect(message['attempts']).toMatchObject([
      {
        status: 'FAILED',
        from: { channel: 'RCS' },
        error: { code: 61337, message: 'Recipient does not have RCS enabled.' },
      },
      { status: 'DELIVERED', from: { channel: 'SMS' } },
    ]);
    expect(message['attempts']).toHaveLength(2);
    for (const attempt of message['attempts']) {
      for (const sid of [attempt.id, `MM${attempt.id.slice(2).toUpperCase()}`]) {
        const seek = await fanfare.get(`/v1/Messages/Seek/${sid}`);
        expect([seek.status, seek.headers.get('location')]).toEqual([
          301,
          `${fanfare.url}/v1/Messages/${messageId}`,
        ]);
      }
    }
    const receipts = await fanfare.get(`/v1/Messages/${messageId}/Receipts`);
    expect(receipts.body).toMatchObject({
      receipts: [{ status: 'FAILED' }, { status: 'DELIVERED', to: special(6) }],
      pagination: { next: null },
    });
  });

  it('understands paths in any case and with a slash at the end', async () => {
    const id = await fanfare.send({ to: recipients(1), content: text('Hi') });
    for (const path of [`/v1/messages/operations/${id}`, `/V1/MESSAGES/Operations/${id}/`])
      expect((await fanfare.get(path)).body['id']).toBe(id);
  });
});

describe('extensions', () => {
  it('give the first answer again for the same key and body, and refuse another body', async () => {
    const body = { to: recipients(2), content: text('Once') };
    const key = { 'idempotency-key': 'order-1' };
    const [a, b] = await Promise.all([
      fanfare.request('POST', '/v1/Messages', body, key),
      fanfare.request('POST', '/v1/Messages', body, key),
    ]);
    expect([a.status, b.status]).toEqual([202, 202]);
    expect(a.body).toEqual(b.body);
    expect([a, b].map((each) => each.headers.get('idempotent-replayed')).toSorted()).toEqual(
      [null, 'true'].toSorted(),
    );
    const other = await fanfare.request(
      'POST',
      '/v1/Messages',
      { ...body, content: text('Twice') },
      key,
    );
    expect([other.status, other.body['code']]).toEqual([409, 20409]);
    expect(
      (
        await fanfare.request('POST', '/v1/Messages', body, {
          'idempotency-key': 'ä'.repeat(0) || ' ',
        })
      ).status,
    ).toBe(400);
    const { rows } = await fanfare.database.query(
      'select extract(epoch from expires_at - now())::int as left from idempotency_key',
    );
    expect(rows[0].left).toBeGreaterThan(86_000);
  });

  it('preview with dryRun and write nothing', async () => {
    const before = (await fanfare.get('/v1/Messages/Operations?pageSize=1')).body['operations'][0]
      ?.id;
    const answer = await fanfare.request('POST', '/v1/Messages', {
      to: [
        { ...special(1), variables: { name: 'Ada' } },
        { ...special(1), variables: { name: '日本' } },
        { address: '+15005550002', channel: 'WHATSAPP', variables: { name: 'x' } },
      ],
      content: text(`${'{{ name }}'} ${'x'.repeat(160)}`),
      dryRun: true,
      ...smsOnly,
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      dryRun: true,
      recipients: 3,
      segments: 5,
      scheduledFor: null,
      messages: [
        {
          context: '$.to[0]',
          channel: 'SMS',
          encoding: 'GSM-7',
          segments: 2,
          text: `Ada ${'x'.repeat(160)}`,
        },
        { context: '$.to[1]', encoding: 'UCS-2', segments: 3 },
      ],
      unaddressable: [{ code: 21612, context: '$.to[2]' }],
      duplicates: [{ address: '+15005550001', contexts: ['$.to[0]', '$.to[1]'] }],
    });
    expect(
      (await fanfare.get('/v1/Messages/Operations?pageSize=1')).body['operations'][0]?.id,
    ).toBe(before);
  });
});

describe('limits', () => {
  const LIMITED = {
    config: { limits: { inFlightBytesMax: 1_024, requestsPerSecond: 5 } },
  };

  it('answer 429 with Retry-After when an account asks too often', async () => {
    const limited = await useFanfare(LIMITED);
    const startedAt = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => limited.get('/v1/Messages/Operations')),
    );
    const seconds = (performance.now() - startedAt) / 1_000;
    const refused = answers.filter((each) => each.status === 429);
    // Five for each second that was begun, however many those were.
    expect(answers.length - refused.length).toBeLessThanOrEqual(5 * (seconds + 1));
    expect(refused.length).toBeGreaterThanOrEqual(10);
    expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(refused[0]?.body['code']).toBe(20429);
    // The limit is in the headers of the answers that it concerns, and in no others.
    const limits = answers.map(({ headers }) => headers.get('x-ratelimit-limit'));
    expect(limits).toEqual(answers.map(({ status }) => (status === 429 ? '5' : null)));
  });

  it('answer 503 with Retry-After when too many bytes are at work', async () => {
    const limited = await useFanfare(LIMITED);
    const body = JSON.stringify({ to: recipients(500), content: text('Hi') });
    // Of two requests all but the last byte has come: the first is at work until that comes, so there is no room for the other.
    const { hostname, port } = new URL(limited.url);
    const begin = () => {
      const request = httpRequest({
        host: hostname,
        port,
        method: 'POST',
        path: '/v1/Messages',
        headers: {
          authorization: `Basic ${Buffer.from(`${limited.sid}:${limited.token}`).toString('base64')}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      });
      request.write(body.slice(0, -1));
      return { request, answer: once(request, 'response').then(([response]) => response.resume()) };
    };
    const [one, other] = [begin(), begin()];
    const isOne = await Promise.race([one.answer.then(() => true), other.answer.then(() => false)]);
    const [refused, held] = isOne ? [one, other] : [other, one];
    const { statusCode, headers } = await refused.answer;
    expect([statusCode, headers['retry-after']]).toEqual([503, '1']);
    refused.request.destroy();
    held.request.end(body.slice(-1));
    expect((await held.answer).statusCode).toBe(202);
    expect((await limited.get('/v1/Messages/Operations')).body['operations']).toHaveLength(1);
  });
});

describe('a bug', () => {
  it('is answered with 500, a request id and nothing internal', async () => {
    const broken = await startFanfare();
    await broken.database.query('alter table operation rename to gone');
    const answer = await broken.get('/v1/Messages/Operations');
    expect([answer.status, answer.body['code']]).toEqual([500, 20500]);
    expect(answer.body['message']).toContain(answer.headers.get('x-request-id'));
    expect(JSON.stringify(answer.body)).not.toMatch(/relation|operation"|select|\.js|stack/i);
    expect(broken.errors()).toContain(answer.headers.get('x-request-id'));
  });
});

describe('for operators', () => {
  it('shows health and metrics without credentials and without personal data', async () => {
    await fanfare.send({ to: recipients(1), content: text('Hi') });
    const fetchText = async (path: string) => (await fetch(`${fanfare.url}${path}`)).text();
    expect(await fetchText('/healthz')).toBe('{"status":"ok"}');
    expect(await fetchText('/readyz')).toBe('{"status":"ready"}');
    const metrics = await fetchText('/metrics');
    for (const name of [
      'fanfare_recipients_accepted_total',
      'fanfare_accept_seconds',
      'fanfare_submissions_total',
      'fanfare_attempts_settled_total',
      'fanfare_receipts_total',
      'fanfare_queue_messages',
      'fanfare_queue_age_seconds',
      'fanfare_http_request_seconds',
      'fanfare_streams',
      'fanfare_unread_bytes',
    ])
      expect(metrics).toContain(`# TYPE ${name} `);
    expect(metrics).not.toMatch(/\+1500|comms_|AC0000/);
  });

  it('answer 503 with Retry-After while the database is unavailable, and succeed afterwards', async () => {
    const alone = await startFanfare();
    const url = new URL(alone.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    onTestFinished(() => admin.end());
    const request = { to: recipients(3), content: text('Hi') };
    const key = { 'idempotency-key': 'while-away' };
    const id = await alone.send(request);
    await admin.query(`alter database "${name}" with allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [
      name,
    ]);
    for (const ask of [
      () => alone.request('POST', '/v1/Messages', request, key),
      () => alone.request('POST', '/v1/Messages', { ...request, dryRun: true }),
      () => alone.get(`/v1/Messages/Operations/${id}`),
      () => alone.request('POST', `/v1/Messages/Operations/${id}/Cancel`),
    ]) {
      const { status, headers, body } = await ask();
      expect([status, body['code']]).toEqual([503, 20503]);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    await admin.query(`alter database "${name}" with allow_connections true`);
    await until(async () => (await alone.get(`/v1/Messages/Operations/${id}`)).status === 200);
    const first = await alone.request('POST', '/v1/Messages', request, key);
    const again = await alone.request('POST', '/v1/Messages', request, key);
    expect([first.status, again.body['operationId']]).toEqual([202, first.body['operationId']]);
    expect((await alone.get('/v1/Messages/Operations')).body['operations']).toHaveLength(2);
  });
});
