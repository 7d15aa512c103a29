/** A node: `fanfare start` as a process of its own, to be killed, stopped and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

export const SID = `AC${'c'.repeat(32)}`;
export const TOKEN = 'chaos-chaos-chaos-chaos';
const PROGRAM = createRequire(import.meta.url).resolve('fanfare/bin/fanfare.cjs');
const CLOCK = new URL('../../chaos/clock.mjs', import.meta.url).href;
const START_MS = 60_000;

export class Node {
  readonly name: string;
  readonly #folder: string;
  readonly #databaseUrl: string;
  readonly #config: object;
  #child: ChildProcess | null = null;
  #url = '';

  constructor(name: string, folder: string, databaseUrl: string, config: object) {
    this.name = name;
    this.#folder = folder;
    this.#databaseUrl = databaseUrl;
    this.#config = config;
  }

  get url(): string {
    return this.#url;
  }

  get isUp(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const file = join(this.#folder, `${this.name}.json`);
    await writeFile(file, JSON.stringify(this.#config));
    const log = openSync(join(this.#folder, `${this.name}.log`), 'a');
    const child = spawn(process.execPath, ['--import', CLOCK, PROGRAM, 'start', '--config', file], {
      stdio: ['ignore', 'pipe', log],
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: this.#databaseUrl,
        FANFARE_ACCOUNT_SID: SID,
        FANFARE_AUTH_TOKEN: TOKEN,
        CHAOS_CLOCK: this.#clockFile,
      },
    });
    closeSync(log);
    this.#child = child;
    let output = '';
    child.stdout?.on('data', (data: Buffer) => (output += data.toString('utf8')));
    this.#url = await until(`${this.name} starts`, START_MS, () => {
      if (!this.isUp) throw new Error(`${this.name} ended when it was started; see its log.`);
      return /ready at (\S+)/.exec(output)?.[1];
    });
  }

  get #clockFile(): string {
    return join(this.#folder, `${this.name}.clock`);
  }

  /** Shifts its clock by this many milliseconds. */
  async shiftClock(byMs: number): Promise<void> {
    await writeFile(this.#clockFile, String(byMs));
  }

  async kill(): Promise<void> {
    if (!this.isUp || this.#child === null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  /** Stops it; resolves with the milliseconds it took. Rejects when it did not end well. */
  async stop(): Promise<number> {
    if (!this.isUp || this.#child === null) return 0;
    const startedAt = performance.now();
    this.#child.kill('SIGTERM');
    const [code] = (await once(this.#child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`${this.name} ended with ${code} at its stop; see its log.`);
    return performance.now() - startedAt;
  }

  /** Bytes of memory it has resident. */
  async measureMemory(): Promise<number> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8').catch(() => '');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  }
}

/** The program's own audit of a database: its output, and whether it found no faults. */
export async function runDoctor(databaseUrl: string): Promise<{ ok: boolean; output: string }> {
  const child = spawn(process.execPath, [PROGRAM, 'doctor'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl },
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output += data.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number | null];
  return { ok: code === 0, output };
}
