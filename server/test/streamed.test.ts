/** Streamed requests: one operation of any number of recipients, or nothing. */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  recipients,
  smsOnly,
  special,
  text,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { openRequest, stream, streamPacked, toLines } from './support/ndjson.ts';

let fanfare: FanfareClient;
beforeAll(async () => {
  fanfare = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
});

const head = { ...smsOnly, content: text('Hi') };
/** Scheduled for tomorrow, so that nothing is sent meanwhile. */
const later = () => ({
  ...head,
  schedule: { sendAt: [new Date(Date.now() + 86_400_000).toISOString()] },
});
const many = (count: number): Json[] =>
  Array.from({ length: count }, (_, i) => ({
    address: `+1500${String(5_560_000 + i)}`,
    channel: 'PHONE',
  }));

/** What is left in the database, by table. */
async function rowsOf({ database, sid }: FanfareClient): Promise<Json> {
  const { rows } = await database.query(
    `select (select count(*)::int from message m where m.account_id = a.id) as messages,
       (select count(*)::int from unaddressable u where u.account_id = a.id) as unaddressable,
       (select count(*)::int from operation o where o.account_id = a.id) as operations,
       (select count(*)::int from operation_task t where t.account_id = a.id) as tasks,
       (select count(*)::int from operation_chunk c where c.account_id = a.id) as chunks,
       (select count(*)::int from dispatch_batch b where b.account_id = a.id) as batches
     from account a where sid = $1`,
    [sid],
  );
  return rows[0] as Json;
}

const untilNothing = (account: FanfareClient) =>
  until(async () =>
    Object.values(await rowsOf(account)).every((each) => each === 0) ? true : null,
  );

describe('a streamed request', () => {
  it('is one operation, which is sent like any other', async () => {
    const answer = await stream(fanfare, toLines(head, ...recipients(3), special(9)));
    expect([answer.status, answer.body]).toEqual([202, expect.anything()]);
    const ended = await fanfare.watch(
      answer.body['operationId'],
      ({ stats }) => stats.delivered + stats.undelivered + stats.failed === 4,
    );
    expect(ended.stats).toMatchObject({ recipients: 4, total: 4 });
  });

  it('of several chunks is one operation, and each recipient gets one message', async () => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const answer = await stream(account, toLines(head, ...many(12_000)));
    expect(answer.status).toBe(202);
    const ended = await account.watch(
      answer.body['operationId'],
      ({ stats }) => stats.delivered === 12_000,
    );
    expect(ended).toMatchObject({ status: 'COMPLETED', stats: { attempts: 12_000 } });
    await until(async () => ((await rowsOf(account))['tasks'] === 0 ? true : null));
    const { rows } = await account.database.query(
      `select count(*)::int as messages, count(distinct address)::int as addresses,
         min(ordinal_of(id)) as first, max(ordinal_of(id)) as last
       from message where account_id = (select id from account where sid = $1)`,
      [account.sid],
    );
    expect(rows).toEqual([{ messages: 12_000, addresses: 12_000, first: 0, last: 11_999 }]);
  }, 60_000);

  it('names wrong lines, counts all of them, and leaves nothing', async () => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const to = many(11_000);
    const lines = toLines(later(), ...to).split('\n');
    // Line 7,002 is behind the first chunk, which is written by then.
    lines[7_001] = '{"address": "+1", "channel": "PHONE"';
    lines[7_002] = '{"address": "no number", "channel": "PHONE"}';
    lines[7_003] = '';
    lines[7_004] = '{"address": "+15005560000", "address": "+15005560001", "channel": "PHONE"}';
    for (let i = 8_000; i < 8_200; i += 1) lines[i] = '[]';
    const answer = await stream(account, lines.join('\n'));
    expect(answer.status).toBe(400);
    const { errors } = answer.body;
    expect(errors).toHaveLength(100);
    expect(errors.slice(0, 4).map((each: Json) => each['context'])).toEqual([
      'line 7002',
      expect.stringMatching(/^line 7003: \$\.address/),
      'line 7004',
      'line 7005: $.address',
    ]);
    expect(errors[0].message).toContain('The line is not JSON');
    expect(JSON.stringify(answer.body)).toContain('204');
    await untilNothing(account);
  }, 60_000);

  it.each<[string, string, RegExp, string | RegExp]>([
    ['an empty body', '', /body is empty/, 'line 2'],
    ['no recipient', toLines(head), /no recipient/, 'line 2'],
    ['no JSON', 'hello\n', /first line is not JSON/, 'line 1'],
    ['a list', toLines([1]), /first line must be a JSON object/, 'line 1: $'],
    [
      'recipients in the first line',
      toLines({ ...head, to: [] }),
      /Leave out "to"/,
      'line 1: $.to',
    ],
    ['an unknown field', toLines({ ...head, too: 1 }, ...recipients(1)), /too/, 'line 1: $.too'],
    [
      'a template that cannot be read',
      toLines({ ...head, content: text('{{ a') }, ...recipients(1)),
      /./,
      'line 1: $.content.text',
    ],
    [
      'a missing variable',
      toLines({ ...head, content: text('Hi {{ name }}') }, ...recipients(1)),
      /missing for line 2/,
      'line 2: $.variables.name',
    ],
    ['too many recipients', toLines(head, ...many(12_001)), /At most 12000/, 'line 12002'],
    [
      'a long line',
      toLines(head, { ...recipients(1)[0], variables: { a: 'x'.repeat(300_000) } }),
      /longer than 262144 bytes/,
      'line 2',
    ],
  ])('is refused with %s', async (_name, lines, message, context) => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const { status, body } = await stream(account, lines);
    expect(status).toBe(400);
    expect(body['errors'][0].message).toMatch(message);
    expect(body['errors'][0].context).toEqual(context);
    await untilNothing(account);
  });

  it('may end with empty lines, and with CR LF', async () => {
    const lines = toLines(later(), ...recipients(2)).replaceAll('\n', '\r\n');
    const answer = await stream(fanfare, `${lines}\r\n\n`);
    expect(answer.status).toBe(202);
    const { stats } = await fanfare.operation(answer.body['operationId']);
    expect(stats).toMatchObject({ recipients: 2, scheduled: 2 });
  });

  it('leaves nothing when its connection breaks', async () => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const { request } = openRequest(account);
    request.write(toLines(later(), ...many(11_000)));
    await until(async () => ((await rowsOf(account))['messages'] > 0 ? true : null));
    expect((await account.get('/v1/Messages')).body['messages']).toEqual([]);
    expect((await account.get('/v1/Messages/Operations')).body['operations']).toEqual([]);
    request.destroy();
    await untilNothing(account);
  }, 60_000);

  it('is accepted once with an idempotency key', async () => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const lines = toLines(later(), ...many(6_000));
    const key = { 'idempotency-key': 'march' };
    const [one, two] = await Promise.all([
      stream(account, lines, key),
      stream(account, lines, key),
    ]);
    const again = await stream(account, lines, key);
    expect([one.status, two.status, again.status]).toEqual([202, 202, 202]);
    expect(new Set([one, two, again].map((each) => each.body['operationId'])).size).toBe(1);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await stream(account, toLines(later(), ...many(5_999)), key);
    expect(other.status).toBe(409);
    const small = await stream(account, toLines(later(), ...many(1)), key);
    expect(small.status).toBe(409);
    const { messages, operations } = await until(async () => {
      const rows = await rowsOf(account);
      return rows['tasks'] === 0 ? rows : null;
    });
    expect([messages, operations]).toEqual([6_000, 1]);
  }, 60_000);

  it('may be packed with gzip', async () => {
    const lines = toLines(later(), ...many(6_000));
    const answer = await streamPacked(fanfare, lines);
    expect(answer.status).toBe(202);
    expect((await fanfare.operation(answer.body['operationId'])).stats.recipients).toBe(6_000);
    const bomb = await streamPacked(
      fanfare,
      toLines(later(), { ...many(1)[0], variables: { a: ' '.repeat(50_000_000) } }),
    );
    expect([bomb.status, bomb.body['errors'][0].message]).toEqual([
      400,
      expect.stringMatching(/expands|longer than/),
    ]);
    const broken = await streamPacked(fanfare, Buffer.from('this is no gzip data at all'));
    expect([broken.status, broken.body['errors'][0].message]).toEqual([
      400,
      expect.stringContaining('cannot be read as gzip'),
    ]);
  });
});

describe('the dry run of a streamed request', () => {
  const dry = { ...head, content: text('Hi {{ name }}'), dryRun: true };
  const named = (count: number) =>
    many(count).map((each, i) => ({ ...each, variables: { name: `Ada ${i}` } }));

  it('is a summary with the first recipients, and writes nothing', async () => {
    const account = await useFanfare({ config: { limits: { recipientsMax: 12_000 } } });
    const to = [
      ...named(6_000),
      { address: '+15005560000', channel: 'WHATSAPP', variables: { name: 'x' } },
      ...named(1),
    ];
    const { status, body } = await stream(account, toLines(dry, ...to));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      dryRun: true,
      recipients: 6_002,
      segments: 6_001,
      scheduledFor: null,
      totals: {
        messages: 6_001,
        unaddressable: 1,
        duplicates: 2,
        byChannel: { SMS: 6_001 },
        encodings: { 'GSM-7': 6_001 },
        codes: { 21612: 1 },
        senders: [{ channel: 'SMS', messages: 6_001, segments: 6_001 }],
      },
      duplicates: [
        { address: '+15005560000', contexts: ['line 2: $', 'line 6002: $'] },
        { address: '+15005560000', contexts: ['line 2: $', 'line 6003: $'] },
      ],
    });
    expect(body['messages']).toHaveLength(10);
    expect(body['messages'][1]).toMatchObject({ context: 'line 3: $', text: 'Hi Ada 1' });
    expect(body['unaddressable'][0].context).toBe('line 6002: $');
    await untilNothing(account);
  });

  it('has a line for each recipient on request, wrong ones too', async () => {
    const lines = toLines(dry, ...named(3), { address: 'x', channel: 'PHONE' }, ...named(6_000));
    const answer = await stream(fanfare, lines, { accept: 'application/x-ndjson' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'application/x-ndjson',
    ]);
    const rows = (answer.body['text'] as string)
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as Json);
    const summary = rows.pop();
    expect(rows.map((each) => Number(/\d+/.exec(each['context'])?.[0]))).toEqual(
      Array.from({ length: 6_004 }, (_, i) => i + 2),
    );
    expect(rows[3]).toMatchObject({ context: 'line 5: $.address', code: expect.any(Number) });
    expect(rows[6_003]).toMatchObject({ text: 'Hi Ada 5999' });
    expect(summary).toMatchObject({
      dryRun: true,
      recipients: 6_003,
      totals: { problems: 1, duplicates: 3 },
    });
  });

  it('of e-mails is a summary too', async () => {
    const account = await useFanfare({
      config: {
        senders: [{ address: '*@example.com', channel: 'EMAIL', carrier: 'simulator' }],
      },
    });
    const email = {
      from: { address: 'news@example.com' },
      content: { subject: 'Hi {{ name }}', html: '<p>Hi</p>' },
      dryRun: true,
    };
    const to = [{ address: 'a@example.com', variables: { name: 'A' } }];
    const { status, body } = await stream(account, toLines(email, ...to), {}, '/v1/Emails');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      recipients: 1,
      emails: [{ context: 'line 2: $', subject: 'Hi A', html: '<p>Hi</p>' }],
      totals: { byChannel: { EMAIL: 1 } },
    });
  });
});
