/**
 * Erases a message: its addresses, its words and the carriers' words. The row stays for the
 * counters, and with its status and the time of the erasure for its reader. A message that no carrier has is canceled first. A message that
 * is being submitted, or is in doubt, is not erased, because its outcome has yet to be written.
 * Suppressions stay.
 */
import type pg from 'pg';
import { messageUuidRange, operationUuidOf, ordinalOf } from '../domain/ids.ts';
import type { Database } from './database.ts';
import { cancelMessage, cancelOperation } from './operations.ts';

/** Cancels and erases a message that there is, unless it is erased. False, and it is not erased, while a carrier may be taking it. */
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
    return eraseRows(
      client,
      `select from message m join dispatch_batch b on b.attempt > m.attempt
       where m.account_id = $1 and m.id = $2 and m.status not in ('FAILED', 'CANCELED')
         and b.account_id = $1 and b.operation_id = $4 and $5::int = any(b.ordinals)`,
      `whole as (update operation set changed_sections = changed_sections | section_bit($2)
         where account_id = $1 and id = $4 and exists (select from free)),`,
      [accountId, id, id, operationId, ordinal],
    );
  });
}

/**
 * Cancels an existing operation and erases it with all its messages, files and unaddressable recipients. False, and
 * nothing is erased, while a carrier may be receiving any of them.
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
    return eraseRows(
      client,
      'select from dispatch_batch where account_id = $1 and operation_id = $4',
      `others as (update unaddressable set addresses = '[]'
         where account_id = $1 and id between $2 and $3 and exists (select from free)),
       files as (delete from email_attachment
         where account_id = $1 and operation_id = $4 and exists (select from free)),
       whole as (update operation set content = '{}', tags = '{}', revision = revision + 1, changed_sections = -1,
           updated_at = greatest(updated_at, clock_timestamp())
         where account_id = $1 and id = $4 and exists (select from free)),`,
      [accountId, first, last, id],
    );
  });
}

/**
 * Erases the messages from `$2` to `$3`, their carriers' reports, and the rows that `more` selects, unless `busy`
 * selects a row. It is one statement, after the statement that has locked the messages, so it sees the batch that the
 * last owner of a lock has added. Carriers' ids stay, so receipts still count. The time of the last change stays, too:
 * reports take it for the time of the last receipt.
 */
async function eraseRows(
  client: pg.PoolClient,
  busy: string,
  more: string,
  values: readonly unknown[],
): Promise<boolean> {
  const { rows } = await client.query<{ erased: boolean }>(
    `with free as materialized (select where not exists (${busy})),
     ${more}
     messages as (update message set address = '', addresses = null, variables = null, tags = null, provider_id = null,
         error_detail = null, earlier = null, deleted_at = statement_timestamp()
       where account_id = $1 and id between $2 and $3 and deleted_at is null and exists (select from free)),
     parked as (update parked_receipt set detail = null
       where account_id = $1 and message_id between $2 and $3 and exists (select from free))
     select exists (select from free) as erased`,
    values as unknown[],
  );
  return rows[0]?.erased === true;
}

/**
 * Erases a message from a person, unless it is erased, and does not lead to its answer any more. An answer that is still
 * unsent is not sent. False if the message does not exist.
 */
export async function eraseInbound(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    `update inbound_message set from_address = '', text = '', provider_id = null, reply = null, reply_id = null,
       deleted_at = coalesce(deleted_at, clock_timestamp())
     where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rowCount === 1;
}
