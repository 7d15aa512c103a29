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

/** Log-in, TLS and the like, of whatever they are an answer to (RFC 4954, RFC 3207); the server closes (421). */
const NOT_ABOUT_IT = new Set([421, 454, 530, 534, 535, 538]);
const TOO_FAST = /too many|too fast|\brate\b|throttl|slow down|limit exceeded|server busy/i;
/** Of an account, whichever way it is said. */
const SENDING_LIMIT = /sending (limit|quota)|(daily|hourly) (limit|quota|message)/i;
/** The server has no room, or takes nothing now (RFC 3463, 3.4). */
const SERVER_BUSY = new Set(['3.1', '3.2']);

/** What a refusal means. */
export function classifyRefusal({ code, text, stage }: Refusal): Meaning {
  const enhanced = readEnhanced(text);
  if (stage === 'connection' || NOT_ABOUT_IT.has(code) || SENDING_LIMIT.test(text))
    return { kind: 'wait' };
  if (code < 500) {
    // A mailbox (2.x) has limits of its own.
    const isMailbox = enhanced?.startsWith('2.') === true;
    return SERVER_BUSY.has(enhanced ?? '') || (TOO_FAST.test(text) && !isMailbox)
      ? { kind: 'wait' }
      : { kind: 'retry', code: ERRORS.unreachable.code };
  }
  return { kind: 'rejected', code: codeOf(enhanced, stage) };
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
