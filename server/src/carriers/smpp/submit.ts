/**
 * Sends a submission as one or several submit_sm, and combines their answers into one correct result. The first part is
 * sent alone: until the SMSC accepts it, the whole message can be retried. Then all other parts follow at once. A part that
 * the SMSC is too busy for is retried here, because a retry of the whole message would send the first part twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS } from '../../domain/errors.ts';
import type { SendResult, Submission } from '../carrier.ts';
import { composeMessages } from './messages.ts';
import type { SmppOptions } from './options.ts';
import type { Answer } from './outstanding.ts';
import { PROVIDER_ID_MAX, type MessageBody } from './pdu.ts';
import type { Pool } from './pool.ts';
import { describeStatus, errorCodeOf, statusOf } from './statuses.ts';

/** Pauses between tries of a later part; doubled each time. */
const PART_RETRY_MS = { first: 200, max: 5_000 } as const;

/** The result of a later part. */
type PartOutcome =
  | { readonly kind: 'taken'; readonly id: string }
  | { readonly kind: 'refused' | 'unsent'; readonly code: number; readonly detail: string }
  | { readonly kind: 'lost'; readonly detail: string };

/**
 * Sends submissions.
 * @param stopping aborted when later parts must not be retried any more
 */
export function createSubmitter(
  options: SmppOptions,
  pool: Pool,
  stopping: AbortSignal,
): (submission: Submission) => Promise<SendResult> {
  let reference = Math.floor(options.random() * 0x10000);
  const nextReference = () => {
    reference = (reference + 1) & 0xffff;
    return reference;
  };

  async function submitPart(body: MessageBody): Promise<PartOutcome> {
    const until = performance.now() + options.partRetryMs;
    for (let pauseMs: number = PART_RETRY_MS.first; ; pauseMs *= 2) {
      const answer = await pool.submit(body);
      if (answer.kind === 'lost') return answer;
      const isLate = performance.now() + pauseMs > until || stopping.aborted;
      if (answer.kind === 'unsent') {
        if (isLate) return { ...answer, code: ERRORS.carrierFault.code };
      } else {
        const { kind } = statusOf(answer.status);
        if (kind === 'ok') return { kind: 'taken', id: providerIdOf(answer.messageId) };
        if (kind === 'permanent' || isLate)
          return {
            kind: 'refused',
            code: errorCodeOf(answer.status),
            detail: describeStatus(answer.status),
          };
      }
      await sleep(Math.min(pauseMs, PART_RETRY_MS.max), undefined, { signal: stopping }).catch(
        () => undefined,
      );
    }
  }

  async function submitRest(first: string, bodies: readonly MessageBody[]): Promise<SendResult> {
    const rest = await Promise.all(bodies.slice(1).map(submitPart));
    const outcomes: readonly PartOutcome[] = [{ kind: 'taken', id: first }, ...rest];
    const ids = outcomes.flatMap((each) => (each.kind === 'taken' ? [each.id] : []));
    if (ids.length === outcomes.length)
      return { kind: 'accepted', providerId: first, partIds: ids };
    const detail = tellParts(outcomes);
    const refused = outcomes.find((each) => 'code' in each);
    return refused === undefined
      ? { kind: 'unknown', detail }
      : { kind: 'rejected', code: refused.code, detail };
  }

  return async (submission) => {
    const bodies = composeMessages(submission, options, nextReference, Date.now());
    if (!Array.isArray(bodies)) return { kind: 'rejected', ...bodies };
    const [body] = bodies;
    if (body === undefined) throw new Error('A message without a part');
    const answer = await pool.submit(body);
    const result = resultOf(answer, options);
    return result.kind === 'accepted' && bodies.length > 1
      ? submitRest(result.providerId, bodies)
      : result;
  };
}

/** The result of a whole message, or of its first part, from the answer. */
function resultOf(answer: Answer, { throttledMs }: SmppOptions): SendResult {
  if (answer.kind === 'lost') return { kind: 'unknown', detail: answer.detail };
  if (answer.kind === 'unsent') return { kind: 'throttled', afterMs: throttledMs };
  const { kind } = statusOf(answer.status);
  if (kind === 'ok') return { kind: 'accepted', providerId: providerIdOf(answer.messageId) };
  if (kind === 'busy') return { kind: 'throttled', afterMs: throttledMs };
  return {
    kind: kind === 'temporary' ? 'retry' : 'rejected',
    code: errorCodeOf(answer.status),
    detail: describeStatus(answer.status),
  };
}

/** An id without surrounding blanks; empty if it is too long. */
function providerIdOf(messageId: string): string {
  const id = messageId.trim();
  return id.length > PROVIDER_ID_MAX ? '' : id;
}

const FAILED_WORDS = { refused: 'refused', unsent: 'not sent', lost: 'without an answer' } as const;

/** `part 2 of 3 refused (ESME_RSYSERR …); part 1 was taken`. */
function tellParts(outcomes: readonly PartOutcome[]): string {
  const failed = outcomes.flatMap((each, i) => {
    if (each.kind === 'taken') return [];
    return [`part ${i + 1} of ${outcomes.length} ${FAILED_WORDS[each.kind]} (${each.detail})`];
  });
  const taken = outcomes.flatMap((each, i) => (each.kind === 'taken' ? [i + 1] : []));
  const were = taken.length === 1 ? `part ${taken[0]} was` : `parts ${taken.join(', ')} were`;
  return `${failed.join('; ')}; ${were} taken`;
}
