/**
 * Deliver: one message over one candidate. render → send → classify → settlement. Decides nothing about when,
 * and writes nothing.
 */
import type { Carrier, SendResult, Submission } from '../carriers/carrier.ts';
import { ERRORS } from '../domain/errors.ts';
import { ATTEMPT_MAX, attemptReference } from '../domain/ids.ts';
import { chooseContent, renderContent, type ParsedContent } from '../domain/content.ts';
import type { SendPlan } from '../domain/operation.ts';
import { nextRetryDelayMs, type RetryPolicy } from '../domain/retry.ts';
import { listCandidates, type Candidate } from '../domain/routing.ts';
import type { Batch, BatchMessage, NextTry, Settlement } from '../store/store.ts';

/** An operation made ready for sending: its templates parsed once. */
export interface ReadyOperation {
  readonly content: ParsedContent;
  readonly plan: SendPlan;
  /** The time that templates see as "now": rendering gives the same words again and again. */
  readonly renderAt: Date;
  readonly expireAt: Date | null;
}

/** Everything around one message that its delivery depends on. */
export interface DeliveryContext {
  readonly operation: ReadyOperation;
  readonly batch: Batch;
  readonly retry: RetryPolicy;
  /** In [0, 1): the jitter that all messages of a batch share, so that their retries stay together. */
  readonly jitter: number;
}

/** What a delivery came to: an outcome to settle, "try again soon, this was no attempt", or no way to send. */
export type Delivery =
  | { readonly kind: 'settle'; readonly settlement: Settlement }
  | { readonly kind: 'throttled'; readonly afterMs: number }
  | { readonly kind: 'unsendable'; readonly code: number };

/** Sends one message and tells what came of it. Never rejects. */
export async function deliver(
  carrier: Carrier,
  message: BatchMessage,
  context: DeliveryContext,
): Promise<Delivery> {
  const { batch, operation } = context;
  const candidates = listCandidates(message.addresses, operation.plan);
  const candidate = candidates[batch.candidate];
  if (candidate === undefined) return { kind: 'unsendable', code: ERRORS.unaddressable.code };
  const submission = composeSubmission(message, candidate, context);
  if (submission === null) return { kind: 'unsendable', code: ERRORS.templateFailed.code };
  const attemptedAt = new Date();
  const result = await submit(carrier, submission);
  if (result.kind === 'throttled') return { kind: 'throttled', afterMs: result.afterMs };
  return {
    kind: 'settle',
    settlement: classify(carrier, result, message, attemptedAt, candidates, context),
  };
}

function composeSubmission(
  message: BatchMessage,
  candidate: Candidate,
  { batch, operation }: DeliveryContext,
): Submission | null {
  const rendered = renderContent(operation.content, message.variables, operation.renderAt, {
    requireVariables: false,
  });
  if (!rendered.ok) return null;
  const { channel } = candidate.sender;
  const { text, mediaUrls, rich } = chooseContent(rendered.content, channel);
  return {
    reference: attemptReference(batch.accountId, message.id, batch.attempt),
    channel,
    from: candidate.sender.address,
    to: candidate.to.address,
    text,
    mediaUrls,
    rich,
    expireAt: operation.expireAt,
  };
}

async function submit(carrier: Carrier, submission: Submission): Promise<SendResult> {
  try {
    return await carrier.send(submission);
  } catch (error) {
    // The contract says a carrier never throws; whoever wrote it finds this in the message's attempts.
    const detail = `The carrier failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'retry', code: ERRORS.carrierFault.code, detail };
  }
}

/** Turns an answer into an outcome, and names the next try where one is left. */
function classify(
  carrier: Carrier,
  result: Exclude<SendResult, { kind: 'throttled' }>,
  message: BatchMessage,
  attemptedAt: Date,
  candidates: readonly Candidate[],
  context: DeliveryContext,
): Settlement {
  const { batch } = context;
  const common = {
    ordinal: message.ordinal,
    attempt: batch.attempt,
    candidate: batch.candidate,
    channel: candidates[batch.candidate]?.sender.channel ?? 'SMS',
    attemptedAt,
  };
  if (result.kind === 'accepted')
    return {
      ...common,
      outcome: 'SENT',
      providerId: result.providerId,
      errorCode: null,
      errorDetail: null,
      next: null,
    };
  const isUnknown = result.kind === 'unknown';
  const next =
    batch.attempt >= ATTEMPT_MAX || (isUnknown && carrier.ambiguous === 'hold')
      ? null
      : chooseNext(result, candidates, context);
  return {
    ...common,
    // What the carrier may have has not FAILED.
    outcome: isUnknown && next === null ? 'UNDELIVERED' : 'FAILED',
    providerId: null,
    errorCode: isUnknown ? ERRORS.ambiguous.code : result.code,
    errorDetail: result.detail,
    next,
  };
}

/** Delays are rounded up to this, so that messages which fail together are tried again together. */
const DELAY_STEP_MS = 100;

function chooseNext(
  result: Extract<SendResult, { kind: 'rejected' | 'retry' | 'unknown' }>,
  candidates: readonly Candidate[],
  { batch, retry, jitter }: DeliveryContext,
): NextTry | null {
  const here = candidates[batch.candidate];
  if (result.kind !== 'rejected' && here !== undefined) {
    const afterMs = result.kind === 'retry' ? result.afterMs : undefined;
    const delayMs = nextRetryDelayMs(retry, batch.tries + 1, jitter, afterMs);
    if (delayMs !== null)
      return {
        lane: here.sender.carrier,
        candidate: batch.candidate,
        tries: batch.tries + 1,
        delayMs: Math.ceil(delayMs / DELAY_STEP_MS) * DELAY_STEP_MS,
      };
  }
  const next = candidates[batch.candidate + 1];
  return next === undefined
    ? null
    : { lane: next.sender.carrier, candidate: batch.candidate + 1, tries: 0, delayMs: 0 };
}
