/** PostgreSQL in trouble, in mid-send. */
import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Cluster } from '../cluster.ts';
import { lacksProcesses } from '../processes.ts';
import { planStalls, playStalls } from '../stall.ts';
import { measureRecovery, play, sendSome, type Scenario } from '../trial.ts';
import { until } from '../until.ts';

const run = promisify(execFile);
const NODES = 3;
const BACKENDS = `application_name like 'fanfare%' and pid <> pg_backend_pid()`;

export const databaseRestart: Scenario = {
  name: 'database-restart',
  about: 'PostgreSQL is stopped for some seconds and started again',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const awayMs = trial.random.between(1_000, trial.isShort ? 2_000 : 6_000);
      await cluster.stopPostgres();
      await sleep(awayMs);
      await cluster.startPostgres();
      return { recoveryMs: await measureRecovery(cluster), note: `away ${awayMs} ms` };
    }),
};

export const databaseCrash: Scenario = {
  name: 'database-crash',
  about: 'kill -9 of a PostgreSQL process: all connections break, its log is replayed',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const [row] = await cluster.sql<{ pid: number }>(
        `select pid from pg_stat_activity where ${BACKENDS} order by pid limit 1`,
      );
      if (row === undefined) throw new Error('No connection of a node was found.');
      process.kill(row.pid, 'SIGKILL');
      return { recoveryMs: await measureRecovery(cluster) };
    }),
};

export const terminate: Scenario = {
  name: 'terminate-backends',
  about: 'pg_terminate_backend of one connection after the other',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const times = trial.isShort ? 30 : 150;
      for (let i = 0; i < times; i += 1) {
        await cluster.sql(
          `select pg_terminate_backend(pid) from (
             select pid from pg_stat_activity where ${BACKENDS} order by md5(pid::text || $1) limit 1) one`,
          [String(trial.random.between(0, 1e6))],
        );
        await sleep(30);
      }
      return { recoveryMs: await measureRecovery(cluster), note: `${times} connections` };
    }),
};

/** Takes all connections that PostgreSQL gives, until the end of `work`. */
async function withNoConnections(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const clients: pg.Client[] = [];
  try {
    for (let refused = 0; refused < 5;) {
      const client = new pg.Client({ connectionString: cluster.databaseUrl });
      client.on('error', () => undefined);
      try {
        await client.connect();
        clients.push(client);
        // Other processes take free space at once.
        await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where ${BACKENDS}`,
        );
      } catch {
        await client.end().catch(() => undefined);
        refused += 1;
      }
    }
    await work();
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

export const noConnections: Scenario = {
  name: 'no-connections',
  about: 'others take all connections of PostgreSQL, and break those of the nodes',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const holdMs = trial.isShort ? 2_000 : 6_000;
      await withNoConnections(cluster, () => sleep(holdMs));
      return { recoveryMs: await measureRecovery(cluster), note: `for ${holdMs} ms` };
    }),
};

export const oldSnapshot: Scenario = {
  name: 'old-snapshot',
  about: 'a client keeps a transaction open, so that nothing old can be cleaned away',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      cluster.witness.behaviour.perSecond = 1_000_000;
      const messages = trial.isShort ? 20_000 : 200_000;
      const send = async () => {
        const startedAt = performance.now();
        await cluster.send(messages);
        await cluster.untilEnded();
        return performance.now() - startedAt;
      };
      const withoutMs = await send();
      const client = new pg.Client({ connectionString: cluster.databaseUrl });
      await client.connect();
      await client.query('begin isolation level repeatable read');
      await client.query('select count(*) from message');
      const withMs = await send();
      await client.query('rollback');
      await client.end();
      return { note: `rate with it ${(withoutMs / withMs).toFixed(2)} of the rate without` };
    }),
};

const DISK_SIZE = '700m';
const FULL_MS = 5_000;

async function mountSmallDisk(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_SIZE},mode=0755`, 'tmpfs', folder]);
}

/** Writes zeros until nothing fits any more. */
async function fillDisk(file: string): Promise<void> {
  const handle = await open(file, 'w');
  const block = Buffer.alloc(1 << 16);
  try {
    for (;;) await handle.write(block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    await handle.close();
  }
}

export const diskFull: Scenario = {
  name: 'disk-full',
  about: "PostgreSQL's disk is full for some seconds",
  isImpossible: async () =>
    process.platform === 'linux' && process.getuid?.() === 0
      ? null
      : 'needs root on Linux, to mount a small disk',
  async run(trial) {
    const disk = join(trial.folder, 'disk');
    await mountSmallDisk(disk);
    try {
      const dataDir = join(disk, 'data');
      return await play(trial, { nodes: NODES, dataDir }, async (cluster) => {
        await sendSome(cluster, trial);
        const ballast = join(disk, 'ballast');
        await fillDisk(ballast);
        // Requests go on: something has to be written that no longer fits.
        const sending = cluster.send(trial.isShort ? 20_000 : 60_000);
        sending.catch(() => undefined);
        const isStuck = await until('PostgreSQL feels it', 30_000, async () => {
          return (cluster.refusals.get(503) ?? 0) > 0;
        }).catch(() => false);
        await sleep(FULL_MS);
        await rm(ballast);
        const recoveryMs = await measureRecovery(cluster);
        await sending;
        return { recoveryMs, note: isStuck ? 'requests got 503' : 'no request was refused' };
      });
    } finally {
      await run('umount', ['-l', disk]);
    }
  },
};

/** As each of them counts, requests are answered all the time. */
const PER_REQUEST = 250;

export const failover: Scenario = {
  name: 'failover',
  about: 'kill -9 of all of PostgreSQL; a synchronous standby takes over, read-only at first',
  isImpossible: lacksProcesses,
  run(trial) {
    const { random, isShort } = trial;
    const beforeMs = random.between(100, 1_000);
    const unnoticedMs = random.between(500, isShort ? 1_500 : 4_000);
    const readOnlyMs = random.between(100, 1_000);
    return play(trial, { nodes: NODES }, async (cluster) => {
      await cluster.startStandby();
      await sendSome(cluster, trial);
      // Requests continue: changes that were acknowledged a moment ago must be on the standby.
      const sending = cluster.send(isShort ? 4_000 : 20_000, PER_REQUEST);
      sending.catch(() => undefined);
      await sleep(beforeMs);
      const killedAt = performance.now();
      await cluster.killPostgres();
      await sleep(unnoticedMs);
      cluster.takeStandby();
      await sleep(readOnlyMs);
      await cluster.sql('select pg_promote()');
      const awayMs = Math.round(performance.now() - killedAt);
      const recoveryMs = await measureRecovery(cluster);
      await sending;
      return { recoveryMs, note: `no primary for ${awayMs} ms` };
    });
  },
};

export const slowDisk: Scenario = {
  name: 'slow-disk',
  about: "PostgreSQL's disk stalls again and again, for up to 1.5 s",
  isImpossible: lacksProcesses,
  run(trial) {
    const stalls = planStalls(trial.random, trial.isShort ? 4_000 : 10_000);
    return play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const sending = cluster.send(trial.isShort ? 4_000 : 20_000, PER_REQUEST);
      sending.catch(() => undefined);
      const waitingMax = await playStalls(cluster, stalls);
      const recoveryMs = await measureRecovery(cluster);
      await sending;
      return { recoveryMs, note: `${stalls.length} stalls; ${waitingMax} commits waited at once` };
    });
  },
};
