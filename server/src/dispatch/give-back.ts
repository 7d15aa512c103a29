/** Give back: where the messages go that a batch did not hand over, and when. Pure. */
import { findZone } from '../domain/local-time.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { QuietClock } from '../domain/quiet-hours.ts';
import { listCandidates, nextSender } from '../domain/routing.ts';
import type { Batch, BatchMessage, Piece } from '../store/store.ts';

/** Why they were not handed over, besides that the run was told to stop. */
export interface Reasons {
  readonly quiet: QuietClock | null;
  /** Until the sender may send again, once it has reached its day's cap; null when it has not. In milliseconds. */
  readonly cappedForMs: number | null;
}

/**
 * Groups messages by where they go: to another sender of the channel when theirs has reached its day's cap, else to the
 * same one, when its next day begins or its quiet hours for them end. None of this is an attempt.
 */
export function planPieces(
  messages: readonly BatchMessage[],
  batch: Batch,
  plan: SendPlan,
  { quiet, cappedForMs }: Reasons,
  now: number,
): Piece[] {
  const pieces = new Map<string, Piece & { readonly ordinals: number[] }>();
  for (const { ordinal, addresses } of messages) {
    const candidates = listCandidates(addresses, plan);
    const other = cappedForMs === null ? null : nextSender(candidates, batch.candidate);
    const candidate = other ?? batch.candidate;
    const way = candidates[candidate];
    if (way === undefined) continue;
    const until = other === null ? quiet?.quietUntil(findZone(way.to.address), now) : null;
    const quietMs = until ? until.getTime() - now : 0;
    const delayMs = other === null ? Math.max(quietMs, cappedForMs ?? 0) : 0;
    const senderId = way.sender.senderId ?? null;
    const tries = other === null ? batch.tries : 0;
    const key = `${candidate} ${senderId} ${delayMs}`;
    const known = pieces.get(key);
    if (known === undefined)
      pieces.set(key, {
        ordinals: [ordinal],
        lane: way.sender.carrier,
        candidate,
        senderId,
        tries,
        delayMs,
      });
    else known.ordinals.push(ordinal);
  }
  return [...pieces.values()];
}
