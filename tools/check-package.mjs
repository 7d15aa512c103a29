/**
 * Packs the server, installs the tarball into an empty folder as a user would, and uses it: help, a server, a send that is watched to the
 * last receipt, the doctor, the dashboard, a clean stop. Packs the client, compiles a program with it under every way of resolving modules,
 * and runs it as ES module and CommonJS. Needs the npm registry. Ends with status 1, and says why, when anything is not as it should be.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SERVER_ENV, startServer } from './start-server.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'fanfare-package-'));
let server = null;

/** Has the older ways of resolving modules, which version 7 has not. */
const TYPESCRIPT = 'typescript@~5.9.3';
const CLIENT_PROGRAM = `
import { EVENT_TYPES, FanfareClient, VERSION, type FanfareEvent, type Recipient } from '@fanfare/client';
const to: Recipient[] = [{ address: '+15005550123', channel: 'PHONE' }];
const client = new FanfareClient({ apiKey: 'SK1', apiKeySecret: 'x' });
export const send = () => client.messages.send({ to, content: { text: 'Hello!' } });
export const isKnown = (event: FanfareEvent): boolean => EVENT_TYPES.includes(event.type);
console.log(VERSION);
`;
/** Options of the compiler, and the file, whose name says whether it is CommonJS. */
const RESOLVERS = [
  '--module commonjs --moduleResolution node10 use.ts',
  '--module esnext --moduleResolution bundler use.mts',
  '--module node16 use.mts',
  '--module nodenext use.mts',
  '--module nodenext use.cts',
];

function expect(text, words) {
  if (!text.includes(words)) throw new Error(`Expected "${words}" in:\n${text}`);
}

async function checkClient() {
  const place = join(folder, 'client');
  await mkdir(place);
  await run('npm', ['pack', '--workspace', 'client', '--pack-destination', place], { cwd: ROOT });
  const tarball = (await readdir(place)).find((name) => name.endsWith('.tgz'));
  await writeFile(join(place, 'package.json'), '{"private":true}');
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  const packages = [`./${tarball}`, TYPESCRIPT, '@types/node@20'];
  await run('npm', ['install', ...quiet, ...packages], { cwd: place });
  for (const name of ['use.ts', 'use.mts', 'use.cts'])
    await writeFile(join(place, name), CLIENT_PROGRAM);
  const tsc = join(place, 'node_modules', '.bin', 'tsc');
  for (const resolver of RESOLVERS) {
    const args = ['--strict', '--target', 'es2022', '--types', 'node', ...resolver.split(' ')];
    await run(tsc, args, { cwd: place }).catch(({ stdout }) => {
      throw new Error(`tsc ${resolver}:\n${stdout}`);
    });
    const program = resolver.split(' ').at(-1).replace(/ts$/, 'js');
    const { version } = JSON.parse(await readFile(join(ROOT, 'client', 'package.json'), 'utf8'));
    expect((await run(process.execPath, [join(place, program)])).stdout, version);
  }
  process.stdout.write(`${tarball} installs and works.\n`);
}

try {
  await checkClient();
  await run('npm', ['pack', '--workspace', 'server', '--pack-destination', folder], { cwd: ROOT });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  const prefix = join(folder, 'prefix');
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', '--global', '--prefix', prefix, ...quiet, join(folder, tarball)]);
  const fanfare = join(prefix, 'bin', 'fanfare');
  const options = { cwd: folder, env: SERVER_ENV };
  const use = async (...args) => (await run(fanfare, args, options)).stdout;

  expect(await use('--help'), 'bulk messaging server');
  const { baseUrl } = await startServer(fanfare, ['start'], folder, (child) => (server = child));
  const sent = JSON.parse(
    await use('send', '+15005550123', '--text', 'Hello!', '--strict', '--json'),
  );
  if (sent.stats.delivered !== 1) throw new Error(`It was not delivered: ${JSON.stringify(sent)}`);
  expect(await use('doctor'), 'All is well.');
  expect(await (await fetch(`${baseUrl}/`)).text(), '<title>Fanfare');
  server.kill('SIGTERM');
  await once(server, 'exit');
  if (server.exitCode !== 0) throw new Error(`The server ended with ${server.exitCode}.`);
  process.stdout.write(`${tarball} installs and works.\n`);
} finally {
  if (server !== null && server.exitCode === null) server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
