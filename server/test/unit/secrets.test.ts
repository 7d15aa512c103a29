import { describe, expect, it } from 'vitest';
import {
  hashSecret,
  newAccountSid,
  newAuthToken,
  newKeySecret,
  newKeySid,
  newWebhookSecret,
  secretMatches,
} from '../../src/lib/secrets.ts';

describe('secrets', () => {
  it('have the forms their kinds have', () => {
    expect(newAccountSid()).toMatch(/^AC[0-9a-f]{32}$/);
    expect(newKeySid()).toMatch(/^SK[0-9a-f]{32}$/);
    expect(newAuthToken()).toMatch(/^[0-9a-f]{32}$/);
    expect(newKeySecret()).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(newWebhookSecret()).toMatch(/^whsec_[0-9A-Za-z+/]{32}$/);
    expect(new Set(Array.from({ length: 1_000 }, () => newKeySecret())).size).toBe(1_000);
  });

  it('come from the given bytes, and unfair bytes are drawn again', () => {
    expect(newAccountSid((size) => new Uint8Array(size).fill(0xab))).toBe(`AC${'ab'.repeat(16)}`);
    let draws = 0;
    const secret = newKeySecret((size) => new Uint8Array(size).fill(draws++ === 0 ? 248 : 61));
    expect(secret).toBe('z'.repeat(32));
    expect(draws).toBe(2);
  });

  it('are kept as SHA-256 and compared with it', () => {
    expect(hashSecret('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
    const secret = newKeySecret();
    expect(secretMatches(secret, hashSecret(secret))).toBe(true);
    expect(secretMatches(`${secret}x`, hashSecret(secret))).toBe(false);
    expect(secretMatches('', hashSecret(''))).toBe(true);
    expect(secretMatches(secret, Buffer.alloc(0))).toBe(false);
  });
});
