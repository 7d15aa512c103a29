/** The shapes of subscriptions in requests and answers. */
import { Type, type TSchema } from 'typebox';
import { DATES } from './paging.ts';
import {
  BATCH_DELAY_MS_DEFAULT,
  BATCH_DELAY_MS_MAX,
  BATCH_SIZE_DEFAULT,
  BATCH_SIZE_MAX,
  EVENT_TYPES,
} from '../domain/event.ts';
import {
  OVERLAP_SECONDS_DEFAULT,
  OVERLAP_SECONDS_MAX,
  SECRET_LENGTH_MAX,
  TYPE_LENGTH_MAX,
  TYPES_MAX,
} from '../domain/subscription.ts';
import { URL_LENGTH_MAX } from '../domain/url.ts';
import {
  choice,
  count,
  DELIVERY_ID,
  instant,
  listOf,
  orNull,
  ref,
  shape,
  SUBSCRIPTION_ID,
  TAGS,
  line,
  lineOrNull,
} from './parts.ts';

export const SUBSCRIPTION_STATUS = choice('SubscriptionStatus', ['ENABLED', 'DISABLED']);
export const DELIVERY_STATUS = choice('DeliveryStatus', ['PENDING', 'DELIVERED', 'FAILED']);
/** Maximum number of deliveries in one request. */
const DELIVERIES_NAMED_MAX = 1_000;

const SECRET = Type.String({
  maxLength: SECRET_LENGTH_MAX,
  description: '`whsec_` and the base64 of 24 to 64 bytes. Default: a generated secret.',
});
const settings = {
  url: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: URL_LENGTH_MAX,
      format: 'uri',
      description: 'The URL that events are posted to.',
    }),
  ),
  sink: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'A sink of the configuration.' }),
  ),
  types: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: TYPE_LENGTH_MAX }), {
      minItems: 1,
      maxItems: TYPES_MAX,
      default: ['*'],
      examples: [['com.twilio.comms-api.message.*', 'fanfare.operation.progress']],
      description: `Types, or prefixes with "*" at the end. The types are: ${EVENT_TYPES.join(', ')}.`,
    }),
  ),
  tags: Type.Optional({
    ...TAGS,
    description: 'Only events of messages or operations with all of these tags.',
  }),
  batch: Type.Optional(
    shape({
      size: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: BATCH_SIZE_MAX,
          default: BATCH_SIZE_DEFAULT,
          description: 'Maximum events of one request.',
        }),
      ),
      delayMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: BATCH_DELAY_MS_MAX,
          default: BATCH_DELAY_MS_DEFAULT,
          description: 'How long events are collected.',
        }),
      ),
    }),
  ),
};
const words = line(0);
const token = Type.String({
  minLength: 1,
  maxLength: 256,
  description: 'The key of X-Twilio-Signature, instead of the secret. Never shown.',
});

/** Bodies of requests. */
const BODIES = [
  shape(
    {
      ...settings,
      description: Type.Optional(words),
      authToken: Type.Optional(token),
      secret: Type.Optional(SECRET),
    },
    { $id: 'CreateSubscriptionRequest', description: 'Either with url or with sink.' },
  ),
  shape(
    {
      ...settings,
      description: Type.Optional(lineOrNull(0)),
      authToken: Type.Optional(orNull(token)),
      status: Type.Optional(SUBSCRIPTION_STATUS),
    },
    { $id: 'UpdateSubscriptionRequest', minProperties: 1 },
  ),
  Type.Unsafe<object | null>({
    $id: 'RotateSubscriptionSecretRequest',
    type: ['object', 'null'],
    properties: {
      overlapSeconds: Type.Integer({
        minimum: 0,
        maximum: OVERLAP_SECONDS_MAX,
        default: OVERLAP_SECONDS_DEFAULT,
        description: 'How long deliveries are also signed with the previous secret.',
      }),
      secret: SECRET,
    },
    additionalProperties: false,
    description: 'Optional.',
  }),
  shape(
    {
      deliveryIds: Type.Optional(
        Type.Array(DELIVERY_ID, { minItems: 1, maxItems: DELIVERIES_NAMED_MAX }),
      ),
      ...DATES,
      statuses: Type.Optional(
        Type.Array(DELIVERY_STATUS, {
          minItems: 1,
          uniqueItems: true,
          description:
            'Only deliveries with these statuses. Default: FAILED; with deliveryIds, any.',
        }),
      ),
    },
    { $id: 'ReplaySubscriptionRequest', description: 'With deliveryIds, or with dates.' },
  ),
];

const SUBSCRIPTION_FIELDS = {
  id: SUBSCRIPTION_ID,
  url: Type.Optional(Type.String()),
  sink: Type.Optional(Type.String()),
  origin: choice('SubscriptionOrigin', ['API', 'STATUS_CALLBACK'], {
    description: 'STATUS_CALLBACK: made for requests that name its URL as statusCallback.',
  }),
  types: Type.Array(Type.String()),
  tags: Type.Record(Type.String(), Type.String()),
  description: orNull(Type.String()),
  batch: Type.Object({ size: Type.Integer(), delayMs: Type.Integer() }),
  status: SUBSCRIPTION_STATUS,
  reason: orNull(Type.String({ description: 'Why the server disabled it.' })),
  failures: count('Failed requests since the last successful one.'),
  failingSince: orNull(instant('When the first of them failed.')),
  lastDeliveryAt: orNull(instant('Time of the last successful delivery.')),
  hasAuthToken: Type.Boolean({ description: 'Whether an authToken is set.' }),
  createdAt: instant('When it was made.'),
  updatedAt: instant('When it was last changed.'),
};
const SUBSCRIPTION = Type.Object(SUBSCRIPTION_FIELDS, {
  $id: 'Subscription',
  description: 'Either with url or with sink.',
});
const SUBSCRIPTION_WITH_SECRET = Type.Object(
  {
    ...SUBSCRIPTION_FIELDS,
    secret: Type.String({ description: 'The key that signs deliveries. Shown only here.' }),
  },
  { $id: 'SubscriptionWithSecret' },
);
const ROTATED = Type.Object(
  {
    secret: Type.String({ description: 'The new secret. Shown only here.' }),
    previousUntil: instant('Until then, deliveries are also signed with the previous secret.'),
  },
  { $id: 'RotatedSecret' },
);

const httpStatus = orNull(
  Type.Integer({ description: 'The status of the answer, if there was one.' }),
);
const detail = orNull(Type.String({ description: 'The error.' }));
const tookMs = count('Milliseconds.');
const TEST = Type.Object(
  { delivered: Type.Boolean(), httpStatus, detail, tookMs },
  { $id: 'SubscriptionTest' },
);

const DELIVERY = Type.Object(
  {
    id: DELIVERY_ID,
    type: choice('EventType', EVENT_TYPES),
    subject: Type.String({
      description: 'Id of the operation or of the inbound message.',
    }),
    events: Type.Integer({
      minimum: 1,
      description: 'Number of events: one for each message.',
    }),
    status: DELIVERY_STATUS,
    tries: count('Failed requests.'),
    nextTryAt: orNull(instant('When it is due, if it is PENDING.')),
    createdAt: instant('Time of the event.'),
    updatedAt: instant('When it last changed.'),
  },
  { $id: 'Delivery' },
);
const ATTEMPT = Type.Object(
  {
    id: Type.String(),
    delivered: Type.Boolean(),
    httpStatus,
    detail,
    events: count('Events of the request.'),
    firstDeliveryId: DELIVERY_ID,
    lastDeliveryId: DELIVERY_ID,
    tookMs,
    createdAt: instant('When the request was begun.'),
  },
  { $id: 'DeliveryAttempt' },
);
const REPLAYED = Type.Object(
  { replayed: count('Deliveries that are due now.') },
  { $id: 'SubscriptionReplay' },
);

/** Named shapes, each after the shapes that it refers to. */
export const SUBSCRIPTION_SHAPES: readonly TSchema[] = [
  ...BODIES,
  SUBSCRIPTION,
  listOf('subscriptions', ref('Subscription'), 'SubscriptionList'),
  SUBSCRIPTION_WITH_SECRET,
  ROTATED,
  TEST,
  DELIVERY,
  listOf('deliveries', ref('Delivery'), 'DeliveryList'),
  ATTEMPT,
  listOf('attempts', ref('DeliveryAttempt'), 'DeliveryAttemptList'),
  REPLAYED,
];
