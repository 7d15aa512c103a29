/**
 * After a restore from a backup, messages that it shows as unsent may have been sent. All that was
 * due by now is put in doubt: the next lease finds the high-water mark at the end, and the
 * carrier's `ambiguous` decides, as after a crash.
 */
import type { Database } from '../database.ts';

/** Nodes of this database: `application_name` of their connections. */
const NODES = ['fanfare-api', 'fanfare-intake', 'fanfare-dispatch', 'fanfare-events'];

/** Resolves with the number of messages in doubt. Rejects while a node is connected: its work is not in doubt. Idempotent. */
export async function markRestoredInDoubt(database: Database): Promise<number> {
  return database.transact(async (client) => {
    const { rows: nodes } = await client.query<{ name: string; client: string }>(
      `select distinct application_name as name, coalesce(client_addr::text, 'this machine') as client
       from pg_stat_activity where datname = current_database() and application_name = any($1)`,
      [NODES],
    );
    const [node] = nodes;
    if (node !== undefined)
      throw new Error(
        `A server uses this database (${node.name}, from ${node.client}). Stop all servers first.`,
      );
    const { rows } = await client.query<{ count: number }>(
      `with marked as (
         update dispatch_batch set high_water_mark = cardinality(ordinals), lease = lease + 1, leased_by = null, leased_until = null
         where due_at <= now() returning cardinality(ordinals) as count)
       select coalesce(sum(count), 0)::int as count from marked`,
    );
    return rows[0]?.count ?? 0;
  });
}
