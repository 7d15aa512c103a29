/** Replays: deliveries that are repeated at the request of their owner. */
import type { Database } from './database.ts';
import type { Delivery } from './delivery-lists.ts';

/** The rows of the log to deliver again: these ones, or all between two ids. */
export interface ReplayChoice {
  readonly eventIds: readonly string[] | null;
  readonly after: string;
  readonly before: string;
  readonly statuses: readonly Delivery['status'][];
}

/** Rows of one transaction of a replay. */
const REPLAY_CHUNK = 10_000;

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
    const chunk = await replayChunk(database, accountId, subscriptionId, { ...choice, after });
    replayed += chunk.count;
    after = chunk.count < REPLAY_CHUNK ? null : chunk.last;
  }
  return replayed;
}

function replayChunk(
  database: Database,
  accountId: number,
  subscriptionId: string,
  choice: ReplayChoice,
): Promise<{ readonly count: number; readonly last: string | null }> {
  return database.transact(async (client) => {
    // Deliverers lock the subscription before its deliveries, too: one order avoids deadlocks.
    await client.query('select from subscription where account_id = $1 and id = $2 for update', [
      accountId,
      subscriptionId,
    ]);
    const { rows } = await client.query<{ count: number; last: string | null }>(
      `with chosen as materialized (
         select event_id from event_delivery
         where account_id = $1 and subscription_id = $2 and event_id > $3 and event_id < $4
           and ($5::uuid[] is null or event_id = any($5)) and status = any($6::delivery_status[])
         order by event_id limit ${REPLAY_CHUNK}),
       replayed as (
         update event_delivery set status = 'PENDING', delivered_count = 0, tries = 0, alone = false, due_at = now(), updated_at = now()
         where subscription_id = $2 and event_id = any(array(select event_id from chosen)) returning event_id)
       select count(*)::int as count, max(event_id::text) as last from replayed`,
      [accountId, subscriptionId, choice.after, choice.before, choice.eventIds, choice.statuses],
    );
    return rows[0] ?? { count: 0, last: null };
  });
}
