/** Nodes that die in the middle of a streamed request, of its acceptance, and of its cancel. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster.ts';
import { measureRecovery, play, type Scenario, type Trial } from '../trial.ts';
import { until } from '../until.ts';

const NODES = 3;
const MESSAGES = { short: 20_000, full: 100_000 };
const STEP_TIMEOUT_MS = 60_000;

const sizeOf = ({ isShort }: Trial) => (isShort ? MESSAGES.short : MESSAGES.full);

/** Resolves when nothing is left to do beside the queue, and no rows of broken requests. */
const untilNoTasks = (cluster: Cluster) =>
  until('all tasks end', STEP_TIMEOUT_MS, async () => (await cluster.countTasks()) === 0);

export const killReceiving: Scenario = {
  name: 'kill-receiving',
  about: 'kill -9 of a node in the middle of a streamed request, which is then sent to another',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const victim = trial.random.pick(cluster.nodes);
      let isKilled = false;
      await cluster.stream(sizeOf(trial), {
        first: victim,
        async onHalf() {
          await until('a chunk is written', STEP_TIMEOUT_MS, async () => {
            return (await cluster.countTasks()) > 0;
          });
          if (!isKilled) await victim.kill();
          isKilled = true;
        },
      });
      // The lease of the broken request is half a minute; the scenario need not wait for that.
      await cluster.sql(`update operation_task set leased_until = now() where state = 'RECEIVING'`);
      await untilNoTasks(cluster);
      return { note: victim.name };
    }),
};

export const killAccepting: Scenario = {
  name: 'kill-accepting',
  about: 'kill -9 of a node as a streamed request ends, and of another while its messages are sent',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const [first, second] = cluster.nodes;
      if (first === undefined || second === undefined) throw new Error('There are no nodes.');
      const delayMs = trial.random.between(0, 60);
      let isKilled = false;
      let killing = Promise.resolve();
      await cluster.stream(sizeOf(trial), {
        first,
        onWhole() {
          if (isKilled) return;
          isKilled = true;
          killing = sleep(delayMs).then(() => first.kill());
        },
      });
      await killing;
      await cluster.untilTaken(trial.random.between(5, 30) / 100);
      await second.kill();
      const recoveryMs = await measureRecovery(cluster);
      await cluster.sql(`update operation_task set leased_until = now() where state = 'RECEIVING'`);
      await untilNoTasks(cluster);
      return { recoveryMs, note: `${delayMs} ms after its last byte` };
    }),
};

export const killCanceling: Scenario = {
  name: 'kill-canceling',
  about: 'kill -9 of the node that cancels a large operation, and of another node',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const [first, second, third] = cluster.nodes;
      if (first === undefined || second === undefined || third === undefined)
        throw new Error('There are no nodes.');
      const location = await cluster.stream(sizeOf(trial), { first });
      await cluster.untilTaken(trial.random.between(2, 10) / 100);
      const canceling = cluster.cancel(second, location);
      await until('some messages are canceled', STEP_TIMEOUT_MS, async () => {
        const [row] = await cluster.sql<{ canceled: number }>(
          'select sum(canceled)::int as canceled from operation',
        );
        return (row?.canceled ?? 0) > 0;
      });
      await Promise.all([second.kill(), first.kill()]);
      await canceling;
      await untilNoTasks(cluster);
      return { note: third.name };
    }),
};
