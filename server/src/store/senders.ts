/** Senders: those of the configuration, which serve all accounts, and those that an account has added. */
import { newUuid, uuidTimeMs } from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import type { Sender, SenderChoice, SenderStatus } from '../domain/sender.ts';
import type { Database } from './database.ts';

interface SenderRow {
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
}

const COLUMNS =
  's.id, s.account_id, s.channel, s.address, s.carrier, s.display_name, s.status, s.is_default, s.tags, s.updated_at';
/** Own senders before configured ones, defaults first, then the oldest. */
const PREFERRED = 's.is_default desc, s.account_id is null, s.id';

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
    configured: row.account_id === null,
    createdAt: new Date(uuidTimeMs(row.id)),
    updatedAt: new Date(Math.max(uuidTimeMs(row.id), row.updated_at.getTime())),
  };
}

/** Makes the configured senders what the configuration says; those it no longer has are deactivated. */
export async function syncConfiguredSenders(
  database: Database,
  senders: readonly {
    readonly channel: Channel;
    readonly address: string;
    readonly carrier: string;
    readonly isDefault: boolean;
  }[],
): Promise<void> {
  const now = Date.now();
  await database.query(
    `with given as (
       select * from unnest($1::uuid[], $2::channel[], $3::text[], $4::text[], $5::boolean[])
         as g(id, channel, address, carrier, is_default)),
     gone as (
       update sender s set status = 'DEACTIVATED', updated_at = now()
       where s.account_id is null and s.status = 'ACTIVATED'
         and not exists (select 1 from given g where g.channel = s.channel and g.address = s.address))
     insert into sender as s (id, channel, address, carrier, is_default)
     select id, channel, address, carrier, is_default from given
     on conflict (account_id, channel, address) do update
       set carrier = excluded.carrier, is_default = excluded.is_default, status = 'ACTIVATED', updated_at = now()
       where (s.carrier, s.is_default, s.status) is distinct from
         (excluded.carrier, excluded.is_default, 'ACTIVATED'::sender_status)`,
    [
      senders.map(() => newUuid(now)),
      senders.map((each) => each.channel),
      senders.map((each) => each.address),
      senders.map((each) => each.carrier),
      senders.map((each) => each.isDefault),
    ],
  );
}

/** Which senders a request asks for. */
export type SenderQuestion =
  | { readonly kind: 'default' }
  | { readonly kind: 'channel'; readonly channel: Channel; readonly address: string }
  | { readonly kind: 'sender'; readonly id: string }
  | { readonly kind: 'pool'; readonly id: string };

/** The senders that a request may mean, as `planSenders` wants them. */
export async function chooseSenders(
  database: Database,
  accountId: number,
  question: SenderQuestion,
): Promise<SenderChoice> {
  const select = async (rest: string, values: readonly unknown[]) => {
    const { rows } = await database.query<SenderRow>(
      `select ${COLUMNS} from sender s where (s.account_id = $1 or s.account_id is null) ${rest}`,
      [accountId, ...values],
    );
    return rows.map(toSender);
  };
  switch (question.kind) {
    case 'default':
      return {
        senders: await select(
          `and s.id in (select distinct on (s.channel) s.id from sender s
             where (s.account_id = $1 or s.account_id is null) and s.status = 'ACTIVATED'
             order by s.channel, ${PREFERRED})`,
          [],
        ),
        poolId: null,
      };
    case 'channel':
      return {
        senders: await select(
          `and s.channel = $2 and (s.address = $3 or s.id = (select s.id from sender s
             where (s.account_id = $1 or s.account_id is null) and s.channel = $2 and s.status = 'ACTIVATED'
             order by ${PREFERRED} limit 1)) order by ${PREFERRED}`,
          [question.channel, question.address],
        ),
        poolId: null,
      };
    case 'sender':
      return { senders: await select('and s.id = $2', [question.id]), poolId: null };
    case 'pool': {
      const { rowCount } = await database.query(
        'select 1 from sender_pool where account_id = $1 and id = $2',
        [accountId, question.id],
      );
      if (rowCount === 0) return { senders: [], poolId: null };
      const senders = await select(
        `and s.id in (select sender_id from sender_pool_member where account_id = $1 and pool_id = $2)
         order by ${PREFERRED}`,
        [question.id],
      );
      return { senders, poolId: question.id };
    }
  }
}

export interface SenderFilter {
  readonly channel: Channel | null;
  readonly status: SenderStatus | null;
  readonly address: string | null;
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
       and ($6::text is null or s.address = $6)
       and ($7::uuid is null or s.id in
         (select sender_id from sender_pool_member where account_id = $1 and pool_id = $7))
     order by s.id desc limit $8`,
    [
      accountId,
      filter.after,
      filter.before,
      filter.channel,
      filter.status,
      filter.address,
      filter.poolId,
      limit,
    ],
  );
  return rows.map(toSender);
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

export interface NewSender {
  readonly channel: Channel;
  readonly address: string;
  readonly carrier: string;
  readonly displayName: string | null;
  readonly status: SenderStatus;
  readonly isDefault: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Adds a sender to the account; null when the account has one of this channel and address. */
export async function createSender(
  database: Database,
  accountId: number,
  sender: NewSender,
): Promise<Sender | null> {
  const { rows } = await database.query<SenderRow>(
    `insert into sender as s (id, account_id, channel, address, carrier, display_name, status, is_default, tags)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing returning ${COLUMNS}`,
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
    ],
  );
  return rows[0] === undefined ? null : toSender(rows[0]);
}

/** Changes what is given of an account's own sender; null when it has none of this id. */
export async function updateSender(
  database: Database,
  accountId: number,
  id: string,
  change: Partial<Omit<NewSender, 'channel' | 'address'>>,
): Promise<Sender | null> {
  const { rows } = await database.query<SenderRow>(
    `update sender s set
       carrier = coalesce($3, s.carrier),
       display_name = case when $4 then $5 else s.display_name end,
       status = coalesce($6, s.status), is_default = coalesce($7, s.is_default), tags = coalesce($8, s.tags),
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
    ],
  );
  return rows[0] === undefined ? null : toSender(rows[0]);
}

/** Deletes an account's own sender, from its pools too; false when it has none of this id. */
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
