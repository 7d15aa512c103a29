/**
 * Makes deliveries that wait for a retry due at once: some thousands at a time, since millions may
 * wait.
 */
import type { Database } from './database.ts';

/** Deliveries that become due together. */
const REVIVED_MAX = 5_000;

/**
 * Makes the pending deliveries of a subscription due at once, in the order of the log.
 * @param tries the treatment of failed tries: `forgotten`, or `forgiven`: the last one is not counted
 */
export async function reviveDeliveries(
  database: Database,
  accountId: number,
  subscriptionId: string,
  tries: 'forgotten' | 'forgiven',
): Promise<void> {
  for (let after: string | null = '00000000-0000-0000-0000-000000000000'; after !== null;)
    after = await reviveChunk(database, accountId, subscriptionId, tries, after);
}

/** Resolves with the last delivery that was made due; null when there are no more. */
function reviveChunk(
  database: Database,
  accountId: number,
  subscriptionId: string,
  tries: 'forgotten' | 'forgiven',
  after: string,
): Promise<string | null> {
  const isLate = tries === 'forgotten' ? '(due_at > now() or tries > 0 or alone)' : 'tries > 0';
  const left = tries === 'forgotten' ? '0' : 'greatest(tries - 1, 0)';
  return database.transact(async (client) => {
    // All writers of its deliveries lock the subscription first, so their order does not matter.
    await client.query('select from subscription where account_id = $1 and id = $2 for update', [
      accountId,
      subscriptionId,
    ]);
    // The bounds are known when the update is planned, so that it reads their days only.
    const { rows } = await client.query<{ count: number; first: string; last: string }>(
      `select count(*)::int as count, min(event_id::text) as first, max(event_id::text) as last from (
         select event_id from event_delivery
         where subscription_id = $1 and status = 'PENDING' and event_id > $2 and ${isLate}
         order by event_id limit ${REVIVED_MAX}) late`,
      [subscriptionId, after],
    );
    const [chunk] = rows;
    if (chunk === undefined || chunk.count === 0) return null;
    await client.query(
      `update event_delivery set due_at = now(), tries = ${left}, alone = false, updated_at = now()
       where subscription_id = $1 and status = 'PENDING' and event_id between $2 and $3 and ${isLate}`,
      [subscriptionId, chunk.first, chunk.last],
    );
    return chunk.count < REVIVED_MAX ? null : chunk.last;
  });
}
