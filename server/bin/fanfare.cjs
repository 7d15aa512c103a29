#!/usr/bin/env node
/** The command of the package: checked in, since npm links it before anything is built. */
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const program = join(__dirname, '../dist/program/boot.cjs');
if (existsSync(program)) require(program);
else {
  process.stderr.write('Fanfare is not built here yet. Run "npm run build" in the checkout.\n');
  process.exitCode = 1;
}
