/**
 * The shapes of the API. They check requests and appear in `/openapi.json`, where a shape with an `$id` has that name.
 */
import { Type, type TSchema } from 'typebox';
import { EMAIL_LENGTH_MAX, EMAIL_NAME_MAX } from '../domain/email-address.ts';
import { ERRORS } from '../domain/errors.ts';
import {
  ADDRESS_CHANNELS,
  ASKED_CHANNELS,
  MESSAGE_ADDRESS_CHANNELS,
  MESSAGE_CHANNELS,
  MESSAGE_STATUSES,
} from '../domain/message.ts';
import { RECIPIENTS_MAX } from '../domain/operation.ts';
import { DAILY_CAP_MAX, RATE_UNITS, THROUGHPUT_MAX, THROUGHPUT_MIN } from '../domain/rate-limit.ts';
import { TIME_OF_DAY, type QuietHours } from '../domain/quiet-hours.ts';
import { SENDER_STATUSES } from '../domain/sender.ts';
import { CONTENT_ARMS, CONTENT_SHAPES, RENDERED_CONTENT, RICH } from './content.ts';
import { DATES, PAGINATION } from './paging.ts';
import { EMAIL_SHAPES } from './emails.ts';
import { ACCESS_TOKEN_SHAPES } from './access-tokens.ts';
import { API_KEY_SHAPES } from './api-keys.ts';
import { OPERATION_REPORT, RECIPIENT_RESULT } from './operation-reports.ts';
import { SYSTEM_SHAPES } from './system.ts';
import { SUBSCRIPTION_SHAPES } from './subscriptions.ts';
import {
  ATTEMPT_SID,
  choice,
  count,
  DELETED_AT,
  DUPLICATES,
  TOTALS,
  E164,
  errorFields,
  forms,
  instant,
  listOf,
  MESSAGE_ID,
  numberOrNull,
  OPERATION_ID,
  operationFields,
  orNull,
  ref,
  RELATED,
  SENDER_CHANNEL,
  SEND_FIELDS,
  SENDER_ID,
  SENDER_POOL_ID,
  shape,
  TAGS,
  variables,
  line,
  lineOrNull,
} from './parts.ts';

export const CHANNEL = choice('MessageChannel', MESSAGE_CHANNELS, {
  description: 'Channel of delivery.',
});
/** Channels to look for. */
export const ASKED_CHANNEL = choice('SoughtChannel', ASKED_CHANNELS, {
  description: 'Channel of delivery. No sender has PUSH.',
});
/** GROUP and INBOUND are known words, though no message has them yet. */
export const MESSAGE_STATUS = choice('MessageStatus', [...MESSAGE_STATUSES, 'GROUP', 'INBOUND']);
const MESSAGE_ADDRESS_CHANNEL = choice('MessageAddressChannel', MESSAGE_ADDRESS_CHANNELS, {
  description: 'PHONE is reached by RCS and SMS.',
});
const ADDRESS_CHANNEL = choice('AddressChannel', ADDRESS_CHANNELS, {
  description: 'PHONE is reached by RCS and SMS.',
});
// Requests. Recipients, content and sender have alternatives; a key shows which one is meant.

const addressFields = {
  address: Type.String({
    pattern: E164,
    maxLength: 16,
    examples: ['+14155550102'],
    description: 'E.164.',
    'x-error': 'phoneNumber',
    'x-hint': 'write the number in E.164, + and up to 15 digits',
  }),
  channel: MESSAGE_ADDRESS_CHANNEL,
};
export const RECIPIENT_ARMS = {
  address: shape({ ...addressFields, variables }, { title: 'AddressRecipient' }),
  addresses: shape(
    {
      addresses: Type.Array(shape(addressFields, { title: 'RecipientAddress' }), {
        minItems: 1,
        maxItems: 10,
        description: 'Addresses of one person, the preferred one first.',
      }),
      variables,
    },
    { title: 'ConnectedAddressRecipient' },
  ),
};

const CHANNEL_CONTROLS = Type.Optional(
  shape({
    filterIn: Type.Optional(
      Type.Array(ASKED_CHANNEL, {
        minItems: 1,
        uniqueItems: true,
        description: 'Use only these channels.',
      }),
    ),
    priority: Type.Optional(
      Type.Array(shape({ channel: ASKED_CHANNEL, priority: Type.Integer({ minimum: 0 }) }), {
        description: 'The lower number is tried first; a channel may appear once.',
        'x-unique-by': 'channel',
      }),
    ),
  }),
);

export const SENDER_ARMS = {
  address: shape(
    {
      address: Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'Number, short code or RCS agent id.',
      }),
      channel: CHANNEL,
    },
    { title: 'AddressSender' },
  ),
  sender: shape({ senderId: SENDER_ID }, { title: 'SenderIdSender' }),
  pool: shape(
    { senderPoolId: SENDER_POOL_ID, channels: CHANNEL_CONTROLS },
    { title: 'SenderPoolSender' },
  ),
};

const RECIPIENT = Type.Union(Object.values(RECIPIENT_ARMS), { title: 'MessageRecipient' });
/** The documented shape; `checkSendRequest` checks its parts separately. */
export const SEND_REQUEST = shape(
  {
    to: Type.Array(RECIPIENT, {
      minItems: 1,
      maxItems: RECIPIENTS_MAX,
    }),
    content: Type.Union(Object.values(CONTENT_ARMS), { title: 'MessageContent' }),
    from: Type.Optional(
      Type.Union(Object.values(SENDER_ARMS), {
        title: 'MessageSender',
        description: 'Default: the default sender of each channel.',
      }),
    ),
    ...SEND_FIELDS,
  },
  { $id: 'SendMessagesRequest' },
);

/** An operation as a request that can be sent again. */
const OPERATION_REQUEST = shape(
  {
    to: Type.Array(RECIPIENT, {
      description: 'The chosen recipients; empty if there are none.',
    }),
    content: SEND_REQUEST.properties.content,
    from: SEND_REQUEST.properties.from,
    tags: SEND_FIELDS.tags,
  },
  { $id: 'OperationRequest' },
);

export const SENDER_STATUS = choice('SenderStatus', SENDER_STATUSES);
const NAME = line();

const TIME_HINT = 'Write a time of day like 21:00.';
/** The limits of a sender. */
const LIMITS = {
  throughput: numberOrNull(
    'number',
    [THROUGHPUT_MIN, THROUGHPUT_MAX],
    'Units per second over all nodes; null is no limit.',
  ),
  throughputUnit: choice('RateUnit', RATE_UNITS, {
    description: 'Unit of throughput and daily cap. Default: SEGMENTS for SMS, MESSAGES otherwise.',
  }),
  dailyCap: numberOrNull('integer', [1, DAILY_CAP_MAX], 'Units per day of UTC; null is no limit.'),
  quietHours: Type.Unsafe<QuietHours | null>({
    type: ['object', 'null'],
    properties: {
      start: Type.String({ pattern: TIME_OF_DAY, 'x-hint': TIME_HINT }),
      end: Type.String({ pattern: TIME_OF_DAY, 'x-hint': TIME_HINT }),
    },
    required: ['start', 'end'],
    additionalProperties: false,
    description:
      "Nothing is sent between start and end, by the recipient's clock. The period includes midnight if end is earlier.",
  }),
};

const senderFields = {
  carrier: Type.Optional(NAME),
  displayName: Type.Optional(lineOrNull()),
  status: Type.Optional(SENDER_STATUS),
  default: Type.Optional(Type.Boolean({ description: 'Use it when a request names no sender.' })),
  tags: Type.Optional(TAGS),
  throughput: Type.Optional(LIMITS.throughput),
  throughputUnit: Type.Optional(LIMITS.throughputUnit),
  dailyCap: Type.Optional(LIMITS.dailyCap),
  quietHours: Type.Optional(LIMITS.quietHours),
};

const SENDER_ADDRESS = Type.String({ minLength: 1, maxLength: 256 });
const CREDENTIAL_ID = Type.String({ minLength: 1, maxLength: 256 });
const EMAIL_NAME = Type.String({ maxLength: EMAIL_NAME_MAX });
const CREDENTIALS = shape(
  { fcm: Type.Optional(CREDENTIAL_ID), apn: Type.Optional(CREDENTIAL_ID) },
  { title: 'NamedCredentials' },
);

/** An address to send from, as `from` has it: of a message, of an e-mail, or of push notifications. */
const NAMED_SENDER = forms(
  'NamedSender',
  [
    [
      'channel',
      shape({ address: SENDER_ADDRESS, channel: SENDER_CHANNEL }, { title: 'NamedMessageSender' }),
    ],
    ['fcm', CREDENTIALS],
    ['apn', CREDENTIALS],
    [
      'address',
      shape(
        { address: SENDER_ADDRESS, name: Type.Optional(EMAIL_NAME) },
        { title: 'NamedEmailSender' },
      ),
    ],
  ],
  'give address and channel, the address of an e-mail, or fcm or apn',
);

const SENDER_REFERENCES = Type.Array(shape({ senderId: SENDER_ID }), { maxItems: 10_000 });

/** Bodies of senders and pools. */
const SENDER_BODIES = [
  shape(
    {
      address: Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'For EMAIL also `*@domain`.',
      }),
      channel: SENDER_CHANNEL,
      ...senderFields,
    },
    { $id: 'CreateSenderRequest' },
  ),
  shape(senderFields, { $id: 'UpdateSenderRequest', minProperties: 1 }),
  shape(
    {
      address: SENDER_ADDRESS,
      channel: ASKED_CHANNEL,
      status: Type.Optional(SENDER_STATUS),
      pageToken: Type.Optional(Type.String()),
      pageSize: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
    },
    { $id: 'SearchSendersRequest' },
  ),
  shape(
    {
      recipientAddresses: Type.Array(
        shape({
          address: Type.String({ minLength: 1, maxLength: 256 }),
          channel: ADDRESS_CHANNEL,
        }),
        { minItems: 1, maxItems: 100 },
      ),
      senderPoolId: Type.Optional(SENDER_POOL_ID),
      senderAddresses: Type.Optional(
        Type.Array(NAMED_SENDER, {
          minItems: 1,
          maxItems: 100,
          description: 'No sender has `fcm` and `apn`.',
        }),
      ),
      channels: CHANNEL_CONTROLS,
    },
    { $id: 'ResolveSendersRequest' },
  ),
  shape(
    {
      name: Type.Optional(NAME),
      senders: Type.Optional(SENDER_REFERENCES),
      tags: Type.Optional(TAGS),
    },
    { $id: 'CreateSenderPoolRequest' },
  ),
  shape(
    { name: Type.Optional(NAME), tags: Type.Optional(TAGS) },
    { $id: 'UpdateSenderPoolRequest', minProperties: 1 },
  ),
  Type.Array(shape({ senderId: SENDER_ID }), {
    $id: 'AddSendersRequest',
    minItems: 1,
    maxItems: 1000,
    uniqueItems: true,
  }),
];

const suppressedAddress = Type.String({
  pattern: `${E164}|^[^@\\s]+@[^@\\s]+$`,
  maxLength: EMAIL_LENGTH_MAX,
  examples: ['+14155550102'],
  description: 'E.164, or an e-mail address; its case does not matter.',
  'x-hint': 'write a number in E.164, + and up to 15 digits, or an e-mail address',
});
const suppressionScope = {
  senderId: Type.Optional(SENDER_ID),
  senderPoolId: Type.Optional(SENDER_POOL_ID),
  reason: Type.Optional(line(0)),
};
const SUPPRESSION_BODIES = [
  shape({ address: suppressedAddress, ...suppressionScope }, { $id: 'AddSuppressionRequest' }),
  shape(
    {
      addresses: Type.Array(suppressedAddress, { minItems: 1, maxItems: 10_000 }),
      ...suppressionScope,
    },
    { $id: 'ImportSuppressionsRequest' },
  ),
  shape({ address: suppressedAddress }, { $id: 'SearchSuppressionsRequest' }),
];

export const SEARCH_REQUEST = shape(
  {
    operationId: Type.Optional(OPERATION_ID),
    sessionId: Type.Optional(Type.String()),
    profile: Type.Optional(Type.String()),
    ...DATES,
    address: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'Sent to.' })),
    channel: Type.Optional(CHANNEL),
    status: Type.Optional(MESSAGE_STATUS),
    tags: Type.Optional(Type.String({ description: '`key:value;key:value`, all of them.' })),
  },
  { $id: 'SearchMessagesRequest' },
);

// Answers.

const address = Type.Object(
  { address: Type.String(), channel: MESSAGE_ADDRESS_CHANNEL },
  { title: 'MessageAddress' },
);
const from = Type.Object(
  {
    address: Type.String(),
    channel: CHANNEL,
    senderId: Type.Optional(SENDER_ID),
    senderPoolId: Type.Optional(SENDER_POOL_ID),
  },
  {
    title: 'MessageFrom',
    description:
      'Of an inbound message it is the person, with the id of the sender that received it.',
  },
);
const ERROR_ITEM = Type.Object(
  {
    code: Type.Integer(),
    message: Type.String(),
    infoUrl: Type.String({ format: 'uri', description: 'The page that explains the code.' }),
    context: Type.String({ description: 'JSON path of the value at fault, or the text "null".' }),
  },
  { $id: 'ErrorItem' },
);

const ERROR_LIST = Type.Object(
  {
    errors: Type.Array(ref('ErrorItem'), { minItems: 1, description: 'The first 100.' }),
    total: Type.Integer({ description: 'All problems found.' }),
    code: Type.Integer({ description: "The first one's." }),
    message: Type.String({ description: "The first one's." }),
    status: Type.Integer(),
  },
  { $id: 'ErrorList' },
);

const OPERATION_REFERENCE = Type.Object(
  { operationId: OPERATION_ID, operationLocation: Type.String({ format: 'uri' }) },
  { $id: 'OperationReference' },
);

const OPERATION = Type.Object(
  {
    ...operationFields,
    stats: Type.Object(
      {
        total: count('Messages: the sum of the eight counters by status.'),
        recipients: count('Recipients: total + unaddressable.'),
        attempts: count('Submissions to carriers.'),
        unaddressable: count('Recipients that no sender reaches.'),
        scheduled: count('Messages SCHEDULED.'),
        queued: count('Messages QUEUED.'),
        sent: count('Messages SENT: accepted by a carrier, without a receipt.'),
        delivered: count('Messages DELIVERED and not read.'),
        read: count('Messages READ.'),
        undelivered: count('Messages UNDELIVERED.'),
        failed: count('Messages FAILED.'),
        canceled: count('Messages CANCELED.'),
      },
      { description: 'The counters agree with each other at every moment.' },
    ),
  },
  { $id: 'Operation' },
);

const CONNECTED = Type.Object(
  { addresses: Type.Array(address) },
  { title: 'ConnectedAddresses', description: 'Addresses of one person, the preferred one first.' },
);
const messageFields = {
  id: MESSAGE_ID,
  from,
  to: Type.Array(Type.Union([address, CONNECTED]), {
    minItems: 1,
    maxItems: 1,
  }),
  status: MESSAGE_STATUS,
  related: RELATED,
  tags: Type.Record(Type.String(), Type.String()),
  scheduledFor: orNull(instant('The time of sending.')),
  createdAt: instant('When its operation was accepted.'),
  updatedAt: instant('When it last changed.'),
  deletedAt: DELETED_AT,
};
const MESSAGE_SUMMARY = Type.Object(messageFields, { $id: 'MessageSummary' });

const ATTEMPT_ERROR = Type.Object(errorFields, { $id: 'AttemptError' });

const MESSAGE = Type.Object(
  {
    ...messageFields,
    content: RENDERED_CONTENT,
    attempts: Type.Array(
      Type.Object(
        {
          id: ATTEMPT_SID,
          from,
          to: Type.Array(address),
          status: MESSAGE_STATUS,
          attemptedAt: instant('When it was submitted.'),
          infoUrl: Type.String({ format: 'uri', description: 'Leads to the message.' }),
          error: Type.Optional(ref('AttemptError')),
        },
        { title: 'MessageAttempt' },
      ),
      { description: 'Oldest first.' },
    ),
    error: Type.Optional(ref('AttemptError')),
  },
  { $id: 'Message' },
);

const OPERATION_ERROR = Type.Object(
  {
    ...errorFields,
    context: Type.String({ description: 'JSON path of the recipient in the request.' }),
    to: Type.Array(address),
    messageId: orNull(MESSAGE_ID),
  },
  { $id: 'OperationError' },
);

const RECEIPT = Type.Object(
  {
    attemptId: ATTEMPT_SID,
    from,
    to: address,
    status: MESSAGE_STATUS,
    attemptedAt: instant('When the attempt was submitted.'),
    error: Type.Optional(ref('AttemptError')),
  },
  { $id: 'Receipt' },
);

const route = {
  channel: CHANNEL,
  from: Type.String(),
  to: address,
  encoding: orNull(choice('TextEncoding', ['GSM-7', 'UCS-2'])),
  segments: orNull(Type.Integer()),
  text: orNull(Type.String({ description: 'The plain text for this channel.' })),
  mediaUrls: Type.Array(Type.String()),
  rich: RICH,
};
const DRY_RUN = Type.Object(
  {
    dryRun: Type.Boolean({ description: 'Always true.' }),
    recipients: Type.Integer(),
    segments: Type.Integer({ description: 'SMS segments of the first routes, in total.' }),
    scheduledFor: orNull(instant('The time of sending; null means at once.')),
    messages: Type.Array(
      Type.Object(
        {
          context: Type.String(),
          ...route,
          tags: Type.Record(Type.String(), Type.String()),
          fallbacks: Type.Array(Type.Object(route, { title: 'DryRunRoute' })),
        },
        { title: 'DryRunMessage' },
      ),
    ),
    unaddressable: Type.Array(ref('ErrorItem')),
    duplicates: DUPLICATES,
    totals: TOTALS,
  },
  { $id: 'DryRun' },
);
/**
 * Both answers of a send, as one schema for both statuses: generated clients for Go and Java take the type of the lowest
 * status for all answers.
 */
const sendAnswer = (dryRun: string, $id: string) =>
  Type.Unsafe({
    $id,
    oneOf: [ref('OperationReference'), ref(dryRun)],
    description: 'The operation (202), or with dryRun the preview (200).',
  });
const SEND_ANSWERS = [
  sendAnswer('DryRun', 'SendMessagesAnswer'),
  sendAnswer('EmailDryRun', 'SendEmailsAnswer'),
];

const SENDER = Type.Object(
  {
    id: SENDER_ID,
    displayName: orNull(Type.String()),
    address: Type.String(),
    channel: SENDER_CHANNEL,
    status: SENDER_STATUS,
    tags: Type.Record(Type.String(), Type.String()),
    carrier: Type.String({ description: 'Extension.' }),
    default: Type.Boolean({ description: 'Extension: used when a request names no sender.' }),
    throughput: LIMITS.throughput,
    throughputUnit: LIMITS.throughputUnit,
    dailyCap: LIMITS.dailyCap,
    quietHours: LIMITS.quietHours,
    configured: Type.Boolean({ description: 'Extension: comes from the configuration.' }),
    createdAt: instant('When it was added.'),
    updatedAt: instant('When it was last changed.'),
  },
  { $id: 'Sender' },
);
const SENDER_POOL = Type.Object(
  {
    id: SENDER_POOL_ID,
    name: Type.String(),
    tags: Type.Record(Type.String(), Type.String()),
    createdAt: instant('When it was made.'),
    updatedAt: instant('When it or its members last changed.'),
  },
  { $id: 'SenderPool' },
);
export const SENDER_POOL_OPERATION_STATUS = choice('SenderPoolOperationStatus', [
  'PROCESSING',
  'COMPLETED',
  'CANCELED',
]);
const SENDER_POOL_OPERATION = Type.Object(
  {
    id: OPERATION_ID,
    status: SENDER_POOL_OPERATION_STATUS,
    stats: Type.Object({
      total: count('Senders named.'),
      queued: count('Always 0.'),
      created: count('Members now.'),
      failed: count('Ids that are not senders of the account.'),
    }),
    createdAt: instant('When it was requested.'),
    updatedAt: instant('When it was completed.'),
  },
  { $id: 'SenderPoolOperation' },
);
const RESOLVED = Type.Object(
  {
    results: Type.Array(
      Type.Object({
        from: Type.Object({
          senderId: SENDER_ID,
          displayName: orNull(Type.String()),
          channel: SENDER_CHANNEL,
          address: Type.String(),
        }),
        to: Type.Object({ address: Type.String(), channel: ADDRESS_CHANNEL }),
        priority: Type.Integer({ minimum: 0, description: '0 is tried first.' }),
      }),
    ),
  },
  { $id: 'ResolvedSenders' },
);
const RESOURCE_REFERENCE = Type.Object(
  { resourceId: Type.String(), resourceLocation: Type.String({ format: 'uri' }) },
  { $id: 'ResourceReference' },
);

const SUPPRESSION = Type.Object(
  {
    id: Type.String(),
    address: Type.String(),
    senderId: orNull(SENDER_ID),
    senderPoolId: orNull(SENDER_POOL_ID),
    reason: orNull(Type.String()),
    createdAt: instant('When it was added.'),
  },
  { $id: 'Suppression', description: 'Without sender and pool it applies to the whole account.' },
);
const SUPPRESSION_IMPORT = Type.Object(
  { total: count('Addresses in the request.'), created: count('New entries.') },
  { $id: 'SuppressionImport' },
);

/** All named shapes, each after the shapes that it refers to. */
export const NAMED_SHAPES: readonly TSchema[] = [
  PAGINATION,
  ERROR_ITEM,
  ERROR_LIST,
  OPERATION_REFERENCE,
  OPERATION,
  listOf('operations', ref('Operation'), 'OperationList'),
  OPERATION_ERROR,
  listOf('errors', ref('OperationError'), 'OperationErrorList'),
  ATTEMPT_ERROR,
  MESSAGE_SUMMARY,
  listOf('messages', ref('MessageSummary'), 'MessageList'),
  MESSAGE,
  RECEIPT,
  listOf('receipts', ref('Receipt'), 'ReceiptList'),
  DRY_RUN,
  SEND_REQUEST,
  OPERATION_REQUEST,
  SEARCH_REQUEST,
  ...EMAIL_SHAPES,
  ...SEND_ANSWERS,
  ...SENDER_BODIES,
  ...SUPPRESSION_BODIES,
  ...CONTENT_SHAPES,
  ...SUBSCRIPTION_SHAPES,
  OPERATION_REPORT,
  RECIPIENT_RESULT,
  ...API_KEY_SHAPES,
  ...ACCESS_TOKEN_SHAPES,
  ...SYSTEM_SHAPES,
  SUPPRESSION,
  listOf('suppressions', ref('Suppression'), 'SuppressionList'),
  SUPPRESSION_IMPORT,
  RESOURCE_REFERENCE,
  SENDER,
  listOf('senders', ref('Sender'), 'SenderList'),
  RESOLVED,
  SENDER_POOL,
  listOf('senderPools', ref('SenderPool'), 'SenderPoolList'),
  SENDER_POOL_OPERATION,
  listOf('operations', ref('SenderPoolOperation'), 'SenderPoolOperationList'),
];

/** Headers of answers, as `/openapi.json` has them. */
type Headers = Readonly<Record<string, TSchema>>;

/** On every answer. */
export const REQUEST_ID: Headers = {
  'x-request-id': Type.String({ description: 'Id of the request, as in the log of the server.' }),
};
/** The URL of what the request made, changed or found. */
export const LOCATION: Headers = {
  location: Type.String({ format: 'uri', description: 'URL of the resource.' }),
};
/** Of answers that name an operation. */
export const OPERATION_HEADERS: Headers = {
  ...LOCATION,
  operationid: Type.String({ description: 'Id of the operation.' }),
  'operation-id': Type.String({ description: 'Id of the operation.' }),
  'operation-location': Type.String({ format: 'uri', description: 'URL of the operation.' }),
};
const RETRY_AFTER: Headers = {
  'retry-after': Type.Integer({
    minimum: 0,
    description: 'Seconds until the request may be repeated, if it may be.',
  }),
};
const RATE_LIMIT: Headers = {
  'x-ratelimit-limit': Type.Integer({ description: 'Requests per second.' }),
  'x-ratelimit-remaining': Type.Integer({ description: 'Requests left in this second.' }),
  'x-ratelimit-reset': Type.Integer({ description: 'Seconds until the limit starts again.' }),
};

/** A named shape as the answer of a route. */
export function answer(name: string, description: string, headers: Headers = {}): TSchema {
  return Type.Unsafe({ $ref: `${name}#`, description, headers: { ...REQUEST_ID, ...headers } });
}

/** An answer without a body. */
export function noContent(description: string, headers: Headers = {}): TSchema {
  return Type.Null({ description, headers: { ...REQUEST_ID, ...headers } });
}

/** Headers of refusals, besides the id of the request. */
const REFUSAL_HEADERS: Readonly<Record<number, Headers>> = {
  401: {
    'www-authenticate': Type.String({
      description: 'Asks for HTTP Basic or a bearer token; not in a session.',
    }),
  },
  409: RETRY_AFTER,
  429: { ...RETRY_AFTER, ...RATE_LIMIT },
  503: RETRY_AFTER,
};

/** The refusals of a route in `/openapi.json`. Every route can also answer 401, 429, 500 and 503. */
export const refusals = (...statuses: readonly number[]): Record<number, TSchema> =>
  refusalsAs('ErrorList', [...statuses, 401, 403, 429, 500, 503]);

/** Refusals in a shape. */
export function refusalsAs(name: string, statuses: readonly number[]): Record<number, TSchema> {
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      answer(
        name,
        Object.values(ERRORS).find((each) => each.status === status)?.message ?? 'Refused.',
        REFUSAL_HEADERS[status],
      ),
    ]),
  );
}
