/** Rate limits: slots of limited senders, reserved on a clock that all nodes share. */
import type { Database } from './database.ts';

/** A reservation for the first of the requested messages. */
export interface Reservation {
  /** Messages that may be submitted; fewer than requested near the daily cap, none when it is reached. */
  readonly granted: number;
  /** Milliseconds until the first of them may be submitted; with none, until the next day of UTC. */
  readonly waitMs: number;
  /** Units per second; null: no limit. */
  readonly perSecond: number | null;
  /** The day of UTC whose cap counts the units, as `YYYY-MM-DD`; null for a sender without limits. */
  readonly day: string | null;
}

/**
 * Reserves units of a sender for messages that cost `costs` units each, in this order. Unused units can be returned; their
 * time is lost.
 */
export async function reserveUnits(
  database: Database,
  senderId: string,
  costs: readonly number[],
): Promise<Reservation> {
  let sum = 0;
  const cumulative = costs.map((cost) => (sum += cost));
  const { rows } = await database.query<{
    granted: number;
    wait_ms: number;
    per_second: number | null;
    day: string | null;
  }>('select granted, wait_ms, per_second, on_day::text as day from reserve_units($1, $2::int[])', [
    senderId,
    `{${cumulative.join(',')}}`,
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error('reserve_units returned nothing.');
  return {
    granted: row.granted,
    waitMs: row.wait_ms,
    perSecond: row.per_second,
    day: row.day,
  };
}

/** Returns unused units of a day to its cap. Not idempotent. */
export async function returnUnits(
  database: Database,
  senderId: string,
  day: string,
  units: number,
): Promise<void> {
  await database.query(
    'update sender_rate set used = greatest(0, used - $3) where sender_id = $1 and day = $2::date',
    [senderId, day, units],
  );
}
