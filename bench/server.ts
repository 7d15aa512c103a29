/** A Fanfare of its own process, as a user starts it, and a client that talks HTTP to it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const SID = `AC${'b'.repeat(32)}`;
export const TOKEN = 'bench-bench-bench-bench';
const PROGRAM = createRequire(import.meta.url).resolve('fanfare/bin/fanfare.cjs');

export interface OperationAnswer {
  readonly status: string;
  readonly stats: Readonly<Record<string, number>>;
}

export interface BenchServer {
  readonly url: string;
  /** Posts a body; resolves with the operation's URL and the milliseconds until its 202. */
  send(body: Buffer<ArrayBuffer>): Promise<{ location: string; tookMs: number }>;
  /** Streams lines as one request; as `send`. */
  stream(lines: Iterable<Uint8Array>): Promise<{ location: string; tookMs: number }>;
  read(location: string): Promise<OperationAnswer>;
  /** Gets a path; resolves when all of the answer was read. Rejects when it is not 200. */
  get(path: string): Promise<void>;
  /** Asks for anything; resolves with the answer's JSON, an empty object where it has none. Rejects when it is an error. */
  request(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** Cancels all messages that no carrier has yet. */
  cancel(location: string): Promise<void>;
  /** Resolves when it answers reads promptly again. */
  idle(): Promise<void>;
  /** Bytes of memory the process has resident. */
  measureMemory(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a server on a database, its simulator answering at once. */
export async function startServer(
  databaseUrl: string,
  folder: string,
  options: {
    readonly senders?: readonly object[];
    /** Besides the simulator. */
    readonly carriers?: object;
    readonly journalFile?: string;
    /** Of the dispatcher: less where several servers share one database. */
    readonly databaseConnections?: number;
    readonly retentionDays?: number;
  } = {},
): Promise<BenchServer> {
  const config = join(folder, 'bench.config.json');
  await writeFile(
    config,
    JSON.stringify({
      port: 0,
      logLevel: 'warn',
      events: { allowTargets: ['127.0.0.1'] },
      retentionDays: options.retentionDays ?? 7,
      limits: { requestsPerSecond: 1_000_000 },
      dispatch: { databaseConnections: options.databaseConnections ?? 8 },
      carriers: {
        simulator: {
          answerDelayMs: { min: 0, max: 0 },
          receiptDelayMs: { min: 0, max: 0 },
          windowMax: 1_000,
          journalFile: options.journalFile ?? null,
        },
        ...options.carriers,
      },
      senders: options.senders ?? [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator' },
      ],
    }),
  );
  const child = spawn(
    process.execPath,
    [...(process.env['BENCH_NODE']?.split(' ') ?? []), PROGRAM, 'start', '--config', config],
    {
      env: {
        ...process.env,
        DATABASE_URL: databaseUrl,
        FANFARE_ACCOUNT_SID: SID,
        FANFARE_AUTH_TOKEN: TOKEN,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString('utf8')));
  let url = '';
  for (let tries = 0; url === ''; tries += 1) {
    if (child.exitCode !== null || tries > 600)
      throw new Error(`The server did not start: ${output}`);
    url = /ready at (\S+)/.exec(output)?.[1] ?? '';
    await sleep(50);
  }
  const headers = {
    authorization: `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  return {
    url,
    async send(body) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/v1/Messages`, { method: 'POST', headers, body });
      const { operationLocation } = (await answer.json()) as { operationLocation?: string };
      if (operationLocation === undefined)
        throw new Error(`The send was answered with ${answer.status}.`);
      return { location: operationLocation, tookMs: performance.now() - startedAt };
    },
    async stream(lines) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/v1/Messages`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-ndjson' },
        body: ReadableStream.from(lines),
        duplex: 'half',
      } as RequestInit);
      const { operationLocation } = (await answer.json()) as { operationLocation?: string };
      if (operationLocation === undefined)
        throw new Error(`The stream was answered with ${answer.status}.`);
      return { location: operationLocation, tookMs: performance.now() - startedAt };
    },
    async read(location) {
      const answer = await fetch(location, { headers });
      return (await answer.json()) as OperationAnswer;
    },
    async get(path) {
      const answer = await fetch(new URL(path, url), { headers });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}.`);
    },
    async request(method, path, body) {
      const answer = await fetch(new URL(path, url), {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok)
        throw new Error(`${method} ${path} was answered with ${answer.status}: ${text}`);
      return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    },
    async cancel(location) {
      const answer = await fetch(`${location}/Cancel`, { method: 'POST', headers });
      await answer.arrayBuffer();
    },
    async idle() {
      for (let prompt = 0; prompt < 5;) {
        const startedAt = performance.now();
        await (await fetch(`${url}/readyz`)).arrayBuffer();
        prompt = performance.now() - startedAt < 20 ? prompt + 1 : 0;
        await sleep(50);
      }
    },
    async measureMemory() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}
