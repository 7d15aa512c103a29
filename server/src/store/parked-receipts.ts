/**
 * Receipts that arrived before the outcome of their attempt was written. They are retried with
 * growing delays and kept until they are applied, so a crash loses none. Applying one twice has no
 * effect.
 */
import type { MatchedReceipt } from '../domain/receipt.ts';
import type { Database } from './database.ts';

/** Pauses between tries of a parked receipt double, from the first to the second value, in milliseconds. */
const PAUSE_MS = 250;
const PAUSE_MS_MAX = 60_000;
/** Parked receipts tried together. */
const PARKED_MAX = 500;
/** A receipt whose attempt is never settled is unmatched after this time. */
const PARKED_KEPT = '4 days';
/** Parked receipts dropped together. */
const DROPPED_MAX = 5_000;

/** Keeps receipts until their attempts are settled. */
export async function parkReceipts(
  database: Database,
  receipts: readonly MatchedReceipt[],
): Promise<void> {
  await database.query(
    `insert into parked_receipt (account_id, message_id, attempt, status, code, detail, received_at)
     select *, now() from unnest($1::int[], $2::uuid[], $3::smallint[], $4::message_status[], $5::int[], $6::text[])
     on conflict do nothing`,
    [
      receipts.map((each) => each.accountId),
      receipts.map((each) => each.messageId),
      receipts.map((each) => each.attempt),
      receipts.map((each) => each.status),
      receipts.map((each) => each.code),
      receipts.map((each) => each.detail),
    ],
  );
}

/** The result of a look at due receipts. */
export interface DueReceipts {
  /** Whether more may be due. */
  readonly hasMore: boolean;
  /** Receipts whose attempt is settled, to be applied. */
  readonly settled: readonly MatchedReceipt[];
}

/** Reads parked receipts that are due; another node skips them until they are due again. */
export async function takeParkedReceipts(database: Database): Promise<DueReceipts> {
  const { rows } = await database.query<MatchedReceipt>(
    `with due as materialized (
       select account_id, message_id, attempt, status from parked_receipt where due_at <= now()
       order by due_at limit ${PARKED_MAX} for update skip locked)
     update parked_receipt p set tries = least(p.tries + 1, 30),
       due_at = now() + least(${PAUSE_MS_MAX}, ${PAUSE_MS} * 2.0 ^ p.tries) * interval '1 millisecond'
     from due d where p.account_id = d.account_id and p.message_id = any(array(select message_id from due))
       and p.message_id = d.message_id and p.attempt = d.attempt and p.status = d.status
     returning p.account_id as "accountId", p.message_id as "messageId", p.attempt, p.status, p.code, p.detail`,
  );
  const attempts = await fetchAttempts(database, rows);
  return {
    hasMore: rows.length === PARKED_MAX,
    settled: rows.filter((row) => (attempts.get(row.messageId) ?? -1) >= row.attempt),
  };
}

/** Attempts settled so far, by message. By ids that the statement brings, so that only their days are read. */
export async function fetchAttempts(
  database: Database,
  parked: readonly Pick<MatchedReceipt, 'accountId' | 'messageId'>[],
): Promise<ReadonlyMap<string, number>> {
  if (parked.length === 0) return new Map();
  const { rows } = await database.query<{ id: string; attempt: number }>(
    'select id, attempt from message where account_id = any($1::int[]) and id = any($2::uuid[])',
    [
      [...new Set(parked.map((each) => each.accountId))],
      [...new Set(parked.map((each) => each.messageId))],
    ],
  );
  return new Map(rows.map(({ id, attempt }) => [id, attempt]));
}

/** Drops parked receipts that were applied. */
export async function dropParkedReceipts(
  database: Database,
  receipts: readonly Pick<MatchedReceipt, 'accountId' | 'messageId' | 'attempt' | 'status'>[],
): Promise<void> {
  await database.query(
    `delete from parked_receipt p
     using unnest($1::int[], $2::uuid[], $3::smallint[], $4::message_status[]) as r(account_id, message_id, attempt, status)
     where p.account_id = any($1::int[]) and p.message_id = any($2::uuid[]) and p.account_id = r.account_id
       and p.message_id = r.message_id and p.attempt = r.attempt and p.status = r.status`,
    [
      receipts.map((each) => each.accountId),
      receipts.map((each) => each.messageId),
      receipts.map((each) => each.attempt),
      receipts.map((each) => each.status),
    ],
  );
}

/**
 * Drops some of the parked receipts that no attempt ever claimed. Resolves with whether there may be more: receipts that are
 * being tried at the moment are skipped, so fewer than the limit do not mean the end.
 */
export async function dropOldParkedReceipts(database: Database): Promise<boolean> {
  const { rowCount } = await database.query(
    `delete from parked_receipt where ctid = any(array(
       select ctid from parked_receipt where received_at < now() - interval '${PARKED_KEPT}'
       order by received_at limit ${DROPPED_MAX} for update skip locked))`,
  );
  return (rowCount ?? 0) > 0;
}
