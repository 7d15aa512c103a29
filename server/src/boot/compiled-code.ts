/**
 * Keeps what V8 made of the program's files, beside them, for the next start: compiling is most of what a start costs. Node.js
 * does so itself from version 22 on (`module.enableCompileCache`); version 20 needs this.
 *
 * One file for each entry, since each thread compiles other functions of the files that they share. It is used for the very same
 * files and the very same V8 with the same flags, and only when its checksum holds: V8 trusts what it is given. Where the folder
 * cannot be written to, each start compiles anew.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { cachedDataVersionTag, deserialize, serialize } from 'node:v8';
import { constants, Script } from 'node:vm';

/** Compiled code by the name of its file. `version` is the file's size and time of change. */
type Compiled = Map<string, { readonly version: string; readonly code: Buffer }>;

/** What a start runs has run by then: functions are compiled when they are first called. */
const SAVE_AFTER_MS = 2_000;
const CHECKSUM_BYTES = 32;
/** What `Module.wrap` puts before the first character. */
const WRAPPER_LENGTH = Module.wrap('').indexOf('\n');

const checksum = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

/** Loads the program's files (`.cjs` in `folder`) from what is kept for `entry`, and keeps what was missing. */
export function loadCompiled(folder: string, entry: string): void {
  const store = join(folder, 'compiled', `${entry}-${cachedDataVersionTag()}.bin`);
  const kept = read(store);
  const fresh = new Map<string, { version: string; script: Script }>();

  const save = () => {
    if (fresh.size === 0) return;
    // Another process may have kept other files meanwhile.
    const all = read(store);
    for (const [name, { version, script }] of fresh)
      all.set(name, { version, code: script.createCachedData() });
    fresh.clear();
    write(store, all);
  };

  const { _extensions: loaders } = Module as unknown as { _extensions: Record<string, Loader> };
  const loadOther = loaders['.cjs'] ?? loaders['.js'];
  loaders['.cjs'] = (module, filename) => {
    if (dirname(filename) !== folder) return loadOther?.(module, filename);
    const name = basename(filename);
    const { size, mtimeMs } = statSync(filename);
    const version = `${size}/${mtimeMs}`;
    const found = kept.get(name);
    const script = new Script(Module.wrap(readFileSync(filename, 'utf8')), {
      filename,
      // Columns are those of the file, which its source map speaks of.
      columnOffset: -WRAPPER_LENGTH,
      ...(found?.version === version ? { cachedData: found.code } : {}),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (script.cachedDataRejected !== false) fresh.set(name, { version, script });
    const run = script.runInThisContext() as ModuleFunction;
    run.call(module.exports, module.exports, createRequire(filename), module, filename, folder);
    return undefined;
  };

  setTimeout(save, SAVE_AFTER_MS).unref();
  process.on('exit', save);
}

type Loader = (module: NodeModule, filename: string) => void;
type ModuleFunction = (
  this: unknown,
  exports: unknown,
  require: NodeJS.Require,
  module: NodeModule,
  filename: string,
  folder: string,
) => void;

/** What is kept, empty where there is nothing, or nothing whole. */
function read(store: string): Compiled {
  try {
    const bytes = readFileSync(store);
    const content = bytes.subarray(CHECKSUM_BYTES);
    if (checksum(content).equals(bytes.subarray(0, CHECKSUM_BYTES)))
      return deserialize(content) as Compiled;
  } catch {
    // The first start, or a file of another time.
  }
  return new Map();
}

function write(store: string, compiled: Compiled): void {
  const content = serialize(compiled);
  const draft = `${store}.${process.pid}-${threadId}`;
  try {
    mkdirSync(dirname(store), { recursive: true });
    writeFileSync(draft, Buffer.concat([checksum(content), content]));
    renameSync(draft, store);
  } catch {
    // A folder that belongs to somebody else, or a full disk: no harm but time.
    rmSync(draft, { force: true });
  }
}
