/** The suppression list of an account, and the opt-outs of people, which apply to all accounts. */
import type pg from 'pg';
import { newUuid, operationUuidOf, uuidTimeMs } from '../domain/ids.ts';
import { addressKey } from '../domain/email-address.ts';
import type { Address, AddressChannel, Channel } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import { senderKey } from '../domain/sender.ts';
import type { ListedSuppression, Suppressible, Suppression } from '../domain/suppression.ts';
import type { Database, Querier } from './database.ts';
import { checkQuota } from './quotas.ts';

export interface SuppressionEntry extends ListedSuppression {
  readonly id: string;
  readonly reason: string | null;
  readonly createdAt: Date;
}

/** The extent of an entry; both null: the whole account. */
export interface SuppressionScope {
  readonly senderId: string | null;
  readonly poolId: string | null;
}

const EVERYWHERE: SuppressionScope = { senderId: null, poolId: null };

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

interface OptOutRow {
  address: string;
  channel: Channel;
  key: string;
}

/**
 * Addresses of one account, and the senders and pools whose suppressions count beside the suppressions of the whole
 * account.
 */
export interface SuppressionQuestion extends Suppressible {
  readonly accountId: number;
  readonly addresses: readonly string[];
}

/** Where a look at addresses can find something. */
export interface Listed {
  /** Accounts that have a suppression list. */
  readonly lists: readonly number[];
  /** Whether any person has opted out. */
  readonly opted: boolean;
}

/** Most accounts have no list: asking this costs less than carrying ten thousand addresses there. */
export async function findListed(
  database: Database,
  accountIds: readonly number[],
): Promise<Listed> {
  const { rows } = await database.query<Listed>(
    `select array(select a from unnest($1::int[]) a where exists (select from suppression where account_id = a)) as lists,
       exists (select from opt_out) as opted`,
    [accountIds],
  );
  return rows[0] ?? { lists: [], opted: false };
}

/**
 * The suppressions and opt-outs of any of these addresses, looked up for all accounts at once. Resolves with one list
 * for each question, in order; it may contain more entries of the same account.
 * @param listed where known already: saves a statement
 */
export async function findSuppressions(
  database: Database,
  questions: readonly SuppressionQuestion[],
  listed?: Listed,
): Promise<Suppression[][]> {
  const accountIds = [...new Set(questions.map(({ accountId }) => accountId))];
  const { lists, opted } = listed ?? (await findListed(database, accountIds));
  const asked = questions.filter(({ accountId }) => lists.includes(accountId));
  const [found, stopped] = await Promise.all([
    asked.length > 0
      ? database.query<SuppressionRow & { account_id: number }>(
          `select s.account_id, s.id, s.address, s.sender_id, s.pool_id, s.reason
           from unnest($1::int[], $2::text[]) as q(account_id, address)
             join suppression s on s.account_id = q.account_id and s.address = q.address
           where s.account_id = any($5) and s.address = any($2)
             and (s.sender_id is null or s.sender_id = any($3)) and (s.pool_id is null or s.pool_id = any($4))`,
          [
            asked.flatMap(({ accountId, addresses }) => addresses.map(() => accountId)),
            asked.flatMap(({ addresses }) => addresses),
            asked.flatMap(({ senderIds }) => senderIds),
            asked.flatMap(({ poolIds }) => poolIds),
            lists,
          ],
        )
      : null,
    opted
      ? database.query<OptOutRow>(
          'select person as address, channel, sender_key as key from opt_out where person = any($1)',
          [[...new Set(questions.flatMap(({ addresses }) => addresses))]],
        )
      : null,
  ]);
  const ofAll = (stopped?.rows ?? []).map(({ address, channel, key }) => ({
    address,
    stopped: { channel, key },
  }));
  const byAccount = new Map<number, Suppression[]>(accountIds.map((id) => [id, [...ofAll]]));
  for (const row of found?.rows ?? []) byAccount.get(row.account_id)?.push(toEntry(row));
  return questions.map(({ accountId }) => byAccount.get(accountId) ?? []);
}

/**
 * Stores opt-outs of a person from addresses of ours, by their `senderKey`. They bind every account. `accountId` is the account
 * that received it; null: not one account alone.
 */
export async function keepOptOut(
  client: pg.PoolClient,
  person: string,
  channel: Channel,
  keys: readonly string[],
  accountId: number | null,
): Promise<void> {
  await client.query(
    `insert into opt_out (person, channel, sender_key, account_id) select $1, $2, unnest($3::text[]), $4
     on conflict (person, channel, sender_key) do update set account_id = null
     where opt_out.account_id is distinct from excluded.account_id`,
    [person, channel, keys, accountId],
  );
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
    const made = await insertSuppressions(client, accountId, addresses, scope, reason);
    if (made.length > 0) await checkQuota(client, accountId, 'suppression');
    return made;
  });
}

/** Without a limit: opt-outs that people themselves ask for are always stored. */
async function insertSuppressions(
  client: Querier,
  accountId: number,
  addresses: readonly string[],
  scope: SuppressionScope,
  reason: string | null,
): Promise<SuppressionEntry[]> {
  const now = Date.now();
  const { rows } = await client.query<SuppressionRow>(
    `insert into suppression (account_id, id, address, sender_id, pool_id, reason)
     select $1, id, address, $4, $5, $6 from unnest($2::uuid[], $3::text[]) as given(id, address)
     on conflict do nothing returning id, address, sender_id, pool_id, reason`,
    [accountId, addresses.map(() => newUuid(now)), addresses, scope.senderId, scope.poolId, reason],
  );
  return rows.map(toEntry);
}

/** A person opts out: the account's list gets the entry, and no account sends to the person from that address. */
export function optOut(
  database: Database,
  accountId: number,
  person: string,
  from: { readonly channel: Channel; readonly address: string } | null,
  reason: string,
): Promise<void> {
  return database.transact(async (client) => {
    await insertSuppressions(client, accountId, [person], EVERYWHERE, reason);
    if (from !== null)
      await keepOptOut(
        client,
        person,
        from.channel,
        [senderKey(from.channel, from.address)],
        accountId,
      );
  });
}

/** The same for the recipient of a message, unless it was erased, and the address that it came from. */
export async function optOutRecipient(
  database: Database,
  accountId: number,
  messageId: string,
  reason: string,
): Promise<void> {
  const { rows } = await database.query<{
    address: string;
    address_channel: AddressChannel;
    addresses: [Address, ...Address[]] | null;
    candidate: number;
    plan: SendPlan;
  }>(
    `select m.address, m.address_channel, m.addresses, m.candidate, o.plan
     from message m join operation o on o.account_id = $1 and o.id = $3
     where m.account_id = $1 and m.id = $2 and m.deleted_at is null`,
    [accountId, messageId, operationUuidOf(messageId)],
  );
  const [row] = rows;
  if (row === undefined) return;
  const addresses = row.addresses ?? [{ address: row.address, channel: row.address_channel }];
  const from = listCandidates(addresses, row.plan)[row.candidate]?.sender ?? null;
  await optOut(database, accountId, addressKey(row.address), from, reason);
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

/**
 * Removes an entry from the list, together with the person's own opt-outs, if no other account has the address.
 * 'stopped', and nothing changes, if others have it; false if the entry does not exist.
 */
export function removeSuppression(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean | 'stopped'> {
  return database.transact(async (client) => {
    const { rows } = await client.query<SuppressionRow>(
      'select id, address, sender_id, pool_id, reason from suppression where account_id = $1 and id = $2 for update',
      [accountId, id],
    );
    const [entry] = rows;
    if (entry === undefined) return false;
    const stopped = entry.pool_id === null ? await findStopped(client, accountId, entry) : [];
    if (stopped.some(({ shared }) => shared)) return 'stopped';
    await client.query(
      `delete from opt_out where person = $1 and (channel, sender_key) in (select * from unnest($2::channel[], $3::text[]))`,
      [entry.address, stopped.map(({ channel }) => channel), stopped.map(({ key }) => key)],
    );
    await client.query('delete from suppression where account_id = $1 and id = $2', [
      accountId,
      id,
    ]);
    return true;
  });
}

/**
 * The person's opt-outs from the account's addresses. Shared: other accounts have the address too. All accounts have the
 * configuration's senders.
 */
async function findStopped(
  client: pg.PoolClient,
  accountId: number,
  { address, sender_id }: SuppressionRow,
): Promise<{ readonly channel: Channel; readonly key: string; readonly shared: boolean }[]> {
  const { rows } = await client.query<{ channel: Channel; key: string; shared: boolean }>(
    `select o.channel, o.sender_key as key,
       coalesce(bool_or(s.account_id <> $1 or (s.account_id is null and (select count(*) from account) > 1)), false)
         or (o.account_id is distinct from $1 and (select count(*) from account) > 1) as shared
     from opt_out o join sender s on s.channel = o.channel
       and sender_scope(s.channel, sender_key(s.channel, s.address)) = sender_scope(o.channel, o.sender_key)
       and sender_keys_overlap(s.channel, sender_key(s.channel, s.address), o.sender_key)
     where o.person = $2 and (s.account_id is not null or s.status = 'ACTIVATED')
     group by o.channel, o.sender_key, o.account_id
     having bool_or((s.account_id = $1 or s.account_id is null) and case
       when $3::uuid is not null then s.id = $3
       -- What has an entry of its own stays stopped.
       else not exists (select from suppression u where u.account_id = $1 and u.address = $2 and u.sender_id = s.id) end)`,
    [accountId, address, sender_id],
  );
  return rows;
}
