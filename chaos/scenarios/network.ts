/** Faults of the network between nodes and PostgreSQL, and errors of PostgreSQL, during sends. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startFaultyPostgres, type Fault } from '../../server/test/support/faulty-postgres.ts';
import type { Cluster } from '../cluster.ts';
import { measureRecovery, play, sendSome, type Scenario, type Trial } from '../trial.ts';
import { until } from '../until.ts';

const NODES = 2;
/** As each of them counts, requests are answered all the time. */
const PER_REQUEST = 250;

/** Sends, lets `trouble` happen while requests go on, and measures from its end. */
async function suffer(
  cluster: Cluster,
  trial: Trial,
  trouble: () => Promise<string>,
): Promise<{ recoveryMs: number; note: string }> {
  await sendSome(cluster, trial);
  const sending = cluster.send(trial.isShort ? 2_000 : 10_000, PER_REQUEST);
  sending.catch(() => undefined);
  const note = await trouble();
  const recoveryMs = await measureRecovery(cluster);
  await sending;
  return { recoveryMs, note };
}

export const pulledCable: Scenario = {
  name: 'pulled-cable',
  about: 'nothing passes between nodes and PostgreSQL for less than a lease; then all of it does',
  run: (trial) =>
    play(trial, { nodes: NODES }, (cluster) =>
      suffer(cluster, trial, async () => {
        const heldMs = trial.random.between(2_000, trial.isShort ? 3_000 : 7_000);
        cluster.gate.hold();
        await sleep(heldMs);
        cluster.gate.pass();
        return `for ${heldMs} ms`;
      }),
    ),
};

function silence(name: string, about: string, shortMs: number, fullMs: number): Scenario {
  return {
    name,
    about,
    run: (trial) =>
      play(trial, { nodes: NODES }, (cluster) =>
        suffer(cluster, trial, async () => {
          const silentMs = trial.isShort ? shortMs : fullMs;
          cluster.gate.swallow();
          await sleep(silentMs);
          const { dead } = cluster.gate;
          cluster.gate.pass();
          return `for ${silentMs} ms; ${Math.ceil(dead / 2)} connections stayed dead`;
        }),
      ),
  };
}

export const shortSilence = silence(
  'short-silence',
  'what is sent to PostgreSQL is lost for less than a lease, and all connections of that time stay dead',
  2_000,
  5_000,
);

export const longSilence = silence(
  'long-silence',
  'the same for more than a lease',
  11_000,
  25_000,
);

export const lossyNetwork: Scenario = {
  name: 'lossy-network',
  about: 'one connection after the other loses a packet for good, and stalls',
  run: (trial) =>
    play(trial, { nodes: NODES }, (cluster) =>
      suffer(cluster, trial, async () => {
        const oneIn = trial.isShort ? 100 : 400;
        cluster.gate.lose(() => trial.random.between(1, oneIn) === 1);
        await sleep(trial.isShort ? 4_000 : 15_000);
        const { dead } = cluster.gate;
        cluster.gate.pass();
        return `${dead} connections stalled`;
      }),
    ),
};

const FAULTS: readonly Fault[] = [
  ...['25006', '40001', '40P01', '53100', '53200', '57014', '58030', 'XX000'].map(
    (code) => ({ kind: 'error', code }) as const,
  ),
  ...['28P01', '3D000', '53300', '57P01', '57P02', '57P03'].map(
    (code) => ({ kind: 'fatal', code }) as const,
  ),
  { kind: 'reset' },
  { kind: 'lost' },
];

const ONE_IN = 8;
const EACH_MS = 30_000;

export const databaseErrors: Scenario = {
  name: 'database-errors',
  about: 'PostgreSQL answers one statement in eight with an error, with every kind in turn',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const postgres = await startFaultyPostgres(cluster.databaseUrl);
      cluster.gate.aim(postgres.url);
      // Existing connections bypass it.
      await cluster.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'fanfare%'`,
      );
      try {
        let failed = 0;
        const event = await suffer(cluster, trial, async () => {
          for (const fault of FAULTS) {
            postgres.inject(fault, ONE_IN, trial.random.between(0, 1e6));
            const times = trial.isShort ? 2 : 20;
            await until('statements fail', EACH_MS, () => postgres.failed >= times);
            failed += postgres.failed;
          }
          postgres.heal();
          return `${failed} statements failed`;
        });
        await cluster.untilEnded();
        return event;
      } finally {
        postgres.close();
        cluster.gate.aim(cluster.databaseUrl);
      }
    }),
};
