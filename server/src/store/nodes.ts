/**
 * Presence of the nodes that dispatch. A node holds an advisory lock for as long as its session
 * lives, so PostgreSQL itself says when a node is gone: at once after a crash, and after the
 * keep-alive of TCP when a network drops packets. Others then take over its batches without a wait
 * for the end of their leases.
 */
import { answeredIn, type Database } from './database.ts';

/** The class of the locks; a node's id is the object. */
const LOCK_CLASS = `hashtext('fanfare.node')`;
/** Interval between proofs that the session is still there, and the time for an answer. */
const PROOF_MS = 5_000;
const PROOF_TIMEOUT_MS = 5_000;
/** A node is gone when its lock has been free for this long. */
const GONE_AFTER = '1 second';

/**
 * Makes a node present until the connection breaks: then `lost` is called once, and others may take its batches. Resolves
 * with a function that ends the presence.
 */
export async function appear(
  database: Database,
  node: string,
  lost: (error: Error) => void,
): Promise<() => Promise<void>> {
  const client = await database.connect();
  let proof: NodeJS.Timeout | undefined;
  let isOver = false;
  const end = async () => {
    isOver = true;
    clearInterval(proof);
    await client.end();
  };
  const lose = (error: Error) => {
    if (isOver) return;
    void end().catch(() => undefined);
    lost(error);
  };
  client.on('error', lose);
  try {
    await client.query('delete from node where name = $1', [node]);
    // One statement: a node that sees the row finds it locked.
    await client.query(
      `with added as (insert into node (name) values ($1) returning id)
       select pg_advisory_lock(${LOCK_CLASS}, id) from added`,
      [node],
    );
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
  proof = setInterval(
    () => void client.query(answeredIn(PROOF_TIMEOUT_MS, 'select 1')).catch(lose),
    PROOF_MS,
  );
  return async () => {
    await client.query('delete from node where name = $1', [node]).catch(() => undefined);
    await end();
  };
}

/**
 * Releases the leases of nodes that are gone, and deletes their rows. A node is gone when its lock was free in two looks, one
 * second apart: after a restart of PostgreSQL all locks are free for a moment. A node that lost only its database may still submit messages
 * below its high-water marks, so carriers in `except`, which get in-doubt messages again, wait for the end of the leases.
 * Resolves with the number of released batches.
 */
export async function releaseGoneNodes(
  database: Database,
  node: string,
  except: readonly string[],
): Promise<number> {
  const { rows } = await database.query<{ released: number }>(
    `with free as materialized (
       select id, name, free_since from node where name <> $1 and pg_try_advisory_xact_lock(${LOCK_CLASS}, id)),
     noticed as (
       update node set free_since = now() where id = any(array(select id from free where free_since is null))),
     gone as (
       delete from node where id = any(array(select id from free where free_since < now() - interval '${GONE_AFTER}'))
       returning name),
     released as (
       update dispatch_batch b set leased_until = now() - interval '1 millisecond'
       from gone where not b.waiting and b.leased_until > now() and starts_with(b.leased_by, gone.name || '/')
         and b.carrier <> all($2)
       returning 1)
     select count(*)::int as released from released`,
    [node, except],
  );
  return rows[0]?.released ?? 0;
}
