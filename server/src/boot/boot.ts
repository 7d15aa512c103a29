/**
 * The first file of the process and of each of its threads: makes stacks readable, then loads the entry, from compiled
 * code if possible. The main thread's entry is the command line; `workerData` names the entry of another thread.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, workerData } from 'node:worker_threads';
import { loadCompiled } from './compiled-code.ts';
import { mapStacks } from './stacks.ts';

const file = fileURLToPath(import.meta.url);
const folder = dirname(file);
const entry = isMainThread ? 'main' : String(workerData);

mapStacks(folder);
loadCompiled(folder, entry);
createRequire(file)(join(folder, `${entry}.cjs`));
