/** Plans where the unsubmitted messages of a batch go, and when they are due. Pure. */
import { findZones } from '../domain/local-time.ts';
import type { SendPlan } from '../domain/operation.ts';
import type { QuietClock } from '../domain/quiet-hours.ts';
import { listCandidates, nextSender } from '../domain/routing.ts';
import type { Batch, BatchMessage, Remainder } from '../store/store.ts';

/** Why they were not submitted, besides a stop. */
export interface Reasons {
  readonly quiet: QuietClock | null;
  /** Milliseconds until the sender may send again after it reached its daily cap; null when it did not. */
  readonly cappedForMs: number | null;
  /** How long a message waits for its carrier, in milliseconds; 0 for a message that may be submitted now. */
  readonly carrierWaitMs: (ordinal: number) => number;
  /** Ordinals of in-doubt messages. */
  readonly inDoubt: ReadonlySet<number>;
  /** Ordinals that leave the batch of several senders. */
  readonly apart: ReadonlySet<number>;
}

/** Maximum wait for a carrier: it may accept messages earlier than it said. */
const CARRIER_WAIT_MS_MAX = 60_000;
/** Delays are rounded up to this, so that messages that wait together stay in one batch. */
const STEP_MS = 100;

/**
 * Groups messages by their next route: another sender of the channel when theirs has reached its daily cap, else the
 * same one, after its next day began, its quiet hours ended, or the carrier's backoff. None of this is an attempt.
 */
export function planRemainder(
  messages: readonly BatchMessage[],
  batch: Batch,
  plan: SendPlan,
  { quiet, cappedForMs, carrierWaitMs, inDoubt, apart }: Reasons,
  now: number,
): Remainder[] {
  const remainders = new Map<string, Remainder & { readonly ordinals: number[] }>();
  for (const { ordinal, addresses } of inDoubtFirst(messages, inDoubt)) {
    const candidates = listCandidates(addresses, plan);
    // An in-doubt message stays with its carrier.
    const mayChange = cappedForMs !== null && !inDoubt.has(ordinal);
    const other = mayChange ? nextSender(candidates, batch.candidate) : null;
    const candidate = other ?? batch.candidate;
    const route = candidates[candidate];
    if (route === undefined) continue;
    const until = other === null ? quiet?.quietUntil(findZones(route.to.address), now) : null;
    const quietMs = until ? until.getTime() - now : 0;
    const sleepMs = other === null ? Math.max(quietMs, cappedForMs ?? 0) : 0;
    const carrierMs = other === null ? Math.min(carrierWaitMs(ordinal), CARRIER_WAIT_MS_MAX) : 0;
    const staysDue = sleepMs === 0;
    const delayMs = staysDue ? Math.ceil(carrierMs / STEP_MS) * STEP_MS : sleepMs;
    // Messages of several senders stay together.
    const isShared = batch.sender === null && other === null && !apart.has(ordinal);
    const senderId = isShared ? null : (route.sender.senderId ?? null);
    const tries = other === null ? batch.tries : 0;
    const key = `${candidate} ${senderId} ${delayMs} ${staysDue}`;
    const known = remainders.get(key);
    const ordinals = known?.ordinals ?? [];
    ordinals.push(ordinal);
    remainders.set(key, {
      ordinals,
      inDoubtCount: (known?.inDoubtCount ?? 0) + (inDoubt.has(ordinal) ? 1 : 0),
      carrier: route.sender.carrier,
      candidate,
      senderId,
      tries,
      delayMs,
      staysDue,
    });
  }
  return [...remainders.values()];
}

function inDoubtFirst(
  messages: readonly BatchMessage[],
  inDoubt: ReadonlySet<number>,
): readonly BatchMessage[] {
  if (inDoubt.size === 0) return messages;
  return messages.toSorted(
    (a, b) => Number(inDoubt.has(b.ordinal)) - Number(inDoubt.has(a.ordinal)),
  );
}
