#!/usr/bin/env node
/** The command of the package: checked in, since npm links it before anything is built. */
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  process.stderr.write('Fanfare is not built here yet. Run "npm run build" in the checkout.\n');
  process.exitCode = 1;
}
