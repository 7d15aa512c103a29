/** Small chores of the store: wake-ups between nodes, old keys, a sign of life. */
import type { Database } from './database.ts';
import { EVENTS_CHANNEL } from './event-log.ts';
import { WAKE_CHANNEL } from './operations.ts';

/** What wakes whom: work that was accepted, dispatchers; news that were put into the log, streams. */
const CHANNELS_OF = { work: WAKE_CHANNEL, events: EVENTS_CHANNEL } as const;

/**
 * Calls `wake` whenever some node has something for `whom`. The connection is a wake-up, not the queue: when it
 * breaks, `lost` is called once and polling goes on. Resolves with a function that ends the listening.
 */
export async function listen(
  database: Database,
  whom: keyof typeof CHANNELS_OF,
  wake: () => void,
  lost: (error: Error) => void,
): Promise<() => Promise<void>> {
  const client = await database.connect();
  let ended = false;
  client.on('notification', wake);
  client.on('error', (error) => {
    if (!ended) lost(error);
    ended = true;
  });
  await client.query(`listen ${CHANNELS_OF[whom]}`);
  return async () => {
    ended = true;
    await client.end();
  };
}

/** Forgets idempotency keys past their time, at most 10,000 in one go. */
export async function dropExpiredIdempotencyKeys(database: Database): Promise<void> {
  await database.query(
    `delete from idempotency_key where (account_id, key) in
       (select account_id, key from idempotency_key where expires_at < now() limit 10000)`,
  );
}

/** Resolves when the database answers. */
export async function ping(database: Database): Promise<void> {
  await database.query('select 1');
}
