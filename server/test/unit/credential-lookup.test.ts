/** Credentials are looked up by one statement at a time, whatever number of requests waits. */
import { expect, it } from 'vitest';
import { createCredentialLookup } from '../../src/http/edge/credential-lookup.ts';
import type { Credential, Store } from '../../src/store/store.ts';

type Find = Store['accounts']['findCredentials'];

function build() {
  const asked: (readonly string[])[] = [];
  const answers: ((settle: ReadonlyMap<string, Credential> | Error) => void)[] = [];
  const find: Find = (sids) =>
    new Promise((resolve, reject) => {
      asked.push(sids);
      answers.push((with_) => (with_ instanceof Error ? reject(with_) : resolve(with_)));
    });
  const lookUp = createCredentialLookup({
    accounts: { findCredentials: find },
  } as Pick<Store, 'accounts'>);
  return { lookUp, asked, answers };
}

const credential: Credential = {
  account: { id: 1, sid: 'a', createdAt: new Date(0) },
  secretHash: Buffer.alloc(32),
  scopes: null,
  expiresAt: null,
};

it('looks up all waiting SIDs at once, each SID once, and again for later callers', async () => {
  const { lookUp, asked, answers } = build();
  const first = lookUp('a');
  const flood = Array.from({ length: 10_000 }, (_, i) => lookUp(`x${i % 1_000}`));
  const later = lookUp('a');
  expect(asked).toEqual([['a']]);
  answers[0]?.(new Map());
  expect(await first).toBeNull();
  await Promise.resolve();
  expect(asked).toHaveLength(2);
  expect(asked[1]).toHaveLength(1_001);
  answers[1]?.(new Map([['a', credential]]));
  expect(await later).toBe(credential);
  expect(await Promise.all(flood)).toEqual(flood.map(() => null));
});

it('bounds a statement, and rejects all its callers when the database is unavailable', async () => {
  const { lookUp, asked, answers } = build();
  const first = lookUp('a');
  const rest = Array.from({ length: 3_000 }, (_, i) =>
    lookUp(`x${i}`).catch((error: Error) => error.message),
  );
  answers[0]?.(new Map());
  await first;
  await Promise.resolve();
  expect(asked[1]).toHaveLength(2_000);
  answers[1]?.(new Error('away'));
  expect(await rest[0]).toBe('away');
  expect(asked[2]).toHaveLength(1_000);
  answers[2]?.(new Map());
  expect(new Set(await Promise.all(rest))).toEqual(new Set(['away', null]));
});
