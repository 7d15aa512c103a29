/** A PostgreSQL of Debian's packages with its own programs, as operators have them: the embedded one brings no pg_dump. */
import { execFile, type ExecFileOptions } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LIBRARY = '/usr/lib/postgresql';
const VERSION_MIN = 15;
const run = promisify(execFile);

/** Where the programs of the newest version are; null when none is installed that will do. */
export const DEBIAN_POSTGRES =
  (existsSync(LIBRARY) ? readdirSync(LIBRARY) : [])
    .filter((version) => Number(version) >= VERSION_MIN)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(LIBRARY, version, 'bin'))
    .find((bin) =>
      ['initdb', 'pg_ctl', 'pg_dump', 'pg_restore', 'createdb'].every((program) =>
        existsSync(join(bin, program)),
      ),
    ) ?? null;

export interface DebianPostgres {
  /** A folder that its programs may write to. */
  readonly folder: string;
  urlOf(database: string): string;
  /** Runs one of its programs against it. Rejects with its output if it fails. */
  run(program: string, ...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a new cluster on a free port of 127.0.0.1, where everybody is trusted. */
export async function startDebianPostgres(): Promise<DebianPostgres> {
  const bin = DEBIAN_POSTGRES;
  if (bin === null) throw new Error('Debian’s PostgreSQL is not installed.');
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-debian-'));
  // PostgreSQL does not run as root; its package has made a user.
  const who: ExecFileOptions = {};
  if (userInfo().uid === 0) {
    const [uid, gid] = await Promise.all([numberOf('-u'), numberOf('-g')]);
    Object.assign(who, { uid, gid });
    await chown(folder, uid, gid);
  }
  const port = await findFreePort();
  const env = { PATH: process.env['PATH'], PGHOST: '127.0.0.1', PGPORT: String(port) };
  const start = async (program: string, ...args: string[]) => {
    const options = { ...who, cwd: folder, env: { ...env, PGUSER: 'postgres' } };
    const { stdout } = await run(join(bin, program), args, options);
    return String(stdout);
  };
  const data = join(folder, 'data');
  await start('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
  const options = `-p ${port} -k ${folder} -c listen_addresses=127.0.0.1 -c fsync=off`;
  await start('pg_ctl', '-D', data, '-o', options, '-l', join(folder, 'log'), '-w', 'start');
  return {
    folder,
    urlOf: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    run: start,
    async stop() {
      await start('pg_ctl', '-D', data, '-m', 'immediate', '-w', 'stop').catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function numberOf(option: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [option, 'postgres'])).stdout);
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
