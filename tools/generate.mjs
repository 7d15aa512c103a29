/** Writes generated files: documents, and the client's types. With `--check` it reports stale ones, with status 1. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { rolldown } from 'rolldown';
import { renderClientTypes } from './client-types.mjs';
import { renderCompatibilityMarkdown } from './compatibility.mjs';

const ROOT = new URL('../', import.meta.url);
const BUILD = fileURLToPath(new URL('build/documents', ROOT));

// The sources are TypeScript, so the renderers are bundled first.
const bundle = await rolldown({
  cwd: fileURLToPath(new URL('server/src', ROOT)),
  input: {
    openapi: 'http/public/openapi.ts',
    errors: 'http/public/docs.ts',
    cli: 'cli/manual.ts',
    config: 'config/manual.ts',
  },
  platform: 'node',
  external: /^[^./\0]/,
});
await bundle.write({ dir: BUILD, cleanDir: true, format: 'esm' });
await bundle.close();
const { describeApi } = await import(`${BUILD}/openapi.js`);
const { renderErrorsMarkdown } = await import(`${BUILD}/errors.js`);
const { renderCliMarkdown } = await import(`${BUILD}/cli.js`);
const { renderConfigMarkdown } = await import(`${BUILD}/config.js`);

async function format(path, text) {
  const file = new URL(path, ROOT);
  const config = await prettier.resolveConfig(file);
  return prettier.format(text, { ...config, filepath: path, proseWrap: 'always' });
}

const api = JSON.parse(JSON.stringify(await describeApi()));
const files = {
  'docs/config.md': renderConfigMarkdown(),
  'docs/errors.md': renderErrorsMarkdown(),
  'docs/compatibility.md': await format('docs/compatibility.md', renderCompatibilityMarkdown()),
  'docs/cli.md': await format('docs/cli.md', renderCliMarkdown()),
  'client/src/api.ts': await format('client/src/api.ts', await renderClientTypes(api)),
};

const isCheck = process.argv.includes('--check');
for (const [path, text] of Object.entries(files)) {
  const file = new URL(path, ROOT);
  if ((await readFile(file, 'utf8').catch(() => '')) === text) continue;
  if (isCheck) {
    process.stderr.write(`${path} is stale; run "npm run generate".\n`);
    process.exitCode = 1;
  } else {
    await writeFile(file, text);
    process.stdout.write(`Wrote ${path}\n`);
  }
}
