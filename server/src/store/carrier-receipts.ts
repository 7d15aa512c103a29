/**
 * Receipts that quote the carrier's own id. Each is matched to the attempt whose answer contained
 * that id; parts of a long message are combined. An unmatched receipt waits for a while, because
 * it can overtake the answer.
 */
import type pg from 'pg';
import type { Database } from './database.ts';
import type { MatchedReceipt } from '../domain/receipt.ts';

/** A receipt as this carrier gave it. */
export interface CarrierReceipt {
  readonly carrier: string;
  /** The id as received, then other spellings (`domain/receipt.ts`). Empty ids mean nothing. */
  readonly providerIds: readonly string[];
  /** One of them is the recipient's; null: the receipt does not say. */
  readonly recipients: readonly string[] | null;
  /** It counts only when one of `recipients` is certainly the message's. */
  readonly mustMatch: boolean;
  readonly status: MatchedReceipt['status'];
  readonly code: number | null;
  readonly detail: string | null;
}

/** An attempt, or a part of one, as the carrier knows it. */
export interface SentPart {
  readonly carrier: string;
  readonly providerId: string;
  readonly accountId: number;
  readonly messageId: string;
  readonly attempt: number;
  /** How many parts the attempt has. */
  readonly parts: number;
  /** The addresses of its recipient; none after it was erased. */
  readonly recipients: readonly string[];
}

/** Carriers reuse ids. Of the messages that had one id, this many are considered, the latest first. */
const SAME_ID_MAX = 10;
const PART = 'provider_id, account_id, message_id, attempt, parts';
const FOLDED = `ltrim(lower(c.provider_id collate "C"), '0')`;

/**
 * The messages with these ids at these carriers, the latest first.
 * @param how `exact`: as received; `folded`: also ids whose folded form is the same
 */
export async function findSentParts(
  database: Database,
  carriers: readonly string[],
  ids: readonly string[],
  how: 'exact' | 'folded',
): Promise<readonly SentPart[]> {
  const latest = `order by message_id desc limit ${SAME_ID_MAX}`;
  const folded = `union all (select ${PART} from carrier_message c
    where c.carrier = l.carrier and ${FOLDED} = i.id and c.provider_id <> ${FOLDED} ${latest})`;
  const { rows } = await database.query<{
    carrier: string;
    provider_id: string;
    account_id: number;
    message_id: string;
    attempt: number;
    parts: number;
  }>(
    `select l.carrier, c.* from unnest($1::text[]) as l(carrier) cross join unnest($2::text[]) as i(id)
     cross join lateral (
       (select ${PART} from carrier_message c where c.carrier = l.carrier and c.provider_id = i.id ${latest})
       ${how === 'folded' ? folded : ''}) c
     order by c.message_id desc`,
    [carriers, [...new Set(ids)]],
  );
  const recipients = await findRecipients(database, rows);
  return rows.map((row) => ({
    carrier: row.carrier,
    providerId: row.provider_id,
    accountId: row.account_id,
    messageId: row.message_id,
    attempt: row.attempt,
    parts: row.parts,
    recipients: recipients.get(row.message_id) ?? [],
  }));
}

/** Addresses of messages. A statement of its own: a join with the ids found would read all messages. */
async function findRecipients(
  database: Database,
  sent: readonly { readonly account_id: number; readonly message_id: string }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (sent.length === 0) return new Map();
  const { rows } = await database.query<{ id: string; recipients: string[] }>(
    `select id, array(select address union all
       select each ->> 'address' from jsonb_array_elements(coalesce(addresses, '[]')) each) as recipients
     from message where account_id = any($1::int[]) and id = any($2::uuid[])`,
    [
      [...new Set(sent.map((each) => each.account_id))],
      [...new Set(sent.map((each) => each.message_id))],
    ],
  );
  return new Map(rows.map((row) => [row.id, row.recipients]));
}

/** A receipt for a part. */
export interface PartReceipt {
  readonly part: SentPart;
  readonly receipt: CarrierReceipt;
}

/**
 * Notes the status of each part and returns the resulting status of its message: UNDELIVERED with its first part that is
 * lost, DELIVERED with its last part that arrives. The parts of a message are locked together: if two
 * nodes note one part each, the second sees both.
 */
export async function combineParts(
  database: Database,
  noted: readonly PartReceipt[],
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

async function notePartStatuses(
  client: pg.PoolClient,
  noted: readonly PartReceipt[],
): Promise<void> {
  await client.query(
    `update carrier_message c set status = greatest(c.status, r.status)
     from (select carrier, provider_id, message_id, max(status) as status
       from unnest($1::text[], $2::text[], $3::uuid[], $4::message_status[]) as r(carrier, provider_id, message_id, status)
       group by 1, 2, 3) r
     where c.carrier = r.carrier and c.provider_id = r.provider_id and c.message_id = r.message_id
       and c.carrier = any($1) and c.provider_id = any($2) and c.message_id = any($3)`,
    [
      noted.map(({ part }) => part.carrier),
      noted.map(({ part }) => part.providerId),
      noted.map(({ part }) => part.messageId),
      noted.map(({ receipt }) => receipt.status),
    ],
  );
}

/** Pauses between the tries of a parked receipt double, from this. */
const PARKED_PAUSE_MS = 250;
/** After this many tries, in a bit more than an hour, it is unmatched. */
const PARKED_TRIES_MAX = 14;
/** Parked receipts tried in one go. */
const PARKED_MAX = 500;

/** Keeps receipts that match nothing yet, to be tried again. */
export async function parkCarrierReceipts(
  database: Database,
  receipts: readonly CarrierReceipt[],
): Promise<void> {
  await database.query(
    `insert into parked_carrier_receipt (carrier, provider_ids, recipients, must_match, status, code, detail, due_at)
     select carrier, string_to_array(ids, chr(1)), string_to_array(recipients, chr(1)), must_match, status, code, detail,
       now() + $8 * interval '1 millisecond'
     from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::message_status[], $6::int[], $7::text[])
       as r(carrier, ids, recipients, must_match, status, code, detail)`,
    [
      receipts.map((each) => each.carrier),
      receipts.map((each) => each.providerIds.join('\u0001')),
      receipts.map((each) => each.recipients?.join('\u0001') ?? null),
      receipts.map((each) => each.mustMatch),
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
    carrier: string;
    provider_ids: string[];
    recipients: string[] | null;
    must_match: boolean;
    status: MatchedReceipt['status'];
    code: number | null;
    detail: string | null;
    tries: number;
  }>(
    `update parked_carrier_receipt p set tries = tries + 1,
       due_at = now() + $1 * interval '1 millisecond' * 2 ^ (tries + 1)
     where p.id = any(array(select id from parked_carrier_receipt where due_at <= now()
       order by due_at limit ${PARKED_MAX} for update skip locked))
     returning id, carrier, provider_ids, recipients, must_match, status, code, detail, tries`,
    [PARKED_PAUSE_MS],
  );
  return rows.map(({ provider_ids: providerIds, must_match: mustMatch, ...row }) => ({
    ...row,
    providerIds,
    mustMatch,
  }));
}

/** Forgets parked receipts that have been applied. */
export async function dropParkedCarrierReceipts(
  database: Database,
  ids: readonly string[],
): Promise<void> {
  await database.query('delete from parked_carrier_receipt where id = any($1)', [ids]);
}

/** Deletes parked receipts that matched nothing in all their tries. Resolves with their number. */
export async function dropUnmatchedCarrierReceipts(database: Database): Promise<number> {
  const { rowCount } = await database.query(
    'delete from parked_carrier_receipt where tries >= $1',
    [PARKED_TRIES_MAX],
  );
  return rowCount ?? 0;
}
