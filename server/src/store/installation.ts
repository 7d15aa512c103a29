/** Secrets that the installation made at its first start, the same for all nodes and restarts. */
import { randomBytes } from 'node:crypto';
import type { Database } from './database.ts';

const SECRET_BYTES = 32;

/** The secret of this name. The first call creates it. */
export async function fetchSecret(database: Database, name: string): Promise<Buffer> {
  await database.query(
    'insert into installation_secret (name, secret) values ($1, $2) on conflict do nothing',
    [name, randomBytes(SECRET_BYTES)],
  );
  const { rows } = await database.query<{ secret: Buffer }>(
    'select secret from installation_secret where name = $1',
    [name],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`The secret "${name}" was removed while it was read.`);
  return row.secret;
}
