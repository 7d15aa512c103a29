/** Nodes that die, and nodes that stop, in mid-send. */
import type { Cluster } from '../cluster.ts';
import type { Node } from '../node.ts';
import { play, sendSome, type Scenario } from '../trial.ts';
import { until } from '../until.ts';

const TAKE_OVER_MS = 60_000;
const NODES = 3;

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
    play(trial, { nodes: NODES }, async (cluster) => {
      await sendSome(cluster, trial);
      const victim = trial.random.pick(cluster.nodes);
      return { recoveryMs: await killOne(cluster, victim), note: victim.name };
    }),
};

export const killRepeatedly: Scenario = {
  name: 'kill-repeatedly',
  about: 'kill -9 of one node after the other, each started again, while messages keep coming',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const kills = trial.isShort ? 2 : 6;
      const recoveries: number[] = [];
      for (let i = 0; i < kills; i += 1) {
        await cluster.send(trial.isShort ? 4_000 : 10_000);
        await cluster.untilTaken((i + trial.random.between(20, 60) / 100) / (i + 1));
        const victim = trial.random.pick(cluster.nodes);
        recoveries.push(await killOne(cluster, victim));
        await victim.start();
      }
      return { recoveryMs: Math.max(...recoveries), note: `${kills} kills` };
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
