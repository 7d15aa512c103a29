/**
 * Access of the command line to the server on the same machine: a URL and an API key, in a file of the data folder that
 * only the owner can read. A server with an embedded database writes this file; after a deletion, the next start writes a
 * new one.
 */
import { readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONFIG_FILE, DATA_DIR_DEFAULT } from './defaults.ts';

export interface LocalAccess {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly apiKeySecret: string;
}

const FILE = 'cli.json';

export function localAccessFile(dataDir: string): string {
  return join(dataDir, FILE);
}

/** Null if there is none. */
export function readLocalAccess(dataDir: string): LocalAccess | null {
  try {
    const read = JSON.parse(readFileSync(localAccessFile(dataDir), 'utf8')) as Partial<LocalAccess>;
    const { baseUrl, apiKey, apiKeySecret } = read;
    return baseUrl && apiKey && apiKeySecret ? { baseUrl, apiKey, apiKeySecret } : null;
  } catch {
    return null;
  }
}

/** Replaces it as a whole. */
export async function writeLocalAccess(dataDir: string, access: LocalAccess): Promise<void> {
  const file = localAccessFile(dataDir);
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, `${JSON.stringify(access, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

export async function removeLocalAccess(dataDir: string): Promise<void> {
  await rm(localAccessFile(dataDir), { force: true });
}

/**
 * The data folder of a configuration, without reading its other options, which takes time. Code that reads them reports
 * their problems.
 */
export function findDataDir(
  file: string | null,
  env: Readonly<Record<string, string | undefined>>,
): string {
  if (env['FANFARE_DATA_DIR']) return env['FANFARE_DATA_DIR'];
  try {
    const path = file ?? env['FANFARE_CONFIG'] ?? CONFIG_FILE;
    const { dataDir } = JSON.parse(readFileSync(path, 'utf8')) as { dataDir?: unknown };
    return typeof dataDir === 'string' ? dataDir : DATA_DIR_DEFAULT;
  } catch {
    return DATA_DIR_DEFAULT;
  }
}
