/**
 * One statement in several fails, in every possible way, while messages are sent, scheduled, canceled and erased. The
 * result is the same as without faults: nothing is lost, duplicated or in doubt, and every task continues.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './support/command-host.ts';
import {
  ALL_ROLES,
  createDatabase,
  launchFanfare,
  QUICK,
  recipients,
  special,
  text,
  until,
  type Fanfare,
  type Json,
} from './support/fanfare.ts';
import { startFaultyPostgres, type Fault, type FaultyPostgres } from './support/faulty-postgres.ts';
import { runs } from './support/runs.ts';

const error = (code: string): Fault => ({ kind: 'error', code });
const fatal = (code: string): Fault => ({ kind: 'fatal', code });

/** By the name of the case: what fails, and of how many statements one. */
const FAULTS: readonly (readonly [string, Fault, readonly number[]])[] = [
  ['connections reset', { kind: 'reset' }, [40, 10]],
  ['answers lost after the commit', { kind: 'lost' }, [40, 10]],
  ['silence', { kind: 'silence' }, [60, 25]],
  ['read-only', error('25006'), [40, 8]],
  ['disk full', error('53100'), [40, 8]],
  ['out of memory', error('53200'), [40, 8]],
  ['serialization', error('40001'), [40, 8]],
  ['deadlocks', error('40P01'), [40, 8]],
  ['timeouts', error('57014'), [40, 8]],
  ['internal errors', error('XX000'), [40, 12]],
  ['shutdown', fatal('57P01'), [40, 10]],
  ['crash', fatal('57P02'), [40, 10]],
];
/** In the long form by several seeds. */
const CASES = FAULTS.flatMap(([name, fault, rates]) =>
  rates.flatMap((every) =>
    Array.from({ length: runs(1, 5) }, (_, i) => ({ name, fault, every, seed: every + i })),
  ),
);
/** For what takes a second or two: who waits longer has to do too much at once before it counts, or rests too long. */
const PATIENCE_MS = 20_000;

/** Refused, undelivered, read, tried again, no RCS, early and thrice. */
const ODD = [1, 2, 3, 5, 6, 7, 8].map(special);
/** What the client of PostgreSQL waits for an answer here. */
const DEADLINES = 'query_timeout=1500&idle_in_transaction_session_timeout=2000';

let postgres: FaultyPostgres;
let fanfare: Fanfare;
let database: pg.Pool;
let databaseUrl: string;
let used = 0;

beforeAll(async () => {
  databaseUrl = await createDatabase();
  postgres = await startFaultyPostgres(databaseUrl);
  database = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  fanfare = await launchFanfare({
    env: { DATABASE_URL: `${postgres.url}?${DEADLINES}` },
    config: {
      roles: ALL_ROLES,
      logLevel: 'error',
      retry: { delayMs: 20 },
      // What is in doubt here was submitted: with leases that last, nothing is.
      dispatch: { leaseMs: 60_000 },
      carriers: { simulator: QUICK },
    },
  });
  const journalFile = join(fanfare.folder, 'journal.ndjson');
  await fanfare.terminate();
  await fanfare.restart({
    roles: ALL_ROLES,
    retry: { delayMs: 20 },
    dispatch: { leaseMs: 60_000 },
    carriers: { simulator: { ...QUICK, journalFile } },
  });
});

afterAll(async () => {
  postgres.heal();
  await fanfare.stop();
  await database.end();
  postgres.close();
});

/** Asks until it is answered, as a good client; nothing but "not now" may come before. */
async function ask(method: string, path: string, body?: Json, key?: string): Promise<Json> {
  return until(async () => {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    const answer = await fanfare.request(method, `/v1/${path}`, body, headers);
    if (answer.status < 300) return answer;
    // A message may be at its carrier still when it is to be erased.
    expect(method === 'DELETE' ? [409, 503] : [503]).toContain(answer.status);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    return null;
  }, PATIENCE_MS);
}

async function send(body: Json): Promise<string> {
  used += 1;
  const answer = await ask('POST', 'Messages', { content: text('Hi'), ...body }, `key-${used}`);
  return answer['body']['operationId'];
}

async function watch(id: string, done: (operation: Json) => boolean): Promise<Json> {
  return until(async () => {
    const { body } = await ask('GET', `Messages/Operations/${id}`);
    return done(body) ? body : null;
  }, PATIENCE_MS);
}

const inMs = (ms: number) => ({ sendAt: [new Date(Date.now() + ms).toISOString()] });

const isOver = ({ status, stats }: Json) => status !== 'PROCESSING' && stats.sent === 0;
/** Of the odd ones two are read, after they were delivered. */
const READS = 2;

/** Everything at once, to its end. Resolves with the counters of each. */
async function live(): Promise<Json[]> {
  const first = used * 50;
  const people = (count: number, offset: number) => recipients(count, (first + offset) % 9_000);
  const one = async (body: Json, then?: (id: string) => Promise<unknown>) => {
    const id = await send(body);
    await then?.(id);
    return (await watch(id, isOver))['stats'];
  };
  return Promise.all([
    one({ to: [...people(20, 0), ...ODD] }, (id) => watch(id, ({ stats }) => stats.read === READS)),
    one({ to: people(10, 20), schedule: inMs(3_600_000) }, (id) =>
      ask('POST', `Messages/Operations/${id}/Cancel`),
    ),
    one({ to: people(5, 30) }, async (id) => {
      await watch(id, isOver);
      await ask('DELETE', `Messages/Operations/${id}`);
    }),
    // Its time comes by a task.
    one({ to: people(3, 40), schedule: inMs(500) }, (id) =>
      watch(id, ({ status }) => status === 'COMPLETED'),
    ),
  ]);
}

describe('one statement in several fails', () => {
  let usual: Json[];
  beforeAll(async () => {
    usual = await live();
  }, 60_000);

  it.each(CASES)(
    'by $name, one in $every (seed $seed)',
    async ({ fault, every, seed }) => {
      postgres.inject(fault, every, seed);
      try {
        expect(await live()).toEqual(usual);
        await until(async () => postgres.failed > 2);
      } finally {
        postgres.heal();
      }
    },
    2 * PATIENCE_MS,
  );
});

describe('after all of it', () => {
  it('nothing was submitted twice', async () => {
    const journal = await readFile(join(fanfare.folder, 'journal.ndjson'), 'utf8');
    const references = journal
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Json)['reference']);
    expect(references.length).toBeGreaterThan(30 * (CASES.length + 1));
    expect(new Set(references).size).toBe(references.length);
  });

  it('everybody listens, and nothing is left to be done', async () => {
    await until(async () => {
      const { rows } = await database.query<Json>(
        `select (select count(*)::int from pg_stat_activity where datname = current_database()
             and query like 'listen fanfare_wake%') as listening,
           (select count(*)::int from dispatch_batch where not waiting) as batches,
           (select count(*)::int from parked_receipt) as parked,
           (select count(*)::int from event_outbox) as outbox,
           (select count(*)::int from message where deleted_at is null and status in ('QUEUED', 'SENT')) as open`,
      );
      const [row] = rows;
      return (
        row?.['listening'] > 0 &&
        row?.['batches'] + row?.['parked'] + row?.['outbox'] + row?.['open'] === 0
      );
    });
    expect(await live()).toHaveLength(4);
  }, 60_000);

  it('fanfare doctor finds nothing', async () => {
    const { code, out } = await runCommand(['doctor', '--patience', '10s'], {
      DATABASE_URL: databaseUrl,
    });
    expect({ code, out }).toEqual({ code: 0, out: 'All is well.\n' });
  });
});
