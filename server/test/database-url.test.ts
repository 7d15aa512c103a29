/** Every command that needs the database describes the problem of DATABASE_URL in one line, and ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './support/command-host.ts';
import { runProgram, useFanfare } from './support/fanfare.ts';

/** What answers is no PostgreSQL: in the words of others, or in nonsense of its protocol's form. */
const PEERS: Readonly<Record<string, (socket: Socket) => void>> = {
  http: (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  closing: (socket) => socket.end(),
  'an error without its end': (socket) => answer(socket, '4500000008534552'),
  'authentication cut short': (socket) => answer(socket, '520000000400'),
  'an unknown message': (socket) => answer(socket, '4a0000000a5b8000000a352e35'),
  'a length of nothing': (socket) => answer(socket, '5200000000520000000052'),
};

function answer(socket: Socket, hex: string): void {
  socket.once('data', () => socket.write(Buffer.from(hex, 'hex')));
}

const COMMANDS = [
  ['start'],
  ['migrate'],
  ['doctor'],
  ['doctor', '--restored'],
  ['accounts', 'list'],
  ['accounts', 'create'],
];

let folder: string;
let good: URL;
const servers: Server[] = [];
const ports = new Map<string, number>();
beforeAll(async () => {
  good = new URL((await useFanfare()).databaseUrl);
  folder = await mkdtemp(join(tmpdir(), 'fanfare-database-'));
  await writeFile(join(folder, 'config.json'), JSON.stringify({ port: 0, databaseWaitMs: 0 }));
  for (const [name, behave] of Object.entries(PEERS)) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      behave(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    ports.set(name, (server.address() as AddressInfo).port);
  }
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

/** What starts a server ends its process; all else runs in one. */
function run(command: readonly string[], databaseUrl: string) {
  const runIt = command[0] === 'start' ? runProgram : runCommand;
  const env = { DATABASE_URL: databaseUrl, HOME: folder };
  return runIt([...command, '-c', join(folder, 'config.json')], env);
}

async function expectOneLine(command: readonly string[], url: string, words: RegExp) {
  const { code, out, err } = await run(command, url);
  // What a server logs is beside the point: the last line is what is said.
  const lines = err.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  // The doctor's 1 is a finding.
  expect([command, code, lines]).toEqual([
    command,
    command[0] === 'doctor' ? 2 : 1,
    [expect.stringMatching(words)],
  ]);
  expect(`${out}${err}`).not.toMatch(/\n\s+at |node:|Warning/);
}

function change(fields: Partial<Record<'pathname' | 'port' | 'hostname' | 'search', string>>) {
  const url = new URL(good.href);
  Object.assign(url, fields);
  return url.href;
}

describe('a wrong DATABASE_URL', () => {
  it.each(COMMANDS.map((command) => [command]))('is reported by %j', async (command) => {
    const missing = /no_such_database.*createdb.*DATABASE_URL/;
    await expectOneLine(command, change({ pathname: '/no_such_database' }), missing);
    const nobody = `postgres://x@127.0.0.1:${ports.get('authentication cut short')}/x`;
    await expectOneLine(command, nobody, /does not speak PostgreSQL's protocol.*DATABASE_URL/);
  });

  it.each(Object.keys(PEERS))('leads to another server: %s', async (name) => {
    const url = `postgres://x:y@127.0.0.1:${ports.get(name)}/x`;
    await expectOneLine(['accounts', 'list'], url, /does not answer \(.+\)\. Check DATABASE_URL/);
    const secure = `${url}?sslmode=require`;
    await expectOneLine(['accounts', 'list'], secure, /does not answer \(.+\)\. Check/);
  });

  it.each([
    ['a port where nobody is', () => change({ port: '1' }), /ECONNREFUSED/],
    ['a host that there is not', () => change({ hostname: 'nohost.invalid' }), /nohost\.invalid/],
    ['TLS that is not offered', () => change({ search: '?sslmode=require' }), /SSL|TLS/],
    [
      'a certificate that cannot be read',
      () => change({ search: '?sslmode=verify-full&sslrootcert=/none' }),
      /\/none/,
    ],
    ['nothing but a scheme', () => 'postgres://', /DATABASE_URL/],
  ])('has %s', async (_name, url, words) => {
    await expectOneLine(['accounts', 'list'], url(), words);
  });

  it.each(['postgres://x:y@127.0.0.1:99999/x', 'postgres://x:%ff@127.0.0.1/x', 'mysql://x@y/z'])(
    'cannot be read: %s',
    async (url) => {
      for (const command of COMMANDS) {
        const { code, err } = await run(command, url);
        expect([command, code]).toEqual([command, command[0] === 'doctor' ? 2 : 1]);
        expect(err).toMatch(/^The configuration is not valid:\n {2}- DATABASE_URL.*\n$/);
        expect(err).not.toContain(url);
      }
    },
  );
});
