/** The commands that talk to a server: each as a person would type it, right and wrong. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { decodeTypeId, encodeTypeId, newUuid } from '../src/domain/ids.ts';
import { runCommand } from './support/command-host.ts';
import {
  PROGRAM,
  runProgram,
  until,
  useFanfare,
  type FanfareClient,
  type Json,
} from './support/fanfare.ts';
import { startReceiver } from './support/receiver.ts';

let fanfare: FanfareClient;
let folder: string;
let env: Record<string, string>;
beforeAll(async () => {
  fanfare = await useFanfare({
    config: {
      events: { allowTargets: ['127.0.0.1'] },
      senders: [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator', default: true },
        { address: '*@example.com', channel: 'EMAIL', carrier: 'simulator', default: true },
      ],
    },
  });
  folder = await mkdtemp(join(tmpdir(), 'fanfare-cli-'));
  env = {
    FANFARE_BASE_URL: fanfare.url,
    FANFARE_ACCOUNT_SID: fanfare.sid,
    FANFARE_AUTH_TOKEN: fanfare.token,
  };
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => runCommand(args, env, folder);
/** In a process of its own, as a person would. */
const runAlone = (...args: string[]) => runProgram(args, env, folder);

async function expectRefused(code: number, words: string | RegExp, ...args: string[]) {
  const { code: ended, err } = await run(...args);
  expect([...args, ended, err]).toEqual([
    ...args,
    code,
    typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words),
  ]);
}

async function makeFile(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return name;
}

/** Runs a command with something on its standard input. */
async function pipe(
  input: string,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  child.stdin.on('error', () => undefined).end(input);
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}

const lines = (text: string) => text.trim().split('\n');
const jsonLines = (text: string) => lines(text).map((line) => JSON.parse(line));
const idIn = (text: string) => /comms_operation_\w{26}/.exec(text)?.[0] ?? '';

describe('send', () => {
  it('goes to addresses, and is watched to the last receipt', async () => {
    const sent = await runAlone(
      'send',
      '+1 (500) 556-0001',
      '0015005560002',
      '--text',
      'Hi',
      '--watch',
    );
    expect([sent.code, sent.out]).toEqual([
      0,
      expect.stringMatching(/^comms_operation_\w{26} {2}2 recipients\n$/),
    ]);
    expect(sent.err).toMatch(/COMPLETED {2}100% {2}2 of 2 {2}delivered 2/);
    const { body } = await fanfare.get(`/v1/Messages?operationId=${idIn(sent.out)}`);
    expect(body['messages'].map((each: any) => each.to[0].address)).toEqual([
      '+15005560002',
      '+15005560001',
    ]);
  });

  it('reads a CSV, whatever its columns are called', async () => {
    const rows = Array.from(
      { length: 10_500 },
      (_, i) => `Ann ${i};+1500556${String(i % 10_000).padStart(4, '0')};Lima`,
    );
    const file = await makeFile('people.csv', `\ufeffFirst name;Phone;City\n${rows.join('\n')}\n`);
    const sent = await run(
      'send',
      '--file',
      file,
      '--text',
      'Hello {{ first_name }} of {{ town }}{{ none | default: "!" }}',
      '--map',
      'town=City',
      '--tag',
      'campaign=csv',
      '--watch',
      '--strict',
      '--json',
    );
    expect([sent.code, sent.err]).toEqual([0, '']);
    const { key, operationId, recipients, stats } = JSON.parse(sent.out);
    expect(recipients).toBe(10_500);
    expect(stats).toMatchObject({ total: 10_500, delivered: 10_500 });
    const { body } = await fanfare.get(`/v1/Messages?operationId=${operationId}&pageSize=1`);
    const message = await fanfare.get(`/v1/Messages/${body['messages'][0].id}`);
    expect(JSON.stringify(message.body)).toContain('Hello Ann 10499 of Lima!');
    // The same command is the same send.
    const again = await run(
      'send',
      '--file',
      file,
      '--text',
      'Hello {{ first_name }} of {{ town }}{{ none | default: "!" }}',
      '--map',
      'town=City',
      '--tag',
      'campaign=csv',
      '--json',
    );
    expect(JSON.parse(again.out)).toEqual({ key, operationId, recipients, isReplayed: true });
  }, 90_000);

  it('reads NDJSON and CSV from standard input', async () => {
    const json = [
      '"+15005560001"',
      '{"phone": "+15005560002", "name": "Bob", "visits": 3}',
      '{"address": "+15005560003", "channel": "PHONE", "variables": {"name": "Cy"}}',
    ];
    const options = [
      'send',
      '--file',
      '-',
      '--text',
      '{{ name | default: "you" }} {{ visits | default: 0 }}',
    ];
    const sent = await pipe(`${json[1]}\n${json[0]}\n\n${json[2]}\n`, ...options, '--json');
    expect([sent.code, sent.err]).toEqual([0, '']);
    expect(JSON.parse(sent.out).recipients).toBe(3);
    const csv = await pipe('phone\n+15005560001\n+15005560001\n', ...options, '--dedupe');
    expect(csv.out).toContain('1 recipient\n');
    expect(csv.err).toContain('Skipped 1 duplicate recipient.');
    const wrong = await pipe('phone\n+15005560001\nx\n', ...options);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('standard input, line 3, column "phone": "x" is not a number'),
    ]);
  });

  it('sends nothing of a file with a row that is wrong, and names the row', async () => {
    const before = await fanfare.get('/v1/Messages/Operations?pageSize=1');
    const file = await makeFile('bad.csv', 'name,phone\nA,+15005560001\nB,0500556009\nC,\nD,abc\n');
    const { code, out, err } = await run('send', '--file', file, '--text', 'Hi');
    expect([code, out, lines(err)]).toEqual([
      2,
      '',
      [
        'bad.csv, line 3, column "phone": "0500556009" has no country code: write it with +. Or set --country-code, such as +49, for all numbers without +.',
        'bad.csv, line 4, column "phone": There is no address.',
        'bad.csv, line 5, column "phone": "abc" is not a number: "a" is not part of one.',
        expect.stringContaining('Nothing was sent.'),
      ],
    ]);
    await expectRefused(
      1,
      'bad.csv, line 2, variables.city: The variable "city" is missing',
      'send',
      '--file',
      file,
      '--text',
      '{{ city }}',
      '--skip-invalid',
    );
    const after = await fanfare.get('/v1/Messages/Operations?pageSize=1');
    expect(after.body['operations']).toEqual(before.body['operations']);
    const sent = await run(
      'send',
      '--file',
      file,
      '--text',
      'Hi',
      '--skip-invalid',
      '--country-code',
      'CH',
    );
    expect([sent.code, sent.out, sent.err]).toEqual([
      0,
      expect.stringContaining('2 recipients'),
      expect.stringContaining('Skipped 2 invalid recipients.'),
    ]);
  });

  it('shows what it would send, and what that would cost', async () => {
    const prices = await makeFile(
      'prices.csv',
      'prefix,price,channel,currency\n+1,0.01,SMS,USD\n+1500557,1,,\n*,9,,\n',
    );
    const args = [
      'send',
      '+15005560001',
      '+15005560001',
      '+15005570001',
      '--text',
      `Hello ${'x'.repeat(200)}`,
    ];
    const shown = await run(...args, '--dry-run', '--prices', prices);
    expect(shown.out).toMatch(/recipients +3\n/);
    expect(shown.out).toMatch(/SMS segments +6 \(GSM-7 3\)\n/);
    expect(shown.out).toMatch(/duplicates +1\n/);
    expect(shown.out).toMatch(/cost, estimated +2\.04 USD\n/);
    expect(shown.out).toContain('Nothing was sent.');
    const json = await run(...args, '--dry-run', '--prices', prices, '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      messages: 3,
      segments: 6,
      cost: { currency: 'USD', unpriced: 0 },
    });
    await makeFile('wrong.csv', 'prefix,price\n1,0.01\n');
    await expectRefused(
      2,
      'wrong.csv, row 1: prefix must be',
      ...args,
      '--dry-run',
      '--prices',
      'wrong.csv',
    );
    await expectRefused(2, '--prices works only with --dry-run', ...args, '--prices', prices);
  });

  it('schedules, and sends e-mails', async () => {
    const later = await run('send', '+15005560001', '--text', 'Hi', '--schedule', '2h');
    const operation = await fanfare.operation(idIn(later.out));
    expect(operation['status']).toBe('SCHEDULED');
    await run('operations', 'cancel', operation['id']);
    const html = await makeFile('news.html', '<p>Hello {{ name }}</p>');
    const people = await makeFile('mail.csv', 'E-Mail,name\nada@example.org,Ada\n');
    const mailed = await run(
      'send',
      '--file',
      people,
      '--subject',
      'News for {{ name }}',
      '--html-file',
      html,
      '--from',
      'Ada <ada@example.com>',
      '--watch',
      '--strict',
    );
    expect([mailed.code, mailed.err]).toEqual([0, expect.stringContaining('COMPLETED')]);
    expect((await run('messages', 'list', '--emails', '--json')).out).toContain('ada@example.org');
  });

  it('fails when not everybody got it, if it is to be strict', async () => {
    const people = ['+15005550001', '+15005560001'];
    const { code, err } = await runAlone('send', ...people, '--text', 'Hi', '--strict');
    expect([code, err]).toEqual([6, expect.stringContaining('failed 1')]);
  });

  it('says what is missing or too much', async () => {
    await expectRefused(2, 'Specify the recipients', 'send', '--text', 'Hi');
    await expectRefused(2, 'Specify the content', 'send', '+15005560001');
    await expectRefused(
      2,
      'Specify the content',
      'send',
      '+15005560001',
      '--text',
      'a',
      '--content-id',
      'b',
    );
    await expectRefused(2, 'argument 1: "0171" has no country code', 'send', '0171', '--text', 'a');
    await expectRefused(2, 'none.csv cannot be read', 'send', '--file', 'none.csv', '--text', 'a');
    await expectRefused(2, 'key=value', 'send', '+15005560001', '--text', 'a', '--tag', 'x');
    await expectRefused(
      2,
      '--schedule is a time',
      'send',
      '+15005560001',
      '--text',
      'a',
      '--schedule',
      'soon',
    );
    await makeFile('two.csv', 'phone,mobile\n1,2\n');
    await expectRefused(
      2,
      'two.csv: More than one column has addresses: "phone", "mobile". Set the column with --to-column.',
      'send',
      '--file',
      'two.csv',
      '--text',
      'a',
    );
    await expectRefused(
      2,
      'There is no column "x"; there are "phone", "mobile"',
      'send',
      '--file',
      'two.csv',
      '--text',
      'a',
      '--to-column',
      'x',
    );
    await expectRefused(
      2,
      'empty.csv: It is empty',
      'send',
      '--file',
      await makeFile('empty.csv', ''),
      '--text',
      'a',
    );
    await expectRefused(
      2,
      'a.ndjson, line 1: It is not JSON',
      'send',
      '--file',
      await makeFile('a.ndjson', 'x\n'),
      '--text',
      'a',
    );
  });
});

describe('operations and messages', () => {
  it('are listed, shown, watched, and stopped', async () => {
    const { out } = await run(
      'send',
      '+15005550002',
      '+15005550123',
      '--text',
      'Hi',
      '--tag',
      'a=b',
    );
    const id = idIn(out);
    const watched = await run('operations', 'watch', id, '--json');
    expect(jsonLines(watched.out).at(-1)).toMatchObject({
      id,
      stats: { delivered: 1, undelivered: 1 },
    });
    expect((await run('ops', 'list', '--limit', '1')).out).toMatch(
      new RegExp(`^ID .*\n${id}  COMPLETED  100%      2  \\S+Z  delivered 1  undelivered 1\n$`),
    );
    expect((await run('operations', 'get', id)).out).toMatch(/\nundelivered +1\n/);
    expect((await run('operations', 'errors', id)).out).toMatch(
      /\$\.to\[0\] +\+15005550002 +30003 +\S/,
    );
    const later = idIn((await run('send', '+15005560001', '--text', 'Hi', '--schedule', '1h')).out);
    for (const [name, words] of [
      ['pause', 'SCHEDULED, paused since'],
      ['resume', /status +SCHEDULED\n/],
      ['cancel', 'CANCELED'],
    ] as const)
      expect((await run('operations', name, later)).out).toMatch(words);
    const [first] = jsonLines(
      (
        await run(
          'messages',
          'list',
          '--operation',
          id,
          '--tag',
          'a=b',
          '--status',
          'DELIVERED',
          '--json',
        )
      ).out,
    );
    expect(first.to[0].address).toBe('+15005550123');
    const shown = await run('messages', 'get', first.id);
    expect(shown.out).toMatch(/tag +a=b\n/);
    expect(shown.out).toMatch(/ATTEMPT +STATUS .*\n\S+Z +DELIVERED +/);
    expect((await run('messages', 'search', '+15005550123', '--limit', '1')).out).toContain(
      first.id,
    );
    expect((await run('messages', 'cancel', first.id)).out).toContain('DELIVERED');
    expect((await fanfare.request('DELETE', `/v1/Messages/${first.id}`)).status).toBe(204);
    const erased = (await run('messages', 'get', first.id)).out;
    expect(erased).toMatch(/\ndeleted +\S+Z, with its address and content\n$/);
    expect(erased).not.toMatch(/\n(to|tag|content|ATTEMPT) /);
  });

  it('that are not there end with a status of their own', async () => {
    await expectRefused(
      4,
      'operation',
      'operations',
      'get',
      'comms_operation_01h9krwprkeee8fzqspvwy6nq8',
    );
    await expectRefused(
      4,
      'message',
      'messages',
      'get',
      'comms_message_01h9krwprkeee8fzqspvwy6nq8',
    );
    await expectRefused(2, 'Allowed choices', 'operations', 'list', '--status', 'DONE');
    const since = new Date(Date.now() + 3_600_000).toISOString();
    const none = await run('operations', 'list', '--since', since, '--json');
    expect([none.code, none.out]).toEqual([0, '']);
    for (const command of ['operations', 'messages']) {
      const dated = await run(command, 'list', '--since', '2024-01-15', '--until', '2024-01-16');
      expect([dated.code, dated.out, dated.err]).toEqual([0, '', 'No entries.\n']);
      for (const flag of ['--since', '--until'])
        for (const time of ['2024-02-30', 'yesterday'])
          await expectRefused(2, 'a date in UTC such as', command, 'list', flag, time);
    }
  });
});

describe('senders, pools and suppressions', () => {
  it('are managed', async () => {
    const added = await run('senders', 'add', '+15005550999', '--channel', 'SMS', '--name', 'Nine');
    expect(added.out).toMatch(
      /^comms_sender_\w{26} {2}SMS {2}\+15005550999 {2}simulator {2}ACTIVATED {2}Nine\n$/,
    );
    const [id = ''] = added.out.split(' ');
    await expectRefused(1, 'already', 'senders', 'add', '+15005550999', '--channel', 'SMS');
    const limit = (...args: string[]) => run('senders', 'limit', id, ...args);
    expect(
      (await limit('--throughput', '2.5', '--daily-cap', '900', '--quiet', '21:00-08:00')).out,
    ).toContain('2.5 segments/s, 900 segments a day, quiet 21:00-08:00');
    expect((await limit('--daily-cap', 'none', '--quiet', 'none')).out).toMatch(
      / 2\.5 segments\/s {2}Nine/,
    );
    await expectRefused(2, '21:00-08:00', 'senders', 'limit', id, '--quiet', '9-10');
    await expectRefused(2, 'at least one of --throughput', 'senders', 'limit', id);
    expect((await run('senders', 'deactivate', id)).out).toContain('DEACTIVATED');
    await expectRefused(1, 'name@example.com', 'senders', 'add', '+1500', '--channel', 'EMAIL');
    await expectRefused(2, 'Allowed choices are SMS', 'senders', 'add', 'x', '--channel', 'FAX');

    const pool = await run('pools', 'create', 'Spring', id);
    expect(pool.out).toMatch(/^comms_senderpool_\w{26} {2}Spring {2}\S+Z\n$/);
    const [poolId = ''] = pool.out.split(' ');
    expect((await run('pools', 'members', poolId)).out).toContain(id);
    const [other] = jsonLines((await run('senders', 'list', '--channel', 'EMAIL', '--json')).out);
    expect((await run('pools', 'add', poolId, other.id)).out).toBe(`Added ${other.id}\n`);
    expect((await run('pools', 'remove', poolId, id)).out).toBe(`Removed ${id}\n`);
    expect(jsonLines((await run('pools', 'members', poolId, '--json')).out)).toHaveLength(1);
    expect((await run('pools', 'list')).out).toContain('Spring');
    expect((await run('pools', 'delete', poolId)).code).toBe(0);

    expect((await run('senders', 'remove', id)).code).toBe(0);
    expect((await run('senders', 'remove', id)).code).toBe(4);
  });

  it('keep who does not want to hear', async () => {
    const added = await run('suppressions', 'add', '+15005569001', '--reason', 'asked');
    const [id = ''] = added.out.split(' ');
    expect(id).toMatch(/^comms_suppression_/);
    const file = await makeFile('stop.csv', 'phone\n+15005569001\n+15005569002\n');
    expect((await run('suppressions', 'import', file)).out).toBe('2 addresses, 1 of them new\n');
    await expectRefused(
      2,
      'line 2',
      'suppressions',
      'import',
      await makeFile('x.csv', 'phone\nx\n'),
    );
    expect((await run('suppressions', 'search', '+15005569001')).out).toMatch(
      / the account +\S+Z +asked\n$/,
    );
    expect(lines((await run('suppressions', 'list')).out)).toHaveLength(3);
    expect(lines((await run('suppressions', 'export')).out)).toHaveLength(2);
    expect((await run('suppressions', 'remove', id)).out).toBe(`Removed ${id}\n`);
  });
});

describe('subscriptions', () => {
  it('are managed, tested and replayed', async () => {
    const receiver = await startReceiver();
    const subscriptions = (...args: string[]) => run('subscriptions', ...args);
    const made = await subscriptions(
      'create',
      receiver.url,
      '--type',
      'fanfare.email.*',
      '--tag',
      'a=b',
    );
    expect(made.out).toMatch(
      /^comms_subscription_\w{26} {2}ENABLED {2}http:\S+ {2}fanfare\.email\.\* {2}a=b\nSecret {2}whsec_\S{32}\n$/,
    );
    const [id = ''] = made.out.split(' ');
    for (const [args, code, words] of [
      [['create'], 2, 'Specify a URL'],
      [['create', 'http://10.0.0.1/'], 1, '10.0.0.1'],
      [['create', '--sink', 'kafka'], 1, 'kafka'],
      [['create', receiver.url, '--type', 'message.snet'], 1, '$.types'],
      [['create', receiver.url, '--tag', 'a b'], 2, 'key=value'],
      [['create', receiver.url, '--batch-size', '1001'], 2, 'from 1 to 1000'],
      [['disable', 'comms_subscription_01h9krwprkeee8fzqspvwy6nq8'], 4, 'subscription'],
      [['rotate-secret', id, '--overlap', '8d'], 1, '604800'],
      [['replay', id], 2, 'Select deliveries with'],
      [['replay', id, '--id', 'x'], 1, '$.deliveryIds[0]'],
      [['replay', id, '--since', 'x'], 2, 'Use a duration'],
      [['replay', id, '--failed', '--delivered'], 2, '--delivered requires --since'],
    ] as const)
      await expectRefused(code, words, 'subscriptions', ...args);
    expect((await subscriptions('test', id)).out).toMatch(/^Delivered \(HTTP 200, \d+ ms\)\n$/);
    receiver.behaviour = () => 500;
    await expectRefused(1, 'HTTP 500', 'subscriptions', 'test', id);
    expect((await subscriptions('disable', id)).out).toContain('  DISABLED  ');
    expect((await subscriptions('enable', id)).out).toContain('  ENABLED  ');
    expect((await subscriptions('rotate-secret', id, '--overlap', '2h')).out).toMatch(
      /^Secret {2}whsec_\S{32}\nThe previous secret is valid until {2}20\S+Z\n$/,
    );
    const uuid = decodeTypeId('comms_subscription', id);
    const event = newUuid(Date.now() - 60_000);
    await fanfare.database.query(
      `insert into event_log (account_id, id, subject_id, name, at, attempt, candidate)
       values ((select id from account where sid = $2), $1, $1, 'operation.completed', now(), 0, 0)`,
      [event, fanfare.sid],
    );
    await fanfare.database.query(
      `insert into event_delivery (account_id, subscription_id, event_id, subject_id, status, tries, due_at)
       values ((select id from account where sid = $3), $1, $2, $2, 'FAILED', 8, now())`,
      [uuid, event, fanfare.sid],
    );
    await fanfare.database.query(
      `insert into event_attempt
       values ((select id from account where sid = $3), $1, $2, 12, 1, $2, $2, false, 500, 'HTTP 500')`,
      [uuid, event, fanfare.sid],
    );
    expect((await subscriptions('deliveries', id, '--failed')).out).toMatch(
      /comms_delivery_\w{26} +\S+Z +FAILED +com\.twilio\S+completed +comms_operation_\w+ +1 +8 +-\n$/,
    );
    expect((await subscriptions('attempts', id, '--failed')).out).toMatch(
      / failed +1 +12 ms +500 +HTTP 500\n$/,
    );
    expect((await subscriptions('replay', id, '--since', '10s')).out).toBe(
      '0 deliveries are due again\n',
    );
    expect((await subscriptions('replay', id, '--failed')).out).toBe('1 delivery is due again\n');
    expect((await subscriptions('deliveries', id, '--failed')).out).toBe('');
    const delivery = encodeTypeId('comms_delivery', event);
    expect((await subscriptions('replay', id, '--id', delivery)).out).toBe(
      '1 delivery is due again\n',
    );
    expect(jsonLines((await subscriptions('list', '--json')).out)).toHaveLength(1);
    expect((await subscriptions('delete', id)).out).toBe(`Deleted ${id}\n`);
    expect((await subscriptions('list')).err).toBe('No entries.\n');
  });
});

describe('the command line', () => {
  it('says how to get at a server', async () => {
    const bare = await runCommand(['operations', 'list'], {}, folder);
    expect([bare.code, bare.err]).toEqual([
      3,
      expect.stringContaining('There are no credentials. Start a server in this folder'),
    ]);
    const wrong = await runCommand(
      ['operations', 'list'],
      { ...env, FANFARE_AUTH_TOKEN: 'x' },
      folder,
    );
    expect([wrong.code, wrong.err]).toEqual([
      3,
      expect.stringContaining('Check FANFARE_ACCOUNT_SID'),
    ]);
    const byToken = (token: string) => {
      const { FANFARE_BASE_URL = '' } = env;
      const given = { FANFARE_BASE_URL, FANFARE_ACCESS_TOKEN: token };
      return runCommand(['senders', 'list', '--json'], given, folder);
    };
    const key = await fanfare.request('POST', '/v1/ApiKeys', { scopes: ['read'] });
    const made = await fetch(`${fanfare.url}/v2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: key.body['sid'],
        client_secret: key.body['secret'],
      }),
    });
    const listed = await byToken(((await made.json()) as Json)['access_token']);
    expect([listed.code, jsonLines(listed.out).length]).toEqual([0, 2]);
    const forged = await byToken('x');
    expect([forged.code, forged.err]).toEqual([
      3,
      expect.stringContaining('not one of this server'),
    ]);
    const away = await runCommand(
      ['senders', 'list', '--base-url', 'http://127.0.0.1:9'],
      env,
      folder,
    );
    expect([away.code, away.err]).toEqual([
      5,
      expect.stringContaining('127.0.0.1:9 cannot be reached'),
    ]);
    const none = await runCommand(['senders', 'list', '--base-url', 'x'], env, folder);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('no base URL')]);
  }, 60_000);

  it('finds the server of its folder, with a key of its own', async () => {
    const own = await mkdtemp(join(tmpdir(), 'fanfare-cli-'));
    onTestFinished(() => rm(own, { recursive: true, force: true }));
    const server = spawn(process.execPath, [PROGRAM, 'start'], {
      cwd: own,
      env: { PATH: process.env['PATH'] ?? '', FANFARE_PORT: '0' },
    });
    let out = '';
    server.stdout.on('data', (data: Buffer) => (out += data.toString()));
    onTestFinished(async () => {
      server.kill('SIGTERM');
      if (server.exitCode === null) await once(server, 'exit');
    });
    await until(async () => out.includes('Ctrl-C'));
    const file = join(own, 'data', 'cli.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { apiKey, baseUrl } = JSON.parse(await readFile(file, 'utf8'));
    expect(out).toContain(baseUrl);
    const sent = await runCommand(['send', '+15005560001', '--text', 'Hi', '--watch'], {}, own);
    expect([sent.code, sent.err]).toEqual([0, expect.stringContaining('delivered 1')]);
    // What is for this server goes to no other.
    const other = await runCommand(['senders', 'list', '--base-url', fanfare.url], {}, own);
    expect([other.code, other.err]).toEqual([
      3,
      expect.stringContaining('Set the credentials for'),
    ]);
    expect((await runCommand(['keys', 'list'], {}, own)).out).toContain(`${apiKey}`);
    expect((await runCommand(['migrate'], {}, own)).out).toBe('The schema is up to date.\n');
  }, 90_000);

  it('completes words, and prints what a shell needs', async () => {
    const complete = async (...words: string[]) =>
      lines((await run('complete', '--', ...words)).out);
    expect(await complete('op')).toEqual(['openapi', 'operations']);
    expect(await complete('operations', 'c')).toEqual(['cancel']);
    expect(await complete('send', '--te')).toEqual(['--text', '--text-file']);
    expect(await complete('operations', 'list', '--status', 'P')).toEqual(['PROCESSING']);
    expect(await complete('completion', '')).toEqual(
      expect.arrayContaining(['bash', 'fish', 'zsh']),
    );
    const bash = await run('completion', 'bash');
    const shell = spawn('bash', [
      '-c',
      `fanfare() { ${process.execPath} ${PROGRAM} "$@"; }\n${bash.out}\nCOMP_WORDS=(fanfare ke); COMP_CWORD=1; _fanfare; echo "$COMPREPLY"`,
    ]);
    let found = '';
    shell.stdout.on('data', (data: Buffer) => (found += data.toString()));
    await once(shell, 'close');
    expect(found).toBe('keys\n');
  });

  it('prints the description of the API without a server', async () => {
    const { body } = await fanfare.get('/openapi.json');
    const printed = JSON.parse((await run('openapi')).out);
    expect(Object.keys(printed.paths)).toEqual(Object.keys(body['paths']));
  });

  it('explains every command, with examples where they help', async () => {
    expect((await run('--help')).out).toContain('Exit status: 0 success');
    expect((await run('send', '--help')).out).toContain(
      "fanfare send --file people.csv --text 'Hello {{ name }}!' --watch",
    );
    await expectRefused(2, 'Did you mean list?', 'operations', 'lst');
    await expectRefused(2, "unknown option '--txt'", 'send', '--txt', 'x');
  });

  it('paints on terminals only', async () => {
    const plain = await run('operations', 'list');
    expect(plain.out).not.toContain('\u001b');
    const painted = await runCommand(['operations', 'list'], { ...env, FORCE_COLOR: '1' }, folder);
    expect(painted.out).toContain('\u001b[2m');
    const none = await runCommand(
      ['operations', 'list'],
      { ...env, FORCE_COLOR: '1', NO_COLOR: '1' },
      folder,
    );
    expect(none.out).not.toContain('\u001b');
  });
});
