/** Carriers that hang, lie and flood; more work than they take. */
import { setTimeout as sleep } from 'node:timers/promises';
import { measureRecovery, play, sendSome, type Scenario } from '../trial.ts';

const NODES = 2;

export const hang: Scenario = {
  name: 'carrier-hangs',
  about: 'the carrier takes submissions and answers none for some seconds',
  run: (trial) =>
    play(trial, { nodes: NODES, carrier: { responseTimeoutMs: 2_000 } }, async (cluster) => {
      await sendSome(cluster, trial);
      cluster.witness.behaviour.hangs = true;
      const hungMs = trial.isShort ? 4_000 : 10_000;
      await sleep(hungMs);
      cluster.witness.behaviour.hangs = false;
      return { recoveryMs: await measureRecovery(cluster), note: `for ${hungMs} ms` };
    }),
};

export const lies: Scenario = {
  name: 'carrier-lies',
  about: 'answers to what nobody asked, temporary errors, receipts twice and on what never was',
  run: (trial) =>
    play(trial, { nodes: NODES, config: { retry: { delayMs: 200 } } }, async (cluster) => {
      Object.assign(cluster.witness.behaviour, { lies: 0.1, copies: 2 });
      await sendSome(cluster, trial);
      return { note: 'one answer in ten' };
    }),
};

export const flood: Scenario = {
  name: 'receipt-flood',
  about: 'every receipt comes twenty times',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      cluster.witness.behaviour.copies = 20;
      await sendSome(cluster, trial);
      return {};
    }),
};

const LOAD_EVERY_MS = 100;

export const overload: Scenario = {
  name: 'overload',
  about: 'one and a half times what the carrier takes, then nothing more: it catches up',
  run: (trial) =>
    play(trial, { nodes: NODES }, async (cluster) => {
      const perSecond = 2_000;
      cluster.witness.behaviour.perSecond = perSecond;
      const seconds = trial.isShort ? 4 : 20;
      const portion = (perSecond * 1.5 * LOAD_EVERY_MS) / 1000;
      const startedAt = performance.now();
      let memory = 0;
      for (let i = 1; i <= (seconds * 1000) / LOAD_EVERY_MS; i += 1) {
        await cluster.send(portion);
        for (const node of cluster.nodes) memory = Math.max(memory, await node.measureMemory());
        await sleep(Math.max(0, startedAt + i * LOAD_EVERY_MS - performance.now()));
      }
      const loadEndedAt = performance.now();
      await cluster.untilEnded();
      return {
        recoveryMs: performance.now() - loadEndedAt,
        note: `${seconds} s; largest node ${Math.round(memory / 2 ** 20)} MB`,
      };
    }),
};
