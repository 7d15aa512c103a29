/**
 * E-mail addresses as they are taken: the dot-atom form of RFC 5321 (section 4.1.2) with a domain name, in ASCII. Quoted
 * local parts, address literals and addresses that need SMTPUTF8 are refused. Pure.
 */

/** Characters of an address and of its local part (RFC 5321, section 4.5.3.1). */
export const EMAIL_LENGTH_MAX = 254;
const LOCAL_LENGTH_MAX = 64;
/** Characters of a name beside an address. */
export const EMAIL_NAME_MAX = 256;

const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LOCAL = new RegExp(`^${ATEXT}(?:\\.${ATEXT})*$`);
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** What is wrong with an address, as a sentence, or null. */
export function findEmailAddressProblem(address: string): string | null {
  const at = address.lastIndexOf('@');
  if (at < 1) return 'An e-mail address has a name, @ and a domain.';
  if (address.length > EMAIL_LENGTH_MAX)
    return `An e-mail address has at most ${EMAIL_LENGTH_MAX} characters, not ${address.length}.`;
  if (/[^\x20-\x7e]/.test(address))
    return 'An e-mail address is written in ASCII here; write an international domain as xn--….';
  const local = address.slice(0, at);
  if (local.length > LOCAL_LENGTH_MAX)
    return `There are at most ${LOCAL_LENGTH_MAX} characters before the @, not ${local.length}.`;
  if (!LOCAL.test(local)) return 'What stands before the @ is not allowed there.';
  return findDomainProblem(address.slice(at + 1));
}

function findDomainProblem(domain: string): string | null {
  const labels = domain.split('.');
  const top = labels.at(-1) ?? '';
  return labels.length >= 2 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(top)
    ? null
    : 'What stands behind the @ is not the name of a domain.';
}

/** What is wrong with the address of an EMAIL sender: an address, or `*@domain` for all of a domain. */
export function findEmailSenderProblem(address: string): string | null {
  return findEmailAddressProblem(address.startsWith('*@') ? `any${address.slice(1)}` : address);
}

/** The address with its domain in lower case: case means nothing there, and may before the @. */
export function normaliseEmailAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return address.slice(0, at) + address.slice(at).toLowerCase();
}

/** By what addresses of any channel are compared when it matters who somebody is: nobody tells people apart by case. */
export function addressKey(address: string): string {
  return address.toLowerCase();
}

/** The sender address that stands for all of an address's domain. */
export function wildcardOf(address: string): string {
  return `*${address.slice(address.lastIndexOf('@')).toLowerCase()}`;
}

/** What is wrong with a name beside an address, or null. */
export function findNameProblem(name: string): string | null {
  if (name.length > EMAIL_NAME_MAX)
    return `A name has at most ${EMAIL_NAME_MAX} characters, not ${name.length}.`;
  return findLineProblem(name);
}

// Control characters are what is looked for: line ends would begin a header of their own.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** What is wrong with a text that must be one line of a header, or null. */
export function findLineProblem(text: string): string | null {
  return CONTROL.test(text) || !text.isWellFormed()
    ? 'It must be one line without control characters and halves of surrogate pairs.'
    : null;
}
