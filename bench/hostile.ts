/**
 * One account that misbehaves, in a process of its own, as `neighbours` starts it: `hostile.js URL CREDENTIALS POOL KIND CONNECTIONS`. It
 * goes on until its standard input ends.
 */
import { request, Agent, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOSTILE_KINDS, type Hostile, type HostileKind } from './hostile-kinds.ts';

const [url = '', credentials = '', poolId = '', kind = '', connections = '1'] =
  process.argv.slice(2);
const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
/** A bound on the harm, should the one who started it be gone. */
const LIFE_MS = 120_000;
const REFUSED_WAIT_MS = 10;

process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(0), LIFE_MS);

const tellStatus = new Map<number, number>();
process.on('exit', () =>
  process.stdout.write(JSON.stringify(Object.fromEntries(tellStatus)) + '\n'),
);

const hostile: Hostile = HOSTILE_KINDS[kind as HostileKind](poolId);
process.stdout.write('begins\n');
for (let i = 0; i < Number(connections); i += 1) void run();

async function run(): Promise<void> {
  for (;;) {
    const status = await once().catch(() => 0);
    tellStatus.set(status, (tellStatus.get(status) ?? 0) + 1);
    if (status >= 400 || status === 0) await sleep(REFUSED_WAIT_MS);
  }
}

function once(): Promise<number> {
  if (hostile.how === 'slow body') return holdBody();
  return new Promise((resolve, reject) => {
    const { method, path, body } = hostile;
    const asked = request(new URL(path, url), {
      method,
      agent,
      headers: {
        authorization,
        ...(body === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': body.length }),
      },
    });
    asked.on('error', reject);
    asked.on('response', (answer: IncomingMessage) => {
      if (hostile.how === 'unread')
        return void answer.on('close', () => resolve(answer.statusCode ?? 0));
      answer
        .on('error', reject)
        .on('end', () => resolve(answer.statusCode ?? 0))
        .resume();
    });
    asked.end(body ?? undefined);
  });
}

/** Declares ten megabytes, sends half of them, and waits. */
function holdBody(): Promise<number> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', reject);
    socket.on('data', (data: Buffer) => {
      resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1] ?? 0));
      socket.destroy();
    });
    socket.on('close', () => resolve(0));
    socket.write(
      `POST /v1/Messages HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n`,
    );
    socket.write(Buffer.alloc(5_000_000, ' '));
  });
}
