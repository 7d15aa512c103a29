/**
 * Upkeep: wakes what is due, applies parked receipts, makes tomorrow's partitions and drops what is older than the
 * retention. Every node may run it at once: rows are skipped while another has them.
 */
import type { Logger } from '../lib/log.ts';
import { createLoop, type Service } from '../lib/service.ts';
import type { Store } from '../store/store.ts';

const WAKE_IDLE_MS = 200;
const CLEAN_IDLE_MS = 10 * 60_000;
const REST_MS = 1_000;

export function createUpkeep(options: {
  readonly store: Store;
  readonly log: Logger;
  readonly retentionDays: number;
  /** Tries parked receipts of carriers again; resolves with their number. */
  readonly retryReceipts: () => Promise<number>;
  /** Sends the answers to keywords that are still owed; resolves with their number. */
  readonly answerInbound: () => Promise<number>;
  /** Called after batches were woken. */
  readonly onWoken: () => void;
}): Service {
  const { store, log } = options;
  const onError = (error: unknown) => log.warn({ err: error }, 'Upkeep failed');

  const wake = createLoop({
    idleMs: WAKE_IDLE_MS,
    restMs: REST_MS,
    onError,
    async work() {
      const woken = await store.batches.wakeDueBatches();
      if (woken > 0) options.onWoken();
      const parked = await store.receipts.applyParkedReceipts();
      const retried = await options.retryReceipts();
      const answered = await options.answerInbound();
      return woken > 0 || parked > 0 || retried > 0 || answered > 0;
    },
  });

  const clean = createLoop({
    idleMs: CLEAN_IDLE_MS,
    restMs: CLEAN_IDLE_MS / 10,
    onError,
    async work() {
      const now = new Date();
      await store.upkeep.ensurePartitions(now);
      const days = await store.upkeep.dropOldPartitions(now, options.retentionDays);
      if (days > 0) log.info({ days }, 'Dropped days older than the retention');
      await store.upkeep.dropExpiredIdempotencyKeys();
      // A day may be kept longer than others.
      await store.subscriptions.dropUnusedCallbacks(options.retentionDays + 2);
      await store.receipts.dropOldParkedReceipts();
      await store.inbound.dropOldInboundSeen();
      return false;
    },
  });

  return {
    async start() {
      await Promise.all([wake.start(), clean.start()]);
    },
    async stop() {
      await Promise.all([wake.stop(), clean.stop()]);
    },
  };
}
