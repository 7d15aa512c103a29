/** Small maintenance statements: wake-ups between nodes, old keys, a sign of life. */
import { setTimeout as sleep } from 'node:timers/promises';
import { answeredIn, type Database } from './database.ts';
import { EVENTS_CHANNEL } from './event-log.ts';
import { WAKE_CHANNEL } from './operations.ts';

/** Accepted work wakes dispatchers; events in the log wake streams and deliverers. */
const CHANNELS_OF = { work: WAKE_CHANNEL, events: EVENTS_CHANNEL } as const;

/** Time between checks of a connection that only listens: its silence proves nothing. */
const PROOF_MS = 10_000;
const PROOF_TIMEOUT_MS = 5_000;

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
  const client = await database.connect();
  let proof: NodeJS.Timeout | undefined;
  let ended = false;
  const end = async () => {
    ended = true;
    clearInterval(proof);
    // A peer that has gone takes no leave: waiting for it would hold up the stop.
    const leaving = client.end();
    await Promise.race([leaving, sleep(PROOF_TIMEOUT_MS, undefined, { ref: false })]);
  };
  const lose = (error: Error) => {
    if (ended) return;
    void end();
    lost(error);
  };
  // A repeated LISTEN changes nothing.
  const say = () => client.query(answeredIn(PROOF_TIMEOUT_MS, `listen ${CHANNELS_OF[whom]}`));
  client.on('notification', wake);
  client.on('error', lose);
  try {
    await say();
  } catch (error) {
    // A rejection reports its own failure.
    await end();
    throw error;
  }
  proof = setInterval(() => void say().catch(lose), PROOF_MS);
  return end;
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
