/**
 * Verification: whether a call to the receipts route comes from the provider. Comparisons take the same time whatever is
 * compared. Pure.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { VerifyDescription } from './description.ts';
import type { InboundHttp } from '../../domain/receipt-call.ts';

/** Longer than any signature or token. */
const PROOF_LENGTH_MAX = 4_096;

/** Whether the provider made the call. `signed` is what a digest is over: the body, or what its envelope held. */
export function isGenuine(
  verify: VerifyDescription,
  request: InboundHttp,
  signed: Buffer,
): boolean {
  switch (verify.kind) {
    case 'none':
      return true;
    case 'secret':
      return verify.in === 'header'
        ? sameText(headerOf(request, verify.name), verify.value)
        : sameText(onlyOf(request.query[verify.name]), verify.value);
    case 'bearer':
      return sameText(
        /^bearer (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1],
        verify.token,
      );
    case 'hmac': {
      const digest = createHmac(verify.algorithm, verify.secret).update(signed);
      return sameText(
        headerOf(request, verify.header),
        `${verify.prefix ?? ''}${digest.digest(verify.encoding)}`,
      );
    }
    case 'classic':
      return isSignedClassically(verify.authToken, request);
  }
}

/** Whether two texts are the same. Hashes are compared: they have one length, and begin alike by chance only. */
export function sameText(given: string | undefined, expected: string): boolean {
  if (given === undefined || given.length > PROOF_LENGTH_MAX || expected === '') return false;
  const hash = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(hash(given), hash(expected));
}

/** The one value of a header, undefined when there is none or more than one. Names are lower-case, as Node.js has them. */
export function headerOf(request: InboundHttp, name: string): string | undefined {
  return onlyOf(request.headers[name.toLowerCase()]);
}

function onlyOf(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return value?.length === 1 ? value[0] : undefined;
}

/**
 * HMAC-SHA1 over the URL and, of a form, every field in the order of names, name and value without anything between. A
 * body that is no form is covered by its SHA-256 in the URL. Whether the standard port is in the URL depends on who
 * signs, so both ways are good.
 */
function isSignedClassically(authToken: string, request: InboundHttp): boolean {
  const given = headerOf(request, 'x-twilio-signature');
  const bodyHash = onlyOf(request.query['bodySHA256']);
  const isForm = (headerOf(request, 'content-type') ?? '')
    .toLowerCase()
    .startsWith('application/x-www-form-urlencoded');
  if (bodyHash !== undefined) {
    const own = createHash('sha256').update(request.rawBody).digest('hex');
    if (!sameText(bodyHash.toLowerCase(), own)) return false;
  } else if (!isForm && request.rawBody.length > 0) return false;
  const fields = isForm && bodyHash === undefined ? joinFields(request.rawBody) : '';
  return spellings(request.fullUrl).some((url) =>
    sameText(given, createHmac('sha1', authToken).update(`${url}${fields}`).digest('base64')),
  );
}

function joinFields(rawBody: Buffer): string {
  const form = new URLSearchParams(rawBody.toString('utf8'));
  const names = [...new Set(form.keys())].toSorted();
  return names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .toSorted()
        .map((each) => name + each)
        .join(''),
    )
    .join('');
}

function spellings(url: string): string[] {
  const match = /^(https?):\/\/([^/?#:]+)(:\d+)?(.*)$/is.exec(url);
  if (match === null) return [url];
  const [, scheme = '', host = '', port, rest = ''] = match;
  const standard = scheme.toLowerCase() === 'https' ? ':443' : ':80';
  if (port !== undefined && port !== standard) return [url];
  return [`${scheme}://${host}${rest}`, `${scheme}://${host}${standard}${rest}`];
}
