/** A real nats-server on 127.0.0.1 with JetStream in a temporary folder. It can be killed, frozen and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect as connectNats, type NodeConnectionOptions } from '@nats-io/transport-node';
import { until } from './fanfare.ts';
import { freePort } from './mail-server.ts';

const START_MS = 20_000;

/** A message as the stream has it. */
export interface StoredMessage {
  readonly subject: string;
  readonly id: string;
  readonly contentType: string;
  readonly json: string;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Makes the stream EVENTS for `fanfare.>`. */
  addStream(changes?: Partial<StreamConfig>): Promise<void>;
  /** How many messages EVENTS has. */
  count(): Promise<number>;
  /** All of them, in their order. */
  read(): Promise<StoredMessage[]>;
  /** Kills it; its stored data stays. */
  kill(): Promise<void>;
  /** Starts on the same port, with the stored data; resolves when it answers. */
  start(): Promise<void>;
  /** Hangs it, and lets it go on. */
  /** Resolves once none of its threads runs: the signal reaches them a moment later. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** The program; null when it is not installed. Debian puts it where only root looks. */
export const NATS_SERVER = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  .map((folder) => join(folder, 'nats-server'))
  .find(isProgram);

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface NatsServerOptions {
  readonly jetStream?: boolean;
  /** Files in its working folder, by name; `nats.conf` is its configuration. */
  readonly files?: Readonly<Record<string, string>>;
  /** How the tests themselves connect. */
  readonly client?: NodeConnectionOptions;
}

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = mkdtempSync(join(tmpdir(), 'fanfare-nats-'));
  const port = await freePort();
  const files = { 'nats.conf': '', ...options.files };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const store = options.jetStream === false ? [] : ['-js', '-sd', folder];
  const args = ['-c', 'nats.conf', '-a', '127.0.0.1', '-p', String(port), ...store];
  let server: ChildProcess | null = null;

  async function start(): Promise<void> {
    server = spawn(NATS_SERVER ?? 'nats-server', args, { cwd: folder, stdio: 'ignore' });
    const deadline = performance.now() + START_MS;
    while (!(await answers(port))) {
      if (performance.now() > deadline) throw new Error('nats-server does not start.');
      await sleep(20);
    }
  }

  async function kill(): Promise<void> {
    if (server === null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    server = null;
  }

  async function ask<Answer>(question: (manager: JetStreamManager) => Promise<Answer>) {
    const connection = await connectNats({ servers: `localhost:${port}`, ...options.client });
    try {
      return await question(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  }

  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    start,
    kill,
    async freeze() {
      if (server?.pid === undefined) throw new Error('There is no server to freeze.');
      const { pid } = server;
      server.kill('SIGSTOP');
      await until(async () => isStopped(pid));
    },
    thaw: () => void server?.kill('SIGCONT'),
    addStream: (changes = {}) =>
      ask(async ({ streams }) => {
        await streams.add({ name: 'EVENTS', subjects: ['fanfare.>'], ...changes });
      }),
    count: () => ask(async ({ streams }) => (await streams.info('EVENTS')).state.messages),
    read: () =>
      ask(async ({ streams }) => {
        const { messages: count, first_seq: first } = (await streams.info('EVENTS')).state;
        const messages: StoredMessage[] = [];
        for (let seq = first; messages.length < count; seq += 1) {
          const message = await streams.getMessage('EVENTS', { seq });
          if (message === null) continue;
          messages.push({
            subject: message.subject,
            id: message.header.get('Nats-Msg-Id'),
            contentType: message.header.get('Content-Type'),
            json: message.string(),
          });
        }
        return messages;
      }),
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether it greets who connects. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Whether all threads of a process are stopped; where there is no /proc (proc(5)), whether one may hope so. */
function isStopped(pid: number): boolean {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  return readdirSync(tasks).every((task) =>
    /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8')),
  );
}
