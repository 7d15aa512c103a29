/**
 * Packs the server, installs the tarball into an empty folder as a user would, and uses it: help, a server, a send that is watched to the
 * last receipt, the doctor, the dashboard, a clean stop. Needs the npm registry. Ends with status 1, and says why, when anything is not as it should be.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const READY_MS = 60_000;
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'fanfare-package-'));
let server = null;

function expect(text, words) {
  if (!text.includes(words)) throw new Error(`Expected "${words}" in:\n${text}`);
}

try {
  await run('npm', ['pack', '--workspace', 'server', '--pack-destination', folder], { cwd: ROOT });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  const prefix = join(folder, 'prefix');
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', '--global', '--prefix', prefix, ...quiet, join(folder, tarball)]);
  const fanfare = join(prefix, 'bin', 'fanfare');
  const options = { cwd: folder, env: { PATH: process.env.PATH, FANFARE_PORT: '0' } };
  const use = async (...args) => (await run(fanfare, args, options)).stdout;

  expect(await use('--help'), 'bulk messaging server');
  server = spawn(fanfare, ['start'], { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const deadline = Date.now() + READY_MS;
  // Written when it answers.
  while (
    !(await access(join(folder, 'data', 'cli.json')).then(
      () => true,
      () => false,
    ))
  ) {
    if (server.exitCode !== null) throw new Error(`The server ended with ${server.exitCode}.`);
    if (Date.now() > deadline) throw new Error('The server does not get ready.');
    await sleep(50);
  }
  const sent = JSON.parse(
    await use('send', '+15005550123', '--text', 'Hello!', '--strict', '--json'),
  );
  if (sent.stats.delivered !== 1) throw new Error(`It was not delivered: ${JSON.stringify(sent)}`);
  expect(await use('doctor'), 'All is well.');
  const { baseUrl } = JSON.parse(await readFile(join(folder, 'data', 'cli.json'), 'utf8'));
  expect(await (await fetch(`${baseUrl}/`)).text(), '<title>Fanfare');
  server.kill('SIGTERM');
  await once(server, 'exit');
  if (server.exitCode !== 0) throw new Error(`The server ended with ${server.exitCode}.`);
  process.stdout.write(`${tarball} installs and works.\n`);
} finally {
  if (server !== null && server.exitCode === null) server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
