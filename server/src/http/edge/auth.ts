/**
 * Authentication: HTTP Basic (RFC 7617) with AccountSid:AuthToken or ApiKeySid:Secret. Correct
 * credentials are cached for five seconds, so a revoked or expired key works for that long at
 * most. Wrong credentials are checked anew each time.
 */
import { createHash } from 'node:crypto';
import type { Scope } from '../../domain/api-key.ts';
import { secretMatches } from '../../lib/secrets.ts';
import type { Account, Credential } from '../../store/store.ts';
import type { CredentialLookup } from './credential-lookup.ts';

/** How long credentials that were right are believed, in milliseconds. */
export const BELIEVED_MS = 5_000;
const BELIEVED_MAX = 1_000;

/** Whoever credentials belong to. */
export interface Identity {
  readonly account: Account;
  /** The SID they were given with: the account's, or an API key's. */
  readonly sid: string;
  /** What they may do; null: everything. */
  readonly scopes: readonly Scope[] | null;
}

export interface Pair {
  readonly sid: string;
  readonly secret: string;
}

export interface Authenticator {
  /** Who a pair belongs to, or null. Rejects when the database is away. */
  authenticate(pair: Pair): Promise<Identity | null>;
  /** The same by the database alone, whatever is believed. */
  ask(pair: Pair): Promise<Identity | null>;
}

export function createAuthenticator(lookUp: CredentialLookup): Authenticator {
  const believed = createBeliefs();

  async function ask({ sid, secret }: Pair): Promise<Identity | null> {
    if (!isSid(sid)) return null;
    const credential = await lookUp(sid);
    // The same comparison is made for an unknown SID, so that time does not tell it from a wrong secret.
    const matches = secretMatches(secret, credential?.secretHash ?? Buffer.alloc(32));
    return credential !== null && matches ? identityOf(credential, sid) : null;
  }

  return {
    ask,
    async authenticate(pair) {
      const proof = `${pair.sid}:${pair.secret}`;
      const known = believed.find(proof);
      if (known !== null) return known;
      const identity = await ask(pair);
      return identity && believed.keep(proof, identity);
    },
  };
}

export function identityOf({ account, scopes }: Credential, sid: string): Identity {
  return { account, sid, scopes };
}

/** Whether it has the form of an account's or a key's SID. What has not is nobody's. */
export const isSid = (text: string) => /^(AC|SK)[0-9a-f]{32}$/.test(text);

/** What was found right a moment ago, by a hash of the proof. */
export interface Beliefs {
  find(proof: string): Identity | null;
  keep(proof: string, identity: Identity): Identity;
}

const hashProof = (proof: string) => createHash('sha256').update(proof).digest('base64');

export function createBeliefs(): Beliefs {
  const believed = new Map<string, { readonly identity: Identity; readonly until: number }>();
  return {
    find(proof) {
      const key = hashProof(proof);
      const known = believed.get(key);
      if (known !== undefined && known.until > performance.now()) return known.identity;
      believed.delete(key);
      return null;
    },
    keep(proof, identity) {
      if (believed.size >= BELIEVED_MAX) believed.clear();
      believed.set(hashProof(proof), { identity, until: performance.now() + BELIEVED_MS });
      return identity;
    },
  };
}

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
