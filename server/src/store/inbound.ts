/** Inbound messages: each is stored once, with the changes of its keyword, and answered once. */
import type pg from 'pg';
import type { Keyword } from '../domain/keywords.ts';
import {
  messageUuid,
  newOperationUuid,
  newUuid,
  timeOf,
  uuidLowerBound,
  uuidTimeMs,
} from '../domain/ids.ts';
import type { Channel } from '../domain/message.ts';
import { senderKey } from '../domain/sender.ts';
import { listSpellings } from '../domain/spellings.ts';
import type { Database } from './database.ts';
import { keepOptOut } from './suppressions.ts';

export interface NewInbound {
  readonly carrier: string;
  /** Carriers of the same account at the same provider, itself included. */
  readonly carriers: readonly string[];
  readonly channel: Channel;
  readonly from: string;
  readonly to: string;
  /** The provider's service that `to` belongs to; null: none. */
  readonly service: string | null;
  readonly text: string;
  /** The carrier's id, by which a repetition is known; null: every one is new. */
  readonly providerId: string | null;
  readonly keyword: Keyword | null;
  /** The answer to a keyword that changes something or asks for help; null: none. */
  readonly reply: string | null;
}

export interface InboundMessage {
  readonly id: string;
  readonly channel: Channel;
  /** UUID; null when it was sent to an address that is no sender. */
  readonly senderId: string | null;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  /** UUID of the operation that answered it. */
  readonly replyId: string | null;
  readonly createdAt: Date;
  /** When it was erased, with `from` and `text`, which are '' since; null: it was not. */
  readonly deletedAt: Date | null;
}

/** The extent of a keyword: the whole account, or the sender that received it. */
export type KeywordScope = 'account' | 'sender';

/** The message was stored now or before; or there is no account to store it for. */
export type RecordResult = 'recorded' | 'repeated' | 'nobody';

/** One answer to HELP in this time, to one person from one number. */
const HELP_PAUSE_MS = 60_000;

/** Stores a message and applies its keyword, in one transaction. */
export function recordInbound(
  database: Database,
  message: NewInbound,
  scope: KeywordScope,
): Promise<RecordResult> {
  return database.transact(async (client) => {
    const receiver = await findReceiver(client, message);
    if (receiver === null) return 'nobody';
    if (!(await claim(client, message))) return 'repeated';
    const changed = await applyKeyword(client, message, receiver, scope);
    const now = Date.now();
    await client.query(
      `with published as (insert into event_outbox (account_id, subject_id, name) values ($1, $2, 'message.inbound'))
       insert into inbound_message (account_id, id, channel, carrier, sender_id, from_address, to_address, text,
         provider_id, keyword, reply) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        receiver.accountId,
        messageUuid(newOperationUuid(now), 0),
        message.channel,
        message.carrier,
        receiver.senderId,
        message.from,
        message.to,
        message.text,
        message.providerId,
        message.keyword,
        // An address that no sender has cannot answer.
        changed && receiver.senderId !== null ? message.reply : null,
      ],
    );
    return 'recorded';
  });
}

interface Receiver {
  readonly accountId: number;
  readonly senderId: string | null;
  /** Whether the sender serves all accounts. */
  readonly isShared: boolean;
}

/**
 * The owner of the sender that received a message: a sender of this carrier before one of another carrier, the address
 * itself before its service. Messages to senders of the configuration, or to no sender, belong to the first account. An
 * account that has the address only at another provider is not its owner here. Of conflicting owners, which earlier
 * versions allowed, the configuration comes first, then the account that had the address first.
 */
async function findReceiver(client: pg.PoolClient, message: NewInbound): Promise<Receiver | null> {
  const [to, service] = keysOf(message);
  const { rows } = await client.query<{
    account_id: number;
    sender_id: string | null;
    shared: boolean;
  }>(
    `select coalesce(s.account_id, a.id) as account_id, s.id as sender_id, s.account_id is null as shared
     from (select min(id) as id from account) a left join sender s
       on s.channel = $2 and sender_key(s.channel, s.address) in ($3, $4)
         and (s.carrier = any($5) or s.account_id is null or s.account_id = a.id)
     where a.id is not null
     order by s.carrier = $1 desc nulls last, sender_key(s.channel, s.address) = $3 desc,
       s.account_id is null and s.status = 'DEACTIVATED', s.account_id is not null, s.id
     limit 1`,
    [message.carrier, message.channel, to, service, message.carriers],
  );
  const row = rows[0];
  return row === undefined
    ? null
    : { accountId: row.account_id, senderId: row.sender_id, isShared: row.shared };
}

/** The addressee of a message, by `senderKey`: the address, and its service if it has one. */
function keysOf({ channel, to, service }: NewInbound): string[] {
  return [to, ...(service === null ? [] : [service])].map((each) => senderKey(channel, each));
}

/** False when the carrier brought it before. */
async function claim(client: pg.PoolClient, { carrier, providerId }: NewInbound): Promise<boolean> {
  if (providerId === null) return true;
  const { rowCount } = await client.query(
    'insert into inbound_seen (carrier, provider_id) values ($1, $2) on conflict do nothing',
    [carrier, providerId],
  );
  return rowCount === 1;
}

/**
 * Resolves with whether it needs an answer. STOP to a sender of the configuration applies to all accounts, and STOP to any
 * address to every account that sends from it.
 */
async function applyKeyword(
  client: pg.PoolClient,
  message: NewInbound,
  { accountId, senderId, isShared }: Receiver,
  scope: KeywordScope,
): Promise<boolean> {
  const { keyword, channel, from, to } = message;
  const sender = scope === 'sender' ? senderId : null;
  const account = isShared ? null : accountId;
  switch (keyword) {
    case 'STOP': {
      const { rows } = await client.query<{ id: number }>(
        'select id from account where $1::int is null or id = $1',
        [account],
      );
      const { rowCount } = await client.query(
        `insert into suppression (account_id, id, address, sender_id, reason)
         select account_id, id, $3, $4, 'keyword' from unnest($1::int[], $2::uuid[]) as given(account_id, id)
         on conflict do nothing`,
        [rows.map((row) => row.id), rows.map(() => newUuid(Date.now())), from, sender],
      );
      await keepOptOut(client, from, channel, keysOf(message), account);
      return (rowCount ?? 0) > 0;
    }
    case 'START': {
      // A person's own keyword revokes every opt-out that would silence this sender, whatever the spelling of the number
      // was.
      const person = listSpellings(from);
      const { rowCount } = await client.query(
        `delete from suppression where ($1::int is null or account_id = $1) and address = any($2) and pool_id is null
           and (sender_id is null or sender_id = $3)`,
        [account, person, senderId],
      );
      await client.query(
        'delete from opt_out where person = any($1) and channel = $2 and sender_key = any($3)',
        [person, channel, keysOf(message)],
      );
      return (rowCount ?? 0) > 0;
    }
    case 'HELP': {
      const { rowCount } = await client.query(
        `select 1 from inbound_message where account_id = $1 and id > $2 and from_address = $3 and to_address = $4
           and keyword = 'HELP' limit 1`,
        [accountId, uuidLowerBound(Date.now() - HELP_PAUSE_MS), from, to],
      );
      return rowCount === 0;
    }
    case null:
      return false;
  }
}

/** A message with an unsent answer. */
export interface Unanswered {
  readonly accountId: number;
  readonly id: string;
  readonly senderId: string;
  readonly channel: Channel;
  /** The person who gets the answer. */
  readonly from: string;
  readonly keyword: Keyword;
  readonly reply: string;
}

/** Messages whose answers are still to be sent, oldest first, at most 100. */
export async function listUnanswered(database: Database): Promise<Unanswered[]> {
  const { rows } = await database.query<{
    account_id: number;
    id: string;
    sender_id: string;
    channel: Channel;
    from_address: string;
    keyword: Keyword;
    reply: string;
  }>(
    `select account_id, id, sender_id, channel, from_address, keyword, reply from inbound_message
     where reply is not null order by id limit 100`,
  );
  return rows.map((row) => ({
    accountId: row.account_id,
    id: row.id,
    senderId: row.sender_id,
    channel: row.channel,
    from: row.from_address,
    keyword: row.keyword,
    reply: row.reply,
  }));
}

/** Notes the operation that answers a message; null: it cannot be answered. An erased message does not lead there. */
export async function setAnswered(
  database: Database,
  { accountId, id }: Unanswered,
  operationId: string | null,
): Promise<void> {
  await database.query(
    'update inbound_message set reply = null, reply_id = $3 where account_id = $1 and id = $2 and deleted_at is null',
    [accountId, id, operationId],
  );
}

export interface InboundFilter {
  /** Ids lie strictly between these. */
  readonly after: string;
  readonly before: string;
  readonly channel: Channel | null;
  /** Of either side. */
  readonly address: string | null;
}

interface InboundRow {
  id: string;
  channel: Channel;
  sender_id: string | null;
  from_address: string;
  to_address: string;
  text: string;
  reply_id: string | null;
  deleted_at: Date | null;
}

const COLUMNS = 'id, channel, sender_id, from_address, to_address, text, reply_id, deleted_at';

function toInbound(row: InboundRow): InboundMessage {
  return {
    id: row.id,
    channel: row.channel,
    senderId: row.sender_id,
    from: row.from_address,
    to: row.to_address,
    text: row.text,
    replyId: row.reply_id,
    createdAt: new Date(uuidTimeMs(row.id)),
    deletedAt: row.deleted_at && timeOf(row.id, row.deleted_at),
  };
}

/** Messages to the account, newest first, without erased ones, at most `limit`. */
export async function listInbound(
  database: Database,
  accountId: number,
  filter: InboundFilter,
  limit: number,
): Promise<InboundMessage[]> {
  const { rows } = await database.query<InboundRow>(
    `select ${COLUMNS} from inbound_message
     where account_id = $1 and id > $2 and id < $3 and deleted_at is null and ($4::channel is null or channel = $4)
       and ($5::text is null or from_address = $5 or to_address = $5)
     order by id desc limit $6`,
    [accountId, filter.after, filter.before, filter.channel, filter.address, limit],
  );
  return rows.map(toInbound);
}

/** One message to the account, erased or not, or null. */
export async function fetchInbound(
  database: Database,
  accountId: number,
  id: string,
): Promise<InboundMessage | null> {
  const { rows } = await database.query<InboundRow>(
    `select ${COLUMNS} from inbound_message where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toInbound(rows[0]);
}

/** Carriers do not bring a message again after this long. */
const SEEN_KEPT = '4 days';

/** Ids deleted at a time. */
const FORGOTTEN_MAX = 5_000;

/** Forgets of some messages that they were seen, long ago. Resolves with whether there may be more. */
export async function dropOldInboundSeen(database: Database): Promise<boolean> {
  const { rowCount } = await database.query(
    `delete from inbound_seen where ctid = any(array(
       select ctid from inbound_seen where seen_at < now() - interval '${SEEN_KEPT}'
       order by seen_at limit ${FORGOTTEN_MAX} for update skip locked))`,
  );
  return rowCount === FORGOTTEN_MAX;
}
