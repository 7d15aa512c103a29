/** Plans where the unsubmitted messages of a batch go, and when they are due. Pure. */
import { findZones } from '../domain/local-time.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { QuietClock } from '../domain/quiet-hours.ts';
import { listCandidates, nextSender } from '../domain/routing.ts';
import type { Batch, BatchMessage, Piece } from '../store/store.ts';

/** Why they were not submitted, besides that the run was told to stop. */
export interface Reasons {
  readonly quiet: QuietClock | null;
  /** Until the sender may send again, once it has reached its day's cap; null when it has not. In milliseconds. */
  readonly cappedForMs: number | null;
  /** How long the carrier takes a message not, in milliseconds; 0 when it may take it now. */
  readonly carrierWaitMs: (ordinal: number) => number;
  /** Ordinals that may be with the carrier. */
  readonly doubtful: ReadonlySet<number>;
  /** Ordinals that a batch of several senders shall not have any more. */
  readonly apart: ReadonlySet<number>;
}

/** What waits for its carrier is looked at again after this, at most: the carrier may be back before it said. */
const CARRIER_WAIT_MS_MAX = 60_000;
/** Delays are rounded up to this, so that messages which wait together stay together. */
const STEP_MS = 100;

/**
 * Groups messages by where they go: to another sender of the channel when theirs has reached its day's cap, else to the
 * same one, when its next day begins, its quiet hours for them end, or the carrier may take them. None of this is an attempt.
 */
export function planPieces(
  messages: readonly BatchMessage[],
  batch: Batch,
  plan: SendPlan,
  { quiet, cappedForMs, carrierWaitMs, doubtful, apart }: Reasons,
  now: number,
): Piece[] {
  const pieces = new Map<string, Piece & { readonly ordinals: number[] }>();
  for (const { ordinal, addresses } of inDoubtFirst(messages, doubtful)) {
    const candidates = listCandidates(addresses, plan);
    // What may be with the carrier goes to no other.
    const mayChange = cappedForMs !== null && !doubtful.has(ordinal);
    const other = mayChange ? nextSender(candidates, batch.candidate) : null;
    const candidate = other ?? batch.candidate;
    const way = candidates[candidate];
    if (way === undefined) continue;
    const until = other === null ? quiet?.quietUntil(findZones(way.to.address), now) : null;
    const quietMs = until ? until.getTime() - now : 0;
    const sleepMs = other === null ? Math.max(quietMs, cappedForMs ?? 0) : 0;
    const carrierMs = other === null ? Math.min(carrierWaitMs(ordinal), CARRIER_WAIT_MS_MAX) : 0;
    const staysDue = sleepMs === 0;
    const delayMs = staysDue ? Math.ceil(carrierMs / STEP_MS) * STEP_MS : sleepMs;
    // Those of several senders stay together.
    const isShared = batch.sender === null && other === null && !apart.has(ordinal);
    const senderId = isShared ? null : (way.sender.senderId ?? null);
    const tries = other === null ? batch.tries : 0;
    const key = `${candidate} ${senderId} ${delayMs} ${staysDue}`;
    const known = pieces.get(key);
    const ordinals = known?.ordinals ?? [];
    ordinals.push(ordinal);
    pieces.set(key, {
      ordinals,
      doubtful: (known?.doubtful ?? 0) + (doubtful.has(ordinal) ? 1 : 0),
      lane: way.sender.carrier,
      candidate,
      senderId,
      tries,
      delayMs,
      staysDue,
    });
  }
  return [...pieces.values()];
}

function inDoubtFirst(
  messages: readonly BatchMessage[],
  doubtful: ReadonlySet<number>,
): readonly BatchMessage[] {
  if (doubtful.size === 0) return messages;
  return messages.toSorted(
    (a, b) => Number(doubtful.has(b.ordinal)) - Number(doubtful.has(a.ordinal)),
  );
}
