/** Command lines in a process that is there already: quicker than a process for each. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PROGRAM } from './fanfare.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CommandHost {
  /** Runs a command line to its end; one at a time. */
  run(args: readonly string[]): Promise<CommandResult>;
  close(): void;
}

/** Starts a process whose commands have this environment and this folder. */
export function startCommandHost(env: Readonly<Record<string, string>>, cwd: string): CommandHost {
  const child = fork(fileURLToPath(new URL('./command-host.cjs', import.meta.url)), [PROGRAM], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const end = () => child.kill('SIGKILL');
  process.on('exit', end);
  return {
    run: (args) =>
      new Promise((resolve, reject) => {
        const onExit = (code: number | null) =>
          reject(new Error(`The process of "${args.join(' ')}" ended with ${code}.`));
        child.once('exit', onExit);
        child.once('message', (result) => {
          child.off('exit', onExit);
          resolve(result as CommandResult);
        });
        child.send(args);
      }),
    close() {
      process.off('exit', end);
      end();
    },
  };
}
