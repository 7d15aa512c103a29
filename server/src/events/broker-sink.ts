/**
 * The common part of sinks to message brokers: one deadline for a delivery, results in words, and
 * a stop that waits for deliveries under way. Publishing is the broker's own: `nats-sink.ts`,
 * `kafka-sink.ts`.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { failedDelivery, type DeliveryResult, type EncodedEvent, type EventSink } from './sink.ts';

/** CloudEvents 1.0, structured content mode, JSON event format (CloudEvents JSON 1.0, section 3). */
export const CLOUD_EVENT_JSON = 'application/cloudevents+json';

/** Longest words of a result, as the contract has it. */
const DETAIL_MAX = 500;
/** How long a stop waits for connections to close, when all deliveries have ended. */
const CLOSE_MS = 2_000;

/** One delivery while it lasts. */
export interface Attempt {
  readonly events: readonly EncodedEvent[];
  /** Aborted when the time is up: nothing more is begun. */
  readonly signal: AbortSignal;
  /** Until then; 0 afterwards. */
  remainingMs(): number;
  /** Set by the broker, as is the count below, for the words of a delivery that took too long. */
  connected: boolean;
  acknowledged: number;
}

export interface Broker {
  readonly timeoutMs: number;
  /**
   * Publishes the events. Resolves with null when the broker has acknowledged all, else with the error in words for
   * people. It may outlast the attempt; it must end by itself.
   */
  send(attempt: Attempt): Promise<string | null>;
  /** Closes connections, also one that is still being made. */
  close(): Promise<void>;
}

/** A sink of a broker. The targets of subscriptions do not matter to it: where events go is configured. */
export function createBrokerSink(broker: Broker): EventSink {
  const underWay = new Set<Promise<DeliveryResult>>();
  let stopped = false;
  return {
    async deliver(_target, batch) {
      if (stopped) return failed('Fanfare is stopping.');
      const delivery = deliverInTime(broker, batch.events);
      underWay.add(delivery);
      return delivery.finally(() => underWay.delete(delivery));
    },
    async stop() {
      stopped = true;
      await Promise.all(underWay);
      // A connection that is being made may take its own time to fail.
      await Promise.race([broker.close(), delay(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

async function deliverInTime(
  { timeoutMs, send }: Broker,
  events: readonly EncodedEvent[],
): Promise<DeliveryResult> {
  const late = new AbortController();
  const deadline = performance.now() + timeoutMs;
  const attempt: Attempt = {
    events,
    signal: late.signal,
    remainingMs: () => Math.max(0, Math.ceil(deadline - performance.now())),
    connected: false,
    acknowledged: 0,
  };
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const problem = await Promise.race([send(attempt), once(late.signal, 'abort')]);
    if (typeof problem === 'string') return failed(problem);
    // A client's success counts only as far as it has counted acknowledgments.
    return attempt.acknowledged === events.length
      ? DELIVERED
      : failed(
          attempt.connected
            ? `Events that the broker acknowledged within ${timeoutMs} ms: ${attempt.acknowledged} of ${events.length}.`
            : `No connection to the broker within ${timeoutMs} ms.`,
        );
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}

const DELIVERED: DeliveryResult = {
  kind: 'delivered',
  status: null,
  detail: null,
  retryAfterMs: null,
};

function failed(words: string): DeliveryResult {
  const detail = words.length <= DETAIL_MAX ? words : `${words.slice(0, DETAIL_MAX - 1)}…`;
  return failedDelivery(detail);
}
