/** Further headers of an e-mail: which there may be. Those that make an e-mail what it is are Fanfare's own. Pure. */
import { findLineProblem } from './email-address.ts';

/** Further headers of one e-mail. */
export const HEADERS_MAX = 30;
/** Characters of a header's name. */
const NAME_LENGTH_MAX = 64;
/** Characters of a line (RFC 5322, section 2.1.1): of a rendered subject or header. */
export const LINE_LENGTH_MAX = 998;

/** Printable ASCII without the colon (RFC 5322, section 3.6.8). */
const NAME = /^[!-9;-~]+$/;

const OWN = new Set([
  'from',
  'sender',
  'to',
  'cc',
  'bcc',
  'subject',
  'date',
  'message-id',
  'mime-version',
  'dkim-signature',
  'return-path',
  'received',
]);
const OWN_PREFIXES = ['content-', 'list-unsubscribe', 'resent-', 'arc-'];

/** What is wrong with a header, as a sentence, or null. The value is as rendered, or without Liquid. */
export function findHeaderProblem(name: string, value: string): string | null {
  const key = name.toLowerCase();
  if (!NAME.test(name) || name.length > NAME_LENGTH_MAX)
    return `A header's name has 1 to ${NAME_LENGTH_MAX} visible ASCII characters and no colon.`;
  if (OWN.has(key) || OWN_PREFIXES.some((prefix) => key.startsWith(prefix)))
    return `The header ${name} is Fanfare's own; it cannot be given.`;
  if (value.length > LINE_LENGTH_MAX)
    return `A header's value has at most ${LINE_LENGTH_MAX} characters, not ${value.length}.`;
  return findLineProblem(value);
}
