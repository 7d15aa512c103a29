/**
 * Erases a message: its addresses, its words and the carriers' words. The row stays for the
 * counters, and with its status and the time of the erasure for its reader. A message that no carrier has is canceled first. A message that
 * is being submitted, or is in doubt, is not erased, because its outcome has yet to be written.
 * Suppressions stay.
 */
import type pg from 'pg';
import { messageUuidRange, operationUuidOf, ordinalOf } from '../domain/ids.ts';
import type { Database } from './database.ts';
import { cancelMessage, PIECE_MAX } from './cancels.ts';

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
 * Erases an operation whose cancel was requested, with all its messages, files and unaddressable recipients. "busy": nothing
 * is erased, while a carrier may be receiving any of them. "begun": its task erases the rest, the operation itself last.
 */
export async function eraseOperation(
  database: Database,
  accountId: number,
  id: string,
): Promise<'erased' | 'busy' | 'begun'> {
  const { rows } = await database.query<{ large: boolean; erased: boolean }>(
    `select recipients > ${PIECE_MAX} as large, content = '{}' as erased from operation where account_id = $1 and id = $2`,
    [accountId, id],
  );
  const [operation] = rows;
  if (operation?.large !== true) {
    const { first, last } = messageUuidRange(id);
    const range = { accountId, operationId: id, first, last, isLast: true };
    return database.transact(async (client) =>
      (await eraseRange(client, range)) ? 'erased' : 'busy',
    );
  }
  if (operation.erased) return 'erased';
  const { rowCount } = await database.query(
    `insert into operation_task (account_id, operation_id, state, erased_to) select $1, $2, 'ACCEPTED', $2
     where not exists (select from dispatch_batch where account_id = $1 and operation_id = $2)
       and not exists (select from operation_chunk where account_id = $1 and operation_id = $2)
     on conflict (account_id, operation_id) do update set erased_to = coalesce(operation_task.erased_to, excluded.erased_to)`,
    [accountId, id],
  );
  return rowCount === 0 ? 'busy' : 'begun';
}

/** Messages of an operation, from one id to another. */
export interface EraseRange {
  readonly accountId: number;
  readonly operationId: string;
  readonly first: string;
  readonly last: string;
  /** Whether nothing is left after it: the operation itself is erased, too. */
  readonly isLast: boolean;
}

/** The last part of an operation that is erased. */
const END_OF_ERASURE = `, content = '{}', tags = '{}', revision = revision + 1, updated_at = greatest(updated_at, clock_timestamp())`;

/** Erases a part of an operation, in a transaction of the caller's. False, and nothing is erased, while a batch is left or to come. */
export async function eraseRange(
  client: pg.PoolClient,
  { accountId, operationId, first, last, isLast }: EraseRange,
): Promise<boolean> {
  await client.query(
    'select 1 from message where account_id = $1 and id between $2 and $3 order by id for update',
    [accountId, first, last],
  );
  return eraseRows(
    client,
    `select from dispatch_batch where account_id = $1 and operation_id = $4
     union all select from operation_chunk where account_id = $1 and operation_id = $4`,
    `others as (update unaddressable set addresses = '[]'
       where account_id = $1 and id between $2 and $3 and exists (select from free)),
     files as (delete from email_attachment
       where account_id = $1 and operation_id = $4 and ${isLast} and exists (select from free)),
     whole as (update operation set changed_sections = -1${isLast ? END_OF_ERASURE : ''}
       where account_id = $1 and id = $4 and exists (select from free)),`,
    [accountId, first, last, operationId],
  );
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
