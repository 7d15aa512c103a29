/** Rate limits: slots of limited senders, reserved on a clock that all nodes share. */
import type { Database } from './database.ts';

/** Turns given to the first messages of those asked for. */
export interface Reservation {
  /** Messages that may go; fewer than asked for when the day's cap is near, none when it is reached. */
  readonly granted: number;
  /** Until the first of them may go; with none, until the next day of UTC. In milliseconds. */
  readonly waitMs: number;
  /** Units per second in which they follow one another; null: as fast as can be. */
  readonly perSecond: number | null;
  /** The day of UTC whose cap they count for, as `YYYY-MM-DD`; null for a sender without limits. */
  readonly day: string | null;
}

/**
 * Reserves turns of a sender for messages that cost `costs` units each, in this order. The time of what is reserved is gone even
 * when it is not used; its units can be given back.
 */
export async function reserveTurns(
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
  }>('select granted, wait_ms, per_second, on_day::text as day from reserve_turns($1, $2::int[])', [
    senderId,
    `{${cumulative.join(',')}}`,
  ]);
  const [row] = rows;
  if (row === undefined) throw new Error('reserve_turns returned nothing.');
  return {
    granted: row.granted,
    waitMs: row.wait_ms,
    perSecond: row.per_second,
    day: row.day,
  };
}

/** Gives units that were reserved on a day, and not used, back to that day's cap. Not to be repeated. */
export async function returnUnits(
  database: Database,
  senderId: string,
  day: string,
  units: number,
): Promise<void> {
  await database.query(
    'update sender_pace set used = greatest(0, used - $3) where sender_id = $1 and day = $2::date',
    [senderId, day, units],
  );
}
