import { describe, expect, it } from 'vitest';
import { readTrustProxy } from '../../src/config/trust-proxy.ts';

describe('the proxies to trust', () => {
  it.each([
    [false, false],
    ['false', false],
    [1, 1],
    ['2', 2],
    [10, 10],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    [['fd00::/8'], ['fd00::/8']],
  ])('are read from %j', (given, read) => {
    expect(readTrustProxy(given)).toEqual(read);
  });

  it.each([true, 'true', 0, -1, 1.5, 11, '', ' ', [], ['nowhere'], ['10.0.0.0/40'], [1], null, {}])(
    'are not %j',
    (given) => {
      expect(readTrustProxy(given)).toBeNull();
    },
  );
});
