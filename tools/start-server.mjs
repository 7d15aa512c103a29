/** Starts a server of its own in a folder, for checks of what is packed or generated. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS = 60_000;

/** The environment of a server on a free port, with nothing of this process but its path. */
export const SERVER_ENV = { PATH: process.env.PATH, FANFARE_PORT: '0' };

/**
 * Runs a command that starts a server with its data in `folder`. Resolves when it answers, with the process and what
 * `cli.json` has; the process is given to `onChild` before that, so that it can be ended whatever happens.
 */
export async function startServer(command, args, folder, onChild) {
  const child = spawn(command, args, {
    cwd: folder,
    env: SERVER_ENV,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onChild(child);
  for (const deadline = Date.now() + READY_MS; ; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}.`);
    if (Date.now() > deadline) throw new Error('The server does not get ready.');
    // Written when it answers.
    const text = await readFile(join(folder, 'data', 'cli.json'), 'utf8').catch(() => null);
    if (text !== null) return JSON.parse(text);
  }
}
