/**
 * Presence of the nodes that dispatch. A node holds an advisory lock for as long as its session
 * lives, so PostgreSQL itself says when a node is gone: at once after a crash, and after the
 * keep-alive of TCP when a network drops packets. Others then take over its batches without a wait
 * for the end of their leases.
 */
import type { Database } from './database.ts';
import { holdConnection } from './held-connection.ts';

/** The class of the locks; a node's id is the object. */
const LOCK_CLASS = `hashtext('fanfare.node')`;
/** Milliseconds between two proofs that the session is still there. */
const PROOF_MS = 5_000;
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
  const end = await holdConnection(database, {
    async begin(client) {
      await client.query('delete from node where name = $1', [node]);
      // One statement: a node that sees the row finds it locked.
      await client.query(
        `with added as (insert into node (name) values ($1) returning id)
         select pg_advisory_lock(${LOCK_CLASS}, id) from added`,
        [node],
      );
    },
    proof: 'select 1',
    proofMs: PROOF_MS,
    lost,
  });
  return () => end((client) => client.query('delete from node where name = $1', [node]));
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
