/** Clocks of nodes that jump. */
import { setTimeout as sleep } from 'node:timers/promises';
import { play, sendSome, type Scenario } from '../trial.ts';

const HOUR_MS = 3_600_000;
const LOOK_MS = 500;

export const clockJumps: Scenario = {
  name: 'clock-jumps',
  about: 'clocks of nodes jump by hours, ahead and back, in mid-send, and requests keep coming',
  run: (trial) =>
    play(trial, { nodes: 3 }, async (cluster) => {
      await sendSome(cluster, trial);
      const jumps = [HOUR_MS, -HOUR_MS, 26 * HOUR_MS];
      for (const [i, node] of cluster.nodes.entries()) await node.shiftClock(jumps[i] ?? 0);
      // They look at it now and then.
      await sleep(LOOK_MS);
      for (let i = 0; i < 6; i += 1) await cluster.send(trial.isShort ? 300 : 3_000);
      for (const node of cluster.nodes) await node.shiftClock(0);
      await sleep(LOOK_MS);
      await cluster.send(1_000);
      return { note: '+1 h, -1 h, +26 h' };
    }),
};
