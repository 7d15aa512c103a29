/**
 * Secrets: new identifiers and credentials, and their hashes. The database stores only a hash, so it reveals
 * no secret. The caller shows the secret once. A webhook's secret is stored itself, because we sign with it.
 *
 * A fast hash is right: these secrets have at least 128 random bits, so nobody can find them by trying, and a
 * slow hash would slow down every request. Passwords do not belong here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Returns that many random bytes: `randomBytes` of `node:crypto`, or a replacement in tests. */
export type RandomBytes = (size: number) => Uint8Array;

function randomHex(random: RandomBytes): string {
  return Buffer.from(random(16)).toString('hex');
}

/** A new account's public id: `AC` and 32 hex digits. */
export function newAccountSid(random: RandomBytes = randomBytes): string {
  return `AC${randomHex(random)}`;
}

/** A new API key's public id: `SK` and 32 hex digits. */
export function newKeySid(random: RandomBytes = randomBytes): string {
  return `SK${randomHex(random)}`;
}

/** A new auth token of an account: 32 hex digits, 128 bits. */
export function newAuthToken(random: RandomBytes = randomBytes): string {
  return randomHex(random);
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Bytes from here on would favour the first letters, so they are dropped. */
const FAIR_LIMIT = 62 * 4;

/** A new secret of an API key: 32 letters and digits, 190 bits. */
export function newKeySecret(random: RandomBytes = randomBytes): string {
  let secret = '';
  while (secret.length < 32)
    for (const byte of random(40))
      if (byte < FAIR_LIMIT && secret.length < 32) secret += BASE62[byte % 62];
  return secret;
}

/** A new secret of a webhook (Standard Webhooks, "Signature scheme"): `whsec_` and the base64 of 24 bytes, 192 bits. */
export function newWebhookSecret(random: RandomBytes = randomBytes): string {
  return `whsec_${Buffer.from(random(24)).toString('base64')}`;
}

/** The stored hash of a secret: SHA-256 of its UTF-8 text, 32 bytes. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}

/**
 * Whether a secret matches a stored hash, in constant time. A stored hash of another length than 32 bytes
 * matches nothing.
 */
export function secretMatches(secret: string, hash: Uint8Array): boolean {
  const own = hashSecret(secret);
  return own.length === hash.length && timingSafeEqual(own, hash);
}
