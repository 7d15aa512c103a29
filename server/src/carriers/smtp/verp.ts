/** Variable envelope return paths: reports on each e-mail go to a separate address with its reference. Pure. */

/** Characters of a reference, `Submission.reference`. */
export const REFERENCE_LENGTH_MAX = 48;
const REFERENCE = `[0-9a-z-]{1,${REFERENCE_LENGTH_MAX}}`;

/** `bounces@example.com` and a reference: `bounces+{reference}@example.com`. */
export function bounceAddressOf(bounceAddress: string, reference: string): string {
  const at = bounceAddress.lastIndexOf('@');
  return `${bounceAddress.slice(0, at)}+${reference}${bounceAddress.slice(at)}`;
}

/** The reference in such an address, in any case; null if there is none. */
export function referenceOf(bounceAddress: string, address: string): string | null {
  const at = bounceAddress.lastIndexOf('@');
  const start = `${bounceAddress.slice(0, at)}+`.toLowerCase();
  const end = bounceAddress.slice(at).toLowerCase();
  const given = address.trim().toLowerCase();
  if (!given.startsWith(start) || !given.endsWith(end)) return null;
  const reference = given.slice(start.length, given.length - end.length);
  return new RegExp(`^${REFERENCE}$`).test(reference) ? reference : null;
}

/** The header with the reference of an e-mail whose Message-ID is not ours. Requests cannot set it. */
export const REFERENCE_HEADER = 'Fanfare-Reference';

/** The reference in our Message-ID, `<{reference}@{domain}>`; null if there is none. */
export function referenceOfMessageId(messageId: string): string | null {
  return new RegExp(`<(${REFERENCE})@`).exec(messageId.toLowerCase())?.[1] ?? null;
}
