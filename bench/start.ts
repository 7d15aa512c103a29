/**
 * The cost of a start, relative to `node -e 0` in the same rounds: wall clock and processor time (user and system, all
 * threads, without PostgreSQL) of `fanfare start` until `/readyz` answers, on an existing data folder; and of `fanfare
 * --help`. Processor time is read from `/proc`, so it is available on Linux only, in steps of 10 ms.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { median, print } from './measure.ts';

const PROGRAM = createRequire(import.meta.url).resolve('fanfare/bin/fanfare.cjs');
const ROUNDS = 9;
/** The first start creates the database; its compiled code is stored a moment after it is ready. */
const FIRST_MS = 4_000;
const TICK_MS = 10;

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function benchStart(folder: string): Promise<void> {
  const first = await startServer(folder, FIRST_MS);
  if (Number.isNaN(first.cpuMs))
    print('start        no /proc here: processor time is not measured');
  await runToEnd([PROGRAM, '--help'], folder);
  const costs: Record<'node' | 'start' | 'help', Cost[]> = { node: [], start: [], help: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    costs.node.push(await runToEnd(['-e', '0'], folder));
    costs.start.push(await startServer(folder, 0));
    costs.help.push(await runToEnd([PROGRAM, '--help'], folder));
  }
  const node = mediansOf(costs.node);
  show('node -e 0', node, node);
  show('start', mediansOf(costs.start), node);
  show('--help', mediansOf(costs.help), node);
}

function mediansOf(costs: readonly Cost[]): Cost {
  return {
    wallMs: median(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
  };
}

function show(name: string, { wallMs, cpuMs }: Cost, node: Cost): void {
  const figure = (ms: number, ofNode: number) =>
    `${(ms / 1000).toFixed(2)} s  ratio ${(ms / ofNode).toFixed(1).padStart(4)}`;
  print(
    `start        ${name.padEnd(10)} processor ${figure(cpuMs, node.cpuMs)}   wall ${figure(wallMs, node.wallMs)}`,
  );
}

async function startServer(folder: string, stayMs: number): Promise<Cost> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [PROGRAM, 'start'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], FANFARE_PORT: '0', FANFARE_DATA_DIR: folder },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const answer = await fetch(`${await readUrl(child)}/readyz`);
    if (!answer.ok) throw new Error(`/readyz was answered with ${answer.status}.`);
    const wallMs = performance.now() - startedAt;
    const cpuMs = await readCpu(String(child.pid), [UTIME, STIME]);
    await new Promise((resolve) => setTimeout(resolve, stayMs));
    return { wallMs, cpuMs };
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

function readUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString('utf8');
      const url = /ready at (\S+)/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', () => reject(new Error(`The server did not start: ${output}`)));
  });
}

async function runToEnd(args: readonly string[], cwd: string): Promise<Cost> {
  const before = await readCpu('self', [CHILDREN_UTIME, CHILDREN_STIME]);
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd, stdio: 'ignore' });
  await once(child, 'exit');
  const wallMs = performance.now() - startedAt;
  const after = await readCpu('self', [CHILDREN_UTIME, CHILDREN_STIME]);
  return { wallMs, cpuMs: after - before };
}

/** Fields of `/proc/…/stat` (proc(5)), counted from the one behind the name. */
const [UTIME, STIME, CHILDREN_UTIME, CHILDREN_STIME] = [11, 12, 13, 14] as const;

/** Milliseconds; NaN where there is no `/proc`. */
async function readCpu(process: string, fields: readonly number[]): Promise<number> {
  const stat = await readFile(`/proc/${process}/stat`, 'utf8').catch(() => '');
  const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(values[field]), 0) * TICK_MS;
}
