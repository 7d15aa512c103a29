/** The selection of batches to lease: all that may be leased, nothing else, and fair shares. */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, dropDatabase } from './support/fanfare.ts';
import { runs } from './support/runs.ts';

let url: string;
let client: pg.Client;
beforeAll(async () => {
  url = await createDatabase();
  client = new pg.Client({ connectionString: url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await dropDatabase(url);
});

const STATES = ['ready', 'leased', 'released', 'later', 'waiting'] as const;
/** Operations that expired, and that are paused. */
const EXPIRED = 4;
const PAUSED = 5;

interface Row {
  readonly account: number;
  readonly operation: number;
  readonly state: (typeof STATES)[number];
  readonly messages: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  account: fc.integer({ min: 1, max: 4 }),
  operation: fc.integer({ min: 1, max: 5 }),
  state: fc.constantFrom(...STATES, 'ready', 'leased'),
  messages: fc.integer({ min: 1, max: 5 }),
});

/** Rows of one operation are many at times, so that the selection must read on. */
const rows = fc
  .array(fc.tuple(row, fc.integer({ min: 1, max: 90 }), fc.boolean()), { maxLength: 12 })
  .map((some) =>
    some.flatMap(([each, many, isMany]) => Array(isMany ? many : 1).fill(each) as Row[]),
  );

const uuidOf = (operation: number) =>
  `01900000-0000-7000-8000-${String(operation).padStart(12, '0')}`;
/** Batches of an expired operation are leased to be ended, whenever they are due. */
function mayBeLeased({ state, operation }: Row): boolean {
  if (operation === EXPIRED) return state !== 'leased' && state !== 'waiting';
  return operation !== PAUSED && (state === 'ready' || state === 'released');
}

async function insert(all: readonly Row[]): Promise<Map<string, Row>> {
  await client.query('truncate dispatch_batch');
  const { rows: inserted } = await client.query<{ id: string }>(
    `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, due_at, expire_at,
       leased_until, ordinals)
     select account_id, operation_id, 'line', 0, 1, state = 'waiting',
       now() + case when state in ('later', 'waiting') then interval '1 hour' else interval '0' end,
       case when operation_id = $5 then now() - interval '1 minute' end,
       case state when 'leased' then now() + interval '1 hour' when 'released' then now() - interval '1 second' end,
       array_fill(0, array[messages])
     from unnest($1::int[], $2::uuid[], $3::text[], $4::int[]) as r(account_id, operation_id, state, messages)
     returning id`,
    [
      all.map((each) => each.account),
      all.map((each) => uuidOf(each.operation)),
      all.map((each) => each.state),
      all.map((each) => each.messages),
      uuidOf(EXPIRED),
    ],
  );
  return new Map(inserted.map(({ id }, i) => [id, all[i] as Row]));
}

const countBy = (all: readonly Row[], name: (each: Row) => string) => {
  const counts = new Map<string, number>();
  for (const each of all) counts.set(name(each), (counts.get(name(each)) ?? 0) + 1);
  return counts;
};

/** Of two that both could have had more, none has more than twice as many, and one. */
function expectShares(got: Map<string, number>, available: Map<string, number>, factor: number) {
  const open = [...available].filter(([name, count]) => (got.get(name) ?? 0) < count);
  for (const [name] of open)
    for (const count of got.values())
      expect(count).toBeLessThanOrEqual(factor * (got.get(name) ?? 0) + 1);
}

it(
  'selects what may be leased, in fair shares of accounts and their operations',
  { tags: ['property'], timeout: 120_000 },
  async () => {
    await client.query('delete from operation');
    await client.query(
      `insert into account (id, sid, token_hash) overriding system value
     select i, 'AC' || lpad(i::text, 32, '0'), decode(lpad(i::text, 64, '0'), 'hex') from generate_series(1, 4) i
     on conflict do nothing`,
    );
    await client.query(
      `insert into operation (account_id, id, status, total, recipients, unaddressable, scheduled, queued, content, plan, tags, kind, updated_at, paused_at)
     select i, $1, 'PROCESSING', 0, 0, 0, 0, 0, '{}', '{}', '{}', 'MESSAGES', now(), now() from generate_series(1, 4) i`,
      [uuidOf(PAUSED)],
    );
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 5 }),
        fc.dictionary(
          fc.constantFrom('1', '2', '3', '4'),
          fc.integer({ min: 1, max: 5 }).map(uuidOf),
        ),
        async (all, wanted, messages, last, served) => {
          const known = await insert(all);
          const { rows: selected } = await client.query<{ id: string }>(
            `select id from pick_ready_batches('line', '00000000-0000-0000-0000-000000000000', $1, $2, $3, $4) as id`,
            [wanted, messages, JSON.stringify(served), last],
          );
          const ids = selected.map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          const got = ids.map((id) => known.get(id) as Row);
          expect(got.filter((each) => !mayBeLeased(each))).toEqual([]);
          const available = all.filter((each) => mayBeLeased(each));
          // It ends with the batch that fills the room, or when there is no other.
          const size = got.slice(0, -1).reduce((sum, each) => sum + each.messages, 0);
          expect(got.length === 0 || size < messages).toBe(true);
          const isFull = got.length === wanted || size + (got.at(-1)?.messages ?? 0) >= messages;
          if (!isFull) expect(got).toHaveLength(available.length);
          expectShares(
            countBy(got, ({ account }) => String(account)),
            countBy(available, ({ account }) => String(account)),
            2,
          );
          for (const account of [1, 2, 3, 4]) {
            const own = (some: readonly Row[]) =>
              countBy(
                some.filter((each) => each.account === account),
                ({ operation }) => String(operation),
              );
            expectShares(own(got), own(available), 1);
          }
        },
      ),
      { numRuns: runs(60, 600), seed: 7 },
    );
  },
);
