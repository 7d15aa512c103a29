/**
 * Runs every command of README.md to its end, as a newcomer would type it, but for the tests, which CI runs by themselves. A command
 * that has no entry here fails, and so does an entry that is not in README.md any more. The server gets a port and a folder of its own.
 * Ends with status 1, and says why, when anything is not as it should be. Needs the packages to be installed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** Time limits for hanging commands. */
const COMMAND_MS = 180_000;
const DEFAULT_ORIGIN = 'http://127.0.0.1:8420';

/** Commands in order: the beginning of the line, and the way to run it. */
const ENTRIES = [
  { begins: 'npm ci && npm start', run: startServer },
  { begins: 'npx fanfare send +', run: (command) => expect(command, /delivered 1/, '2>&1') },
  // The file is the reader's.
  { begins: 'npx fanfare send --file', run: null },
  { begins: 'export SID=', run: null },
  { begins: 'curl -u "$SID:$TOKEN" http://127.0.0.1:8420/v1/Messages -H', run: sendByCurl },
  {
    begins: 'curl -u "$SID:$TOKEN" http://127.0.0.1:8420/v1/Messages/Operations/',
    run: readByCurl,
  },
  { begins: 'npm run demo:smpp', run: (command) => expect(command, /On the suppression list/) },
  { begins: 'npm run demo:email', run: (command) => expect(command, /Errors:/) },
  { begins: 'npm run demo', run: (command) => expect(command, /10,000/) },
  // All parts take an hour.
  { begins: 'npm run bench', run: (command) => expect(`${command} -- --only start`, /--help/) },
  { begins: 'npm ci && npm test', run: null },
];

const folder = await mkdtemp(join(tmpdir(), 'fanfare-readme-'));
const origin = `http://127.0.0.1:${await findFreePort()}`;
const env = {
  ...process.env,
  FANFARE_PORT: new URL(origin).port,
  FANFARE_DATA_DIR: join(folder, 'data'),
};
let server = null;
let operationId = '';

try {
  const commands = findCommands(await readFile(join(ROOT, 'README.md'), 'utf8'));
  const entries = commands.map((command) => [command, entryOf(command)]);
  for (const entry of ENTRIES)
    if (!entries.some(([, each]) => each === entry))
      throw new Error(`README.md has no command "${entry.begins}" any more.`);
  // In the order of the table: the server is started before it is talked to.
  for (const entry of ENTRIES)
    for (const [command, each] of entries)
      if (each === entry && entry.run !== null) {
        process.stdout.write(`  ${command.split('\n', 1)[0]}\n`);
        await entry.run(command.replaceAll(DEFAULT_ORIGIN, origin));
      }
  await stopServer();
  process.stdout.write('The commands of README.md work.\n');
} finally {
  if (server !== null && server.exitCode === null && server.signalCode === null)
    process.kill(-server.pid, 'SIGKILL');
  await rm(folder, { recursive: true, force: true });
}

/** Blocks of shell, and inline code. */
function findCommands(text) {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block.trim().split(/\n(?=\S)(?!\}')/),
  );
  const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`((?:npm|npx) [^`]+)`/g)];
  const commands = [...blocks, ...inline.map(([, command]) => command)];
  return [...new Set(commands.map((each) => each.trim()).filter((each) => each !== ''))];
}

function entryOf(command) {
  const entry = ENTRIES.find(({ begins }) => command.startsWith(begins));
  if (entry === undefined) throw new Error(`Nothing runs this command of README.md: ${command}`);
  return entry;
}

async function findFreePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}

/** Runs a command in a shell; resolves with its output, and rejects if its status is not 0. */
async function run(command) {
  const child = spawn('bash', ['-c', command], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), COMMAND_MS);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  if (code !== 0) throw new Error(`"${command}" ended with ${code ?? signal}:\n${output}`);
  return output;
}

async function expect(command, pattern, redirect = '') {
  const output = await run(`${command} ${redirect}`);
  if (!pattern.test(output)) throw new Error(`"${command}" does not print ${pattern}:\n${output}`);
}

/** `npm ci` has run: this tool needs it. */
async function startServer(command) {
  server = spawn('bash', ['-c', command.replace('npm ci && ', 'exec ')], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let output = '';
  const started = new Promise((resolve, reject) => {
    server.stdout.on('data', (data) => {
      output += data;
      if (/Ctrl-C stops it/.test(output)) resolve();
    });
    server.once('exit', () => reject(new Error(`The server did not start:\n${output}`)));
  });
  await started;
  env.SID = /Account SID\s+(\w+)/.exec(output)?.[1];
  env.TOKEN = /Auth token\s+(\S+)/.exec(output)?.[1];
  if (!output.includes(origin)) throw new Error(`The server is not at ${origin}:\n${output}`);
}

/** As Ctrl-C does: the signal goes to all of the group. npm may end before the server does, which keeps standard output open. */
async function stopServer() {
  process.kill(-server.pid, 'SIGINT');
  const [code, signal] = await once(server, 'close');
  server = null;
  if (code !== 0 && code !== 130 && signal !== 'SIGINT')
    throw new Error(`The server ended with ${code ?? signal}.`);
  if (await fetch(`${origin}/healthz`).then(Boolean, () => false))
    throw new Error('The server is still there after Ctrl-C.');
}

async function sendByCurl(command) {
  ({ operationId } = JSON.parse(await run(`${command} --silent --show-error`)));
  if (operationId === undefined) throw new Error('The send has no operationId.');
}

async function readByCurl(command) {
  const own = command.replace(/comms_operation_\w+/, operationId);
  const { id, stats } = JSON.parse(await run(`${own} --silent --show-error`));
  if (id !== operationId || stats.total !== 2)
    throw new Error(`That is not operation ${operationId}.`);
}
