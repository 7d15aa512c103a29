import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCommand } from './support/command-host.ts';
import { runProgram, SID, startFanfare, until } from './support/fanfare.ts';

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
    const { code, err } = await runCommand(['config', 'print', '-c', file]);
    expect(code).toBe(1);
    for (const part of [
      '$.carriers.a.kind: there is no kind "smp". Did you mean smpp?',
      "$.carriers.b: must have required property 'host'",
      '"windowPerBnd". Did you mean windowPerBind?',
      '$.carriers.b.password: the environment variable NO_SUCH_SECRET is not set.',
      '$.carriers.c: requires a "preset" or a "description"',
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
    const shown = await runCommand(['config', 'print', '-c', file], {
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
    const { code, out, err } = await runCommand(['config', 'print', '--config', file], {
      FANFARE_HOTS: 'x',
    });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('FANFARE_HOTS: no such setting. Did you mean FANFARE_HOST?');
    const second = await runCommand(['config', 'print', '--config', file]);
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
    expect((await runCommand(['config', 'print', '-c', file])).err).toContain(
      'Did you mean simulator?',
    );
    await writeFile(file, '{');
    expect((await runCommand(['config', 'print', '-c', file])).err).toContain(
      'my.json: cannot be read',
    );
    expect((await runCommand(['config', 'print', '-c', join(folder, 'none.json')])).err).toContain(
      'none.json: cannot be read',
    );
    const env = await runCommand(
      ['config', 'print'],
      { FANFARE_PORT: '99999', FANFARE_ACCOUNT_SID: 'AC1', FANFARE_TRUST_PROXY: 'maybe' },
      folder,
    );
    for (const part of [
      'FANFARE_PORT: must be <= 65535',
      'FANFARE_ACCOUNT_SID: must match',
      'FANFARE_TRUST_PROXY: must be false, the number of proxies in front of the server',
    ])
      expect(env.err).toContain(part);
    expect(
      (await runCommand(['config', 'print'], { FANFARE_ACCOUNT_SID: SID }, folder)).err,
    ).toContain('set both or neither');
  });

  it('prints what would be used, with its defaults, secrets masked', async () => {
    const folder = await makeFolder();
    await writeFile(
      join(folder, 'fanfare.config.json'),
      JSON.stringify({ port: 1234, retry: { triesMax: 2 } }),
    );
    const { code, out } = await runCommand(
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
    const made = await runCommand(
      ['keys', 'create', '--name', 'ci', '--scopes', 'read,send', '--expires', '90d'],
      env,
    );
    const [, sid = '', secret = ''] =
      /Key SID +(SK[0-9a-f]{32})\nSecret +(\w{32})/.exec(made.out) ?? [];
    expect(secret).toHaveLength(32);
    const ask = (user: string, password: string) =>
      fanfare.request('GET', '/v1/Messages/Operations', undefined, {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      });
    expect((await ask(sid, secret)).status).toBe(200);
    expect((await ask(sid, `${secret.slice(0, -1)}_`)).status).toBe(401);
    expect((await runCommand(['keys', 'list'], env)).out).toMatch(
      new RegExp(`^SID .*\n${sid}  ${SID}  \\S+  \\S+ +active until \\S+  send,read  ci\n$`),
    );
    for (const [flag, value, words] of [
      ['--scopes', 'read,write', 'Use one or more of send, read, manage'],
      ['--expires', '2020-01-01T00:00:00Z', 'Use a time in the future'],
    ] as const) {
      const wrong = await runCommand(['keys', 'create', flag, value], env);
      expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining(words)]);
    }
    expect((await runCommand(['keys', 'revoke', sid], env)).code).toBe(0);
    const again = await runCommand(['keys', 'revoke', sid], env);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('no active key')]);
    const refused = await until(async () => {
      const { status } = await ask(sid, secret);
      return status === 200 ? null : status;
    });
    expect(refused).toBe(401);

    const account = await runCommand(['accounts', 'create'], env);
    const [, other = '', token = ''] =
      /Account SID +(AC\w+)\nAuth token +(\w+)/.exec(account.out) ?? [];
    expect((await ask(other, token)).status).toBe(200);
    expect((await runCommand(['keys', 'create'], env)).err).toContain('several accounts');
    expect((await runCommand(['keys', 'create', '--account', 'ACx'], env)).err).toContain(
      'There is no account ACx',
    );
    const reset = await runCommand(['accounts', 'reset-token', other], env);
    expect((await ask(other, /token +(\w+)/.exec(reset.out)?.[1] ?? '')).status).toBe(200);
    const listed = await runCommand(['accounts', 'list', '--json'], env);
    expect(
      listed.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).sid),
    ).toEqual([SID, other]);
    const { rows } = await fanfare.database.query(
      "select encode(secret_hash, 'escape') as hash from api_key union all select encode(token_hash, 'escape') from account",
    );
    for (const row of rows)
      for (const plain of [secret, token]) expect(row.hash).not.toContain(plain);
  }, 60_000);

  it('are explained when a command is misspelt', async () => {
    const { code, err } = await runProgram(['sart']);
    expect(code).toBe(2);
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
