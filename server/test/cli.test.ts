import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeTypeId, encodeTypeId, newUuid } from '../src/domain/ids.ts';
import { runProgram, SID, startFanfare } from './support/fanfare.ts';
import { startReceiver } from './support/receiver.ts';

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('the configuration', () => {
  it('checks each carrier by its kind, takes secrets from elsewhere and never shows them', async () => {
    const folder = await makeFolder();
    const file = join(folder, 'my.json');
    const write = (carriers: object) => writeFile(file, JSON.stringify({ carriers, senders: [] }));
    await write({
      a: { kind: 'smp' },
      b: { kind: 'smpp', systemId: 'x', password: { env: 'NO_SUCH_SECRET' }, windowPerBnd: 1 },
      c: { kind: 'http', channels: ['SMS'] },
      d: { kind: 'http', channels: ['SMS'], preset: 'classic', settings: { accountSid: 'AC1' } },
      e: { kind: 'simulator', answerDelayMs: { min: 5, max: 1 } },
      f: { kind: 'smpp', host: 'x', systemId: 'x', password: { file: join(folder, 'none') } },
    });
    const { code, err } = await runProgram(['config', 'print', '-c', file]);
    expect(code).toBe(1);
    for (const part of [
      '$.carriers.a.kind: there is no kind "smp". Did you mean smpp?',
      "$.carriers.b: must have required property 'host'",
      '"windowPerBnd". Did you mean windowPerBind?',
      '$.carriers.b.password: the environment variable NO_SUCH_SECRET is not set.',
      '$.carriers.c: needs a "preset" or a "description"',
      "$.carriers.d.settings: must have required property 'authToken'",
      '$.carriers.e.answerDelayMs: max (1) is below min (5).',
      `$.carriers.f.password: ${join(folder, 'none')} cannot be read`,
    ])
      expect(err).toContain(part);
    await writeFile(join(folder, 'secret'), 'from-a-file\n');
    await write({
      smsc: {
        kind: 'smpp',
        host: { env: 'FANFARE_SMSC_HOST' },
        systemId: 'me',
        password: { file: join(folder, 'secret') },
        tls: {},
      },
      web: {
        kind: 'http',
        channels: ['SMS'],
        preset: 'classic',
        settings: { accountSid: 'AC1', authToken: 'in-the-clear' },
      },
    });
    const shown = await runProgram(['config', 'print', '-c', file], {
      FANFARE_SMSC_HOST: 'smsc.example',
    });
    expect([shown.code, shown.err]).toEqual([0, '']);
    expect(shown.out).not.toMatch(/from-a-file|in-the-clear|smsc\.example/);
    expect(JSON.parse(shown.out)).toMatchObject({
      carriers: {
        smsc: { port: 2775, password: '********', tls: { rejectUnauthorized: true } },
        web: { settings: { authToken: '********', baseUrl: 'https://api.twilio.com' } },
      },
    });
  });

  it('refuses what it does not know, all at once, with suggestions', async () => {
    const folder = await makeFolder();
    const file = join(folder, 'my.json');
    await writeFile(
      file,
      JSON.stringify({
        prot: 1,
        retry: { triesMax: 0, delayMS: 5 },
        carriers: { sim: { lossRate: 2 } },
        senders: [{ address: 'x', channel: 'SMS', carrier: 'sims' }],
      }),
    );
    const { code, out, err } = await runProgram(['config', 'print', '--config', file], {
      FANFARE_HOTS: 'x',
    });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('FANFARE_HOTS: no such setting. Did you mean FANFARE_HOST?');
    const second = await runProgram(['config', 'print', '--config', file]);
    for (const part of [
      '"prot". Did you mean port?',
      '$.retry.triesMax: must be >= 1',
      '"delayMS". Did you mean delayMs?',
      '$.carriers.sim.lossRate: must be <= 1',
    ])
      expect(second.err).toContain(part);
    await writeFile(
      file,
      JSON.stringify({ senders: [{ address: 'x', channel: 'SMS', carrier: 'simulater' }] }),
    );
    expect((await runProgram(['config', 'print', '-c', file])).err).toContain(
      'Did you mean simulator?',
    );
    await writeFile(file, '{');
    expect((await runProgram(['config', 'print', '-c', file])).err).toContain(
      'my.json: cannot be read',
    );
    expect((await runProgram(['config', 'print', '-c', join(folder, 'none.json')])).err).toContain(
      'none.json: cannot be read',
    );
    const env = await runProgram(
      ['config', 'print'],
      { FANFARE_PORT: '99999', FANFARE_ACCOUNT_SID: 'AC1', FANFARE_TRUST_PROXY: 'maybe' },
      folder,
    );
    for (const part of [
      'FANFARE_PORT: must be <= 65535',
      'FANFARE_ACCOUNT_SID: must match',
      'FANFARE_TRUST_PROXY: must be boolean',
    ])
      expect(env.err).toContain(part);
    expect(
      (await runProgram(['config', 'print'], { FANFARE_ACCOUNT_SID: SID }, folder)).err,
    ).toContain('set both or neither');
  });

  it('prints what would be used, with its defaults, secrets masked', async () => {
    const folder = await makeFolder();
    await writeFile(
      join(folder, 'fanfare.config.json'),
      JSON.stringify({ port: 1234, retry: { triesMax: 2 } }),
    );
    const { code, out } = await runProgram(
      ['config', 'print'],
      { FANFARE_PORT: '5678', DATABASE_URL: 'postgres://u:hush@h/d' },
      folder,
    );
    expect(code).toBe(0);
    expect(out).not.toContain('hush');
    expect(JSON.parse(out)).toMatchObject({
      port: 5678,
      host: '127.0.0.1',
      retry: { triesMax: 2, delayMs: 1000 },
      databaseUrl: '********',
      carriers: { simulator: { windowMax: 250 } },
    });
  });
});

describe('keys and accounts', () => {
  it('are made, listed, used and revoked', async () => {
    const fanfare = await startFanfare();
    const env = { DATABASE_URL: fanfare.databaseUrl };
    const made = await runProgram(['keys', 'create', '--name', 'ci'], env);
    const [, sid = '', secret = ''] =
      /Key SID +(SK[0-9a-f]{32})\nSecret +(\w{32})/.exec(made.out) ?? [];
    expect(secret).toHaveLength(32);
    const ask = (user: string, password: string) =>
      fanfare.request('GET', '/v1/Messages/Operations', undefined, {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      });
    expect((await ask(sid, secret)).status).toBe(200);
    expect((await ask(sid, `${secret.slice(0, -1)}_`)).status).toBe(401);
    expect((await runProgram(['keys', 'list'], env)).out).toMatch(
      new RegExp(`^${sid}  ${SID}  \\S+  active  ci\n$`),
    );
    expect((await runProgram(['keys', 'revoke', sid], env)).code).toBe(0);
    const again = await runProgram(['keys', 'revoke', sid], env);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('no active key')]);
    const deadline = performance.now() + 8_000;
    let status = 200;
    while (status === 200 && performance.now() < deadline) ({ status } = await ask(sid, secret));
    expect(status).toBe(401);

    const account = await runProgram(['accounts', 'create'], env);
    const [, other = '', token = ''] =
      /Account SID +(AC\w+)\nAuth token +(\w+)/.exec(account.out) ?? [];
    expect((await ask(other, token)).status).toBe(200);
    expect((await runProgram(['keys', 'create'], env)).err).toContain('several accounts');
    expect((await runProgram(['keys', 'create', '--account', 'ACx'], env)).err).toContain(
      'There is no account ACx',
    );
    const reset = await runProgram(['accounts', 'reset-token', other], env);
    expect((await ask(other, /token +(\w+)/.exec(reset.out)?.[1] ?? '')).status).toBe(200);
    expect((await runProgram(['accounts', 'list'], env)).out.trim().split('\n')).toHaveLength(2);
    const { rows } = await fanfare.database.query(
      "select encode(secret_hash, 'escape') as hash from api_key union all select encode(token_hash, 'escape') from account",
    );
    for (const row of rows)
      for (const plain of [secret, token]) expect(row.hash).not.toContain(plain);
  }, 60_000);

  it('manage senders', async () => {
    const fanfare = await startFanfare();
    const env = { DATABASE_URL: fanfare.databaseUrl };
    const added = await runProgram(
      ['senders', 'add', '+15005550999', '--channel', 'SMS', '--name', 'Nine'],
      env,
    );
    expect(added.out).toMatch(
      /^comms_sender_\w{26}  SMS  \+15005550999  simulator  ACTIVATED .*Nine\n$/,
    );
    const [id = ''] = added.out.split(' ');
    expect(
      (await runProgram(['senders', 'add', '+15005550999', '--channel', 'SMS'], env)).err,
    ).toContain('already');
    const limit = (...args: string[]) => runProgram(['senders', 'limit', id, ...args], env);
    expect(
      (await limit('--throughput', '2.5', '--daily-cap', '900', '--quiet', '21:00-08:00')).out,
    ).toContain('2.5 segments/s, 900 segments a day, quiet 21:00-08:00');
    expect((await limit('--daily-cap', 'none', '--quiet', 'none')).out).toMatch(
      / 2\.5 segments\/s {2}Nine/,
    );
    expect((await limit('--quiet', '9-10')).err).toContain('21:00-08:00');
    expect((await limit()).err).toContain('at least one of --throughput');
    expect((await runProgram(['senders', 'deactivate', id], env)).out).toContain('DEACTIVATED');
    const wrong = await runProgram(['senders', 'add', '+1500', '--channel', 'EMAIL'], env);
    expect(wrong.err).toContain('name@example.com');
    expect((await runProgram(['senders', 'list'], env)).out.trim().split('\n')).toHaveLength(5);
    expect((await runProgram(['senders', 'remove', id], env)).code).toBe(0);
    expect((await runProgram(['senders', 'remove', id], env)).err).toContain('no sender');
    expect((await runProgram(['senders', 'add', 'x', '--channel', 'FAX'], env)).err).toContain(
      'Allowed choices are SMS',
    );
  }, 60_000);

  it('manage subscriptions', async () => {
    const receiver = await startReceiver();
    const fanfare = await startFanfare({
      config: { roles: ['api', 'dispatch'], events: { allowTargets: ['127.0.0.1'] } },
    });
    const run = (...args: string[]) =>
      runProgram(['-c', join(fanfare.folder, 'config.json'), 'subscriptions', ...args], {
        DATABASE_URL: fanfare.databaseUrl,
      });
    const made = await run('create', receiver.url, '--type', 'fanfare.email.*', '--tag', 'a=b');
    expect(made.out).toMatch(
      /^comms_subscription_\w{26} {2}ENABLED {2}WEBHOOK {2}http:\S+ {2}fanfare\.email\.\* {2}a=b\nSecret {2}whsec_\S{32}\n$/,
    );
    const [id = ''] = made.out.split(' ');
    for (const [args, words] of [
      [['create'], 'Give a URL'],
      [['create', 'http://10.0.0.1/'], '10.0.0.1'],
      [['create', '--sink', 'kafka'], 'no sink "kafka"'],
      [['create', receiver.url, '--type', 'message.snet'], 'no event type'],
      [['create', receiver.url, '--tag', 'a b'], 'key=value'],
      [['create', receiver.url, '--batch-size', '1001'], 'from 1 to 1000'],
      [['disable', 'comms_subscription_01h9krwprkeee8fzqspvwy6nq8'], 'no subscription'],
      [['rotate-secret', id, '--overlap', '8d'], 'at most 7d'],
      [['replay', id], 'Say what to tell again'],
      [['replay', id, '--id', 'x'], 'not the id of a delivery'],
      [['replay', id, '--since', 'x'], 'Give a duration'],
      [['replay', id, '--failed', '--delivered'], 'say since when'],
    ] as const) {
      const { code, err } = await run(...args);
      expect([code, err], `${args.join(' ')}`).toEqual([1, expect.stringContaining(words)]);
    }
    expect((await run('test', id)).out).toMatch(/^Delivered \(HTTP 200, \d+ ms\)\n$/);
    receiver.behaviour = () => 500;
    const failed = await run('test', id);
    expect([failed.code, failed.err]).toEqual([1, expect.stringContaining('HTTP 500')]);
    expect((await run('disable', id)).out).toContain('  DISABLED  ');
    expect((await run('enable', id)).out).toContain('  ENABLED  ');
    expect((await run('rotate-secret', id, '--overlap', '2h')).out).toMatch(
      /^Secret {2}whsec_\S{32}\nThe one before is good until {2}20\S+Z\n$/,
    );
    const uuid = decodeTypeId('comms_subscription', id);
    const event = newUuid(Date.now() - 60_000);
    await fanfare.database.query(
      `insert into event_log (account_id, id, about, name, at, attempt, candidate)
       values (1, $1, $1, 'operation.completed', now(), 0, 0)`,
      [event],
    );
    await fanfare.database.query(
      `insert into event_delivery (account_id, subscription_id, event_id, about, status, tries, due_at)
       values (1, $1, $2, $2, 'FAILED', 8, now())`,
      [uuid, event],
    );
    await fanfare.database.query(
      `insert into event_attempt values (1, $1, $2, 12, 1, $2, $2, false, 500, 'HTTP 500')`,
      [uuid, event],
    );
    expect((await run('deliveries', id, '--failed')).out).toMatch(
      /^comms_delivery_\w{26} .* FAILED {2}com\.twilio\S+completed {2}comms_operation_\w+ {2}events: 1 {2}tries: 8\n$/,
    );
    expect((await run('attempts', id)).out).toMatch(
      / failed {2}events: 1 {2}12 ms {2}HTTP 500 {2}HTTP 500\n$/,
    );
    expect((await run('replay', id, '--since', '10s')).out).toBe('Due again: 0\n');
    expect((await run('replay', id, '--failed')).out).toBe('Due again: 1\n');
    expect((await run('deliveries', id, '--failed')).out).toBe('');
    expect((await run('deliveries', id, '--pending')).out).toContain('due: ');
    const delivery = encodeTypeId('comms_delivery', event);
    expect((await run('replay', id, '--id', delivery)).out).toBe('Due again: 1\n');
    expect((await run('list')).out.trim().split('\n')).toHaveLength(1);
    expect((await run('delete', id)).out).toBe(`Deleted ${id}\n`);
    expect((await run('list')).out).toBe('');
  }, 120_000);

  it('are explained when a command is misspelt', async () => {
    const { code, err } = await runProgram(['sart']);
    expect(code).toBe(1);
    expect(err).toContain('Did you mean start?');
  });
});

describe('the demo', () => {
  it('sends its 10,000 messages and ends', async () => {
    const { code, out, err } = await runProgram(['demo']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/total +10,000\n/);
    expect(out).toMatch(/COMPLETED/);
    expect(out).toMatch(/from the request to the last receipt: [\d.]+ s/);
  }, 90_000);
});
