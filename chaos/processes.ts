/**
 * The processes of a PostgreSQL or of a node, stopped, let run and killed as one. PostgreSQL gives each of them a session
 * of its own, so no signal reaches them all: they are looked up in /proc, which Linux alone has.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { until } from './until.ts';

const STILL_MS = 10_000;

/** Why the processes of PostgreSQL cannot be found here, or null. */
export async function lacksProcesses(): Promise<string | null> {
  return process.platform === 'linux' ? null : "needs Linux, to find PostgreSQL's processes";
}

/** State and parent of a process (proc_pid_stat(5)), or null when there is none. */
function readProcess(pid: number): { state: string; parent: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the command's name, which may hold spaces and parentheses.
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/** The postmaster or the node, then its children: all processes there are, for none of them has any of its own. */
function listProcesses(postmaster: number): number[] {
  const pids = readdirSync('/proc').map(Number);
  return [postmaster, ...pids.filter((pid) => pid > 0 && readProcess(pid)?.parent === postmaster)];
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
}

/** Stops all processes until `work` has ended, however it ends, and this process with it. */
export async function freeze(
  postmaster: number,
  work: (pids: readonly number[]) => Promise<void>,
): Promise<void> {
  const resume = () => signalAll(listProcesses(postmaster), 'SIGCONT');
  process.once('exit', resume);
  try {
    // First the one that makes new ones.
    signalAll([postmaster], 'SIGSTOP');
    await until('the first process stands still', STILL_MS, () => {
      return readProcess(postmaster)?.state === 'T';
    });
    const pids = listProcesses(postmaster);
    signalAll(pids, 'SIGSTOP');
    await work(pids);
  } finally {
    process.off('exit', resume);
    resume();
  }
}

/** Kills all processes at once, as when the machine dies. `then` is called before anybody can see it. */
export function killAll(postmaster: number, then: () => Promise<void>): Promise<void> {
  // Frozen first, so that none is missed and none can react.
  return freeze(postmaster, (pids) => {
    signalAll(pids, 'SIGKILL');
    return then();
  });
}
