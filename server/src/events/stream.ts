/**
 * Live events for the listeners on this node. PostgreSQL notifies of new ones (one connection for
 * all); then the log is read once for all listeners of an account. Without listeners, nothing is
 * read or queried.
 */
import type { StreamSource } from '../domain/live-events.ts';
import { keepListening } from '../lib/keep-listening.ts';
import type { Logger } from '../lib/log.ts';
import type { Store } from '../store/store.ts';
import { AccountFeed } from './account-feed.ts';
import { OperationWatch } from './operation-watch.ts';

/** Between two states of an operation. */
export const OPERATION_MS = 250;
/** Interval of looks without a wake-up: it may be lost with its connection, and some changes of operations write no event. */
const LOOK_MS = 2_000;

export interface StreamHub extends StreamSource {
  /** Ends all listeners. */
  stop(): Promise<void>;
}

export function createStreamHub(options: {
  readonly store: Store;
  readonly log: Logger;
}): StreamHub {
  const { store, log } = options;
  const feeds = new Map<number, AccountFeed>();
  const watches = new Map<number, OperationWatch>();
  let ends: (() => void)[] = [];
  let lastLookAt = 0;
  let isAwake = false;
  const warn = (error: unknown) => log.warn({ err: error }, 'A stream could not be read');

  function wake(): void {
    isAwake = true;
    for (const feed of feeds.values()) feed.wake().catch(warn);
  }

  async function look(): Promise<void> {
    const now = performance.now();
    const isDue = now - lastLookAt >= LOOK_MS;
    if (isDue) wake();
    if (!isAwake) return;
    isAwake = false;
    if (isDue) lastLookAt = now;
    await Promise.all([...watches.values()].map((watch) => watch.look()));
  }

  /** With the first listener. */
  function begin(): void {
    if (ends.length > 0) return;
    let isLooking = false;
    const timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      look()
        .catch(warn)
        .finally(() => (isLooking = false));
    }, OPERATION_MS);
    const listening = keepListening((...how) => store.maintenance.listen('events', ...how), {
      log,
      what: 'Listening for events',
      wake,
    });
    ends = [() => clearInterval(timer), () => void listening.then((end) => end())];
  }

  /** With the last one. */
  function tidy(): void {
    for (const [id, feed] of feeds) if (feed.isEmpty) feeds.delete(id);
    for (const [id, watch] of watches) if (watch.isEmpty) watches.delete(id);
    if (feeds.size + watches.size > 0) return;
    for (const end of ends.splice(0)) end();
  }

  return {
    async followAccount(account, listener, afterSid) {
      const position = await store.events.lastEventId();
      const feed = feeds.get(account.id) ?? new AccountFeed(store, account, position, warn);
      feeds.set(account.id, feed);
      begin();
      try {
        if (afterSid === null) feed.follow(listener);
        // It takes as long as the client does.
        else
          feed.followFrom(afterSid, listener).catch((error: unknown) => {
            warn(error);
            listener.end();
          });
      } catch (error) {
        tidy();
        throw error;
      }
      return () => {
        feed.leave(listener);
        tidy();
      };
    },

    followOperation(accountId, operation, listener) {
      const watch = watches.get(accountId) ?? new OperationWatch(store, accountId);
      watches.set(accountId, watch);
      watch.follow(operation, listener);
      isAwake = true;
      begin();
      return () => {
        watch.leave(operation.id, listener);
        tidy();
      };
    },

    async stop() {
      for (const feed of feeds.values()) feed.endAll();
      for (const watch of watches.values()) watch.endAll();
      tidy();
    },
  };
}
