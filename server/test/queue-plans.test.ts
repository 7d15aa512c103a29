/**
 * Frequent statements with 100,000 batches that cannot be served now: none reads the whole table, and none steps over
 * batches that it cannot serve.
 */
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import * as batches from '../src/store/batches.ts';
import { wakeDueBatches } from '../src/store/due-batches.ts';
import type { Database } from '../src/store/database.ts';
import { createDatabase, dropDatabase, type Json } from './support/fanfare.ts';

const COUNT = 100_000;
/** Blocks that a statement may read: some descents through indexes. A walk over the queue reads thousands. */
const BLOCKS_MAX = 400;

interface Plan {
  readonly nodes: readonly string[];
  readonly blocks: number;
}

function read(plan: Json): Plan {
  const nodes: string[] = [];
  const visit = (node: Json) => {
    nodes.push(`${node['Node Type']} ${node['Relation Name'] ?? ''}`.trim());
    for (const each of node['Plans'] ?? []) visit(each);
  };
  visit(plan);
  return { nodes, blocks: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] };
}

/** A database that explains what it is asked, and does it all the same. */
function explaining(client: pg.Client, plans: Plan[]): Database {
  const query = async (statement: string, values: readonly unknown[] = []) => {
    const explain = `explain (analyze, buffers, format json) ${statement}`;
    const { rows } = await client.query(explain, values as unknown[]);
    plans.push(read(rows[0]['QUERY PLAN'][0]['Plan']));
    return { rows: [], rowCount: 0 };
  };
  return {
    query,
    transact: (work: (client: pg.PoolClient) => Promise<unknown>) =>
      work({ query } as unknown as pg.PoolClient),
  } as unknown as Database;
}

async function begin(): Promise<{ client: pg.Client; database: Database; plans: Plan[] }> {
  const url = await createDatabase();
  const client = new pg.Client({
    connectionString: url,
    options: '-c plan_cache_mode=force_custom_plan -c enable_nestloop=off -c jit=off',
  });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await dropDatabase(url);
  });
  // Each of an operation of its own, as retries of small ones are; every other sleeps, every third will expire.
  await client.query(
    `insert into dispatch_batch (account_id, operation_id, carrier, candidate, attempt, waiting, resting, due_at, expire_at, ordinals)
     select 1, gen_random_uuid(), 'line', 0, 1, true, i % 2 = 0, now() + interval '1 day',
       case when i % 3 = 0 then now() + interval '2 days' end, '{0}'
     from generate_series(1, ${COUNT}) i`,
  );
  await client.query('analyze dispatch_batch');
  const plans: Plan[] = [];
  return { client, database: explaining(client, plans), plans };
}

const NOTHING_SERVED = { accounts: {}, operations: {} };
const LEASE = { carrier: 'line', leasedBy: 'a', leaseMs: 10_000, limit: 8 };

it.each([
  [
    'leasing',
    (database: Database) =>
      batches.leaseBatches(database, LEASE, {
        messages: 100,
        served: NOTHING_SERVED,
      }),
  ],
  [
    'leasing of senders with limits',
    (database: Database) =>
      batches.leaseRateLimitedBatches(database, LEASE, {
        perSender: 4,
        taken: {},
        served: NOTHING_SERVED,
      }),
  ],
  [
    'leasing what has expired',
    (database: Database) => batches.leaseExpiredBatches(database, LEASE),
  ],
  [
    'waking',
    (database: Database) =>
      wakeDueBatches(database, { except: [], onFailed: (_id, error) => expect(error).toBeNull() }),
  ],
] as const)(
  '%s steps over nothing',
  async (_, ask) => {
    const { database, plans } = await begin();
    await ask(database);
    expect(plans.length).toBeGreaterThan(0);
    for (const { nodes, blocks } of plans) {
      expect(nodes).not.toContain('Seq Scan dispatch_batch');
      expect(blocks).toBeLessThan(BLOCKS_MAX);
    }
  },
  60_000,
);
