/** Senders: of the configuration, which serve all accounts, and of single accounts. */
import pg from 'pg';
import { wildcardOf } from '../domain/email-address.ts';
import { newUuid, timeOf, uuidTimeMs } from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import type { RateUnit, SenderLimits } from '../domain/rate-limit.ts';
import type { QuietHours } from '../domain/quiet-hours.ts';
import { senderKey, type Sender, type SenderStatus } from '../domain/sender.ts';
import type { Database, Querier } from './database.ts';
import { checkQuota } from './quotas.ts';

export interface SenderRow {
  id: string;
  account_id: number | null;
  channel: Channel;
  address: string;
  carrier: string;
  display_name: string | null;
  status: SenderStatus;
  is_default: boolean;
  tags: Record<string, string>;
  updated_at: Date;
  throughput: number | null;
  throughput_unit: RateUnit;
  daily_cap: number | null;
  quiet_start: string | null;
  quiet_end: string | null;
}

const COLUMNS = `s.id, s.account_id, s.channel, s.address, s.carrier, s.display_name, s.status, s.is_default, s.tags,
  s.updated_at, s.throughput, s.throughput_unit, s.daily_cap, s.quiet_start, s.quiet_end`;
/** Own senders before configured ones, defaults first, then the oldest. */
export const PREFERRED = 's.is_default desc, s.account_id is null, s.id';

function toSender(row: SenderRow): Sender {
  return {
    id: row.id,
    channel: row.channel,
    address: row.address,
    carrier: row.carrier,
    displayName: row.display_name,
    status: row.status,
    isDefault: row.is_default,
    tags: row.tags,
    throughput: row.throughput,
    throughputUnit: row.throughput_unit,
    dailyCap: row.daily_cap,
    quietHours: toQuietHours(row.quiet_start, row.quiet_end),
    configured: row.account_id === null,
    createdAt: new Date(uuidTimeMs(row.id)),
    updatedAt: timeOf(row.id, row.updated_at),
  };
}

/** Two columns as one value. */
export function toQuietHours(start: string | null, end: string | null): QuietHours | null {
  return start === null || end === null ? null : { start, end };
}

/** Whether the database says that an address has another owner. */
const isTaken = (error: unknown) =>
  error instanceof pg.DatabaseError && error.constraint === 'sender_owner';

/** A sender that the configuration has. */
type ConfiguredSender = SenderLimits & {
  readonly channel: Channel;
  readonly address: string;
  readonly carrier: string;
  readonly isDefault: boolean;
};

/**
 * Makes the stored senders of the configuration equal to it; senders that were removed from it are deactivated. Resolves
 * with the positions of senders that are left out, because accounts own their addresses.
 */
export async function syncConfiguredSenders(
  database: Database,
  senders: readonly ConfiguredSender[],
): Promise<number[]> {
  for (;;)
    try {
      return await bringIn(database, senders);
    } catch (error) {
      // An account was quicker, at this moment: now it is seen.
      if (!isTaken(error)) throw error;
    }
}

async function bringIn(
  database: Database,
  senders: readonly ConfiguredSender[],
): Promise<number[]> {
  const now = Date.now();
  const { rows: leftOut } = await database.query<{ position: number }>(
    `with given as (
       select * from unnest($1::uuid[], $2::channel[], $3::text[], $4::text[], $5::boolean[], $6::real[],
           $7::rate_unit[], $8::int[], $9::text[], $10::text[]) with ordinality
         as g(id, channel, address, carrier, is_default, throughput, throughput_unit, daily_cap, quiet_start, quiet_end, n)),
     kept as (
       select * from given g where not is_sender_taken(null, g.channel, g.carrier, g.address)
         -- What was in conflict before goes on.
         or exists (select from sender s where s.account_id is null and s.status = 'ACTIVATED'
           and s.channel = g.channel and s.address = g.address and s.carrier = g.carrier)),
     gone as (
       update sender s set status = 'DEACTIVATED', updated_at = now()
       where s.account_id is null and s.status = 'ACTIVATED'
         and not exists (select 1 from kept g where g.channel = s.channel and g.address = s.address)),
     brought as (insert into sender as s (id, channel, address, carrier, is_default, throughput, throughput_unit, daily_cap,
       quiet_start, quiet_end)
     select id, channel, address, carrier, is_default, throughput, throughput_unit, daily_cap, quiet_start, quiet_end from kept
     on conflict (account_id, channel, address) do update set
       carrier = excluded.carrier, is_default = excluded.is_default, status = 'ACTIVATED', updated_at = now(),
       throughput = excluded.throughput, throughput_unit = excluded.throughput_unit, daily_cap = excluded.daily_cap,
       quiet_start = excluded.quiet_start, quiet_end = excluded.quiet_end
     where (s.carrier, s.is_default, s.status, s.throughput, s.throughput_unit, s.daily_cap, s.quiet_start, s.quiet_end)
       is distinct from (excluded.carrier, excluded.is_default, 'ACTIVATED'::sender_status, excluded.throughput,
         excluded.throughput_unit, excluded.daily_cap, excluded.quiet_start, excluded.quiet_end))
     select n::int - 1 as position from given where n not in (select n from kept) order by n`,
    [
      senders.map(() => newUuid(now)),
      senders.map((each) => each.channel),
      senders.map((each) => each.address),
      senders.map((each) => each.carrier),
      senders.map((each) => each.isDefault),
      senders.map((each) => each.throughput),
      senders.map((each) => each.throughputUnit),
      senders.map((each) => each.dailyCap),
      senders.map((each) => each.quietHours?.start ?? null),
      senders.map((each) => each.quietHours?.end ?? null),
    ],
  );
  await database.query(
    `update dispatch_batch set rate_limited = is_rate_limited(sender_id) where rate_limited <> is_rate_limited(sender_id)
       and sender_id in (select id from sender where account_id is null)`,
  );
  return leftOut.map(({ position }) => position);
}

export interface SenderFilter {
  readonly channel: Channel | null;
  readonly status: SenderStatus | null;
  /** `senderKey` of the address. */
  readonly key: string | null;
  /** UUID of the pool they are members of. */
  readonly poolId: string | null;
  /** Ids lie strictly between these. */
  readonly after: string;
  readonly before: string;
}

/** Senders of the account and of the configuration, newest first, at most `limit`. */
export async function listSenders(
  database: Database,
  accountId: number,
  filter: SenderFilter,
  limit: number,
): Promise<Sender[]> {
  const { rows } = await database.query<SenderRow>(
    `select ${COLUMNS} from sender s
     where (s.account_id = $1 or s.account_id is null) and s.id > $2 and s.id < $3
       and ($4::channel is null or s.channel = $4) and ($5::sender_status is null or s.status = $5)
       and ($6::text is null or sender_key(s.channel, s.address) = $6)
       and ($7::uuid is null or s.id in
         (select sender_id from sender_pool_member where account_id = $1 and pool_id = $7))
     order by s.id desc limit $8`,
    [
      accountId,
      filter.after,
      filter.before,
      filter.channel,
      filter.status,
      filter.key,
      filter.poolId,
      limit,
    ],
  );
  return rows.map(toSender);
}

/** An address to send from, in any spelling. */
export interface SenderAddress {
  readonly channel: Channel;
  readonly address: string;
}

/**
 * The senders of addresses, in their order, by the positions of the addresses: the ones that a message from there would
 * have. An address without a sender has none. The sender of an e-mail address is its own, else the sender of the whole domain.
 */
export async function findSendersOf(
  database: Database,
  accountId: number,
  addresses: readonly SenderAddress[],
): Promise<{ sender: Sender; position: number }[]> {
  const { rows } = await database.query<SenderRow & { position: number }>(
    `select ${COLUMNS}, given.n::int - 1 as position
     from unnest($2::channel[], $3::text[], $4::text[], $5::text[]) with ordinality as given(channel, address, key, whole, n)
     cross join lateral (
       select * from sender s
       where (s.account_id = $1 or s.account_id is null) and s.channel = given.channel
         and sender_key(s.channel, s.address) = any(array[given.key, given.whole])
       order by s.channel = 'EMAIL' and s.address like '*@%', s.account_id is null and s.status = 'DEACTIVATED',
         s.address = given.address desc, ${PREFERRED}
       limit 1) s
     order by given.n`,
    [
      accountId,
      addresses.map(({ channel }) => channel),
      addresses.map(({ address }) => address),
      addresses.map(({ channel, address }) => senderKey(channel, address)),
      addresses.map(({ channel, address }) => (channel === 'EMAIL' ? wildcardOf(address) : null)),
    ],
  );
  return rows.map((row) => ({ sender: toSender(row), position: row.position }));
}

export async function fetchSender(
  database: Database,
  accountId: number,
  id: string,
): Promise<Sender | null> {
  const { rows } = await database.query<SenderRow>(
    `select ${COLUMNS} from sender s where s.id = $2 and (s.account_id = $1 or s.account_id is null)`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toSender(rows[0]);
}

export interface NewSender extends SenderLimits {
  readonly channel: Channel;
  readonly address: string;
  readonly carrier: string;
  readonly displayName: string | null;
  readonly status: SenderStatus;
  readonly isDefault: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Adds a sender to the account; null when the account has one of this channel and address, 'taken' when another has.
 * @throws QuotaExceeded
 */
export function createSender(
  database: Database,
  accountId: number,
  sender: NewSender,
): Promise<Sender | 'taken' | null> {
  return unlessTaken(
    database.transact(async (client) => {
      const row = await insertSender(client, accountId, sender);
      if (row === null) return null;
      await checkQuota(client, accountId, 'sender');
      return toSender(row);
    }),
  );
}

async function insertSender(
  client: Querier,
  accountId: number,
  sender: NewSender,
): Promise<SenderRow | null> {
  const { rows } = await client.query<SenderRow>(
    `insert into sender as s (id, account_id, channel, address, carrier, display_name, status, is_default, tags,
       throughput, throughput_unit, daily_cap, quiet_start, quiet_end)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict do nothing returning ${COLUMNS}`,
    [
      newUuid(Date.now()),
      accountId,
      sender.channel,
      sender.address,
      sender.carrier,
      sender.displayName,
      sender.status,
      sender.isDefault,
      JSON.stringify(sender.tags),
      sender.throughput,
      sender.throughputUnit,
      sender.dailyCap,
      sender.quietHours?.start ?? null,
      sender.quietHours?.end ?? null,
    ],
  );
  return rows[0] ?? null;
}

/** The result of giving a sender an address, or 'taken' if the address has another owner. */
async function unlessTaken<Result>(given: Promise<Result>): Promise<Result | 'taken'> {
  try {
    return await given;
  } catch (error) {
    if (isTaken(error)) return 'taken';
    throw error;
  }
}

/**
 * Changes the given fields of an account's own sender. Null if the account has no such sender, 'taken' if the address
 * has another owner there.
 */
export async function updateSender(
  database: Database,
  accountId: number,
  id: string,
  change: Partial<Omit<NewSender, 'channel' | 'address'>>,
): Promise<Sender | 'taken' | null> {
  const result = await unlessTaken(
    database.query<SenderRow>(
      `update sender s set
       carrier = coalesce($3, s.carrier),
       display_name = case when $4 then $5 else s.display_name end,
       status = coalesce($6, s.status), is_default = coalesce($7, s.is_default), tags = coalesce($8, s.tags),
       throughput = case when $9 then $10 else s.throughput end,
       throughput_unit = coalesce($11, s.throughput_unit),
       daily_cap = case when $12 then $13 else s.daily_cap end,
       quiet_start = case when $14 then $15 else s.quiet_start end,
       quiet_end = case when $14 then $16 else s.quiet_end end,
       updated_at = now()
     where s.account_id = $1 and s.id = $2 returning ${COLUMNS}`,
      [
        accountId,
        id,
        change.carrier ?? null,
        change.displayName !== undefined,
        change.displayName ?? null,
        change.status ?? null,
        change.isDefault ?? null,
        change.tags === undefined ? null : JSON.stringify(change.tags),
        change.throughput !== undefined,
        change.throughput ?? null,
        change.throughputUnit ?? null,
        change.dailyCap !== undefined,
        change.dailyCap ?? null,
        change.quietHours !== undefined,
        change.quietHours?.start ?? null,
        change.quietHours?.end ?? null,
      ],
    ),
  );
  if (result === 'taken') return result;
  const { rows } = result;
  // Waiting batches move to the queue that suits the sender now.
  if (change.throughput !== undefined || change.dailyCap !== undefined)
    await database.query(
      'update dispatch_batch set rate_limited = is_rate_limited($1) where sender_id = $1 and rate_limited <> is_rate_limited($1)',
      [id],
    );
  return rows[0] === undefined ? null : toSender(rows[0]);
}

/** Deletes an account's own sender, also from its pools; false if the account has no such sender. */
export async function deleteSender(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from sender where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rowCount === 1;
}
