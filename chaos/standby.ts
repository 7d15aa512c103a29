/**
 * A standby of a PostgreSQL that runs: an embedded one of its own, which streams from the first. It is made by the low-level
 * backup API ("Making a Base Backup Using the Low Level API" of the manual), since pg_basebackup does not come with the packages.
 */
import { appendFile, chown, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  clusterFolder,
  recordFile,
  startEmbedded,
  type EmbeddedPostgres,
} from '../server/src/engine/embedded.ts';
import pg from 'pg';

/** The standby's name. */
export const STANDBY = 'standby';

/** Belongs to the running server, or comes by streaming. */
const LEFT_OUT = /^(postmaster\.(pid|opts)|\.s\.PGSQL\..+|(pg_wal|pg_replslot)\/.+)$/;

/** Makes a standby of the PostgreSQL at `url` with data in `primaryDir`, and starts it in `standbyDir`. */
export async function startStandby(
  url: string,
  primaryDir: string,
  standbyDir: string,
): Promise<EmbeddedPostgres> {
  const [from, to] = [clusterFolder(primaryDir), clusterFolder(standbyDir)];
  await mkdir(standbyDir, { mode: 0o700 });
  const label = await backUp(url, () => copyTree(from, to, ''));
  const { hostname, port, username, password } = new URL(url);
  const source = `host=${hostname} port=${port} user=${username} password=${password} application_name=${STANDBY}`;
  await appendFile(join(to, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
  const { uid, gid } = await stat(to);
  for (const [name, text] of [
    ['backup_label', label],
    ['standby.signal', ''],
  ] as const) {
    await writeFile(join(to, name), text, { mode: 0o600 });
    await chown(join(to, name), uid, gid);
  }
  // Roles are copied with all else, so the password is the same.
  await copyFile(recordFile(primaryDir), recordFile(standbyDir));
  return startEmbedded({ dataDir: standbyDir });
}

/** Copies while a backup is open; resolves with the label that the copy needs. Both ends must be of one session. */
async function backUp(url: string, copy: () => Promise<void>): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('select pg_backup_start($1, fast => true)', [STANDBY]);
    await copy();
    const { rows } = await client.query<{ label: string }>(
      'select labelfile as label from pg_backup_stop(wait_for_archive => false)',
    );
    return rows[0]?.label ?? '';
  } finally {
    await client.end();
  }
}

/** Copies the existing cluster with its owner, who is another user if we are root. */
async function copyTree(from: string, to: string, path: string): Promise<void> {
  const [source, target] = [join(from, path), join(to, path)];
  try {
    const info = await stat(source);
    if (info.isDirectory()) {
      await mkdir(target, { mode: info.mode });
      for (const name of await readdir(source))
        if (!LEFT_OUT.test(join(path, name))) await copyTree(from, to, join(path, name));
    } else await copyFile(source, target);
    await chown(target, info.uid, info.gid);
  } catch (error) {
    // The server continues: a file may be dropped meanwhile, and its log reports that.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
