/** E-mail addresses: validation and comparison. Pure. */
import { findLineProblem } from './email-headers.ts';

/** RFC 5321, 4.5.3.1: octets of a local part and of a path without its brackets. */
const LOCAL_MAX = 64;
export const EMAIL_LENGTH_MAX = 254;
/** Characters of a name beside an address. */
export const EMAIL_NAME_MAX = 256;
/** A dot-atom (RFC 5322, 3.2.3). People do not have quoted local parts or address literals. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** The problem of an address as a sentence; null if it is valid. Domains may have letters of any script. */
export function findEmailAddressProblem(address: string): string | null {
  const at = address.lastIndexOf('@');
  if (at < 1) return 'Write an e-mail address, name@example.com.';
  const local = address.slice(0, at);
  if (!LOCAL.test(local))
    return /[^\x20-\x7e]/.test(local)
      ? 'Only ASCII is allowed before the @.'
      : 'The part before the @ is not valid.';
  if (local.length > LOCAL_MAX) return `At most ${LOCAL_MAX} characters before the @.`;
  const domain = toAsciiDomain(address.slice(at + 1));
  if (domain === null) return 'The part after the @ is not a domain.';
  if (local.length + 1 + domain.length > EMAIL_LENGTH_MAX)
    return `At most ${EMAIL_LENGTH_MAX} characters in total.`;
  return null;
}

/** The lower-case ASCII form (RFC 5890) of a domain of at least two labels; null if it is not one. */
function toAsciiDomain(domain: string): string | null {
  // Characters that `URL` would remove or convert.
  // oxlint-disable-next-line no-control-regex
  if (/[\s/\\?#@:%[\]<>^|\u0000-\u001f\u007f]/.test(domain)) return null;
  const ascii = hostOf(domain);
  const labels = ascii.split('.');
  const isName = labels.length > 1 && labels.every((label) => LABEL.test(label));
  return isName && !/^\d+$/.test(labels.at(-1) ?? '') ? ascii : null;
}

/** A host as in URLs (WHATWG URL, 3.5); empty if it is invalid. */
function hostOf(domain: string): string {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return '';
  }
}

/** The spelling of an address in suppressions: lower case, domain in ASCII. */
export function normaliseEmailAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  return `${address.slice(0, at)}@${toAsciiDomain(domain) ?? domain}`.toLowerCase();
}

/** The domain of an address, ASCII and lower case. */
export function domainOf(address: string): string {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  return toAsciiDomain(domain) ?? domain.toLowerCase();
}

/** The key for comparing addresses of any channel when the identity of a person matters. */
export function addressKey(address: string): string {
  return address.includes('@') ? normaliseEmailAddress(address) : address;
}

/** The address for sending: the domain in one spelling, the local part unchanged because its case may matter. */
export function canonicalEmailAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? address : `${address.slice(0, at)}@${domainOf(address)}`;
}

/** The sender address that stands for all of an address's domain. */
export function wildcardOf(address: string): string {
  return `*@${domainOf(address)}`;
}

/** The problem of an EMAIL sender's address, which is an address or `*@domain` for a whole domain. */
export function findEmailSenderProblem(address: string): string | null {
  return findEmailAddressProblem(address.startsWith('*@') ? `any${address.slice(1)}` : address);
}

/** The problem of a display name, or null. */
export function findNameProblem(name: string): string | null {
  if (name.length > EMAIL_NAME_MAX)
    return `A name has at most ${EMAIL_NAME_MAX} characters, not ${name.length}.`;
  return findLineProblem(name);
}
