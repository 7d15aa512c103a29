/** The routes of subscriptions: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { PAGING } from '../../shapes/paging.ts';
import { DATES, describe, type Route } from '../edge/route.ts';
import { choice } from '../../shapes/parts.ts';
import { answer, refusals } from '../../shapes/api.ts';
import { DELIVERY_STATUS } from '../../shapes/subscriptions.ts';
import type { createSubscriptionHandlers } from './handlers.ts';

const body = (name: string) => Type.Unsafe({ $ref: `${name}#` });
const params = Type.Object({
  subscriptionId: Type.String({ description: 'Id of the subscription.' }),
});

/** Routes of subscriptions. */
export function listSubscriptionRoutes(
  subscriptions: ReturnType<typeof createSubscriptionHandlers>,
): Route[] {
  return [
    {
      method: 'GET',
      path: '/Subscriptions',
      access: 'read',
      handler: subscriptions.list,
      schema: describe(
        'Subscriptions',
        'listSubscriptions',
        'Extension: list subscriptions, newest first; those of statusCallbacks too.',
        {
          querystring: Type.Object(PAGING),
          response: { 200: answer('SubscriptionList', 'A page.'), ...refusals(400) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Subscriptions',
      access: 'manage',
      handler: subscriptions.create,
      schema: describe(
        'Subscriptions',
        'createSubscription',
        'Extension: have events posted to a URL, or put into a sink.',
        {
          body: body('CreateSubscriptionRequest'),
          response: {
            201: answer('NewSubscription', 'The subscription, and its secret.'),
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
      schema: describe('Subscriptions', 'fetchSubscription', 'Extension: a subscription.', {
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
          body: body('UpdateSubscriptionRequest'),
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
        'Extension: tell it nothing more, and forget what it was told.',
        {
          params,
          response: { 204: Type.Null({ description: 'Deleted.' }), ...refusals(404) },
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
        'Extension: sign with a new secret; with the one before too, for a while.',
        {
          params,
          body: body('RotateSubscriptionSecretRequest'),
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
        'Extension: call the subscriber now, with one event of type fanfare.subscription.test. Nothing is kept of it.',
        {
          params,
          response: { 200: answer('SubscriptionTest', 'What came of it.'), ...refusals(404) },
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
          body: body('ReplaySubscriptionRequest'),
          response: {
            200: answer('SubscriptionReplay', 'How many are due now.'),
            ...refusals(400, 404, 413, 415),
          },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Subscriptions/:subscriptionId/Deliveries',
      access: 'read',
      handler: subscriptions.deliveries,
      schema: describe(
        'Subscriptions',
        'listDeliveries',
        'Extension: what it is to be told and was told, newest first.',
        {
          params,
          querystring: Type.Object({ status: Type.Optional(DELIVERY_STATUS), ...DATES, ...PAGING }),
          response: { 200: answer('DeliveryList', 'A page.'), ...refusals(400, 404) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Subscriptions/:subscriptionId/Attempts',
      access: 'read',
      handler: subscriptions.attempts,
      schema: describe(
        'Subscriptions',
        'listDeliveryAttempts',
        'Extension: requests to the subscriber, newest first.',
        {
          params,
          querystring: Type.Object({
            delivered: Type.Optional(choice(['true', 'false'])),
            ...DATES,
            ...PAGING,
          }),
          response: { 200: answer('DeliveryAttemptList', 'A page.'), ...refusals(400, 404) },
        },
      ),
    },
  ];
}
