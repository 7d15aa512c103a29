/**
 * Receipts that name a submission by the carrier's own id: matched to the attempt whose answer brought that id, the
 * parts of a long message put together. What matches nothing waits for a while: the answer may be later than the receipt.
 */
import type pg from 'pg';
import type { Database } from './database.ts';
import type { MatchedReceipt } from './receipts.ts';

/** A receipt as a carrier of this lane gave it. */
export interface CarrierReceipt {
  readonly lane: string;
  /** What the id may mean: itself, then other spellings. At least one. */
  readonly providerIds: readonly string[];
  readonly status: MatchedReceipt['status'];
  readonly code: number | null;
  readonly detail: string | null;
}

/** An attempt, or a part of one, as the carrier knows it. */
export interface SentPart {
  readonly lane: string;
  readonly providerId: string;
  readonly accountId: number;
  readonly messageId: string;
  readonly attempt: number;
  /** How many parts the attempt has. */
  readonly parts: number;
}

/** What these ids of one carrier name, by id. Carriers begin anew one day: the latest message that had an id is meant. */
export async function findSentParts(
  database: Database,
  lane: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SentPart>> {
  const { rows } = await database.query<{
    provider_id: string;
    account_id: number;
    message_id: string;
    attempt: number;
    parts: number;
  }>(
    `select distinct on (provider_id) provider_id, account_id, message_id, attempt, parts
     from carrier_message where lane = $1 and provider_id = any($2) order by provider_id, message_id desc`,
    [lane, [...new Set(ids)]],
  );
  return new Map(
    rows.map((row) => [
      row.provider_id,
      {
        lane,
        providerId: row.provider_id,
        accountId: row.account_id,
        messageId: row.message_id,
        attempt: row.attempt,
        parts: row.parts,
      },
    ]),
  );
}

/** News of a part. */
export interface PartNews {
  readonly part: SentPart;
  readonly receipt: CarrierReceipt;
}

/**
 * Notes what is known of each part and tells what that makes of its message: UNDELIVERED with its first part that is
 * lost, DELIVERED with its last part that arrives. The parts of a message are locked together, so that of two nodes
 * which note one part each, the second sees both.
 */
export async function combineParts(
  database: Database,
  noted: readonly PartNews[],
): Promise<MatchedReceipt[]> {
  const statuses = await database.transact(async (client) => {
    const messages = [...new Set(noted.map(({ part }) => part.messageId))];
    await client.query(
      `select 1 from carrier_message where message_id = any($1) and parts > 1
       order by message_id, attempt, part for update`,
      [messages],
    );
    await notePartStatuses(client, noted);
    const { rows } = await client.query<{
      account_id: number;
      message_id: string;
      attempt: number;
      status: MatchedReceipt['status'] | null;
    }>(
      `select account_id, message_id, attempt,
         case when bool_and(coalesce(status >= 'DELIVERED', false)) then min(status)
           when bool_or(coalesce(status = 'UNDELIVERED', false)) then 'UNDELIVERED' end as status
       from carrier_message where message_id = any($1) and parts > 1 group by account_id, message_id, attempt`,
      [messages],
    );
    return rows;
  });
  return statuses.flatMap((row) => {
    const said = noted.filter(
      ({ part }) => part.messageId === row.message_id && part.attempt === row.attempt,
    );
    const cause = said.find(({ receipt }) => receipt.status === row.status) ?? said[0];
    return row.status === null || cause === undefined
      ? []
      : [
          {
            accountId: row.account_id,
            messageId: row.message_id,
            attempt: row.attempt,
            status: row.status,
            code: cause.receipt.code,
            detail: cause.receipt.detail,
          },
        ];
  });
}

async function notePartStatuses(client: pg.PoolClient, noted: readonly PartNews[]): Promise<void> {
  await client.query(
    `update carrier_message c set status = greatest(c.status, r.status)
     from (select lane, provider_id, message_id, max(status) as status
       from unnest($1::text[], $2::text[], $3::uuid[], $4::message_status[]) as r(lane, provider_id, message_id, status)
       group by 1, 2, 3) r
     where c.lane = r.lane and c.provider_id = r.provider_id and c.message_id = r.message_id
       and c.message_id = any($3::uuid[])`,
    [
      noted.map(({ part }) => part.lane),
      noted.map(({ part }) => part.providerId),
      noted.map(({ part }) => part.messageId),
      noted.map(({ receipt }) => receipt.status),
    ],
  );
}

/** Pauses between the tries of a parked receipt double, from this. */
const PARKED_PAUSE_MS = 250;
/** After so many tries, a bit more than an hour in all, it is a stranger's. */
const PARKED_TRIES_MAX = 14;
/** Parked receipts tried in one go. */
const PARKED_MAX = 500;

/** Keeps receipts that match nothing yet, to be tried again. */
export async function parkCarrierReceipts(
  database: Database,
  receipts: readonly CarrierReceipt[],
): Promise<void> {
  await database.query(
    `insert into parked_carrier_receipt (lane, provider_ids, status, code, detail, due_at)
     select lane, string_to_array(ids, chr(1)), status, code, detail, now() + $6 * interval '1 millisecond'
     from unnest($1::text[], $2::text[], $3::message_status[], $4::int[], $5::text[])
       as r(lane, ids, status, code, detail)`,
    [
      receipts.map((each) => each.lane),
      receipts.map((each) => each.providerIds.join('\u0001')),
      receipts.map((each) => each.status),
      receipts.map((each) => each.code),
      receipts.map((each) => each.detail),
      PARKED_PAUSE_MS,
    ],
  );
}

/** A parked receipt that is due, for the `tries`th time. */
export interface ParkedCarrierReceipt extends CarrierReceipt {
  readonly id: string;
  readonly tries: number;
}

/** Parked receipts that are due, to be tried by this node; another leaves them alone until they are due again. */
export async function takeParkedCarrierReceipts(
  database: Database,
): Promise<ParkedCarrierReceipt[]> {
  const { rows } = await database.query<{
    id: string;
    lane: string;
    provider_ids: string[];
    status: MatchedReceipt['status'];
    code: number | null;
    detail: string | null;
    tries: number;
  }>(
    `update parked_carrier_receipt p set tries = tries + 1,
       due_at = now() + $1 * interval '1 millisecond' * 2 ^ (tries + 1)
     where p.id = any(array(select id from parked_carrier_receipt where due_at <= now()
       order by due_at limit ${PARKED_MAX} for update skip locked))
     returning id, lane, provider_ids, status, code, detail, tries`,
    [PARKED_PAUSE_MS],
  );
  return rows.map(({ provider_ids: providerIds, ...row }) => ({ ...row, providerIds }));
}

/** Forgets parked receipts that have been applied. */
export async function dropParkedCarrierReceipts(
  database: Database,
  ids: readonly string[],
): Promise<void> {
  await database.query('delete from parked_carrier_receipt where id = any($1)', [ids]);
}

/** Forgets parked receipts that nothing has claimed in all their tries. Resolves with their number. */
export async function dropStrangeCarrierReceipts(database: Database): Promise<number> {
  const { rowCount } = await database.query(
    'delete from parked_carrier_receipt where tries >= $1',
    [PARKED_TRIES_MAX],
  );
  return rowCount ?? 0;
}
