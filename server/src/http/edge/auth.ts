/**
 * Authentication: HTTP Basic (RFC 7617) with AccountSid:AuthToken or ApiKeySid:Secret, and the syntax of bearer tokens
 * (RFC 6750). Correct credentials are cached for five seconds, so a revoked or expired key works for that long at
 * most. Wrong credentials are checked anew each time.
 */
import type { Scope } from '../../domain/api-key.ts';
import { secretMatches } from '../../lib/secrets.ts';
import type { Account, Credential } from '../../store/store.ts';
import { createCredentialCache } from './credential-cache.ts';
import type { CredentialLookup } from './credential-lookup.ts';

/** The owner of credentials. */
export interface Identity {
  readonly account: Account;
  /** The SID they were given with: the account's, or an API key's. */
  readonly sid: string;
  /** The scopes; null: all rights. */
  readonly scopes: readonly Scope[] | null;
  /** When the credentials expire; null: never. */
  readonly expiresAt: Date | null;
}

export interface Pair {
  readonly sid: string;
  readonly secret: string;
}

export interface Authenticator {
  /** The owner of a pair, or null, from the credential cache or the database. Rejects when the database is unavailable. */
  authenticate(pair: Pair): Promise<Identity | null>;
  /** The same from the database, without the cache. */
  askDatabase(pair: Pair): Promise<Identity | null>;
}

export function createAuthenticator(lookUp: CredentialLookup): Authenticator {
  const cache = createCredentialCache<Identity>();

  async function askDatabase({ sid, secret }: Pair): Promise<Identity | null> {
    if (!isSid(sid)) return null;
    const credential = await lookUp(sid);
    // The same comparison is made for an unknown SID, so that its time does not reveal it.
    const matches = secretMatches(secret, credential?.secretHash ?? Buffer.alloc(32));
    return credential !== null && matches ? identityOf(credential, sid) : null;
  }

  return {
    askDatabase,
    async authenticate(pair) {
      const proof = `${pair.sid}:${pair.secret}`;
      const known = cache.find(proof);
      if (known !== null) return known;
      const identity = await askDatabase(pair);
      return identity && cache.keep(proof, identity);
    },
  };
}

export function identityOf({ account, scopes, expiresAt }: Credential, sid: string): Identity {
  return { account, sid, scopes, expiresAt };
}

/** Whether it has the form of an account's or a key's SID. Other names have no owner. */
export const isSid = (text: string) => /^(AC|SK)[0-9a-f]{32}$/.test(text);

const HEADER_LENGTH_MAX = 512;

/** The pair of an Authorization header; null for anything else. */
export function readBasic(header: string | undefined): Pair | null {
  if (header === undefined || header.length > HEADER_LENGTH_MAX) return null;
  const match = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header);
  if (match?.[1] === undefined) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? null : { sid: text.slice(0, colon), secret: text.slice(colon + 1) };
}

/** The token of an Authorization header (RFC 6750, section 2.1), empty if it is malformed; null for another scheme. */
export function readBearer(header: string | undefined): string | null {
  if (header === undefined || !/^Bearer( |$)/i.test(header)) return null;
  if (header.length > HEADER_LENGTH_MAX) return '';
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(header)?.[1] ?? '';
}
