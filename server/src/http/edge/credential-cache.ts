/** The owners of credentials that were verified in the last seconds, by a hash of the proof. */
import { createHash } from 'node:crypto';

/** Milliseconds for which verified credentials are accepted without the database. */
export const CREDENTIALS_CACHED_MS = 5_000;
const CREDENTIALS_CACHED_MAX = 1_000;

export interface CredentialCache<Owner> {
  find(proof: string): Owner | null;
  /** Keeps a verified owner, and returns it. */
  keep(proof: string, owner: Owner): Owner;
}

const hashProof = (proof: string) => createHash('sha256').update(proof).digest('base64');

export function createCredentialCache<Owner>(): CredentialCache<Owner> {
  const verified = new Map<string, { readonly owner: Owner; readonly until: number }>();
  return {
    find(proof) {
      const key = hashProof(proof);
      const known = verified.get(key);
      if (known !== undefined && known.until > performance.now()) return known.owner;
      verified.delete(key);
      return null;
    },
    keep(proof, owner) {
      if (verified.size >= CREDENTIALS_CACHED_MAX) verified.clear();
      verified.set(hashProof(proof), { owner, until: performance.now() + CREDENTIALS_CACHED_MS });
      return owner;
    },
  };
}
