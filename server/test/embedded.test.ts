import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { PROGRAM, runProgram, until } from './support/fanfare.ts';

/** A server on the embedded engine, started as a user does. */
async function start(
  dataDir: string,
  env: Record<string, string> = {},
  onError: (text: string) => void = () => undefined,
) {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, 'start'], {
    cwd: join(dataDir, '..'),
    env: { PATH: process.env['PATH'] ?? '', FANFARE_PORT: '0', FANFARE_DATA_DIR: dataDir, ...env },
  });
  let out = '';
  let err = '';
  child.stdout?.on('data', (data: Buffer) => (out += data.toString('utf8')));
  child.stderr?.on('data', (data: Buffer) => {
    err += data.toString('utf8');
    onError(err);
  });
  onTestFinished(async () => {
    await stop('SIGTERM');
  });
  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${err}`);
    return out.includes('Ctrl-C stops it');
  });
  const find = (pattern: RegExp) => pattern.exec(out)?.[1] ?? '';
  return {
    child,
    url: find(/ready at (\S+)/),
    sid: find(/Account SID +(\S+)/),
    token: find(/Auth token +(\S+)/),
    banner: out,
    errors: () => err,
    stop,
  };
}

async function makeFolder(): Promise<string> {
  // Of mode 700, below a folder of mode 700: as in the home directory of someone careful.
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-embedded-'));
  await mkdir(join(folder, 'home'), { mode: 0o700 });
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'home', 'data');
}

/** What a server makes of an empty folder costs most of what these tests do: it is made once, and copied. */
let made: ReturnType<typeof makeUsed> | null = null;
async function makeUsed() {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-embedded-'));
  const dataDir = join(folder, 'data');
  const { sid, token, stop } = await start(dataDir);
  await stop('SIGTERM');
  return { folder, dataDir, sid, token };
}
afterAll(async () => {
  if (made !== null) await rm((await made).folder, { recursive: true, force: true });
});

/** A folder of data that a server has made and left in order, with the credentials that it told then. */
async function makeUsedFolder() {
  made ??= makeUsed();
  const used = await made;
  const dataDir = await makeFolder();
  // Owners too: started by root, the engine runs as somebody else, whom its files belong to.
  await promisify(execFile)('cp', ['-a', used.dataDir, dataDir]);
  return { dataDir, sid: used.sid, token: used.token };
}

async function postmasterOf(dataDir: string): Promise<number> {
  return Number(
    (await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0],
  );
}

/** Connections of a server to its engine, as PostgreSQL sees them: null is a Unix socket. */
async function listPeers(dataDir: string): Promise<(string | null)[]> {
  const { port, password } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8'));
  const client = new pg.Client({
    connectionString: `postgres://fanfare:${password}@127.0.0.1:${port}/fanfare`,
  });
  await client.connect();
  const { rows } = await client.query(
    `select distinct host(client_addr) as peer from pg_stat_activity where application_name like 'fanfare%'`,
  );
  await client.end();
  return rows.map(({ peer }) => peer);
}

const listSockets = async (dataDir: string) =>
  (await readdir(join(dataDir, 'postgres'))).filter((file) => /^\.s\.PGSQL\.\d+$/.test(file));

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function send(server: { url: string }, sid: string, token: string): Promise<number> {
  const answer = await fetch(`${server.url}/v1/Messages`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      to: [{ address: '+15005550123', channel: 'PHONE' }],
      content: { text: 'Hi' },
    }),
  });
  return answer.status;
}

describe('the embedded engine', () => {
  it('starts without anything, prints the credentials, and leaves nothing running', async () => {
    const dataDir = await makeFolder();
    const server = await start(dataDir);
    expect(server.sid).toMatch(/^AC[0-9a-f]{32}$/);
    expect(server.token).toMatch(/^[0-9a-f]{32}$/);
    expect(server.banner).toContain(
      `curl -u '${server.sid}:${server.token}' ${server.url}/v1/Messages`,
    );
    expect(await send(server, server.sid, server.token)).toBe(202);
    const pid = await postmasterOf(dataDir);
    const rival = await runProgram(['start'], { FANFARE_PORT: '0', FANFARE_DATA_DIR: dataDir });
    expect([rival.code, rival.out]).toEqual([1, '']);
    expect(rival.err).toContain(`in use by another Fanfare (process ${server.child.pid})`);
    await server.stop('SIGINT');
    expect(server.child.exitCode).toBe(0);
    expect(isAlive(pid)).toBe(false);
    const again = await start(dataDir);
    expect(again.sid).toBe(server.sid);
    expect(again.banner).not.toContain(server.token);
    expect(await send(again, server.sid, server.token)).toBe(202);
  }, 60_000);

  it('takes over from a server that was killed, and its orphan', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    const first = await start(dataDir);
    const orphan = await postmasterOf(dataDir);
    await first.stop('SIGKILL');
    expect(isAlive(orphan)).toBe(true);
    const second = await start(dataDir);
    expect(isAlive(orphan)).toBe(false);
    expect(await send(second, sid, token)).toBe(202);
  }, 60_000);

  it('can start without sending, so that operations of a restored backup can be canceled first', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    const authorization = `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`;
    const ask = async (url: string, method: string) => {
      const answer = await fetch(url, { method, headers: { authorization } });
      return (await answer.json()) as { status: string; stats: Record<string, number> };
    };
    const quiet = await start(dataDir, { FANFARE_ROLES: 'api' });
    expect(quiet.banner).toContain(
      'this node sends nothing because it does not have the role "dispatch"',
    );
    const sent = await fetch(`${quiet.url}/v1/Messages`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({
        to: [{ address: '+15005550123', channel: 'PHONE' }],
        content: { text: 'Hi' },
      }),
    });
    const path = `/v1/Messages/Operations/${sent.headers.get('operation-id')}`;
    expect((await ask(`${quiet.url}${path}`, 'GET')).stats).toMatchObject({ queued: 1 });
    await fetch(`${quiet.url}${path}/Cancel`, { method: 'POST', headers: { authorization } });
    await quiet.stop('SIGTERM');
    const full = await start(dataDir);
    expect(full.banner).not.toContain('sends nothing');
    const last = await ask(`${full.url}${path}`, 'GET');
    expect([last.status, last.stats['attempts'], last.stats['canceled']]).toEqual([
      'CANCELED',
      0,
      1,
    ]);
  }, 60_000);

  it('waits for processes of a PostgreSQL that was killed', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    const first = await start(dataDir);
    const postmaster = await postmasterOf(dataDir);
    const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8');
    const [lingering = 0] = children.split(' ').map(Number);
    process.kill(lingering, 'SIGSTOP');
    await first.stop('SIGKILL');
    process.kill(postmaster, 'SIGKILL');
    let waited = false;
    const second = await start(dataDir, { FANFARE_LOG_LEVEL: 'debug' }, (text) => {
      if (waited || !text.includes('Waiting for the remaining processes')) return;
      waited = true;
      process.kill(lingering, 'SIGCONT');
    });
    expect(waited).toBe(true);
    expect(await send(second, sid, token)).toBe(202);
    // The killed one left its socket; it is removed.
    expect(await listSockets(dataDir)).toHaveLength(1);
    expect(await listPeers(dataDir)).toEqual([null]);
  }, 60_000);

  it('is reached over TCP where the path of its folder is too long for a socket', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    const long = join(dataDir, '..', 'x'.repeat(100));
    await rename(dataDir, long);
    const server = await start(long);
    expect(await send(server, sid, token)).toBe(202);
    expect(await listSockets(long)).toEqual([]);
    expect(await listPeers(long)).toEqual(['127.0.0.1']);
    const { code } = await runProgram(['doctor'], { FANFARE_DATA_DIR: long });
    expect(code).toBe(0);
  }, 60_000);

  it('survives stale pid files that name other programs', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    await writeFile(join(dataDir, 'fanfare.lock'), `${process.pid} 1\n`);
    await writeFile(
      join(dataDir, 'postgres', 'postmaster.pid'),
      `${process.pid}\n${dataDir}\n1\n5432\n\n127.0.0.1\n`,
    );
    const second = await start(dataDir);
    expect(await send(second, sid, token)).toBe(202);
  }, 60_000);

  it('starts again by itself when PostgreSQL dies', async () => {
    const { dataDir, sid, token } = await makeUsedFolder();
    const server = await start(dataDir);
    process.kill(await postmasterOf(dataDir), 'SIGKILL');
    const statuses = new Set<number>();
    await until(async () => {
      const status = await send(server, sid, token);
      statuses.add(status);
      return status === 202 && statuses.has(503);
    });
    expect([...statuses].toSorted()).toEqual([202, 503]);
    expect(server.child.exitCode).toBe(null);
  }, 60_000);
});

describe('a start that cannot be', () => {
  it('names the problem and the action to take', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port } = taken.address() as { port: number };
    const dataDir = await makeFolder();
    const busy = await runProgram(['start'], {
      FANFARE_PORT: String(port),
      FANFARE_DATA_DIR: dataDir,
    });
    expect([busy.code, busy.err]).toEqual([
      1,
      expect.stringContaining('set FANFARE_PORT to another port'),
    ]);
    await writeFile(`${dataDir}-file`, '');
    const blocked = await runProgram(['start'], { FANFARE_DATA_DIR: `${dataDir}-file` });
    expect([blocked.code, blocked.err]).toEqual([1, expect.stringContaining('cannot be written')]);
    const configFile = join(dataDir, 'config.json');
    await writeFile(configFile, JSON.stringify({ databaseWaitMs: 0 }));
    const away = await runProgram(['start', '--config', configFile], {
      DATABASE_URL: 'postgres://x:y@127.0.0.1:1/z',
    });
    expect([away.code, away.err]).toEqual([1, expect.stringContaining('Check DATABASE_URL')]);
  }, 60_000);
});
