/**
 * The contract of a sink, which sends events to a subscriber. Webhooks are the usual sink, message
 * brokers are others.
 *
 * A sink never throws for an operating fault: the outcome of a delivery is a value. A throw is a
 * bug and counts as a failure. A subscription gives it one batch at a time; many subscriptions may
 * call it at once.
 */

/** Events that go out together, in order. */
export interface EventBatch {
  /** Our name for this batch, the same when it is tried again. */
  readonly id: string;
  /** When this try was begun. */
  readonly at: Date;
  /** CloudEvents 1.0 in JSON, each an object's text without line breaks. At least one. */
  readonly events: readonly EncodedEvent[];
}

/** One event, with the fields that a sink may need without parsing it. */
export interface EncodedEvent {
  /** The CloudEvents `id`: unique, and the same whenever the event is delivered again. */
  readonly id: string;
  /** The CloudEvents `type`. */
  readonly type: string;
  /** Events of one key stay in order: the id of the operation, or of the inbound message. */
  readonly key: string;
  readonly json: string;
}

/** The result of a try. */
export interface DeliveryResult {
  /**
   * `delivered`: the subscriber has the whole batch. `failed`: to be tried again. `gone`: the subscriber never wants
   * more (HTTP 410).
   */
  readonly kind: 'delivered' | 'failed' | 'gone';
  /** HTTP status, where one came. */
  readonly status: number | null;
  /**
   * The error, in words for the subscription's owner, at most 500 printable characters; null if there is none. It
   * contains no secrets and no details of this network.
   */
  readonly detail: string | null;
  /** The subscriber's Retry-After, in milliseconds from now; null: none. */
  readonly retryAfterMs: number | null;
}

/** Where a subscription's events go, as its owner set it. */
export interface Target {
  readonly url: string;
  /** Keys of the signature, `whsec_` and base64, the newest first; the others are being rotated out. At least one. */
  readonly secrets: readonly string[];
  /** The key of the compatible signature; null: the text of the newest secret, including `whsec_`. */
  readonly authToken: string | null;
}

/** A failure without an answer, as a result. */
export function failedDelivery(detail: string): DeliveryResult {
  return { kind: 'failed', status: null, detail, retryAfterMs: null };
}

export interface EventSink {
  /** Resolves when the subscriber has answered, or will not. */
  deliver(target: Target, batch: EventBatch): Promise<DeliveryResult>;
  /** Waits for deliveries under way, at most for their time limit, and closes connections. */
  stop(): Promise<void>;
}
