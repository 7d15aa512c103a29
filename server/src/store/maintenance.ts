/** Small maintenance statements: wake-ups between nodes, old keys, a sign of life. */
import type { Database } from './database.ts';
import { EVENTS_CHANNEL } from './event-log.ts';
import { holdConnection } from './held-connection.ts';
import { WAKE_CHANNEL } from './operations.ts';

/** Accepted work wakes dispatchers; events in the log wake streams and deliverers. */
const CHANNELS_OF = { work: WAKE_CHANNEL, events: EVENTS_CHANNEL } as const;

/** Milliseconds between two checks of a connection that only listens. */
const PROOF_MS = 10_000;

/**
 * Calls `wake` whenever a node notifies `whom`. The connection is a hint, not the queue: when it breaks or falls silent,
 * `lost` is called once and polling continues. Resolves with a function that ends the listening.
 */
export async function listen(
  database: Database,
  whom: keyof typeof CHANNELS_OF,
  wake: () => void,
  lost: (error: Error) => void,
): Promise<() => Promise<void>> {
  // A repeated LISTEN changes nothing.
  const text = `listen ${CHANNELS_OF[whom]}`;
  const end = await holdConnection(database, {
    async begin(client) {
      client.on('notification', wake);
      await client.query(text);
    },
    proof: text,
    proofMs: PROOF_MS,
    lost,
  });
  return () => end();
}

/** Idempotency keys forgotten in one go. */
const KEYS_MAX = 5_000;

/** Forgets some of the idempotency keys past their time. Resolves with whether there may be more. */
export async function dropExpiredIdempotencyKeys(database: Database): Promise<boolean> {
  // Selected by their place in the table: a row that was renewed meanwhile has another place.
  const { rowCount } = await database.query(
    `delete from idempotency_key where ctid = any(array(
       select ctid from idempotency_key where expires_at < now()
       order by expires_at limit ${KEYS_MAX} for update skip locked))`,
  );
  return rowCount === KEYS_MAX;
}

/** Resolves when the database answers. */
export async function ping(database: Database): Promise<void> {
  await database.query('select 1');
}
