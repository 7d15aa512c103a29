/** A Fanfare of its own for a demo: the real program in a temporary folder, spoken to over HTTP. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../server/bin/fanfare.cjs', import.meta.url));
const SID = `AC${'0'.repeat(31)}1`;
const TOKEN = 'token-of-the-demo-0123456789';
/** Nobody waits longer for a demo. */
const TIMEOUT_MS = 90_000;

export const print = (text = '') => process.stdout.write(`${text}\n`);

/** Polls until `probe` gives something. */
export async function until(probe) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadline) throw new Error('The demo took too long.');
    await sleep(50);
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server with this configuration, runs the demo with it, and stops it, whatever happens. */
export async function withFanfare(config, demo) {
  const folder = await mkdtemp(join(tmpdir(), 'fanfare-demo-'));
  const file = join(folder, 'config.json');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(
    file,
    JSON.stringify({
      port,
      publicUrl: url,
      logLevel: 'error',
      dataDir: join(folder, 'data'),
      ...config,
    }),
  );
  const child = spawn(process.execPath, [PROGRAM, 'start', '--config', file], {
    env: { PATH: process.env.PATH, FANFARE_ACCOUNT_SID: SID, FANFARE_AUTH_TOKEN: TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const onSignal = () => child.kill('SIGTERM');
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    await until(() => {
      if (child.exitCode !== null) throw new Error('The server did not start.');
      return out.includes('ready at');
    });
    await demo(clientOf(url), url);
  } finally {
    child.kill('SIGTERM');
    await ended;
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Calls the API; rejects with its refusal. */
function clientOf(url) {
  const authorization = `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`;
  return async (method, path, body) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
}

/** The counters of an operation on one line, without zeros. */
export function describe({ status, stats }) {
  const counters = Object.entries(stats).filter(([, value]) => value > 0);
  return `${status.padEnd(10)} ${counters.map(([name, value]) => `${name} ${value.toLocaleString('en')}`).join(' · ')}`;
}

/** Watches an operation until `isDone`, and prints changes, at most twice a second. */
export async function watch(call, path, isDone) {
  let last = '';
  let printedAt = 0;
  return until(async () => {
    const operation = await call('GET', path);
    const line = describe(operation);
    const done = isDone(operation);
    if (line !== last && (done || Date.now() - printedAt > 500)) {
      print(`  ${line}`);
      last = line;
      printedAt = Date.now();
    }
    return done ? operation : null;
  });
}
