/**
 * The deliverer sends due events to subscriptions: many subscriptions at once, each one batch
 * after another. Promises:
 * - At least once: a delivery is recorded after the answer. A crash in between repeats it under
 *   the same ids.
 * - Messages in order: an event waits while an earlier one of its operation waits for a retry.
 * - Subscriptions are independent: one that hangs occupies its own place only.
 *
 * ```
 *  lease ─▶ load due rows ─▶ render ─▶ sink ─▶ record the result ─┐
 *               ▲                                                │
 *               └──────────── while more is due ─────────────────┴─▶ release
 * ```
 */
import { createHash } from 'node:crypto';
import { countEvents, type EventRow } from '../domain/event.ts';
import { backoffAfterFailures, disableReason, nextDeliveryDelay } from '../domain/delivery.ts';
import { newUuid } from '../domain/ids.ts';
import type { Logger } from '../lib/log.ts';
import { PollInterval } from '../lib/poll-interval.ts';
import { createLoop, type Service } from '../lib/service.ts';
import { Tally } from '../lib/tally.ts';
import type { DeliveryProgress, DueDelivery, LeasedSubscription, Store } from '../store/store.ts';
import { callSink, type Sinks } from './call-sink.ts';
import { renderEvents } from './render.ts';
import type { DeliveryResult, EncodedEvent } from './sink.ts';

export interface Deliverer extends Service {
  /** There may be something to deliver: look now. */
  nudge(): void;
}

export interface DelivererOptions extends Sinks {
  readonly store: Store;
  readonly log: Logger;
  readonly node: string;
  /** Maximum subscriptions that are delivered to at the same time. */
  readonly subscriptionsMax: number;
  /** Lease of a subscription: longer than any sink takes. */
  readonly leaseMs: number;
  /** Delay of each further try, in milliseconds. */
  readonly retryDelaysMs: readonly number[];
  readonly onAttempt: (result: DeliveryResult['kind'], events: number, seconds: number) => void;
}

/** Polls for retries that are due, and for events that other nodes have routed. */
const INTERVAL = { shortMs: 200, longMs: 1_000 };
const BACKOFF_MS_MAX = 1_000;
/** Time slice of a subscription that always has due events. Others, and its owner's changes, come after it. */
const SLICE_MS = 1_000;
/** Backoff of a subscription whose due events all wait for an earlier one. */
const BLOCKED_BACKOFF_MS = 1_000;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { store, log, node } = options;
  const running = new Set<Promise<void>>();
  const taken = new Tally<number>();
  // One account leaves places for others, however many of its receivers hang.
  const accountMax = Math.max(
    1,
    options.subscriptionsMax - Math.ceil(options.subscriptionsMax / 5),
  );
  const stopping = new AbortController();
  const interval = new PollInterval(INTERVAL);

  const loop = createLoop({
    idleMs: () => interval.ms,
    backoffMsMax: BACKOFF_MS_MAX,
    onError: (error) => log.warn({ err: error }, 'Subscriptions could not be leased'),
    async work() {
      const free = options.subscriptionsMax - running.size;
      if (free <= 0) return false;
      const places = { free, taken: taken.owners, accountMax };
      const leased = await store.deliveries.leaseSubscriptions(node, places, options.leaseMs);
      if (leased.length > 0) interval.shorten();
      for (const subscription of leased) {
        const run = deliverDue(subscription, options, stopping.signal)
          .catch((error: unknown) => {
            // The lease runs out, and the next one continues where this one ended.
            log.warn(
              { err: error, subscription: subscription.id },
              'Deliveries to a subscription were interrupted',
            );
          })
          .finally(() => {
            running.delete(run);
            taken.add(subscription.accountId, -1);
            loop.nudge();
          });
        running.add(run);
        taken.add(subscription.accountId, 1);
      }
      return leased.length === free;
    },
  });

  return {
    start: () => loop.start(),
    nudge: () => loop.nudge(),
    async stop() {
      stopping.abort();
      await loop.stop();
      await Promise.all(running);
    },
  };
}

/**
 * Delivers to a leased subscription until nothing is due, a failure, the end of its time slice, or a stop. Changes by its owner
 * apply from its next slice; other waiting subscriptions come first.
 */
async function deliverDue(
  subscription: LeasedSubscription,
  options: DelivererOptions,
  stopping: AbortSignal,
): Promise<void> {
  const until = performance.now() + SLICE_MS;
  let now = subscription;
  let last = stopping.aborted ? 'over' : await deliverBatch(now, options);
  // All due events wait for the retry of an earlier one: another look now would find the same.
  const backoffMs = last === 'idle' ? BLOCKED_BACKOFF_MS : 0;
  while (last === 'delivered' && !stopping.aborted && performance.now() < until) {
    // It accepted a batch.
    now = { ...subscription, failures: 0, failingSince: null };
    last = await deliverBatch(now, options);
  }
  await options.store.deliveries.returnSubscription(subscription, backoffMs);
}

/** One batch. `idle` when there was nothing to deliver, `over` when it was not accepted or the lease is lost. */
async function deliverBatch(
  subscription: LeasedSubscription,
  options: DelivererOptions,
): Promise<'delivered' | 'idle' | 'over'> {
  const { store } = options;
  const waiting = await store.deliveries.loadDueDeliveries(subscription, subscription.batchSize);
  if (waiting.length === 0) return 'idle';
  const chosen = chooseBatch(waiting, subscription.batchSize);
  const facts = await store.events.loadEventFacts(
    subscription.accountId,
    chosen.map((part) => part.row),
  );
  const render = { accountSid: subscription.accountSid, tags: subscription.tags };
  const events = chosen.flatMap(({ row, due }) =>
    renderEvents(row, facts, render, due.deliveredCount),
  );
  const progress = chosen.map(({ row, due }): DeliveryProgress => {
    const to = due.deliveredCount + countEvents(row);
    return { eventId: row.id, deliveredCount: to < due.events ? to : null };
  });
  const isDelivered =
    events.length === 0
      ? await store.deliveries.recordDelivered(subscription, progress, null, options.leaseMs)
      : await deliver(subscription, chosen, progress, events, options);
  return isDelivered ? 'delivered' : 'over';
}

/** A row of the log, and the part of it that is delivered now. */
interface Part {
  readonly due: DueDelivery;
  /** With the messages of this part only. */
  readonly row: EventRow;
}

/**
 * Due rows for one request, in order. A row that may cause failures is delivered alone. If it is not the first, it stays behind
 * with the later rows of its operation.
 */
function chooseBatch(due: readonly DueDelivery[], batchSize: number): Part[] {
  const parts: Part[] = [];
  const left = new Set<string>();
  let room = batchSize;
  for (const each of due) {
    const { row, alone } = each;
    if (left.has(row.subjectId) || (alone && parts.length > 0)) {
      left.add(row.subjectId);
      continue;
    }
    const part = { ...row, ordinals: row.ordinals?.slice(0, room) ?? null };
    parts.push({ due: each, row: part });
    room -= countEvents(part);
    if (alone || room <= 0) break;
  }
  return parts;
}

async function deliver(
  subscription: LeasedSubscription,
  chosen: readonly Part[],
  progress: readonly DeliveryProgress[],
  events: readonly EncodedEvent[],
  options: DelivererOptions,
): Promise<boolean> {
  const { store, leaseMs } = options;
  const at = new Date();
  const startedAt = performance.now();
  const batch = { id: nameBatch(events), at, events };
  const result = await callSink(subscription, batch, options, options.log, 'delivery');
  const tookMs = Math.round(performance.now() - startedAt);
  options.onAttempt(result.kind, events.length, tookMs / 1000);
  const { status, detail } = result;
  const attempt = {
    id: newUuid(at.getTime()),
    tookMs,
    events: events.length,
    httpStatus: status,
    detail,
  };
  if (result.kind === 'delivered')
    return store.deliveries.recordDelivered(subscription, progress, attempt, leaseMs);
  const delayAfter = (tries: number) =>
    nextDeliveryDelay(tries, options.retryDelaysMs, result.retryAfterMs, Math.random());
  const undelivered = chosen.map(({ due: { row, tries } }) => ({
    eventId: row.id,
    delayMs: delayAfter(tries + 1),
    isLastNext: delayAfter(tries + 2) === null,
  }));
  await store.deliveries.recordFailed(subscription, undelivered, attempt, {
    backoffMs: backoffAfterFailures(
      subscription.failures + 1,
      options.retryDelaysMs,
      result.retryAfterMs,
    ),
    disableReason: disableReason(result.kind === 'gone', subscription.failingSince, at, detail),
  });
  return false;
}

/** A name for exactly these events: a subscriber that has seen it has seen all of them. */
function nameBatch(events: readonly EncodedEvent[]): string {
  const ids = createHash('sha256');
  for (const each of events) ids.update(each.id);
  return `batch_${ids.digest('hex').slice(0, 32)}`;
}
