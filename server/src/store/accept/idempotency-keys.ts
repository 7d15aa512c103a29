/** Idempotency keys: their claims, and their earlier uses. */
import type pg from 'pg';
import type { Database } from '../database.ts';
import type { NewOperationHead } from './new-operation.ts';

/** The result of an acceptance: written, a repetition with the same body, or a conflict with another body. */
export type AcceptResult =
  | { readonly kind: 'created' }
  | { readonly kind: 'replayed'; readonly operationId: string }
  | { readonly kind: 'conflict' };

/** A use of an idempotency key. */
export interface KeyQuestion {
  readonly accountId: number;
  readonly key: string;
  /** SHA-256 of the request's body. */
  readonly fingerprint: Buffer;
}

const nameKey = ({ accountId, key }: Pick<KeyQuestion, 'accountId' | 'key'>) =>
  `${accountId} ${key}`;

interface KeyRow {
  account_id: number;
  key: string;
  operation_id: string;
  fingerprint: Buffer;
}

/**
 * Claims the keys of operations. Resolves with the earlier uses of keys, by operation. A second request with a key waits
 * here until the first has committed or failed. An expired key is taken over.
 */
export async function claimKeys(
  client: pg.PoolClient,
  operations: readonly NewOperationHead[],
): Promise<ReadonlyMap<string, Exclude<AcceptResult, { kind: 'created' }>>> {
  const claims = operations
    .flatMap(({ accountId, id, idempotency }) =>
      idempotency === null ? [] : { accountId, id, ...idempotency },
    )
    // In one order everywhere, so that no two groups wait for each other.
    .toSorted((a, b) => a.accountId - b.accountId || (a.key < b.key ? -1 : 1));
  if (claims.length === 0) return new Map();
  const { rows } = await client.query<KeyRow>(
    `insert into idempotency_key as k (account_id, key, fingerprint, operation_id, expires_at)
     select * from unnest($1::int[], $2::text[], $3::bytea[], $4::uuid[], $5::timestamptz[])
     on conflict (account_id, key) do update set
       fingerprint = case when k.expires_at < now() then excluded.fingerprint else k.fingerprint end,
       operation_id = case when k.expires_at < now() then excluded.operation_id else k.operation_id end,
       expires_at = case when k.expires_at < now() then excluded.expires_at else k.expires_at end
     returning account_id, key, operation_id, fingerprint`,
    [
      claims.map((each) => each.accountId),
      claims.map((each) => each.key),
      claims.map((each) => each.fingerprint),
      claims.map((each) => each.id),
      claims.map((each) => each.expiresAt),
    ],
  );
  const known = indexKeys(rows);
  return new Map(
    claims.flatMap((claim) => {
      const row = known.get(nameKey(claim));
      return row === undefined || row.operation_id === claim.id
        ? []
        : [[claim.id, answerOf(row, claim.fingerprint)] as const];
    }),
  );
}

const indexKeys = (rows: readonly KeyRow[]) =>
  new Map(rows.map((row) => [nameKey({ accountId: row.account_id, key: row.key }), row]));

const answerOf = (row: KeyRow, fingerprint: Buffer) =>
  row.fingerprint.equals(fingerprint)
    ? { kind: 'replayed' as const, operationId: row.operation_id }
    : { kind: 'conflict' as const };

/** Earlier uses of keys, in the order of the questions; null for a free key. */
export async function findIdempotencyKeys(
  database: Database,
  questions: readonly KeyQuestion[],
): Promise<(Exclude<AcceptResult, { kind: 'created' }> | null)[]> {
  if (questions.length === 0) return [];
  const { rows } = await database.query<KeyRow>(
    `select k.account_id, k.key, k.operation_id, k.fingerprint
     from unnest($1::int[], $2::text[]) as q(account_id, key)
     cross join lateral (select * from idempotency_key k
       where k.account_id = q.account_id and k.key = q.key and k.expires_at >= now()) k`,
    [questions.map((each) => each.accountId), questions.map((each) => each.key)],
  );
  const known = indexKeys(rows);
  return questions.map((question) => {
    const row = known.get(nameKey(question));
    return row === undefined ? null : answerOf(row, question.fingerprint);
  });
}
