/** E-mail addresses: which are taken, and when two are the same. Pure. */
import { findLineProblem } from './email-headers.ts';

/** RFC 5321, 4.5.3.1: octets of a local part and of a path without its brackets. */
const LOCAL_MAX = 64;
export const EMAIL_LENGTH_MAX = 254;
/** Characters of a name beside an address. */
export const EMAIL_NAME_MAX = 256;
/** A dot-atom (RFC 5322, 3.2.3). Quoted local parts and address literals are no addresses of people. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What is wrong with an address, as a sentence; null when nothing is. Domains may have letters of any script. */
export function findEmailAddressProblem(address: string): string | null {
  const at = address.lastIndexOf('@');
  if (at < 1) return 'Write an e-mail address, name@example.com.';
  const local = address.slice(0, at);
  if (!LOCAL.test(local))
    return /[^\x20-\x7e]/.test(local)
      ? 'Before the @ only ASCII is possible.'
      : 'What stands before the @ is not possible.';
  if (local.length > LOCAL_MAX) return `At most ${LOCAL_MAX} characters before the @.`;
  const domain = toAsciiDomain(address.slice(at + 1));
  if (domain === null) return 'What stands behind the @ is no domain.';
  if (local.length + 1 + domain.length > EMAIL_LENGTH_MAX)
    return `At most ${EMAIL_LENGTH_MAX} characters altogether.`;
  return null;
}

/** A domain of two labels at least in its ASCII form (RFC 5890), lower case; null when it is none. */
function toAsciiDomain(domain: string): string | null {
  // What `URL` would cut off or turn into something else.
  // oxlint-disable-next-line no-control-regex
  if (/[\s/\\?#@:%[\]<>^|\u0000-\u001f\u007f]/.test(domain)) return null;
  const ascii = hostOf(domain);
  const labels = ascii.split('.');
  const isName = labels.length > 1 && labels.every((label) => LABEL.test(label));
  return isName && !/^\d+$/.test(labels.at(-1) ?? '') ? ascii : null;
}

/** A host as URLs spell it (WHATWG URL, 3.5); empty when it is none. */
function hostOf(domain: string): string {
  try {
    return new URL(`ws://${domain}`).hostname;
  } catch {
    return '';
  }
}

/** The one spelling under which an address is suppressed: lower case, its domain in ASCII. */
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

/** By what addresses of any channel are compared when it matters who somebody is. */
export function addressKey(address: string): string {
  return address.includes('@') ? normaliseEmailAddress(address) : address;
}

/** The address as it is written to: its domain in one spelling; case may mean something before the @. */
export function canonicalEmailAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 0 ? address : `${address.slice(0, at)}@${domainOf(address)}`;
}

/** The sender address that stands for all of an address's domain. */
export function wildcardOf(address: string): string {
  return `*@${domainOf(address)}`;
}

/** What is wrong with the address of an EMAIL sender: an address, or `*@domain` for all of a domain. */
export function findEmailSenderProblem(address: string): string | null {
  return findEmailAddressProblem(address.startsWith('*@') ? `any${address.slice(1)}` : address);
}

/** What is wrong with a name beside an address, or null. */
export function findNameProblem(name: string): string | null {
  if (name.length > EMAIL_NAME_MAX)
    return `A name has at most ${EMAIL_NAME_MAX} characters, not ${name.length}.`;
  return findLineProblem(name);
}
