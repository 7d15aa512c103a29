/**
 * Sealed credentials: tokens that name a credential for a time, as sessions and access tokens do. The server stores
 * none of them. A token contains the SID, its expiry, a fingerprint of the stored hash, and scopes if it has its own:
 *
 * ```
 *  token ──▶ sealed by us? in time? credential unchanged? ──▶ account
 *                                   a revoked key, a new auth token: no owner
 * ```
 * The expiry counts at once. Credentials that were found unchanged are cached for five seconds, as for other requests.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Scope } from '../../domain/api-key.ts';
import type { Sealer } from '../../domain/email-links.ts';
import { hashSecret } from '../../lib/secrets.ts';
import type { Credential } from '../../store/store.ts';
import { identityOf, type Identity, type Pair } from './auth.ts';
import { createCredentialCache } from './credential-cache.ts';
import type { CredentialLookup } from './credential-lookup.ts';

/** The content of a token. */
export interface SealedCredential {
  readonly sid: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  readonly print: string;
  /** Null: all scopes of the credential. */
  readonly scopes: readonly string[] | null;
}

export interface SealedCredentials {
  /** A token for a pair that was verified; no two are the same. */
  seal(pair: Pair, until: number, scopes: readonly Scope[] | null): string;
  /** The content of a token, also of one that has expired; null for a text that this installation did not seal. */
  open(token: string): SealedCredential | null;
  /** The owner of a token, from the credential cache or the database; null for an invalid one. */
  identify(token: string): Promise<Identity | null>;
  /** The same from the database, without the cache. */
  askDatabase(token: string): Promise<Identity | null>;
}

/** Tokens of one purpose are invalid for any other. */
export function createSealedCredentials(
  purpose: string,
  sealer: Sealer,
  lookUp: CredentialLookup,
): SealedCredentials {
  const cache = createCredentialCache<Identity>();
  const open = (token: string) => parse(sealer.open(purpose, token));

  function openInTime(token: string): SealedCredential | null {
    const sealed = open(token);
    return sealed !== null && sealed.until > Date.now() ? sealed : null;
  }

  async function find(sealed: SealedCredential): Promise<Identity | null> {
    const credential = await lookUp(sealed.sid);
    if (credential === null || fingerprint(credential.secretHash) !== sealed.print) return null;
    return narrow(credential, sealed);
  }

  return {
    seal({ sid, secret }, until, scopes) {
      const nonce = randomBytes(9).toString('base64url');
      const parts = [sid, until, fingerprint(hashSecret(secret)), nonce];
      return sealer.seal(purpose, [...parts, ...(scopes ?? [])].join(' '));
    },
    open,
    async identify(token) {
      const sealed = openInTime(token);
      if (sealed === null) return null;
      const known = cache.find(token);
      if (known !== null) return known;
      const identity = await find(sealed);
      return identity && cache.keep(token, identity);
    },
    async askDatabase(token) {
      const sealed = openInTime(token);
      return sealed && find(sealed);
    },
  };
}

function parse(text: string | null): SealedCredential | null {
  const [sid, until, print, , ...scopes] = text?.split(' ') ?? [];
  if (sid === undefined || until === undefined || print === undefined) return null;
  return { sid, until: Number(until), print, scopes: scopes.length === 0 ? null : scopes };
}

/** The owner, with the scopes that the token and the credential have in common. */
function narrow(credential: Credential, { sid, scopes: sealed }: SealedCredential): Identity {
  const identity = identityOf(credential, sid);
  if (sealed === null || identity.scopes === null) return identity;
  return { ...identity, scopes: identity.scopes.filter((scope) => sealed.includes(scope)) };
}

/** Of the credential's hash, so that a token ends with its credential. */
function fingerprint(secretHash: Buffer): string {
  return createHash('sha256').update(secretHash).digest('base64url').slice(0, 22);
}
