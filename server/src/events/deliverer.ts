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
import { disableReason, nextDeliveryDelay, restAfterFailures } from '../domain/delivery.ts';
import { newUuid } from '../domain/ids.ts';
import type { Logger } from '../lib/log.ts';
import { createLoop, type Service } from '../lib/service.ts';
import { Tally } from '../lib/tally.ts';
import type { DueDelivery, LeasedSubscription, Store, Told } from '../store/store.ts';
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
  /** Subscriptions told at once. */
  readonly subscriptionsMax: number;
  /** How long a subscription stays with a node that has died: longer than any sink takes. */
  readonly leaseMs: number;
  /** Until each further try of what failed, in milliseconds. */
  readonly retryDelaysMs: readonly number[];
  readonly onAttempt: (result: DeliveryResult['kind'], events: number, seconds: number) => void;
}

const POLL_MS = 200;
const REST_MS_MAX = 1_000;
/** A subscription that always has something due is told for so long before others, and its owner's changes, get their turn. */
const TURN_MS = 1_000;
/** Between looks at a subscription of which all that is due waits behind something else. */
const BLOCKED_REST_MS = 1_000;

export function createDeliverer(options: DelivererOptions): Deliverer {
  const { store, log, node } = options;
  const running = new Set<Promise<void>>();
  const taken = new Tally<number>();
  // One account leaves places to others, however many of its receivers hang.
  const accountMax = Math.max(
    1,
    options.subscriptionsMax - Math.ceil(options.subscriptionsMax / 5),
  );
  const stopping = new AbortController();

  const loop = createLoop({
    idleMs: POLL_MS,
    restMsMax: REST_MS_MAX,
    onError: (error) => log.warn({ err: error }, 'Subscriptions could not be leased'),
    async work() {
      const free = options.subscriptionsMax - running.size;
      if (free <= 0) return false;
      const places = { free, taken: taken.owners, accountMax };
      const leased = await store.deliveries.leaseSubscriptions(node, places, options.leaseMs);
      for (const subscription of leased) {
        const run = tell(subscription, options, stopping.signal)
          .catch((error: unknown) => {
            // The lease runs out, and another turn begins where this one ended.
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
 * Tells a leased subscription until nothing is due, it fails, its turn is over, or it is told to stop. What its owner changes counts
 * from its next turn; others that wait have theirs first.
 */
async function tell(
  subscription: LeasedSubscription,
  options: DelivererOptions,
  stopping: AbortSignal,
): Promise<void> {
  const until = performance.now() + TURN_MS;
  let now = subscription;
  let last = stopping.aborted ? 'over' : await tellSome(now, options);
  // All that is due waits behind something that is to be tried again: looking at once would find the same.
  const restMs = last === 'idle' ? BLOCKED_REST_MS : 0;
  while (last === 'told' && !stopping.aborted && performance.now() < until) {
    // It took something.
    now = { ...subscription, failures: 0, failingSince: null };
    last = await tellSome(now, options);
  }
  await options.store.deliveries.returnSubscription(subscription, restMs);
}

/** One batch. `idle` when there was nothing to tell, `over` when it was not taken or the lease is lost. */
async function tellSome(
  subscription: LeasedSubscription,
  options: DelivererOptions,
): Promise<'told' | 'idle' | 'over'> {
  const { store } = options;
  const waiting = await store.deliveries.loadDueDeliveries(subscription, subscription.batchSize);
  if (waiting.length === 0) return 'idle';
  const chosen = chooseBatch(waiting, subscription.batchSize);
  const facts = await store.events.loadEventFacts(
    subscription.accountId,
    chosen.map((part) => part.row),
  );
  const render = { accountSid: subscription.accountSid, tags: subscription.tags };
  const events = chosen.flatMap(({ row, due }) => renderEvents(row, facts, render, due.told));
  const told = chosen.map(({ row, due }): Told => {
    const to = due.told + countEvents(row);
    return { eventId: row.id, told: to < due.events ? to : null };
  });
  const isTold =
    events.length === 0
      ? await store.deliveries.recordDelivered(subscription, told, null, options.leaseMs)
      : await deliver(subscription, chosen, told, events, options);
  return isTold ? 'told' : 'over';
}

/** A row of the log, and the part of it that goes out. */
interface Part {
  readonly due: DueDelivery;
  /** With the messages that go out only. */
  readonly row: EventRow;
}

/**
 * As much of what is due as a request may have, in order. What may be to blame for failures goes alone; where it is not the first, it stays
 * behind, and what follows of its operation with it.
 */
function chooseBatch(due: readonly DueDelivery[], batchSize: number): Part[] {
  const parts: Part[] = [];
  const left = new Set<string>();
  let room = batchSize;
  for (const each of due) {
    const { row, alone } = each;
    if (left.has(row.about) || (alone && parts.length > 0)) {
      left.add(row.about);
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
  told: readonly Told[],
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
    return store.deliveries.recordDelivered(subscription, told, attempt, leaseMs);
  const delayAfter = (tries: number) =>
    nextDeliveryDelay(tries, options.retryDelaysMs, result.retryAfterMs, Math.random());
  const untold = chosen.map(({ due: { row, tries } }) => ({
    eventId: row.id,
    delayMs: delayAfter(tries + 1),
    isLastNext: delayAfter(tries + 2) === null,
  }));
  await store.deliveries.recordFailed(subscription, untold, attempt, {
    restMs: restAfterFailures(
      subscription.failures + 1,
      options.retryDelaysMs,
      result.retryAfterMs,
    ),
    disableReason: disableReason(result.kind === 'gone', subscription.failingSince, at, detail),
  });
  return false;
}

/** A name for these events and no others: a subscriber that has seen it has seen all of them. */
function nameBatch(events: readonly EncodedEvent[]): string {
  const ids = createHash('sha256');
  for (const each of events) ids.update(each.id);
  return `batch_${ids.digest('hex').slice(0, 32)}`;
}
