/** The suppression list of an account. */
import { newUuid, uuidTimeMs } from '../domain/ids.ts';
import { normaliseEmailAddress } from '../domain/email-address.ts';
import type { AddressChannel } from '../domain/message.ts';
import type { Suppression } from '../domain/suppression.ts';
import type { Database, Querier } from './database.ts';
import { checkQuota } from './quotas.ts';

export interface SuppressionEntry extends Suppression {
  readonly id: string;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** What addresses are suppressed for; both null: for the whole account. */
export interface SuppressionScope {
  readonly senderId: string | null;
  readonly poolId: string | null;
}

interface SuppressionRow {
  id: string;
  address: string;
  sender_id: string | null;
  pool_id: string | null;
  reason: string | null;
}

function toEntry({ id, address, sender_id, pool_id, reason }: SuppressionRow): SuppressionEntry {
  const createdAt = new Date(uuidTimeMs(id));
  return { id, address, senderId: sender_id, poolId: pool_id, reason, createdAt };
}

/** The suppressions of any of these addresses. */
export async function findSuppressions(
  database: Database,
  accountId: number,
  addresses: readonly string[],
): Promise<Suppression[]> {
  // Most accounts have no list: asking costs less than carrying ten thousand addresses there.
  const { rowCount } = await database.query(
    'select 1 from suppression where account_id = $1 limit 1',
    [accountId],
  );
  if (rowCount === 0) return [];
  const { rows } = await database.query<SuppressionRow>(
    'select id, address, sender_id, pool_id, reason from suppression where account_id = $1 and address = any($2)',
    [accountId, addresses],
  );
  return rows.map(toEntry);
}

/** Suppresses addresses as their account asks. Resolves with the entries that are new. @throws QuotaExceeded */
export function addSuppressions(
  database: Database,
  accountId: number,
  addresses: readonly string[],
  scope: SuppressionScope,
  reason: string | null,
): Promise<SuppressionEntry[]> {
  return database.transact(async (client) => {
    const made = await optOut(client, accountId, addresses, scope, reason);
    if (made.length > 0) await checkQuota(client, accountId, 'suppression');
    return made;
  });
}

/**
 * Suppresses addresses whose people ask for it, however many there are. Resolves with the entries that are new; those that were
 * there stay as they are.
 */
export async function optOut(
  database: Querier,
  accountId: number,
  addresses: readonly string[],
  scope: SuppressionScope,
  reason: string | null,
): Promise<SuppressionEntry[]> {
  const now = Date.now();
  const { rows } = await database.query<SuppressionRow>(
    `insert into suppression (account_id, id, address, sender_id, pool_id, reason)
     select $1, id, address, $4, $5, $6 from unnest($2::uuid[], $3::text[]) as given(id, address)
     on conflict do nothing returning id, address, sender_id, pool_id, reason`,
    [accountId, addresses.map(() => newUuid(now)), addresses, scope.senderId, scope.poolId, reason],
  );
  return rows.map(toEntry);
}

/** Suppresses the address that a message went to, for its whole account. */
export async function suppressRecipient(
  database: Database,
  accountId: number,
  messageId: string,
  reason: string,
): Promise<void> {
  const { rows } = await database.query<{ address: string; address_channel: AddressChannel }>(
    'select address, address_channel from message where account_id = $1 and id = $2 and address <> $3',
    // Of one that was erased nobody knows whom it went to.
    [accountId, messageId, ''],
  );
  const [row] = rows;
  if (row === undefined) return;
  const address =
    row.address_channel === 'EMAIL' ? normaliseEmailAddress(row.address) : row.address;
  await optOut(database, accountId, [address], { senderId: null, poolId: null }, reason);
}

/** Entries, newest first, at most `limit`; `address` null is any. Ids lie strictly between `after` and `before`. */
export async function listSuppressions(
  database: Database,
  accountId: number,
  filter: { readonly after: string; readonly before: string; readonly address: string | null },
  limit: number,
): Promise<SuppressionEntry[]> {
  const { rows } = await database.query<SuppressionRow>(
    `select id, address, sender_id, pool_id, reason from suppression
     where account_id = $1 and id > $2 and id < $3 and ($4::text is null or address = $4)
     order by id desc limit $5`,
    [accountId, filter.after, filter.before, filter.address, limit],
  );
  return rows.map(toEntry);
}

/** Takes an entry off the list; false when there is none. */
export async function removeSuppression(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from suppression where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rowCount === 1;
}
