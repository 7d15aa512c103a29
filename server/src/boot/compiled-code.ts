/**
 * Keeps V8's compiled code beside the program's files for the next start, because compiling is most of the cost of a
 * start. Node.js does this itself from version 22 on (`module.enableCompileCache`); version 20 needs this file.
 * There is one file for each entry, since each thread compiles other functions of the shared files. It is used only with
 * the same files, the same V8 and flags, and a correct checksum, because V8 trusts it. If the folder is read-only, each
 * start compiles again.
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

/** Time until a start has run all its functions: functions are compiled at their first call. */
const SAVE_AFTER_MS = 2_000;
const CHECKSUM_BYTES = 32;
/** The text that `Module.wrap` puts before the first character. */
const WRAPPER_LENGTH = Module.wrap('').indexOf('\n');

const checksum = (bytes: Buffer) => createHash('sha256').update(bytes).digest();

/** Loads the program's files (`.cjs` in `folder`) from the stored code of `entry`, and stores code that was missing. */
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
      // Columns are relative to the file, as in its source map.
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

/** The stored code; empty if it is missing or damaged. */
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
    // A folder of another user, or a full disk, costs only time.
    rmSync(draft, { force: true });
  }
}
