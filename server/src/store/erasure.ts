/**
 * Erasing: whom a message was for, what it said to them and what carriers said of them vanishes; the row stays for the
 * counters, with the address ''. What no carrier has yet is canceled first. What is being handed over at this moment, or
 * is in doubt, is not erased: its outcome is still to be written. Suppressions are not touched.
 */
import type pg from 'pg';
import { messageUuidRange, operationUuidOf, ordinalOf } from '../domain/ids.ts';
import type { Database } from './database.ts';
import { cancelMessage, cancelOperation } from './operations.ts';

/** Cancels and erases a message that there is. False, and it is not erased, while a carrier may be taking it. */
export async function eraseMessage(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const operationId = operationUuidOf(id);
  const ordinal = ordinalOf(id);
  await cancelMessage(database, accountId, operationId, ordinal);
  return database.transact(async (client) => {
    await client.query('select 1 from message where account_id = $1 and id = $2 for update', [
      accountId,
      id,
    ]);
    // After the lock, so that it sees the batch that whoever held the message has added.
    const { rows } = await client.query<{ busy: boolean }>(
      `select exists (select 1 from message m join dispatch_batch b on b.attempt > m.attempt
         where m.account_id = $1 and m.id = $2 and m.status not in ('FAILED', 'CANCELED')
           and b.account_id = $1 and b.operation_id = $3 and $4 = any(b.ordinals)) as busy`,
      [accountId, id, operationId, ordinal],
    );
    if (rows[0]?.busy) return false;
    await eraseRows(client, accountId, id, id);
    return true;
  });
}

/**
 * Cancels an operation that there is and erases it with all its messages, files and unaddressable recipients. False, and
 * nothing is erased, while a carrier may be taking any of them.
 */
export async function eraseOperation(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  await cancelOperation(database, accountId, id);
  const { first, last } = messageUuidRange(id);
  return database.transact(async (client) => {
    await client.query(
      'select 1 from message where account_id = $1 and id between $2 and $3 order by id for update',
      [accountId, first, last],
    );
    const { rows } = await client.query<{ busy: boolean }>(
      'select exists (select 1 from dispatch_batch where account_id = $1 and operation_id = $2) as busy',
      [accountId, id],
    );
    if (rows[0]?.busy) return false;
    await eraseRows(client, accountId, first, last);
    await client.query(
      `update unaddressable set addresses = '[]' where account_id = $1 and id between $2 and $3`,
      [accountId, first, last],
    );
    await client.query('delete from email_attachment where account_id = $1 and operation_id = $2', [
      accountId,
      id,
    ]);
    await client.query(
      `update operation set content = '{}', tags = '{}', revision = revision + 1,
         updated_at = greatest(updated_at, clock_timestamp())
       where account_id = $1 and id = $2`,
      [accountId, id],
    );
    return true;
  });
}

/** Messages from `first` to `last`, and what carriers have said of them. By what carriers call them, receipts still count. */
async function eraseRows(
  client: pg.PoolClient,
  accountId: number,
  first: string,
  last: string,
): Promise<void> {
  const values = [accountId, first, last];
  await client.query(
    `update message set address = '', addresses = null, variables = null, tags = null, provider_id = null,
       error_detail = null, earlier = null, updated_at = clock_timestamp()
     where account_id = $1 and id between $2 and $3 and address <> ''`,
    values,
  );
  await client.query(
    'update parked_receipt set detail = null where account_id = $1 and message_id between $2 and $3',
    values,
  );
}

/** Erases a message from a person; an answer that is still owed is not sent. False when there is none. */
export async function eraseInbound(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    `update inbound_message set from_address = '', text = '', provider_id = null, reply = null
     where account_id = $1 and id = $2 and from_address <> ''`,
    [accountId, id],
  );
  return rowCount === 1;
}
