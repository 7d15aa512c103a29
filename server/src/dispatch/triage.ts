/** Selects the messages of a leased batch that must not be sent, with their outcomes. Pure. */
import { ERRORS } from '../domain/errors.ts';
import { MESSAGE_STATUSES, rankOf } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { listCandidates } from '../domain/routing.ts';
import { isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { Batch, BatchMessage, Settlement } from '../store/store.ts';

/** Ordinals that must not be sent in this run, each in one list. */
export interface Triage {
  /** No message is left to send. */
  readonly settled: readonly number[];
  /** Possibly submitted by an earlier lease; the outcome stays unknown. */
  readonly inDoubt: readonly number[];
  /** Canceled or expired before they were submitted. */
  readonly ended: readonly number[];
  /** Opted out since the operation was accepted. */
  readonly suppressed: readonly number[];
  /** From a sender that was deleted since the operation was accepted. */
  readonly orphaned: readonly number[];
  /** To be sent in a batch of its own. */
  readonly apart: readonly number[];
}

/** Statuses after which there is nothing to send. */
const SETTLED = new Set(MESSAGE_STATUSES.filter((status) => rankOf(status) > rankOf('SENT')));

export function triage(
  batch: Batch,
  messages: ReadonlyMap<number, BatchMessage>,
  options: {
    readonly plan: SendPlan;
    readonly suppressions: SuppressionIndex;
    readonly apart: ReadonlySet<number>;
    readonly gone: ReadonlySet<number>;
    readonly ambiguous: 'hold' | 'resend';
    readonly isExpired: boolean;
  },
): Triage {
  const settled: number[] = [];
  const inDoubt: number[] = [];
  const ended: number[] = [];
  const suppressed: number[] = [];
  const orphaned: number[] = [];
  const apart: number[] = [];
  const isEnded = batch.cancelRequested || options.isExpired;
  for (const [position, ordinal] of batch.ordinals.entries()) {
    const message = messages.get(ordinal);
    if (message === undefined || message.attempt >= batch.attempt || SETTLED.has(message.status)) {
      settled.push(ordinal);
      continue;
    }
    const hasOptedOut = isSuppressed(message.addresses, options.plan, options.suppressions);
    const isGone = options.gone.has(ordinal);
    // In-doubt messages become neither CANCELED nor FAILED: the carrier may have them.
    const isInDoubt = position < batch.inDoubtMark;
    if (isInDoubt && (options.ambiguous === 'hold' || isEnded || hasOptedOut || isGone))
      inDoubt.push(ordinal);
    else if (isEnded) ended.push(ordinal);
    else if (hasOptedOut) suppressed.push(ordinal);
    else if (isGone) orphaned.push(ordinal);
    else if (options.apart.has(ordinal)) apart.push(ordinal);
  }
  return { settled, inDoubt, ended, suppressed, orphaned, apart };
}

/** The outcome of an in-doubt message that is not sent again. */
export function holdInDoubt(
  message: BatchMessage,
  { operationId, attempt, candidate }: Batch,
  plan: SendPlan,
): Settlement {
  const route = listCandidates(message.addresses, plan)[candidate];
  return {
    operationId,
    ordinal: message.ordinal,
    attempt,
    candidate,
    channel: route?.sender.channel ?? 'SMS',
    attemptedAt: new Date(),
    outcome: 'UNDELIVERED',
    providerId: null,
    quoted: null,
    errorCode: ERRORS.ambiguous.code,
    errorDetail: null,
    next: null,
  };
}
