/** Requeues the remainder of a leased batch. */
import type { Database } from './database.ts';
import { cancelBatches, WAKE_CHANNEL } from './operations.ts';

/** Messages of a batch that are given back together, and where they go. */
export interface Piece {
  readonly ordinals: readonly number[];
  /** How many of them, the first ones, may be with the carrier: they stay in doubt. */
  readonly doubtful: number;
  readonly lane: string;
  readonly candidate: number;
  readonly senderId: string | null;
  readonly tries: number;
  /** From now on; 0 is at once. */
  readonly delayMs: number;
  /** Whether they wait for their carrier: then they stay due since when they were. Else they are due after the delay. */
  readonly staysDue: boolean;
}

/**
 * Ends a leased batch and gives back what of it remains to be sent: each piece becomes a batch. Where a cancel was requested,
 * what is not in doubt ends CANCELED instead. Does nothing when the lease is lost.
 */
export async function returnBatch(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  pieces: readonly Piece[],
): Promise<void> {
  await database.transact(async (client) => {
    const { rows } = await client.query<{ id: string; account_id: number; operation_id: string }>(
      `with ended as (delete from dispatch_batch where id = $1 and lease = $2 returning *)
       insert into dispatch_batch (account_id, operation_id, lane, candidate, sender_id, paced, attempt, tries, frontier,
         waiting, resting, due_at, not_before, expire_at, ordinals)
       select e.account_id, e.operation_id, p.lane, p.candidate, p.sender_id, is_paced(p.sender_id), e.attempt, p.tries,
         p.doubtful, p.delay_ms > 0, p.delay_ms > 0,
         case when p.stays_due then e.due_at else now() + p.delay_ms * interval '1 millisecond' end,
         case when p.delay_ms > 0 then now() + p.delay_ms * interval '1 millisecond' end, e.expire_at, p.ordinals::smallint[]
       from ended e, unnest($3::text[], $4::smallint[], $5::uuid[], $6::smallint[], $7::float[], $8::text[],
         $9::smallint[], $10::boolean[])
         as p(lane, candidate, sender_id, tries, delay_ms, ordinals, doubtful, stays_due)
       returning id, account_id, operation_id`,
      [
        batch.id,
        batch.lease,
        pieces.map((each) => each.lane),
        pieces.map((each) => each.candidate),
        pieces.map((each) => each.senderId),
        pieces.map((each) => each.tries),
        pieces.map((each) => each.delayMs),
        pieces.map((each) => `{${each.ordinals.join(',')}}`),
        pieces.map((each) => each.doubtful),
        pieces.map((each) => each.staysDue),
      ],
    );
    const [first] = rows;
    if (first === undefined) return;
    // Held until the end: a cancel that comes now waits, and finds the pieces.
    const { rows: operations } = await client.query<{ canceled: boolean }>(
      `select cancel_requested_at is not null as canceled from operation where account_id = $1 and id = $2 for share`,
      [first.account_id, first.operation_id],
    );
    if (operations[0]?.canceled === true)
      await cancelBatches(
        client,
        first.account_id,
        first.operation_id,
        rows.map((row) => row.id),
      );
    else await client.query(`select pg_notify('${WAKE_CHANNEL}', '')`);
  });
}
