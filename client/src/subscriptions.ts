/** Subscriptions: receivers of events, with their deliveries and attempts. */
import type {
  CreateSubscriptionRequest,
  DeliveryAttemptList,
  DeliveryList,
  ListDeliveriesQuery,
  ListDeliveryAttemptsQuery,
  ListSubscriptionsQuery,
  SubscriptionWithSecret,
  ReplaySubscriptionRequest,
  RotatedSecret,
  RotateSubscriptionSecretRequest,
  Subscription,
  SubscriptionList,
  SubscriptionReplay,
  SubscriptionTest,
  UpdateSubscriptionRequest,
} from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { CallOptions, Transport } from './transport.ts';

export class Subscriptions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The secret in the answer is shown there only. */
  create(
    request: CreateSubscriptionRequest,
    options?: CallOptions,
  ): Promise<SubscriptionWithSecret> {
    return this.#transport.call('createSubscription', { body: request }, options);
  }

  /** Subscriptions, newest first. */
  list(query: ListSubscriptionsQuery = {}, options?: CallOptions): Listing<SubscriptionList> {
    return listPages(this.#transport, 'listSubscriptions', { query }, options);
  }

  fetch(subscriptionId: string, options?: CallOptions): Promise<Subscription> {
    return this.#transport.call('fetchSubscription', { path: [subscriptionId] }, options);
  }

  update(
    subscriptionId: string,
    request: UpdateSubscriptionRequest,
    options?: CallOptions,
  ): Promise<Subscription> {
    return this.#transport.call(
      'updateSubscription',
      { path: [subscriptionId], body: request },
      options,
    );
  }

  async delete(subscriptionId: string, options?: CallOptions): Promise<void> {
    await this.#transport.call('deleteSubscription', { path: [subscriptionId] }, options);
  }

  /** A new secret, shown in the answer only; the one before is good for a while longer. */
  rotateSecret(
    subscriptionId: string,
    request: RotateSubscriptionSecretRequest = {},
    options?: CallOptions,
  ): Promise<RotatedSecret> {
    return this.#transport.call(
      'rotateSubscriptionSecret',
      { path: [subscriptionId], body: request },
      options,
    );
  }

  /** Calls the subscriber now, with one event. */
  test(subscriptionId: string, options?: CallOptions): Promise<SubscriptionTest> {
    return this.#transport.call('testSubscription', { path: [subscriptionId] }, options);
  }

  /** Its deliveries, newest first. */
  listDeliveries(
    subscriptionId: string,
    query: ListDeliveriesQuery = {},
    options?: CallOptions,
  ): Listing<DeliveryList> {
    return listPages(this.#transport, 'listDeliveries', { path: [subscriptionId], query }, options);
  }

  /** Requests to it, newest first. */
  listAttempts(
    subscriptionId: string,
    query: ListDeliveryAttemptsQuery = {},
    options?: CallOptions,
  ): Listing<DeliveryAttemptList> {
    return listPages(
      this.#transport,
      'listDeliveryAttempts',
      { path: [subscriptionId], query },
      options,
    );
  }

  /** Delivers events again. */
  replay(
    subscriptionId: string,
    request: ReplaySubscriptionRequest,
    options?: CallOptions,
  ): Promise<SubscriptionReplay> {
    return this.#transport.call(
      'replaySubscription',
      { path: [subscriptionId], body: request },
      options,
    );
  }
}
