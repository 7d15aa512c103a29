/**
 * The cost of a database full of past messages: the same requests to a server with empty tables and to one whose tables
 * hold days of ended operations, alternately, on one PostgreSQL. The database itself generates the past.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeTypeId } from '../server/src/domain/ids.ts';
import { openDatabase } from '../server/src/store/database.ts';
import { dropOldPartitions } from '../server/src/store/partitions.ts';
import pg from 'pg';
import { body, laterBody, median, MESSAGES, print, sendAll, show } from './measure.ts';
import { SID, startServer, type BenchServer } from './server.ts';

/** Days over which the past is spread: the kept days, and one that is due to be dropped. */
const DAYS = 8;
const RETENTION_DAYS = DAYS - 1;
const DAY_MS = 86_400_000;
const ROUNDS = { accept: 31, send: 7, read: 101 };
/** Operations of one end-to-end round. */
const OPERATIONS = 5;
const LATER = laterBody();
const NOW = body();

/** A server on a database of its own. */
interface Side {
  readonly url: string;
  readonly server: BenchServer;
  /** Name of an operation of the past, or of now where there is none. */
  operation: string;
}

export async function benchTables(
  engineUrl: string,
  folder: string,
  counts: readonly number[],
): Promise<void> {
  for (const rows of counts) {
    const sides: Side[] = [];
    try {
      for (const name of ['empty', 'large']) sides.push(await openSide(engineUrl, folder, name));
      const [empty, large] = sides;
      if (empty === undefined || large === undefined) return;
      const startedAt = performance.now();
      await fill(large, rows);
      print(
        `tables       ${show(rows)} messages made in ${Math.round((performance.now() - startedAt) / 1000)} s`,
      );
      await printSizes(empty, large, rows);
      await compare(empty, large, Math.round(rows / DAYS));
    } finally {
      for (const side of sides) await side.server.stop();
      for (const name of ['empty', 'large'])
        await run(engineUrl, `drop database if exists ${name}`);
    }
  }
}

async function openSide(engineUrl: string, folder: string, name: string): Promise<Side> {
  await run(engineUrl, `create database ${name}`);
  const url = Object.assign(new URL(engineUrl), { pathname: `/${name}` }).href;
  await mkdir(join(folder, name), { recursive: true });
  // The server's own maintenance must not drop the day before it is measured.
  const server = await startServer(url, join(folder, name), { retentionDays: DAYS + 1 });
  const { location } = await server.send(body());
  return { url, server, operation: location.slice(location.lastIndexOf('/') + 1) };
}

async function run(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text, [...values]);
  } finally {
    await client.end();
  }
}

/** SQL of the id of message `i` of the `n`th operation of a day, the operation's own where `i` is 0. `$3`: the day's start, ms. */
const MADE_ID = (i: string) =>
  `(lpad(to_hex($3::bigint + n * 5000), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0') || '800000000000'
    || lpad(to_hex(${i}), 4, '0'))::uuid`;

/** Operations of 10,000 messages like the one that was sent, all delivered, evenly over the days before today. */
async function fill(side: Side, rows: number): Promise<void> {
  const perDay = Math.max(1, Math.round(rows / MESSAGES / DAYS));
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const account = '(select id from account where sid = $1)';
  for (let back = DAYS; back >= 1; back -= 1) {
    const startMs = today - back * DAY_MS;
    const day = new Date(startMs).toISOString().slice(0, 10);
    const values = [SID, MESSAGES, startMs, perDay];
    const suffix = day.replaceAll('-', '');
    await run(side.url, 'select ensure_day($1)', [day]);
    await run(
      side.url,
      `insert into operation (account_id, id, status, total, recipients, attempts, unaddressable, delivered, content,
         plan, tags, updated_at)
       select ${account}, ${MADE_ID('0')}, 'COMPLETED', $2, $2, $2, 0, $2,
         sent.content, sent.plan, '{}', to_timestamp($3::float8 / 1000)
       from generate_series(0, $4::int - 1) n, (select content, plan from operation order by id desc limit 1) sent`,
      values,
    );
    await run(
      side.url,
      `insert into message_${suffix} (account_id, attempt, status, previous_status, attempt_status, channel,
         address_channel, id, updated_at, attempted_at, address, variables, provider_id)
       select ${account}, 1, 'DELIVERED', 'SENT', 'DELIVERED', 'SMS', 'PHONE', ${MADE_ID('i')},
         to_timestamp($3::float8 / 1000), to_timestamp($3::float8 / 1000), '+1500556' || lpad((i - 1)::text, 4, '0'),
         jsonb_build_object('name', 'Ada ' || i), 'sim-' || n || '-' || i
       from generate_series(0, $4::int - 1) n, generate_series(1, $2::int) i`,
      values,
    );
    // As a day that is over has been: autovacuum came by.
    await run(side.url, `vacuum (analyze) message_${suffix}`);
  }
  await run(side.url, 'vacuum (analyze) operation');
  // The generated rows are written to disk now, not during the measurement.
  await run(side.url, 'checkpoint');
  const { rows: past } = await run(
    side.url,
    `select id from operation order by id limit 1 offset ${Math.floor((perDay * DAYS) / 2)}`,
  );
  const { id } = past[0] as { id: string };
  side.operation = encodeTypeId('comms_operation', id);
}

/** The size of a message on disk at rest, and in the WAL from its request to its last receipt. */
async function printSizes(empty: Side, large: Side, rows: number): Promise<void> {
  const { rows: sizes } = await run(
    large.url,
    `select sum(pg_total_relation_size(relid))::float8 as bytes from pg_partition_tree('message') where isleaf`,
  );
  const logAt = async () =>
    (await run(empty.url, `select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`)).rows;
  const before = await logAt();
  await sendAll(empty.server, NOW, OPERATIONS);
  const after = await logAt();
  const bytesOf = (all: unknown[]) => Number((all[0] as { bytes: unknown }).bytes);
  const logged = (bytesOf(after) - bytesOf(before)) / (OPERATIONS * MESSAGES);
  print(
    `tables       ${Math.round(bytesOf(sizes) / rows)} bytes a message at rest; ${Math.round(logged)} bytes of WAL a message sent`,
  );
}

/** The requests to both sides, in milliseconds. */
const QUESTIONS: readonly (readonly [
  name: string,
  rounds: number,
  ask: (side: Side) => Promise<number>,
])[] = [
  ['accept', ROUNDS.accept, async ({ server }) => (await server.send(LATER)).tookMs],
  ['end to end', ROUNDS.send, ({ server }) => sendAll(server, NOW, OPERATIONS)],
  ['operation', ROUNDS.read, (side) => timed(side, `/v1/Messages/Operations/${side.operation}`)],
  ['operations', ROUNDS.read, (side) => timed(side, '/v1/Messages/Operations?pageSize=50')],
  ['messages', ROUNDS.read, (side) => timed(side, '/v1/Messages?pageSize=50')],
  [
    'its messages',
    ROUNDS.read,
    (side) => timed(side, `/v1/Messages?operationId=${side.operation}&pageSize=50`),
  ],
];

async function timed({ server }: Side, path: string): Promise<number> {
  const startedAt = performance.now();
  await server.get(path);
  return performance.now() - startedAt;
}

async function compare(empty: Side, large: Side, dropped: number): Promise<void> {
  for (const [name, rounds, ask] of QUESTIONS) {
    const ms: [number[], number[]] = [[], []];
    for (let round = -2; round < rounds; round += 1) {
      const took = [await ask(empty), await ask(large)] as const;
      if (round < 0) continue;
      ms[0].push(took[0]);
      ms[1].push(took[1]);
    }
    printBeside(name, median(ms[0]), median(ms[1]));
  }
  const dropMs = await dropDay(large);
  print(`tables       drop a day of ${show(dropped)} messages in ${dropMs.toFixed(1)} ms`);
}

/** Milliseconds of the maintenance that drops the day due. */
async function dropDay({ url }: Side): Promise<number> {
  const database = openDatabase({ url, connectionsMax: 1, name: 'fanfare-bench' });
  try {
    const startedAt = performance.now();
    await dropOldPartitions(database, new Date(), RETENTION_DAYS);
    return performance.now() - startedAt;
  } finally {
    await database.close();
  }
}

function printBeside(name: string, emptyMs: number, largeMs: number): void {
  print(
    `tables       ${name.padEnd(12)} empty ${emptyMs.toFixed(1).padStart(8)} ms   large ${largeMs.toFixed(1).padStart(8)} ms   ratio of speeds ${(emptyMs / largeMs).toFixed(2)}`,
  );
}
