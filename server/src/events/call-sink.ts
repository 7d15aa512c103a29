/**
 * Calls the sink of a subscription: its broker, or webhooks. Every outcome is a result; a throw is
 * logged.
 */
import type { Logger } from '../lib/log.ts';
import { failedDelivery, type DeliveryResult, type EventBatch, type EventSink } from './sink.ts';

/** The fields of a subscription that select its target. */
export interface Destination {
  readonly id: string;
  readonly kind: 'WEBHOOK' | 'CALLBACK' | 'SINK';
  /** A URL, or the name of a sink. */
  readonly target: string;
  readonly secrets: readonly string[];
  readonly authToken: string | null;
}

export interface Sinks {
  /** The sink of URLs. */
  readonly webhook: EventSink;
  /** The sink of a broker, by its name in the configuration; undefined if there is none. */
  readonly findSink: (name: string) => Promise<EventSink | undefined>;
}

/** Never rejects. `what` names the call in the log: a delivery, or a test call. */
export async function callSink(
  { id, kind, target, secrets, authToken }: Destination,
  batch: EventBatch,
  { webhook, findSink }: Sinks,
  log: Logger,
  what: 'delivery' | 'call',
): Promise<DeliveryResult> {
  try {
    const sink = kind === 'SINK' ? await findSink(target) : webhook;
    if (sink === undefined)
      return failedDelivery(`There is no sink "${target}" in the configuration of this node.`);
    return await sink.deliver({ url: target, secrets, authToken }, batch);
  } catch (error) {
    log.error({ err: error, subscription: id }, 'A sink failed unexpectedly');
    return failedDelivery(`The ${what} failed inside the server; its log says why.`);
  }
}
