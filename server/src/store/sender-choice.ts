/** The senders that a request can use, with the facts that a plan needs. */
import { addressKey, wildcardOf } from '../domain/email-address.ts';
import type { Channel } from '../domain/message.ts';
import type { PlannableSender, SenderChoice } from '../domain/sender.ts';
import type { Database } from './database.ts';
import { PREFERRED, toQuietHours, type SenderRow } from './senders.ts';

const PLANNABLE_COLUMNS =
  's.id, s.channel, s.address, s.carrier, s.status, s.throughput, s.quiet_start, s.quiet_end';
type PlannableRow = Pick<
  SenderRow,
  'id' | 'channel' | 'address' | 'carrier' | 'status' | 'throughput' | 'quiet_start' | 'quiet_end'
>;
function toPlannable({ quiet_start, quiet_end, ...sender }: PlannableRow): PlannableSender {
  return { ...sender, quietHours: toQuietHours(quiet_start, quiet_end) };
}

/** Which senders a request asks for. */
export type SenderQuestion =
  | { readonly kind: 'default' }
  | { readonly kind: 'channel'; readonly channel: Channel; readonly address: string }
  /** By an e-mail address: the sender of it, else the one of its whole domain. */
  | { readonly kind: 'email'; readonly address: string }
  | { readonly kind: 'sender'; readonly id: string }
  | { readonly kind: 'pool'; readonly id: string };

/** The senders that a request may mean, as `planSenders` wants them. */
export async function chooseSenders(
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
      const [senders, { rows: taken }] = await Promise.all([
        select(
          `and s.channel = $2 and (sender_key(s.channel, s.address) = sender_key($2, $3)
             or s.id = (select s.id from sender s
               where (s.account_id = $1 or s.account_id is null) and s.channel = $2 and s.status = 'ACTIVATED'
               order by ${PREFERRED} limit 1))
           order by s.account_id is null and s.status = 'DEACTIVATED', s.address = $3 desc, ${PREFERRED}`,
          [question.channel, question.address],
        ),
        database.query<{ carrier: string }>(
          `select distinct carrier from sender s
           where s.channel = $2 and sender_key(s.channel, s.address) = sender_key($2, $3) and s.account_id <> $1`,
          [accountId, question.channel, question.address],
        ),
      ]);
      return { senders, poolId: null, takenOn: taken.map(({ carrier }) => carrier) };
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
