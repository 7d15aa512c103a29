/**
 * Who asks: HTTP Basic (RFC 7617) with AccountSid:AuthToken or ApiKeySid:Secret. A pair that was right is
 * believed for five seconds, so a revoked key works for at most that long; a wrong one is asked anew each time.
 */
import { createHash } from 'node:crypto';
import { secretMatches } from '../lib/secrets.ts';
import type { Account, Store } from '../store/store.ts';

/** How long credentials that were right are believed, in milliseconds. */
export const BELIEVED_MS = 5_000;
const BELIEVED_MAX = 1_000;

/** Whoever credentials belong to. */
export interface Identity {
  readonly account: Account;
  /** The SID they were given with: the account's, or an API key's. */
  readonly sid: string;
}

export interface Authenticator {
  /** Who an Authorization header belongs to, or null. Rejects when the database is away. */
  authenticate(header: string | undefined): Promise<Identity | null>;
  /** The same by the database alone, whatever is believed. */
  ask(header: string | undefined): Promise<Identity | null>;
  /**
   * Whether a header was right within the last hour. It is no guess then, so others' guesses from the same address (a proxy's, an
   * office's) do not shut its owner out. It is still checked.
   */
  wasRight(header: string | undefined): boolean;
}

const REMEMBERED_MS = 3_600_000;
const REMEMBERED_MAX = 10_000;

export function createAuthenticator(store: Store): Authenticator {
  const believed = createBeliefs();
  /** Until when a proof is remembered, by its hash; the oldest comes first. */
  const remembered = new Map<string, number>();

  function remember(header: string): void {
    const key = hashProof(header);
    remembered.delete(key);
    remembered.set(key, performance.now() + REMEMBERED_MS);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  }

  async function ask(header: string | undefined): Promise<Identity | null> {
    const pair = readBasic(header);
    if (pair === null) return null;
    const credential = await store.accounts.findCredential(pair.sid);
    // The same comparison is made for an unknown SID, so that time does not tell it from a wrong secret.
    const matches = secretMatches(pair.secret, credential?.secretHash ?? Buffer.alloc(32));
    return credential !== null && matches ? { account: credential.account, sid: pair.sid } : null;
  }

  return {
    wasRight: (header) => (remembered.get(hashProof(header ?? '')) ?? 0) > performance.now(),
    ask,
    async authenticate(header) {
      const known = believed.find(header ?? '');
      if (known !== null) return known;
      const identity = await ask(header);
      if (identity === null) return null;
      remember(header ?? '');
      return believed.keep(header ?? '', identity);
    },
  };
}

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

function readBasic(header: string | undefined): { sid: string; secret: string } | null {
  if (header === undefined || header.length > HEADER_LENGTH_MAX) return null;
  const match = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header);
  if (match?.[1] === undefined) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  // Control characters are part of neither (RFC 7617, section 2), and PostgreSQL stores no NUL.
  // eslint-disable-next-line no-control-regex
  return colon < 1 || /[\0-\x1f\x7f]/.test(text)
    ? null
    : { sid: text.slice(0, colon), secret: text.slice(colon + 1) };
}

const MINUTE_MS = 60_000;
/** Addresses remembered; beyond that all are forgotten, so that strangers cannot fill the memory. */
const GUESSERS_MAX = 10_000;

export interface GuessLimit {
  /** Seconds until an address may try again; 0: now. */
  waitSeconds(address: string): number;
  /** It brought wrong credentials. */
  note(address: string): void;
}

/** Holds off addresses that bring wrong credentials, `perMinute` of them in each minute of its own. */
export function createGuessLimit(perMinute: number): GuessLimit {
  const guessers = new Map<string, { count: number; readonly until: number }>();
  return {
    waitSeconds(address) {
      const known = guessers.get(address);
      if (known === undefined || known.count < perMinute) return 0;
      const leftMs = known.until - performance.now();
      return leftMs <= 0 ? 0 : Math.ceil(leftMs / 1000);
    },
    note(address) {
      const now = performance.now();
      const known = guessers.get(address);
      if (known !== undefined && known.until > now) {
        known.count += 1;
        return;
      }
      if (guessers.size >= GUESSERS_MAX) guessers.clear();
      guessers.set(address, { count: 1, until: now + MINUTE_MS });
    },
  };
}
