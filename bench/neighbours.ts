/**
 * The effect of one account on another: the time of a send of one recipient while 1, 8 and 32 connections of another
 * account misbehave, and without them, alternately. Also the cost of a pool of ten thousand senders, relative to one
 * sender.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { encodeTypeId, newUuid } from '../server/src/domain/ids.ts';
import { HOSTILE_KINDS, type HostileKind } from './hostile-kinds.ts';
import { body, laterBody, median, MESSAGES, percentile, print, show } from './measure.ts';
import { SID, startServer, type BenchServer } from './server.ts';

const PROGRAM = createRequire(import.meta.url).resolve('fanfare/bin/fanfare.cjs');
const HOSTILE = fileURLToPath(new URL('./hostile.js', import.meta.url));
const CONNECTIONS = [1, 8, 32];
/** Sends of one recipient in each measurement, one begun so long after the other. */
const SENDS = 200;
const INTERVAL_MS = 10;
/** Time until the misbehaviour is under way. */
const BEGIN_MS = 700;
const LARGE_POOL = 1_000;
const ROUNDS = 11;

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

/** The selected kinds of misbehaviour. */
export async function benchNeighbours(
  databaseUrl: string,
  folder: string,
  named: readonly string[],
): Promise<void> {
  const server = await startServer(databaseUrl, folder);
  try {
    const credentials = await addAccount(databaseUrl);
    const [sid = ''] = credentials.split(':');
    const pool = await addPool(databaseUrl, sid, LARGE_POOL);
    await measure(server);
    const kinds = Object.keys(HOSTILE_KINDS) as HostileKind[];
    for (const kind of kinds.filter((each) => named.includes(each))) {
      const alone: Measured[] = [await measure(server)];
      const attacked: { measured: Measured; answers: string }[] = [];
      for (const connections of CONNECTIONS) {
        attacked.push(await attack(server, [server.url, credentials, pool, kind], connections));
        alone.push(await measure(server));
      }
      printKind(kind, alone, attacked);
    }
    await benchPools(server, await addPool(databaseUrl, SID, MESSAGES));
  } finally {
    await server.stop();
  }
}

function printKind(
  kind: string,
  alone: readonly Measured[],
  attacked: readonly { readonly measured: Measured; readonly answers: string }[],
): void {
  const p99 = median(alone.map((each) => each.p99));
  print(
    `neighbours   ${kind.padEnd(28)} alone p50 ${median(alone.map((each) => each.p50)).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  );
  for (const [i, { measured, answers }] of attacked.entries())
    print(
      `             ${String(CONNECTIONS[i]).padStart(6)} connections          p50 ${measured.p50.toFixed(1)} ms, p99 ${measured.p99.toFixed(1)} ms   ratio ${(measured.p99 / p99).toFixed(1)}   refused ${measured.failed}   they got ${answers}`,
    );
}

/** Sends of one recipient at intervals, without a wait for the answers. */
async function measure(server: BenchServer): Promise<Measured> {
  const one = laterBody(1);
  const took: number[] = [];
  let failed = 0;
  const sends: Promise<void>[] = [];
  for (let i = 0; i < SENDS; i += 1) {
    sends.push(
      server.send(one).then(
        ({ tookMs }) => void took.push(tookMs),
        () => void (failed += 1),
      ),
    );
    await sleep(INTERVAL_MS);
  }
  await Promise.all(sends);
  return { p50: median(took), p99: percentile(took, 0.99), failed };
}

async function attack(
  server: BenchServer,
  args: readonly string[],
  connections: number,
): Promise<{ measured: Measured; answers: string }> {
  const child = spawn(process.execPath, [HOSTILE, ...args, String(connections)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let answers = '';
  const ended = once(child, 'exit');
  // It reports its start first: its bodies may take a while to make.
  await once(child.stdout, 'data');
  child.stdout.on('data', (data: Buffer) => (answers += data.toString('utf8')));
  await sleep(BEGIN_MS);
  const measured = await measure(server);
  child.stdin.end();
  await ended;
  await server.idle();
  return { measured, answers: answers.trim() };
}

/** `SID:token` of a new account. */
async function addAccount(databaseUrl: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [PROGRAM, 'accounts', 'create', '--json'],
    { env: { ...process.env, DATABASE_URL: databaseUrl } },
  );
  const { sid, token } = JSON.parse(stdout) as { sid: string; token: string };
  return `${sid}:${token}`;
}

let poolsAdded = 0;

/**
 * Creates a pool of this many senders with numbers of its own; returns its id. Written in one step: by requests it would
 * take minutes.
 */
async function addPool(databaseUrl: string, sid: string, size: number): Promise<string> {
  poolsAdded += 1;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const id = newUuid(Date.now());
  await client.query(
    `with account as (select id from account where sid = $1),
     pool as (insert into sender_pool (account_id, id, name, tags) select id, $2, 'Large', '{}' from account),
     added as (insert into sender (account_id, id, channel, address, carrier, status)
       select account.id, gen_random_uuid(), 'SMS', '+150' || ($4::int * 10000000 + n), 'simulator', 'ACTIVATED'
       from account, generate_series(1, $3::int) n returning id, account_id)
     insert into sender_pool_member (account_id, pool_id, sender_id) select account_id, $2, id from added`,
    [sid, id, size, poolsAdded],
  );
  await client.end();
  return encodeTypeId('comms_senderpool', id);
}

/** The same ten thousand recipients over a pool of ten thousand senders, and over one. */
async function benchPools(server: BenchServer, poolId: string): Promise<void> {
  const later = { schedule: { sendAt: [new Date(Date.now() + 86_400_000).toISOString()] } };
  const bodies = [body(later), body({ ...later, from: { senderPoolId: poolId } })] as const;
  const took: [number[], number[]] = [[], []];
  for (let round = -1; round < ROUNDS; round += 1)
    for (const which of [0, 1] as const) {
      const { tookMs } = await server.send(bodies[which]);
      if (round >= 0) took[which].push(tookMs);
    }
  const [one, many] = took.map(median) as [number, number];
  print(
    `neighbours   ${show(MESSAGES)} recipients over 1 sender ${one.toFixed(0)} ms, over ${show(MESSAGES)} senders ${many.toFixed(0)} ms   speed ratio ${(one / many).toFixed(2)}`,
  );
}
