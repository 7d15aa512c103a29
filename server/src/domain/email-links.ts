/**
 * The links that an e-mail brings back: to unsubscribe, and the picture that tells that it was opened. What they mean is
 * sealed in them, each for its purpose, so nothing is looked up, and a link to unsubscribe works for as long as somebody
 * keeps the e-mail: longer than Fanfare does.
 */
import { addressKey } from './email-address.ts';
import { parseAttemptReference, type AttemptReference } from './ids.ts';

/** Makes texts unreadable and unforgeable; the same text gives the same token. */
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

/** Links below the origin that this server is known by outside. */
export function createEmailLinks(publicUrl: string, sealer: Sealer): EmailLinks {
  return {
    unsubscribeUrl: (reference, address, from) =>
      `${publicUrl}/u/${sealer.seal(UNSUBSCRIBE, [reference, addressKey(address), addressKey(from)].join(' '))}`,
    openUrl: (reference) => `${publicUrl}/o/${sealer.seal(OPEN, reference)}.gif`,
  };
}

/** Who wants no more e-mails, of which account and from which address; null for a token that is none. */
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

/** What was opened; null for a token that is none. */
export function readOpened(token: string, sealer: Sealer): AttemptReference | null {
  const reference = sealer.open(OPEN, token);
  return reference === null ? null : parseAttemptReference(reference);
}
