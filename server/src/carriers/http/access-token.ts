/**
 * Access tokens of a service account: the token URL exchanges a JWT that we sign (RS256) for a token of about an hour
 * (RFC 7523). One exchange at a time serves all waiting submissions. A token is renewed a minute before it expires.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { createClient, type ClientLimits } from './client.ts';
import type { JwtAuthDescription } from './description.ts';

/** A token for submissions, or the reason for its absence. */
export type AccessToken =
  { readonly ok: true; readonly token: string } | { readonly ok: false; readonly detail: string };

/** Tokens of one service account. */
export interface TokenSource {
  /** The present token, or the reason for its absence. Never rejects. */
  get(): Promise<AccessToken>;
  /** The provider refused this token: the next `get` requests another. */
  forget(token: string): void;
  close(): Promise<void>;
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** The longest validity that token servers accept. */
const ASSERTION_SECONDS = 3_600;
const RENEW_BEFORE_MS = 60_000;

/** Bits of an RSA key that RS256 needs (RFC 7518, section 3.3). */
const KEY_BITS_MIN = 2_048;

/** Sends no request before the first `get`. @throws Error for a key that RS256 cannot use. */
export function createTokenSource(auth: JwtAuthDescription, limits: ClientLimits): TokenSource {
  const key = readKey(auth.privateKey);
  const { origin, pathname, search } = new URL(auth.tokenUrl);
  const client = createClient(origin, { ...limits, connectionsMax: 1 });
  let present: { readonly token: string; readonly endsAtMs: number } | null = null;
  let asking: Promise<AccessToken> | null = null;

  function signAssertion(nowMs: number): Promise<string> {
    const issued = Math.floor(nowMs / 1000);
    return new SignJWT({ scope: auth.scope })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(auth.clientEmail)
      .setAudience(auth.tokenUrl)
      .setIssuedAt(issued)
      .setExpirationTime(issued + ASSERTION_SECONDS)
      .sign(key);
  }

  async function ask(): Promise<AccessToken> {
    const askedAtMs = Date.now();
    const exchange = await client.exchange({
      method: 'POST',
      path: pathname + search,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: GRANT_TYPE,
        assertion: await signAssertion(askedAtMs),
      }).toString(),
    });
    if (exchange.kind !== 'answer')
      return { ok: false, detail: `No access token: ${exchange.detail}` };
    const answer = readAnswer(exchange.body);
    if (exchange.status !== 200 || answer === null)
      // Without the provider's text, which may quote the assertion.
      return { ok: false, detail: `No access token: ${origin} answered HTTP ${exchange.status}` };
    present = { token: answer.token, endsAtMs: askedAtMs + answer.seconds * 1000 };
    return { ok: true, token: answer.token };
  }

  return {
    async get() {
      if (present !== null && Date.now() < present.endsAtMs - RENEW_BEFORE_MS)
        return { ok: true, token: present.token };
      asking ??= ask().finally(() => {
        asking = null;
      });
      return asking;
    },
    forget(token) {
      if (present?.token === token) present = null;
    },
    close: () => client.close(),
  };
}

function readKey(pem: string): KeyObject {
  const key = createPrivateKey(pem);
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0 } = {} } = key;
  if (type !== 'rsa' || modulusLength < KEY_BITS_MIN)
    throw new Error(`A service account needs an RSA key of at least ${KEY_BITS_MIN} bits.`);
  return key;
}

function readAnswer(body: string | null): { token: string; seconds: number } | null {
  try {
    const answer = JSON.parse(body ?? '') as {
      access_token?: unknown;
      expires_in?: unknown;
    } | null;
    const token = answer?.access_token;
    // Whatever a header cannot have is no token.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) return null;
    const seconds = Number(answer?.expires_in);
    return { token, seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : 0 };
  } catch {
    return null;
  }
}
