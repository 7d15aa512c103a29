/** Requeues the remainder of a leased batch. */
import type { Database } from './database.ts';
import { cancelBatches } from './cancels.ts';
import { WAKE_CHANNEL } from './operations.ts';

/** Messages of a batch that are requeued together, and their next route. */
export interface Remainder {
  readonly ordinals: readonly number[];
  /** How many of them, the first ones, are in doubt and stay so. */
  readonly inDoubtCount: number;
  readonly carrier: string;
  readonly candidate: number;
  readonly senderId: string | null;
  readonly tries: number;
  /** From now on; 0 is at once. */
  readonly delayMs: number;
  /** Whether the batches keep their due time, as messages that wait for their carrier do. Otherwise they are due after the delay. */
  readonly staysDue: boolean;
}

/**
 * Ends a leased batch and requeues its remainder: each entry becomes a batch. After a cancel request, messages that are
 * not in doubt end CANCELED instead. Does nothing when the lease is lost.
 */
export async function requeueRemainder(
  database: Database,
  batch: { readonly id: string; readonly lease: number },
  remainders: readonly Remainder[],
): Promise<void> {
  await database.transact(async (client) => {
    const { rows } = await client.query<{ id: string; account_id: number; operation_id: string }>(
      `with ended as (delete from dispatch_batch where id = $1 and lease = $2 returning *)
       insert into dispatch_batch (account_id, operation_id, carrier, candidate, sender_id, rate_limited, attempt, tries, high_water_mark,
         waiting, resting, due_at, not_before, expire_at, ordinals)
       select e.account_id, e.operation_id, p.carrier, p.candidate, p.sender_id, is_rate_limited(p.sender_id), e.attempt, p.tries,
         p.in_doubt_count, p.delay_ms > 0, p.delay_ms > 0,
         case when p.stays_due then e.due_at else now() + p.delay_ms * interval '1 millisecond' end,
         case when p.delay_ms > 0 then now() + p.delay_ms * interval '1 millisecond' end, e.expire_at, p.ordinals::int[]
       from ended e, unnest($3::text[], $4::smallint[], $5::uuid[], $6::smallint[], $7::float[], $8::text[],
         $9::smallint[], $10::boolean[])
         as p(carrier, candidate, sender_id, tries, delay_ms, ordinals, in_doubt_count, stays_due)
       returning id, account_id, operation_id`,
      [
        batch.id,
        batch.lease,
        remainders.map((each) => each.carrier),
        remainders.map((each) => each.candidate),
        remainders.map((each) => each.senderId),
        remainders.map((each) => each.tries),
        remainders.map((each) => each.delayMs),
        remainders.map((each) => `{${each.ordinals.join(',')}}`),
        remainders.map((each) => each.inDoubtCount),
        remainders.map((each) => each.staysDue),
      ],
    );
    const [first] = rows;
    if (first === undefined) return;
    // The lock lasts until the end: a cancel that comes now waits, and finds the new batches.
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
