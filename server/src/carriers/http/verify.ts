/**
 * Verifies that a callback comes from the provider. Comparisons take constant time. Pure.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { VerifyDescription } from './description.ts';
import type { InboundHttp } from '../../domain/receipt-call.ts';

/** Longer than any signature or token. */
const PROOF_LENGTH_MAX = 4_096;

/** Whether the provider made the call. `signed` is the signed text: the body, or the content of its envelope. */
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

/** Whether two texts are equal, in constant time: it compares their hashes, which have one length. */
export function sameText(given: string | undefined, expected: string): boolean {
  if (given === undefined || given.length > PROOF_LENGTH_MAX || expected === '') return false;
  const hash = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(hash(given), hash(expected));
}

/** The single value of a header; undefined if there is none or more than one. Names are lower-case, as in Node.js. */
export function headerOf(request: InboundHttp, name: string): string | undefined {
  return onlyOf(request.headers[name.toLowerCase()]);
}

function onlyOf(value: string | readonly string[] | undefined): string | undefined {
  if (typeof value === 'string') return value;
  return value?.length === 1 ? value[0] : undefined;
}

/**
 * HMAC-SHA1 over the URL and the fields of a form: names and values in the order of names, without separators. For other
 * bodies, the URL contains their SHA-256. Some signers include the standard port in the URL, so both forms are valid.
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
