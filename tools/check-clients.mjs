/**
 * Generates clients from `/openapi.json`, compiles them as they are, and uses them against a server: send, dry run, fetch, list, errors and
 * receipts. TypeScript needs the npm registry. Python needs python3 with venv, and PyPI. Go and Java need the jar of OpenAPI Generator,
 * named by OPENAPI_GENERATOR, and the tools of the language: go, or a JDK and Maven. What is skipped is named at the end.
 * Ends with status 1, and says why, when a client does not work, or when the client for TypeScript cannot be checked.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from './start-server.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PROGRAMS = join(ROOT, 'tools', 'clients');
/** Versions that were tried. */
const TYPESCRIPT = ['openapi-typescript@~7.13.0', 'openapi-fetch@~0.17.0', 'typescript@~5.9.3'];
const PYTHON = 'openapi-python-client~=0.29.1';

const folder = await mkdtemp(join(tmpdir(), 'fanfare-clients-'));
const execute = promisify(execFile);
const skipped = [];
let server = null;

/** Rejects with the output. */
async function run(command, args, options = {}) {
  try {
    return await execute(command, args, { maxBuffer: 2 ** 26, ...options });
  } catch (error) {
    const output = [error.stdout, error.stderr].filter(Boolean).join('\n').slice(-4_000);
    throw new Error(`${command} ${args.join(' ')}\n${output || error.message}`, { cause: error });
  }
}

const has = (command, ...args) =>
  execute(command, args).then(
    () => true,
    () => false,
  );

async function makePlace(name) {
  const place = join(folder, name);
  await mkdir(place);
  await copyFile(join(folder, 'openapi.json'), join(place, 'openapi.json'));
  return place;
}

/** The base URL, and the header with credentials. */
async function openServer() {
  const program = join(ROOT, 'server', 'bin', 'fanfare.cjs');
  const { baseUrl, apiKey, apiKeySecret } = await startServer(
    process.execPath,
    [program, 'start'],
    folder,
    (child) => (server = child),
  );
  return [baseUrl, `Basic ${Buffer.from(`${apiKey}:${apiKeySecret}`).toString('base64')}`];
}

async function checkTypeScript(access) {
  const place = await makePlace('typescript');
  await writeFile(join(place, 'package.json'), '{"private":true,"type":"module"}');
  const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
  await run('npm', ['install', ...quiet, ...TYPESCRIPT, '@types/node@20'], { cwd: place });
  const bin = (name) => join(place, 'node_modules', '.bin', name);
  await run(bin('openapi-typescript'), ['openapi.json', '--output', 'api.d.ts'], { cwd: place });
  await copyFile(join(PROGRAMS, 'program.mts'), join(place, 'program.mts'));
  const strict = ['--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  await run(bin('tsc'), [...strict, 'program.mts'], { cwd: place });
  await run(process.execPath, ['program.mjs', ...access], { cwd: place });
}

async function checkPython(access) {
  if (!(await has('python3', '-c', 'import venv, ensurepip')))
    return 'python3 with venv is missing';
  const place = await makePlace('python');
  await run('python3', ['-m', 'venv', 'venv'], { cwd: place });
  const bin = join(place, 'venv', 'bin');
  const packages = ['-m', 'pip', 'install', '--quiet', PYTHON];
  if (!(await has(join(bin, 'python'), ...packages))) return `${PYTHON} cannot be installed`;
  // It formats its files by a program of the same folder.
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const generate = ['generate', '--path', 'openapi.json', '--output-path', 'client'];
  const { stdout, stderr } = await run(join(bin, 'openapi-python-client'), generate, {
    cwd: place,
    env,
  });
  // It goes on after what it cannot generate.
  if (/warning|unable|error/i.test(stdout + stderr)) throw new Error(stdout + stderr);
  await copyFile(join(PROGRAMS, 'program.py'), join(place, 'client', 'program.py'));
  await run(join(bin, 'python'), ['program.py', ...access], { cwd: join(place, 'client') });
  return null;
}

/** Generates a client by OpenAPI Generator, and runs commands in its folder. */
async function checkWith(language, tool, generate, commands) {
  const jar = process.env.OPENAPI_GENERATOR;
  if (!jar) return 'OPENAPI_GENERATOR does not name the jar of OpenAPI Generator';
  if (!(await has('java', '-version'))) return 'java is missing';
  if (!(await has(...tool))) return `${tool[0]} is missing`;
  const place = await makePlace(language);
  const args = ['-jar', jar, 'generate', '-i', 'openapi.json', '-g', language, '-o', 'client'];
  await run('java', [...args, ...generate], { cwd: place });
  for (const [command, ...rest] of commands)
    await run(command, rest, { cwd: join(place, 'client') });
  return null;
}

const CHECKS = {
  TypeScript: async (access) => {
    await checkTypeScript(access);
    return null;
  },
  Python: checkPython,
  Go: (access) =>
    checkWith(
      'go',
      ['go', 'version'],
      ['--additional-properties', 'packageName=fanfare,withGoMod=true'],
      [
        ['go', 'mod', 'tidy'],
        ['go', 'vet', '.'],
        ['mkdir', 'program'],
        ['cp', join(PROGRAMS, 'program.go'), 'program'],
        ['go', 'run', './program', ...access],
      ],
    ),
  Java: (access) =>
    checkWith(
      'java',
      ['mvn', '-version'],
      // Lists that are not set stay out of requests.
      ['--library', 'native', '--additional-properties', 'containerDefaultToNull=true'],
      [
        ['mvn', '-q', 'compile', 'dependency:copy-dependencies'],
        // Java compiles and runs a single file.
        [
          'java',
          '-cp',
          ['target/classes', 'target/dependency/*'].join(delimiter),
          join(PROGRAMS, 'Program.java'),
          ...access,
        ],
      ],
    ),
};

try {
  const access = await openServer();
  const document = await (await fetch(`${access[0]}/openapi.json`)).text();
  await writeFile(join(folder, 'openapi.json'), document);
  for (const [language, check] of Object.entries(CHECKS)) {
    const why = await check(access);
    if (why !== null) skipped.push(`${language}: ${why}`);
    else process.stdout.write(`The client for ${language} compiles and works.\n`);
  }
  server.kill('SIGTERM');
  await once(server, 'exit');
  for (const each of skipped) process.stdout.write(`SKIPPED ${each}.\n`);
} finally {
  if (server !== null && server.exitCode === null) server.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}
