/** Nodes that die, that stop, that are stopped for a while, and that lose their database, in mid-send. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster.ts';
import type { Node } from '../node.ts';
import { freeze, lacksProcesses } from '../processes.ts';
import { play, sendSome, type Scenario } from '../trial.ts';
import { until } from '../until.ts';

const TAKE_OVER_MS = 60_000;
const NODES = 3;
/** Binds of a node, and the default window of each. */
const CARRIER = { binds: 2, windowPerBind: 50 };
/** Two windows: more messages of one node are never in doubt. */
const IN_DOUBT_MAX = 2 * CARRIER.binds * CARRIER.windowPerBind;
/** What the survivors do meanwhile, before the node is back. */
const BACK_AFTER_MS = 2_000;

/** Milliseconds from now until nothing is leased to a process any more. */
async function measureTakeOver(cluster: Cluster, pid: number): Promise<number> {
  const from = performance.now();
  await until('the leases of the dead are taken over', TAKE_OVER_MS, async () => {
    const [row] = await cluster.sql<{ count: number }>(
      'select count(*)::int as count from dispatch_batch where leased_by like $1',
      [`%/${pid}/%`],
    );
    return row?.count === 0;
  });
  return performance.now() - from;
}

async function killOne(cluster: Cluster, node: Node): Promise<number> {
  const { pid } = node;
  await node.kill();
  return measureTakeOver(cluster, pid);
}

export const kill: Scenario = {
  name: 'kill',
  about: 'kill -9 of one of three nodes in mid-send',
  run: (trial) =>
    play(trial, { nodes: NODES, carrier: CARRIER }, async (cluster) => {
      await sendSome(cluster, trial);
      const victim = trial.random.pick(cluster.nodes);
      const recoveryMs = await killOne(cluster, victim);
      return { recoveryMs, ambiguousMax: IN_DOUBT_MAX, note: victim.name };
    }),
};

export const killRepeatedly: Scenario = {
  name: 'kill-repeatedly',
  about: 'kill -9 of one node after the other, each started again, while messages keep coming',
  run: (trial) =>
    play(trial, { nodes: NODES, carrier: CARRIER }, async (cluster) => {
      const kills = trial.isShort ? 2 : 6;
      const recoveries: number[] = [];
      for (let i = 0; i < kills; i += 1) {
        await cluster.send(trial.isShort ? 4_000 : 10_000);
        await cluster.untilTaken((i + trial.random.between(20, 60) / 100) / (i + 1));
        const victim = trial.random.pick(cluster.nodes);
        recoveries.push(await killOne(cluster, victim));
        await victim.start();
      }
      return {
        recoveryMs: Math.max(...recoveries),
        ambiguousMax: kills * IN_DOUBT_MAX,
        note: `${kills} kills`,
      };
    }),
};

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  about: 'SIGTERM to each of three nodes in turn, each started again, in mid-send',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const stops: number[] = [];
      for (const node of cluster.nodes) {
        stops.push(await node.stop());
        await node.start();
      }
      return { stopMs: Math.max(...stops) };
    }),
};

export const cutOff: Scenario = {
  name: 'cut-off',
  about: 'one of three nodes loses its database, keeps its carrier, and comes back',
  run: (trial) =>
    play(trial, { nodes: NODES, carrier: CARRIER, isFirstApart: true }, async (cluster) => {
      await sendSome(cluster, trial);
      const [victim] = cluster.nodes;
      // Connections that are reset are noticed at once, silent ones when the leases end.
      const how = trial.random.pick(['cut', 'swallow'] as const);
      cluster.gateOfFirst[how]();
      const recoveryMs = await measureTakeOver(cluster, victim?.pid ?? 0);
      await sleep(BACK_AFTER_MS);
      cluster.gateOfFirst.pass();
      return { recoveryMs, ambiguousMax: IN_DOUBT_MAX, note: how };
    }),
};

export const stopped: Scenario = {
  name: 'stopped',
  about: 'one of three nodes is stopped by SIGSTOP for longer than a lease, and continues',
  isImpossible: lacksProcesses,
  run: (trial) =>
    play(trial, { nodes: NODES, carrier: CARRIER }, async (cluster) => {
      await sendSome(cluster, trial);
      const victim = trial.random.pick(cluster.nodes);
      let recoveryMs = 0;
      await freeze(victim.pid, async () => {
        recoveryMs = await measureTakeOver(cluster, victim.pid);
        await sleep(trial.isShort ? BACK_AFTER_MS : 60_000 - recoveryMs);
      });
      return { recoveryMs, ambiguousMax: IN_DOUBT_MAX, note: victim.name };
    }),
};
