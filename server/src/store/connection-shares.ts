/**
 * The connections to a carrier that all nodes share: each node reports its number and gets its
 * limit.
 */
import { shareEvenly } from '../domain/shares.ts';
import type { Database } from './database.ts';

/** A node's word on its connections to one carrier. */
export interface ShareClaim {
  readonly lane: string;
  readonly node: string;
  /** Most over all nodes. */
  readonly max: number;
  /** Most that this node has a use for. */
  readonly wanted: number;
  /** Open, or being opened or closed. */
  readonly inUse: number;
  readonly leaseMs: number;
}

/**
 * Resolves with how many connections the node may have for `leaseMs`: its even share, as far as others have left it. When
 * that is less than it uses, it closes some and says so next time; only then another gets them.
 */
export function claimConnections(database: Database, claim: ShareClaim): Promise<number> {
  const { lane, node, max, wanted, inUse, leaseMs } = claim;
  return database.transact(async (client) => {
    await client.query(
      `select pg_advisory_xact_lock(hashtext('fanfare.connections'), hashtext($1))`,
      [lane],
    );
    await client.query('delete from connection_share where lane = $1 and held_until < now()', [
      lane,
    ]);
    await client.query(
      `insert into connection_share (lane, node, wanted, held, held_until)
       values ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')
       on conflict (lane, node) do update set wanted = $3, held = $4, held_until = excluded.held_until`,
      [lane, node, wanted, inUse, leaseMs],
    );
    const { rows } = await client.query<{ node: string; wanted: number; held: number }>(
      'select node, wanted, held from connection_share where lane = $1 order by node collate "C"',
      [lane],
    );
    const shares = shareEvenly(
      max,
      rows.map((row) => row.wanted),
    );
    const own = shares[rows.findIndex((row) => row.node === node)] ?? 0;
    const others = rows.reduce((sum, row) => (row.node === node ? sum : sum + row.held), 0);
    const allowed = Math.max(0, Math.min(own, max - others));
    if (allowed > inUse)
      await client.query('update connection_share set held = $3 where lane = $1 and node = $2', [
        lane,
        node,
        allowed,
      ]);
    return allowed;
  });
}

/** Gives back what a node had of all carriers. */
export async function releaseConnections(database: Database, node: string): Promise<void> {
  await database.query('delete from connection_share where node = $1', [node]);
}
