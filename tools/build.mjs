/**
 * Builds changed parts, and reports that on standard error. A part is made of some files: it is built again when their
 * content, or the installed packages, have changed.
 * Usage: `node tools/build.mjs` for the program, or with `bench` or `chaos` for one of them too.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const STAMP = '.built';

/** `from` may name folders. The first folder of `to` keeps the stamp. */
const PARTS = {
  client: {
    title: 'the client library',
    from: ['client/src', 'client/tsconfig.json', 'tsconfig.base.json'],
    to: 'client/dist',
    make: () => run('tsc', '-b', 'client', '--force'),
  },
  server: {
    title: 'the server',
    from: ['server/src', 'server/rolldown.config.mjs', 'client/src'],
    to: 'server/dist/program',
    async make() {
      const { config } = await import('../server/rolldown.config.mjs');
      await bundle(config);
    },
  },
  pages: {
    title: 'the API pages',
    from: ['server/docs-page', 'docs', 'tools/render-guides.mjs'],
    to: 'server/dist/docs',
    make: makeApiPages,
  },
  dashboard: {
    title: 'the dashboard',
    from: [
      'dashboard/src',
      'dashboard/index.html',
      'dashboard/vite.config.ts',
      'client/src',
      'server/src/domain',
      'server/src/lists',
    ],
    to: 'server/dist/dashboard',
    async make() {
      const { build } = await import('vite');
      await build({ configFile: join(ROOT, 'dashboard/vite.config.ts'), logLevel: 'warn' });
    },
  },
  bench: {
    title: 'the benchmarks',
    from: ['bench', 'server/src'],
    to: 'build/bench',
    make: () =>
      bundle(
        tool('bench', [
          'main',
          'hostile',
          'smsc',
          'peers/queue-worker',
          'peers/queue-server',
          'peers/fastify-echo',
        ]),
      ),
  },
  chaos: {
    title: 'the failure scenarios',
    from: ['chaos', 'server/src', 'server/test/support'],
    to: 'build/chaos',
    make: () => bundle(tool('chaos', ['main'])),
  },
};
const ALWAYS = ['client', 'server', 'pages', 'dashboard'];

for (const name of [...ALWAYS, ...process.argv.slice(2)]) {
  const { title, from, to, make } = PARTS[name];
  const folder = join(ROOT, to);
  const state = describe(['package-lock.json', 'tools/build.mjs', ...from]);
  if (readIfAny(join(folder, STAMP)) === state) continue;
  const startedAt = performance.now();
  process.stderr.write(`Building ${title} … `);
  await make();
  writeFileSync(join(folder, STAMP), state);
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
}

function readIfAny(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** A digest of names and contents. */
function describe(paths) {
  const hash = createHash('sha256');
  const add = (path) => {
    const full = join(ROOT, path);
    if (statSync(full).isDirectory()) {
      for (const each of readdirSync(full).toSorted()) add(`${path}/${each}`);
      return;
    }
    hash.update(`${path}\0`).update(readFileSync(full)).update('\0');
  };
  paths.forEach(add);
  return hash.digest('hex');
}

function run(command, ...args) {
  const { status, error } = spawnSync(join(ROOT, 'node_modules/.bin', command), args, {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw error ?? new Error(`${command} ended with ${status}.`);
}

async function bundle({ output, ...input }) {
  const { rolldown } = await import('rolldown');
  const build = await rolldown(input);
  await build.write(output);
  await build.close();
}

/** A program of the workspace that is not shipped: its packages stay where they are. */
function tool(folder, entries) {
  return {
    cwd: join(ROOT, folder),
    input: Object.fromEntries(entries.map((each) => [each.split('/').at(-1), `${each}.ts`])),
    platform: 'node',
    external: /^[^./\0]/,
    output: {
      dir: join(ROOT, 'build', folder),
      cleanDir: true,
      format: 'esm',
      sourcemap: true,
      chunkFileNames: '[name].js',
    },
  };
}

/** Scalar's program is in its package for Fastify, which serves it at this path. */
async function readScalar() {
  const [{ fastify }, { default: scalar }] = await Promise.all([
    import('fastify'),
    import('@scalar/fastify-api-reference'),
  ]);
  const app = fastify();
  await app.register(scalar, { routePrefix: '/docs', configuration: { url: 'openapi.json' } });
  const { statusCode, rawPayload } = await app.inject('/docs/js/scalar.js');
  await app.close();
  if (statusCode !== 200) throw new Error('The package of Scalar has no program.');
  return rawPayload;
}

async function makeApiPages() {
  const folder = join(ROOT, 'server/dist/docs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(join(ROOT, 'server/docs-page')))
    copyFileSync(join(ROOT, 'server/docs-page', name), join(folder, name));
  const { renderGuides } = await import('./render-guides.mjs');
  renderGuides(join(ROOT, 'docs'), folder);
  const bytes = await readScalar();
  writeFileSync(join(folder, 'scalar.js'), bytes);
  copyFileSync(
    join(ROOT, 'node_modules/@scalar/fastify-api-reference/LICENSE'),
    join(folder, 'scalar-license.txt'),
  );
  writeFileSync(join(folder, 'scalar.js.gz'), gzipSync(bytes));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  writeFileSync(join(folder, 'scalar.js.br'), brotliCompressSync(bytes, { params }));
}
