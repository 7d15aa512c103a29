/**
 * A lock for one owner of a directory: a file with the owner's process id and the start time of that process. A dead
 * owner is always recognised, even if another program has its process id now.
 */
import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

export type LockResult =
  | { readonly acquired: true; readonly release: () => Promise<void> }
  | { readonly acquired: false; readonly pid: number };

const TRIES_MAX = 5;

/** Takes the lock, if necessary from a dead owner; or returns the live process that holds it. */
export async function acquireLock(path: string): Promise<LockResult> {
  const own = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    try {
      await writeFile(path, own, { flag: 'wx', mode: 0o600 });
      return { acquired: true, release: () => rm(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const held = await readFile(path, 'utf8').catch(() => '');
    const [pidText = '', ...rest] = held.trim().split(' ');
    const pid = Number(pidText);
    if (pid > 0 && (await startOf(pid)) === rest.join(' ') && rest.length > 0)
      return { acquired: false, pid };
    // Only the file that was read is removed: a rival may have replaced it in between.
    if ((await readFile(path, 'utf8').catch(() => '')) === held) await rm(path, { force: true });
  }
  throw new Error(`The lock ${path} changes hands too quickly; try again.`);
}

/** The start time of a process in the system's own unit; null if there is no such process. */
export async function startOf(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    // Field 22, counted behind the command's name, which may hold spaces and parentheses.
    return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  }
  const ps = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(
    () => null,
  );
  return ps?.stdout.trim() || null;
}
