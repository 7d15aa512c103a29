/** Writes the documents that come from the code; with `--check` says which are stale, with status 1. */
import { readFile, writeFile } from 'node:fs/promises';
import { renderConfigMarkdown } from '../config/manual.ts';
import { renderErrorsMarkdown } from '../app.ts';

const ROOT = new URL('../../../', import.meta.url);

const documents: Readonly<Record<string, string>> = {
  'docs/config.md': renderConfigMarkdown(),
  'docs/errors.md': renderErrorsMarkdown(),
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(documents)) {
  const file = new URL(path, ROOT);
  const current = await readFile(file, 'utf8').catch(() => '');
  if (current === text) continue;
  if (check) {
    process.stderr.write(`${path} is stale; run "npm run generate".\n`);
    process.exitCode = 1;
  } else {
    await writeFile(file, text);
    process.stdout.write(`Wrote ${path}\n`);
  }
}
