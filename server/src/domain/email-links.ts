/**
 * The links in an e-mail: the unsubscribe link, and the picture that reports an opened e-mail. Each link contains its
 * meaning as a sealed token, so it needs no lookup. An unsubscribe link therefore works even after Fanfare has deleted
 * the e-mail.
 */
import { addressKey } from './email-address.ts';
import { parseAttemptReference, type AttemptReference } from './ids.ts';

/** Makes tokens that only the server can read and make; the same text gives the same token. */
export interface Sealer {
  seal(purpose: string, text: string): string;
  /** The text of a token that was sealed for this purpose; null for anything else. */
  open(purpose: string, token: string): string | null;
}

export interface EmailLinks {
  unsubscribeUrl(reference: string, address: string, from: string): string;
  openUrl(reference: string): string;
}

const UNSUBSCRIBE = 'unsubscribe';
const OPEN = 'open';

/** Links below the public URL of this server. */
export function createEmailLinks(publicUrl: string, sealer: Sealer): EmailLinks {
  return {
    unsubscribeUrl: (reference, address, from) =>
      `${publicUrl}/u/${sealer.seal(UNSUBSCRIBE, [reference, addressKey(address), addressKey(from)].join(' '))}`,
    openUrl: (reference) => `${publicUrl}/o/${sealer.seal(OPEN, reference)}.gif`,
  };
}

/** The recipient to unsubscribe, with account and sender address; null for an invalid token. */
export function readUnsubscribe(
  token: string,
  sealer: Sealer,
): { readonly accountId: number; readonly address: string; readonly from: string } | null {
  const [reference = '', address, from] = sealer.open(UNSUBSCRIBE, token)?.split(' ') ?? [];
  const attempt = parseAttemptReference(reference);
  return attempt === null || address === undefined || from === undefined
    ? null
    : { accountId: attempt.accountId, address, from };
}

/** The opened e-mail; null for an invalid token. */
export function readOpened(token: string, sealer: Sealer): AttemptReference | null {
  const reference = sealer.open(OPEN, token);
  return reference === null ? null : parseAttemptReference(reference);
}
