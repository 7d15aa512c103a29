/** The senders that a request can use, with the facts that a plan needs. */
import { addressKey, wildcardOf } from '../domain/email-address.ts';
import type { Channel } from '../domain/message.ts';
import type { PlannableSender, SenderChoice } from '../domain/sender.ts';
import type { Database } from './database.ts';
import { PREFERRED, toQuietHours, type SenderRow } from './senders.ts';

const PLANNABLE_COLUMNS =
  's.id, s.channel, s.address, s.carrier, s.status, s.throughput, s.daily_cap, s.quiet_start, s.quiet_end';
type PlannableRow = Pick<
  SenderRow,
  | 'id'
  | 'channel'
  | 'address'
  | 'carrier'
  | 'status'
  | 'throughput'
  | 'daily_cap'
  | 'quiet_start'
  | 'quiet_end'
>;
function toPlannable(row: PlannableRow): PlannableSender {
  const { daily_cap, quiet_start, quiet_end, ...sender } = row;
  return { ...sender, dailyCap: daily_cap, quietHours: toQuietHours(quiet_start, quiet_end) };
}

/** The senders that a request names. */
export type SenderQuestion =
  | { readonly kind: 'default' }
  | { readonly kind: 'channel'; readonly channel: Channel; readonly address: string }
  /** By an e-mail address: its own sender, else the sender of its whole domain. */
  | { readonly kind: 'email'; readonly address: string }
  | { readonly kind: 'sender'; readonly id: string }
  | { readonly kind: 'pool'; readonly id: string };

/** Senders of pools that are remembered: some ten megabytes. */
const REMEMBERED_MAX = 50_000;

/** Finds the senders that a request may mean, in the form for `planSenders`. An unchanged result is the same object. */
export function createSenderChooser(
  database: Database,
): (accountId: number, question: SenderQuestion) => Promise<SenderChoice> {
  const pools = new PoolMemory();

  async function choosePool(accountId: number, id: string): Promise<SenderChoice> {
    const version = await fetchPoolVersion(database, accountId, id);
    if (version === undefined) return { senders: [], poolId: null };
    const known = pools.find(id, version);
    if (known !== null) return known;
    const choice = await readChoice(database, accountId, { kind: 'pool', id });
    // A version never returns, so between two equal versions nothing has changed.
    if (version === (await fetchPoolVersion(database, accountId, id)))
      pools.keep(id, version, choice);
    return choice;
  }

  return (accountId, question) =>
    question.kind === 'pool'
      ? choosePool(accountId, question.id)
      : readChoice(database, accountId, question);
}

class PoolMemory {
  readonly #pools = new Map<string, { readonly version: string; readonly choice: SenderChoice }>();
  #senders = 0;

  find(id: string, version: string | null): SenderChoice | null {
    const known = this.#pools.get(id);
    return known?.version === version ? known.choice : null;
  }

  keep(id: string, version: string | null, choice: SenderChoice): void {
    this.#forget(id);
    if (version === null) return;
    this.#pools.set(id, { version, choice });
    this.#senders += choice.senders.length;
    for (const each of this.#pools.keys()) {
      if (this.#senders <= REMEMBERED_MAX) break;
      this.#forget(each);
    }
  }

  #forget(id: string): void {
    this.#senders -= this.#pools.get(id)?.choice.senders.length ?? 0;
    this.#pools.delete(id);
  }
}

/** The version of a pool; null for a pool without members, undefined if the pool does not exist. */
async function fetchPoolVersion(
  database: Database,
  accountId: number,
  id: string,
): Promise<string | null | undefined> {
  const { rows } = await database.query<{ version: string | null }>(
    `select (select q.version from quota_usage q
       where q.account_id = $1 and q.resource = 'sender_pool_member' and q.owner_id = $2) as version
     from sender_pool where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0]?.version;
}

async function readChoice(
  database: Database,
  accountId: number,
  question: SenderQuestion,
): Promise<SenderChoice> {
  const select = async (rest: string, values: readonly unknown[]) => {
    const { rows } = await database.query<PlannableRow>(
      `select ${PLANNABLE_COLUMNS} from sender s where (s.account_id = $1 or s.account_id is null) ${rest}`,
      [accountId, ...values],
    );
    return rows.map(toPlannable);
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
    case 'channel': {
      // One statement, because most requests ask this. It reads senders as JSON.
      const { rows } = await database.query<{ senders: PlannableRow[]; taken: string[] }>(
        `select
           array(select to_json(found) from (
             select ${PLANNABLE_COLUMNS} from sender s
             where (s.account_id = $1 or s.account_id is null) and s.channel = $2
               and (sender_key(s.channel, s.address) = sender_key($2, $3)
                 or s.id = (select s.id from sender s
                   where (s.account_id = $1 or s.account_id is null) and s.channel = $2 and s.status = 'ACTIVATED'
                   order by ${PREFERRED} limit 1))
             order by s.account_id is null and s.status = 'DEACTIVATED', s.address = $3 desc, ${PREFERRED}
           ) found) as senders,
           array(select distinct carrier from sender s
             where s.channel = $2 and sender_key(s.channel, s.address) = sender_key($2, $3) and s.account_id <> $1
           ) as taken`,
        [accountId, question.channel, question.address],
      );
      const { senders = [], taken = [] } = rows[0] ?? {};
      return { senders: senders.map(toPlannable), poolId: null, takenOn: taken };
    }
    case 'email':
      return {
        senders: await select(
          `and s.channel = 'EMAIL' and lower(s.address) = any($2) order by s.address like '*@%', ${PREFERRED}`,
          [[addressKey(question.address), wildcardOf(question.address)]],
        ),
        poolId: null,
      };
    case 'sender':
      return { senders: await select('and s.id = $2', [question.id]), poolId: null };
    case 'pool': {
      const senders = await select(
        `and s.id in (select sender_id from sender_pool_member where account_id = $1 and pool_id = $2)
         order by ${PREFERRED}`,
        [question.id],
      );
      return { senders, poolId: question.id };
    }
  }
}

/** Changes of senders since a plan was made. */
export interface SenderChanges {
  /** Senders with a rate limit, a daily cap or quiet hours. */
  readonly limited: ReadonlySet<string>;
  /** Deleted senders. Their addresses may belong to other accounts. */
  readonly gone: ReadonlySet<string>;
}

export async function findSenderChanges(
  database: Database,
  senderIds: readonly string[],
): Promise<SenderChanges> {
  const { rows } = await database.query<{ id: string; is_limited: boolean }>(
    `select s.id, s.throughput is not null or s.daily_cap is not null or s.quiet_start is not null as is_limited
     from sender s where s.id = any($1::uuid[])`,
    [senderIds],
  );
  const known = new Set(rows.map(({ id }) => id));
  return {
    limited: new Set(rows.flatMap(({ id, is_limited }) => (is_limited ? id : []))),
    gone: new Set(senderIds.filter((id) => !known.has(id))),
  };
}
