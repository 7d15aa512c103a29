/**
 * Delivers one message over one candidate: render, send, classify the answer, return a settlement.
 * It does not decide when, and writes nothing.
 */
import type { Carrier, SendResult, Submission } from '../carriers/carrier.ts';
import type { EmailAttachment } from '../domain/email.ts';
import { toEmailBody } from '../domain/email-content.ts';
import type { EmailLinks } from '../domain/email-links.ts';
import { ERRORS, faultOf } from '../domain/errors.ts';
import { ATTEMPT_MAX, attemptReference } from '../domain/ids.ts';
import { chooseContent, renderContent, type ParsedContent } from '../domain/content.ts';
import type { SendPlan } from '../domain/operation.ts';
import { keepableProviderId } from '../domain/receipt.ts';
import { nextRetryDelayMs, type RetryPolicy } from '../domain/retry.ts';
import { listCandidates, nextCandidate, type Candidate } from '../domain/routing.ts';
import { keepable } from '../domain/storable.ts';
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
  /** Files of e-mails. */
  readonly attachments: readonly EmailAttachment[];
  readonly emailLinks: EmailLinks | null;
}

/** The result of a delivery: an outcome to settle, or a throttling, which is no attempt. */
export type Delivery =
  | { readonly kind: 'settle'; readonly settlement: Settlement }
  | { readonly kind: 'throttled'; readonly afterMs: number };

/** A message ready to be submitted, and the candidates of its recipient. */
export interface Composed {
  readonly submission: Submission;
  readonly candidates: readonly Candidate[];
}

/** Renders a message for the batch's candidate; an error code when it cannot be sent. */
export function compose(message: BatchMessage, context: DeliveryContext): Composed | number {
  const { batch, operation } = context;
  const candidates = listCandidates(message.addresses, operation.plan);
  const candidate = candidates[batch.candidate];
  if (candidate === undefined) return ERRORS.unaddressable.code;
  const rendered = renderContent(
    operation.content,
    message.variables,
    message.scheduledFor ?? operation.renderAt,
    { requireVariables: false },
  );
  if (!rendered.ok) return ERRORS.templateFailed.code;
  const { channel } = candidate.sender;
  const { content } = rendered;
  const { text, mediaUrls, rich } = chooseContent(content, channel);
  const reference = attemptReference(batch.accountId, message.id, batch.attempt);
  const { attachments, emailLinks: links } = context;
  const { sender: from, to } = candidate;
  const submission: Submission = {
    reference,
    channel,
    from: from.address,
    to: to.address,
    text,
    mediaUrls,
    rich,
    email:
      'email' in content ? toEmailBody(content, { reference, from, to, attachments, links }) : null,
    expireAt: operation.expireAt,
  };
  return { submission, candidates };
}

/** Submits one message and returns the outcome. Never rejects. */
export async function deliver(
  carrier: Carrier,
  message: BatchMessage,
  { submission, candidates }: Composed,
  context: DeliveryContext,
): Promise<Delivery> {
  const attemptedAt = new Date();
  const result = await submit(carrier, submission);
  if (result.kind === 'throttled') return { kind: 'throttled', afterMs: result.afterMs };
  return {
    kind: 'settle',
    settlement: classify(carrier, result, message, attemptedAt, candidates, context),
  };
}

async function submit(carrier: Carrier, submission: Submission): Promise<SendResult> {
  try {
    return await carrier.send(submission);
  } catch (error) {
    // A carrier must not throw. It may have submitted the message; its author finds the error in the attempts.
    const detail = `The carrier failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
    return { kind: 'unknown', detail };
  }
}

/** The carrier's own words are kept to this many characters. */
const DETAIL_LENGTH_MAX = 500;

/** Converts an answer into an outcome, with the next try if one is left. */
function classify(
  carrier: Carrier,
  result: Exclude<SendResult, { kind: 'throttled' }>,
  message: BatchMessage,
  attemptedAt: Date,
  candidates: readonly Candidate[],
  context: DeliveryContext,
): Settlement {
  const { batch } = context;
  const channel = candidates[batch.candidate]?.sender.channel ?? 'SMS';
  // Written out twice: made of a common part, the many that are accepted would cost a tenth of the throughput.
  if (result.kind === 'accepted')
    return {
      operationId: batch.operationId,
      ordinal: message.ordinal,
      attempt: batch.attempt,
      candidate: batch.candidate,
      channel,
      attemptedAt,
      outcome: 'SENT',
      providerId: keepableProviderId(result.providerId),
      quoted: carrier.quotesOwnIds ? quote(carrier.name, result) : null,
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
    operationId: batch.operationId,
    ordinal: message.ordinal,
    attempt: batch.attempt,
    candidate: batch.candidate,
    channel,
    attemptedAt,
    // An in-doubt message has not FAILED.
    outcome: isUnknown && next === null ? 'UNDELIVERED' : 'FAILED',
    providerId: null,
    quoted: null,
    errorCode: isUnknown ? ERRORS.ambiguous.code : result.code,
    errorDetail: keepable(result.detail, DETAIL_LENGTH_MAX),
    next,
  };
}

/** The ids that receipts will quote, as receipts' own are kept. */
function quote(
  carrier: string,
  { providerId, partIds = [providerId] }: Extract<SendResult, { kind: 'accepted' }>,
): Settlement['quoted'] {
  const ids = partIds.map(keepableProviderId).filter((id) => id !== '');
  return ids.length === 0 ? null : { carrier, ids };
}

/** Delays are rounded up to this, so that messages which fail together are tried again together. */
const DELAY_STEP_MS = 100;

function chooseNext(
  result: Extract<SendResult, { kind: 'rejected' | 'retry' | 'unknown' }>,
  candidates: readonly Candidate[],
  { batch, retry, jitter }: DeliveryContext,
): NextTry | null {
  if (result.kind !== 'rejected') {
    const afterMs = result.kind === 'retry' ? result.afterMs : undefined;
    const delayMs = nextRetryDelayMs(retry, batch.tries + 1, jitter, afterMs);
    if (delayMs !== null) {
      const rounded = Math.ceil(delayMs / DELAY_STEP_MS) * DELAY_STEP_MS;
      return tryOver(candidates, batch.candidate, batch.tries + 1, rounded);
    }
  }
  const code = result.kind === 'unknown' ? ERRORS.ambiguous.code : result.code;
  const next = nextCandidate(candidates, batch.candidate, faultOf(code));
  return next === null ? null : tryOver(candidates, next, 0, 0);
}

function tryOver(
  candidates: readonly Candidate[],
  candidate: number,
  tries: number,
  delayMs: number,
): NextTry | null {
  const sender = candidates[candidate]?.sender;
  return sender === undefined
    ? null
    : { carrier: sender.carrier, senderId: sender.senderId ?? null, candidate, tries, delayMs };
}
