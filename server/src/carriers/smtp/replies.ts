/** What an SMTP server's refusals mean: for the e-mail, or for the connection. Pure. */
import { ERRORS } from '../../domain/errors.ts';

/** A reply other than success. */
export interface Refusal {
  /** RFC 5321, 4.2. */
  readonly code: number;
  /** The server's words, the enhanced status (RFC 3463) at their beginning where it has one. */
  readonly text: string;
  /** What was refused: the connection or log-in, the sender, the recipient, or the content. */
  readonly stage: 'connection' | 'sender' | 'recipient' | 'content';
}

export type Meaning =
  /** For good. */
  | { readonly kind: 'rejected'; readonly code: number }
  /** For now: the recipient's mailbox is busy, or we are greylisted. */
  | { readonly kind: 'retry'; readonly code: number }
  /** It is not about this e-mail: the server is away, wants no more, or does not know us. */
  | { readonly kind: 'wait' };

const TOO_FAST = /too many|too fast|rate.?limit|throttl|slow down|limit exceeded/i;

/** What a refusal means. */
export function classifyRefusal({ code, text, stage }: Refusal): Meaning {
  // "Service not available, closing channel" (421), "authentication required" and its kin: for all alike.
  if (stage === 'connection' || code === 421 || code === 530 || code === 535)
    return { kind: 'wait' };
  if (code < 500)
    return TOO_FAST.test(text)
      ? { kind: 'wait' }
      : { kind: 'retry', code: ERRORS.unreachable.code };
  return { kind: 'rejected', code: codeOf(readEnhanced(text), stage) };
}

/** The subject and detail of an enhanced status, `1.1` of `5.1.1`; null when there is none. */
export function readEnhanced(text: string): string | null {
  return /(?:^|\s)[245]\.(\d{1,3}\.\d{1,3})(?:\s|$)/.exec(text)?.[1] ?? null;
}

/** The code of a refusal for good, by RFC 3463, 3: addressing, mailbox, mail system, network, protocol, content, policy. */
export function codeOf(enhanced: string | null, stage: Refusal['stage']): number {
  const [subject, detail] = (enhanced ?? '').split('.').map(Number);
  if (stage === 'sender' || (subject === 1 && (detail === 7 || detail === 8)))
    return ERRORS.senderRefused.code;
  if (subject === 1) return ERRORS.unknownDestination.code;
  if (subject === 2) return ERRORS.unreachable.code;
  if (subject === 7 || (subject === 6 && stage !== 'recipient')) return ERRORS.filtered.code;
  if (enhanced === null && stage === 'recipient') return ERRORS.unknownDestination.code;
  if (enhanced === null && stage === 'content') return ERRORS.filtered.code;
  return ERRORS.carrierFault.code;
}
