/** Variable envelope return paths: each e-mail's reports come to an address of its own, which names the e-mail. Pure. */

/** Characters of a reference, `Submission.reference`. */
export const REFERENCE_LENGTH_MAX = 48;
const REFERENCE = `[0-9a-z-]{1,${REFERENCE_LENGTH_MAX}}`;

/** `bounces@example.com` and a reference: `bounces+{reference}@example.com`. */
export function bounceAddressOf(bounceAddress: string, reference: string): string {
  const at = bounceAddress.lastIndexOf('@');
  return `${bounceAddress.slice(0, at)}+${reference}${bounceAddress.slice(at)}`;
}

/** The reference in such an address, whatever its case; null when it is none. */
export function referenceOf(bounceAddress: string, address: string): string | null {
  const at = bounceAddress.lastIndexOf('@');
  const start = `${bounceAddress.slice(0, at)}+`.toLowerCase();
  const end = bounceAddress.slice(at).toLowerCase();
  const given = address.trim().toLowerCase();
  if (!given.startsWith(start) || !given.endsWith(end)) return null;
  const reference = given.slice(start.length, given.length - end.length);
  return new RegExp(`^${REFERENCE}$`).test(reference) ? reference : null;
}

/** The reference in a Message-ID of ours, `<{reference}@{domain}>`; null when it is none. */
export function referenceOfMessageId(messageId: string): string | null {
  return new RegExp(`<(${REFERENCE})@`).exec(messageId.toLowerCase())?.[1] ?? null;
}
