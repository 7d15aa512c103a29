/**
 * Signatures of deliveries: Standard Webhooks, and the signature of the hosted API for calls with a JSON body. Receivers
 * can verify with a library for either. Pure. Secrets are made in `lib/secrets.ts`, and stored and rotated elsewhere.
 */
import { createHash, createHmac } from 'node:crypto';

/** The three headers of Standard Webhooks 1.0.0. */
export interface StandardHeaders {
  readonly 'webhook-id': string;
  /** Unix time in seconds. */
  readonly 'webhook-timestamp': string;
  /** One signature for each secret, in their order, with spaces between. */
  readonly 'webhook-signature': string;
}

/** A request that is signed as the hosted API signs. */
export interface ClassicSignature {
  /** Where the request must go: the URL with the hash of the body in it. */
  readonly url: string;
  /** The value of `X-Twilio-Signature`. */
  readonly signature: string;
}

/**
 * Signs by Standard Webhooks 1.0.0 ("Signature scheme"): HMAC-SHA256 over id, time and body with every secret, so that a
 * receiver that knows one of them is served while secrets change.
 *
 * @throws Error when there is no secret, or one that is not `whsec_` and base64.
 */
export function signStandard(
  secrets: readonly string[],
  id: string,
  at: Date,
  body: Uint8Array,
): StandardHeaders {
  if (secrets.length === 0) throw new Error('There is no secret to sign with.');
  const seconds = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac('sha256', decodeSecret(secret));
    return `v1,${hmac.update(`${id}.${seconds}.`).update(body).digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': seconds,
    'webhook-signature': signatures.join(' '),
  };
}

/**
 * Signs as the hosted API does when the body is not a form. The SHA-256 of the body becomes the last parameter of the
 * URL, `bodySHA256` in hex, and HMAC-SHA1 over the whole URL becomes the signature. The other parts of the URL stay
 * unchanged, so pass it as it will be sent: as `URL` writes it, without a fragment, with a port only if it is not the
 * standard one. Receivers rebuild the URL of the call, and try it with and without the standard port.
 */
export function signClassic(url: string, body: Uint8Array, authToken: string): ClassicSignature {
  const hash = createHash('sha256').update(body).digest('hex');
  const signed = `${url}${findJoint(url)}bodySHA256=${hash}`;
  return { url: signed, signature: createHmac('sha1', authToken).update(signed).digest('base64') };
}

/** The separator between a URL and one more parameter. */
function findJoint(url: string): string {
  const queryAt = url.indexOf('?');
  if (queryAt < 0) return '?';
  // The query is empty, or its last parameter is; a further question mark is part of one.
  return queryAt === url.length - 1 || url.endsWith('&') ? '' : '&';
}

function decodeSecret(secret: string): Buffer {
  const base64 = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(
    secret,
  )?.[1];
  // Not the secret itself: it must not get into the log.
  if (base64 === undefined || base64 === '')
    throw new Error('A secret is not "whsec_" and base64.');
  return Buffer.from(base64, 'base64');
}
