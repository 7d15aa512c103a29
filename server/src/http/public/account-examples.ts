/** Examples of what an account has besides messages and senders, and of the system. */
import {
  CREATED,
  example,
  IDS,
  page,
  TIMES,
  UPDATED,
  type OperationExamples,
} from './example-parts.ts';

const suppression = {
  id: IDS.suppression,
  address: '+15005550003',
  senderId: null,
  senderPoolId: null,
  reason: 'Asked by telephone',
  createdAt: CREATED,
};
const added = { address: '+15005550003', reason: 'Asked by telephone' };
const template = {
  friendlyName: 'Welcome',
  language: 'en',
  variables: { 1: 'Ada' },
  types: { 'twilio/text': { body: 'Hi {{1}}, welcome.' } },
};
const stored = { id: IDS.content, ...template, createdAt: CREATED };
const settings = {
  url: 'https://shop.example.com/events',
  types: ['com.twilio.comms-api.message.*'],
  tags: { campaign: 'shipping' },
  description: 'Shop',
  batch: { size: 100, delayMs: 500 },
};
const subscription = {
  id: IDS.subscription,
  ...settings,
  origin: 'API',
  status: 'ENABLED',
  reason: null,
  failures: 0,
  failingSince: null,
  lastDeliveryAt: UPDATED,
  hasAuthToken: false,
  ...TIMES,
};
const delivery = {
  id: IDS.delivery,
  type: 'com.twilio.comms-api.message.delivered',
  subject: IDS.operation,
  events: 2,
  status: 'PENDING',
  tries: 1,
  nextTryAt: UPDATED,
  ...TIMES,
};
const attempt = {
  id: '1207',
  delivered: false,
  httpStatus: 503,
  detail: 'The answer has the status 503.',
  events: 2,
  firstDeliveryId: IDS.delivery,
  lastDeliveryId: IDS.delivery,
  tookMs: 12,
  createdAt: UPDATED,
};
/** Refusals of the token endpoint, which have the form of RFC 6749. */
const tokenRefusals = Object.fromEntries(
  [
    [400, 'invalid_request', 'The parameter grant_type is missing.'],
    [401, 'invalid_client', 'There is no API key with this SID and secret.'],
    [413, 'invalid_request', 'The body is larger than 4096 bytes.'],
    [429, 'temporarily_unavailable', 'Too many requests.'],
    [500, 'server_error', 'The server has failed.'],
    [503, 'temporarily_unavailable', 'The server is stopping.'],
  ].map(([status, error, text]) => [
    status,
    { refusal: { summary: 'A refusal', value: { error, error_description: text } } },
  ]),
) as OperationExamples['answers'];

const apiKey = {
  sid: 'SK0123456789abcdef0123456789abcdef',
  name: 'Shop',
  scopes: ['send', 'read'],
  createdAt: CREATED,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
};

const SUBSCRIPTIONS: Readonly<Record<string, OperationExamples>> = {
  listSubscriptions: example(200, page('subscriptions', subscription)),
  createSubscription: example(
    201,
    { ...subscription, secret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=' },
    settings,
  ),
  fetchSubscription: example(200, subscription),
  updateSubscription: example(200, { ...subscription, status: 'DISABLED' }, { status: 'DISABLED' }),
  rotateSubscriptionSecret: example(
    200,
    {
      secret: 'whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=',
      previousUntil: '2026-11-03T09:00:00.000Z',
    },
    { overlapSeconds: 3600 },
  ),
  testSubscription: example(200, { delivered: true, httpStatus: 204, detail: null, tookMs: 41 }),
  replaySubscription: example(
    200,
    { replayed: 2 },
    {
      startDate: '2026-11-01T00:00:00Z',
      endDate: '2026-11-02T00:00:00Z',
      statuses: ['FAILED'],
    },
  ),
  listDeliveries: example(200, page('deliveries', delivery)),
  listDeliveryAttempts: example(200, page('attempts', attempt)),
};

const SYSTEM: Readonly<Record<string, OperationExamples>> = {
  listCarriers: example(200, {
    carriers: [
      {
        name: 'simulator',
        channels: ['SMS', 'RCS', 'WHATSAPP', 'EMAIL'],
        queueMessages: 0,
        queueAgeSeconds: 0,
        state: {
          connections: null,
          connected: null,
          detail: null,
          inFlight: 0,
          window: 1000,
          windowMax: 1000,
          throttled: false,
        },
      },
    ],
  }),
  fetchSystem: example(200, {
    node: {
      host: 'fanfare-1',
      roles: ['api', 'dispatch', 'events'],
      nodeVersion: '24.11.0',
      startedAt: CREATED,
      memoryBytes: 134_217_728,
    },
    dispatchNodes: 1,
    queue: { messages: 0, ageSeconds: 0, readyBatches: 0, waitingBatches: 0 },
    outboxPending: 0,
    database: {
      version: '18.1',
      sizeBytes: 12_582_912,
      connections: 24,
      connectionsMax: 100,
      embedded: true,
    },
  }),
};

/** Of suppressions, templates, subscriptions, keys and the system, by operationId. */
export const ACCOUNT_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  listSuppressions: example(200, page('suppressions', suppression)),
  addSuppression: {
    requests: { request: { summary: 'An address that gets nothing', value: added } },
    answers: {
      200: { known: { summary: 'It was on the list', value: suppression } },
      201: { added: { summary: 'It is on the list now', value: suppression } },
    },
  },
  importSuppressions: example(
    200,
    { total: 2, created: 2 },
    { addresses: ['+15005550003', 'grace@example.org'], reason: 'From the former system' },
  ),
  searchSuppressions: example(200, page('suppressions', suppression), {
    address: '+15005550003',
  }),
  exportSuppressions: example(
    200,
    '64ec88ca00b268e5ba1a35678a1b5316d212f4f366b2477232534a8aeca37f3c\n',
  ),
  listContent: example(200, page('contents', stored)),
  createContent: example(201, stored, template),
  fetchContent: example(200, stored),
  ...SUBSCRIPTIONS,
  listApiKeys: example(200, { apiKeys: [apiKey] }),
  createApiKey: example(
    201,
    { ...apiKey, secret: 'fk7WmJ2h0bX9qT4vR1cL6yZ8' },
    { name: 'Shop', scopes: ['send', 'read'] },
  ),
  createAccessToken: {
    requests: {
      form: {
        summary: 'A key with its secret',
        value: {
          grant_type: 'client_credentials',
          client_id: apiKey.sid,
          client_secret: 'fk7WmJ2h0bX9qT4vR1cL6yZ8',
        },
      },
    },
    answers: {
      200: {
        token: {
          summary: 'A token for an hour',
          value: {
            access_token: 'q1xWv0…',
            token_type: 'Bearer',
            expires_in: 3_600,
            scope: 'send read',
          },
        },
      },
      ...tokenRefusals,
    },
  },
  ...SYSTEM,
};
