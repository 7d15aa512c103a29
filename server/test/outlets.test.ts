/** Text that another reader could take for commands: refused where people send it in, escaped where it goes out all the same. */
import { describe, expect, it } from 'vitest';
import { runCommand } from './support/command-host.ts';
import { recipients, smsOnly, text, useFanfare, type FanfareClient } from './support/fanfare.ts';

/** Clears a screen; begins a line; the same in C1; ends a line for some readers; turns what follows around. */
const HOSTILE = ['\u001b[2J', '\r\n', '\u009b2J', '\u007f', '\u2028', '\u202e', '\u2066'];
const RAW = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

describe('what a request brings into lines of others', () => {
  const RCS = { channel: 'RCS', carrier: 'simulator' };
  const textOf = { types: { 'twilio/text': { body: 'Hello' } } };
  const target = { url: 'https://example.com/', types: ['*'] };
  it.each<[string, string, (bad: string) => object, string]>([
    ['a sender', '/v1/Senders', (bad) => ({ ...RCS, address: bad }), '$.address'],
    [
      'a display name',
      '/v1/Senders',
      (bad) => ({ ...RCS, address: 'agent', displayName: bad }),
      '$.displayName',
    ],
    ['a pool', '/v1/SenderPools', (bad) => ({ name: bad }), '$.name'],
    ['an API key', '/v1/ApiKeys', (bad) => ({ name: bad }), '$.name'],
    ['a template', '/v1/Content', (bad) => ({ friendlyName: bad, ...textOf }), '$.friendlyName'],
    [
      'a subscription',
      '/v1/Subscriptions',
      (bad) => ({ ...target, description: bad }),
      '$.description',
    ],
    [
      'a suppression',
      '/v1/Suppressions',
      (bad) => ({ address: '+15005550123', reason: bad }),
      '$.reason',
    ],
    [
      'a sender of messages',
      '/v1/Messages',
      (bad) => ({ to: recipients(1), content: text('Hi'), from: { address: bad, channel: 'RCS' } }),
      '$.from.address',
    ],
    [
      'a sender of e-mails',
      '/v1/Emails',
      (bad) => ({
        to: [{ address: 'ada@example.org' }],
        content: { subject: 'Hi', html: 'Hi' },
        from: { address: 'fanfare@example.com', name: bad },
      }),
      '$.from.name',
    ],
  ])('is one line: %s', async (_what, path, bodyOf, context) => {
    const fanfare = await useFanfare();
    for (const bad of HOSTILE)
      expect([bad, await fanfare.request('POST', path, bodyOf(`A${bad}B`))]).toMatchObject([
        bad,
        { status: 400, body: { errors: [{ context }] } },
      ]);
    expect((await fanfare.request('POST', path, bodyOf('A\0B'))).status).toBe(400);
  });

  it('may be in any script', async () => {
    const fanfare = await useFanfare();
    for (const name of ['Zoë & Søn', '株式会社', 'שלום \u200f!', 'a\u00a0b'])
      expect((await fanfare.request('POST', '/v1/SenderPools', { name })).status).toBe(202);
  });
});

it('writes nothing of a request into pages or headers', async () => {
  const fanfare = await useFanfare();
  const mark = '<script>alert(1)</script>\r\nx-evil: 1';
  for (const path of [
    '/u/',
    '/o/',
    '/docs/',
    '/docs/static/',
    '/docs/errors?',
    '/',
    '/v1/',
    '/v1/Messages/',
  ])
    for (const method of ['GET', 'POST']) {
      const answer = await fetch(`${fanfare.url}${path}${encodeURIComponent(mark)}`, { method });
      const isPage = answer.headers.get('content-type')?.startsWith('text/html') ?? false;
      expect([path, isPage && (await answer.text()).includes('alert(1)')]).toEqual([path, false]);
      expect([...answer.headers].flat().filter((each) => /evil|script>/.test(each))).toEqual([]);
    }
});

describe('the command line', () => {
  const run = async (fanfare: FanfareClient, ...args: string[]) => {
    const { sid, token, url } = fanfare;
    const env = { FANFARE_BASE_URL: url, FANFARE_ACCOUNT_SID: sid, FANFARE_AUTH_TOKEN: token };
    return runCommand(args, env, fanfare.folder);
  };

  it('escapes what is in the database, in tables, details, errors and JSON', async () => {
    const fanfare = await useFanfare();
    const bad = `A${HOSTILE.join('')}B`;
    const made = await fanfare.request('POST', '/v1/Senders', {
      address: 'agent',
      channel: 'RCS',
      carrier: 'simulator',
      displayName: 'Agent',
    });
    expect(made.status).toBe(201);
    await fanfare.request('POST', '/v1/SenderPools', { name: 'Pool' });
    const id = await fanfare.send({ to: recipients(1), content: text(`Hello ${bad}`), ...smsOnly });
    await fanfare.watch(id, ({ status }) => status === 'COMPLETED');
    // As older servers, carriers and people who write to us have left it there.
    const own = `account_id = (select id from account where sid = '${fanfare.sid}')`;
    for (const statement of [
      `update sender set address = $1, display_name = $1 where ${own} and channel = 'RCS'`,
      `update sender_pool set name = $1 where ${own}`,
    ])
      await fanfare.database.query(statement, [bad]);
    for (const args of [
      ['senders', 'list'],
      ['pools', 'list'],
      ['messages', 'list'],
      ['operations', 'get', id],
      ['operations', 'get', bad.replace(/\n|\r/g, '')],
    ]) {
      const { out, err } = await run(fanfare, ...args);
      const lines = (out + err).split('\n');
      expect([args, lines.filter((each) => RAW.test(each))]).toEqual([args, []]);
      if (args[0] === 'senders') expect(out).toContain('A\\u001b[2J\\u000d\\u000a\\u009b2J');
    }
    const { out } = await run(fanfare, 'senders', 'list', '--json');
    const senders = out
      .trimEnd()
      .split('\n')
      .map((each) => JSON.parse(each) as { address: string });
    expect(senders.map(({ address }) => address)).toContain(bad);
    expect(RAW.test(out.replaceAll('\n', ''))).toBe(false);
  });

  it('takes no such name either', async () => {
    const fanfare = await useFanfare();
    const { code, err } = await run(fanfare, 'keys', 'create', '--name', 'A\u001b[2JB');
    expect([code, err]).toEqual([2, expect.stringContaining('Use one line')]);
    expect(RAW.test(err.replaceAll('\n', ''))).toBe(false);
  });
});
