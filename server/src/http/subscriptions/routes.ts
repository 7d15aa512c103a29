/** The routes of subscriptions: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { bodyOf, describe, listRoute, type Route } from '../edge/route.ts';
import { DATES } from '../../shapes/paging.ts';
import { answer, LOCATION, noContent, refusals } from '../../shapes/api.ts';
import { DELIVERY_STATUS } from '../../shapes/subscriptions.ts';
import type { createSubscriptionHandlers } from './handlers.ts';

const params = Type.Object({
  subscriptionId: Type.String({ description: 'Id of the subscription.' }),
});

/** Routes of subscriptions. */
export function listSubscriptionRoutes(
  subscriptions: ReturnType<typeof createSubscriptionHandlers>,
): Route[] {
  return [
    listRoute({
      path: '/Subscriptions',
      handler: subscriptions.list,
      tag: 'Subscriptions',
      operationId: 'listSubscriptions',
      description: 'Extension: list subscriptions, including statusCallback URLs, newest first.',
      shape: 'SubscriptionList',
    }),
    {
      method: 'POST',
      path: '/Subscriptions',
      access: 'manage',
      handler: subscriptions.create,
      schema: describe(
        'Subscriptions',
        'createSubscription',
        'Extension: subscribe a URL or a sink to events.',
        {
          body: bodyOf('CreateSubscriptionRequest'),
          response: {
            201: answer('SubscriptionWithSecret', 'The subscription, and its secret.', LOCATION),
            ...refusals(400, 409, 413, 415),
          },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Subscriptions/:subscriptionId',
      access: 'read',
      handler: subscriptions.fetch,
      schema: describe('Subscriptions', 'fetchSubscription', 'Extension: show a subscription.', {
        params,
        response: { 200: answer('Subscription', 'The subscription.'), ...refusals(404) },
      }),
    },
    {
      method: 'PATCH',
      path: '/Subscriptions/:subscriptionId',
      access: 'manage',
      handler: subscriptions.update,
      schema: describe(
        'Subscriptions',
        'updateSubscription',
        'Extension: change, disable or enable a subscription.',
        {
          params,
          body: bodyOf('UpdateSubscriptionRequest'),
          response: {
            200: answer('Subscription', 'The subscription, as it is now.'),
            ...refusals(400, 404, 413, 415),
          },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/Subscriptions/:subscriptionId',
      access: 'manage',
      handler: subscriptions.remove,
      schema: describe(
        'Subscriptions',
        'deleteSubscription',
        'Extension: delete a subscription with its deliveries.',
        {
          params,
          response: { 204: noContent('Deleted.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Subscriptions/:subscriptionId/RotateSecret',
      access: 'manage',
      handler: subscriptions.rotateSecret,
      schema: describe(
        'Subscriptions',
        'rotateSubscriptionSecret',
        'Extension: create a new secret. The previous one stays valid for some time.',
        {
          params,
          body: bodyOf('RotateSubscriptionSecretRequest'),
          response: {
            200: answer('RotatedSecret', 'The new secret.'),
            ...refusals(400, 404, 413, 415),
          },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Subscriptions/:subscriptionId/Test',
      access: 'manage',
      handler: subscriptions.test,
      schema: describe(
        'Subscriptions',
        'testSubscription',
        'Extension: call the subscriber now, with one event of type fanfare.subscription.test. Nothing is stored.',
        {
          params,
          response: { 200: answer('SubscriptionTest', 'The result.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Subscriptions/:subscriptionId/Replay',
      access: 'manage',
      handler: subscriptions.replay,
      schema: describe(
        'Subscriptions',
        'replaySubscription',
        'Extension: deliver again, with the same event ids.',
        {
          params,
          body: bodyOf('ReplaySubscriptionRequest'),
          response: {
            200: answer('SubscriptionReplay', 'The number of deliveries that are due now.'),
            ...refusals(400, 404, 413, 415),
          },
        },
      ),
    },
    listRoute({
      path: '/Subscriptions/:subscriptionId/Deliveries',
      handler: subscriptions.deliveries,
      tag: 'Subscriptions',
      operationId: 'listDeliveries',
      description: 'Extension: list the deliveries of a subscription, newest first.',
      shape: 'DeliveryList',
      params,
      filter: { status: Type.Optional(DELIVERY_STATUS), ...DATES },
    }),
    listRoute({
      path: '/Subscriptions/:subscriptionId/Attempts',
      handler: subscriptions.attempts,
      tag: 'Subscriptions',
      operationId: 'listDeliveryAttempts',
      description: 'Extension: list the requests to the subscriber, newest first.',
      shape: 'DeliveryAttemptList',
      params,
      filter: {
        delivered: Type.Optional(Type.Boolean()),
        ...DATES,
      },
    }),
  ];
}
