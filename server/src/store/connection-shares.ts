/**
 * The connections to a carrier that all nodes share: each node reports its number and gets its
 * limit.
 */
import { shareEvenly } from '../domain/shares.ts';
import type { Database } from './database.ts';

/** A node's report of its connections to one carrier. */
export interface ShareClaim {
  readonly carrier: string;
  readonly node: string;
  /** Most over all nodes. */
  readonly max: number;
  /** Maximum that this node can use. */
  readonly wanted: number;
  /** Open, or being opened or closed. */
  readonly inUse: number;
  readonly leaseMs: number;
}

/**
 * Resolves with the number of connections that the node may have for `leaseMs`: its even share, as far as others have left
 * it. When that is less than it uses, it closes some and reports so next time; only then another node gets them.
 */
export function claimConnections(database: Database, claim: ShareClaim): Promise<number> {
  const { carrier, node, max, wanted, inUse, leaseMs } = claim;
  return database.transact(async (client) => {
    await client.query(
      `select pg_advisory_xact_lock(hashtext('fanfare.connections'), hashtext($1))`,
      [carrier],
    );
    await client.query('delete from connection_share where carrier = $1 and leased_until < now()', [
      carrier,
    ]);
    await client.query(
      `insert into connection_share (carrier, node, wanted, allowed, leased_until)
       values ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')
       on conflict (carrier, node) do update set wanted = $3, allowed = $4, leased_until = excluded.leased_until`,
      [carrier, node, wanted, inUse, leaseMs],
    );
    const { rows } = await client.query<{ node: string; wanted: number; allowed: number }>(
      'select node, wanted, allowed from connection_share where carrier = $1 order by node collate "C"',
      [carrier],
    );
    const shares = shareEvenly(
      max,
      rows.map((row) => row.wanted),
    );
    const own = shares[rows.findIndex((row) => row.node === node)] ?? 0;
    const others = rows.reduce((sum, row) => (row.node === node ? sum : sum + row.allowed), 0);
    const allowed = Math.max(0, Math.min(own, max - others));
    if (allowed > inUse)
      await client.query(
        'update connection_share set allowed = $3 where carrier = $1 and node = $2',
        [carrier, node, allowed],
      );
    return allowed;
  });
}

/** Releases a node's connections to all carriers. */
export async function releaseConnections(database: Database, node: string): Promise<void> {
  await database.query('delete from connection_share where node = $1', [node]);
}
