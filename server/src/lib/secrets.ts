/** SIDs and secrets: made at random, stored as SHA-256, compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `AC` and 32 hex digits. */
export function newAccountSid(): string {
  return `AC${randomBytes(16).toString('hex')}`;
}

/** `SK` and 32 hex digits. */
export function newKeySid(): string {
  return `SK${randomBytes(16).toString('hex')}`;
}

/** 32 hex digits: 128 random bits, so that a fast hash protects them. */
export function newSecret(): string {
  return randomBytes(16).toString('hex');
}

/** The 32 bytes to store in place of a secret. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/** Whether a secret is the one of this hash; takes the same time either way. */
export function secretMatches(secret: string, hash: Buffer): boolean {
  return hash.length === 32 && timingSafeEqual(hashSecret(secret), hash);
}
