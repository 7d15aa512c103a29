/** Replays: deliveries that are repeated at the request of their owner. */
import type { Database } from './database.ts';
import type { Delivery } from './delivery-lists.ts';

/** What to deliver again: these rows of the log, or those between two ids. */
export interface ReplayChoice {
  readonly eventIds: readonly string[] | null;
  readonly after: string;
  readonly before: string;
  readonly statuses: readonly Delivery['status'][];
}

/** Rows of one transaction of a replay. */
const REPLAY_PIECE = 10_000;

/**
 * Makes deliveries due at once, from their beginning, as if they had not been tried. Resolves with their number. A broken
 * connection leaves some of them replayed, the oldest first.
 */
export async function replayDeliveries(
  database: Database,
  accountId: number,
  subscriptionId: string,
  choice: ReplayChoice,
): Promise<number> {
  let replayed = 0;
  for (let after: string | null = choice.after; after !== null;) {
    const piece = await replayPiece(database, accountId, subscriptionId, { ...choice, after });
    replayed += piece.count;
    after = piece.count < REPLAY_PIECE ? null : piece.last;
  }
  return replayed;
}

function replayPiece(
  database: Database,
  accountId: number,
  subscriptionId: string,
  choice: ReplayChoice,
): Promise<{ readonly count: number; readonly last: string | null }> {
  return database.transact(async (client) => {
    // Whoever delivers to it locks it before its deliveries, too: who locks them in another order is in no ring with them.
    await client.query('select from subscription where account_id = $1 and id = $2 for update', [
      accountId,
      subscriptionId,
    ]);
    const { rows } = await client.query<{ count: number; last: string | null }>(
      `with chosen as materialized (
         select event_id from event_delivery
         where account_id = $1 and subscription_id = $2 and event_id > $3 and event_id < $4
           and ($5::uuid[] is null or event_id = any($5)) and status = any($6::delivery_status[])
         order by event_id limit ${REPLAY_PIECE}),
       replayed as (
         update event_delivery set status = 'PENDING', told = 0, tries = 0, alone = false, due_at = now(), updated_at = now()
         where subscription_id = $2 and event_id = any(array(select event_id from chosen)) returning event_id)
       select count(*)::int as count, max(event_id::text) as last from replayed`,
      [accountId, subscriptionId, choice.after, choice.before, choice.eventIds, choice.statuses],
    );
    return rows[0] ?? { count: 0, last: null };
  });
}
