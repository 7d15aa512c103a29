/** Command lines in a process that is there already: quicker than a process for each. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from './fanfare.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let host: ChildProcess | null = null;
let last: Promise<unknown> = Promise.resolve();

function ensureHost(): ChildProcess {
  if (host !== null) return host;
  const child = fork(fileURLToPath(new URL('./command-host.cjs', import.meta.url)), [PROGRAM], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.once('exit', () => (host = null));
  // It ends with the channel to this process, and keeps it from ending by no other way.
  child.unref();
  child.channel?.unref();
  host = child;
  return child;
}

/** Runs a command line to its end, after earlier ones. With PATH and this environment, in this folder. */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = process.cwd(),
): Promise<CommandResult> {
  const result = last.then(() => runNow(args, env, cwd));
  last = result.catch(() => undefined);
  return result;
}

async function runNow(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<CommandResult> {
  const child = ensureHost();
  child.channel?.ref();
  try {
    return await new Promise<CommandResult>((resolve, reject) => {
      const onExit = (code: number | null) =>
        reject(new Error(`The process of "${args.join(' ')}" ended with ${code}.`));
      child.once('exit', onExit);
      child.once('message', (message) => {
        child.off('exit', onExit);
        resolve(message as CommandResult);
      });
      child.send({ args, env: { PATH: process.env['PATH'] ?? '', ...env }, cwd });
    });
  } finally {
    child.channel?.unref();
  }
}
