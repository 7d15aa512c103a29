/** Small parts of the API's shapes. */
import { Type, type TSchema } from 'typebox';
import { LINE_HINT, LINE_PATTERN } from '../domain/email-headers.ts';
import { CHANNELS } from '../domain/message.ts';
import { OPERATION_STATUSES } from '../domain/operation.ts';
import { SCHEDULE_DAYS_MAX } from '../domain/schedule.ts';

/**
 * One of several words. A schema with a `title` is a schema of that name in `/openapi.json`: programs that generate
 * clients make a type of it.
 */
export const choice = (title: string, values: readonly string[], notes: object = {}) =>
  Type.Unsafe<string>({ title, type: 'string', enum: [...values], ...notes });
/** An object with exactly these fields. */
export const shape = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  notes: object = {},
) => Type.Object(properties, { additionalProperties: false, ...notes });
export const instant = (description: string) => Type.String({ format: 'date-time', description });
/** A value or null; of plain values as one type, which every generator of clients understands. */
export const orNull = (schema: TSchema): TSchema => {
  const { type } = schema as { type?: unknown };
  return typeof type === 'string' && type !== 'object' && !('enum' in schema)
    ? Type.Unsafe({ ...schema, type: [type, 'null'] })
    : Type.Union([schema, Type.Null()]);
};
/** A number or null, as one schema, so that a problem is reported once. */
export const numberOrNull = (
  type: 'number' | 'integer',
  [minimum, maximum]: readonly [number, number],
  description: string,
) => Type.Unsafe<number | null>({ type: [type, 'null'], minimum, maximum, description });
/** A shape by its name. */
export const ref = (id: string) => Type.Unsafe<unknown>({ $ref: `${id}#` });
/** A page of a list. */
export const listOf = (name: string, item: TSchema, id: string) =>
  Type.Object({ [name]: Type.Array(item), pagination: ref('Pagination') }, { $id: id });

const ONE_LINE = { maxLength: 256, pattern: LINE_PATTERN, 'x-hint': LINE_HINT };
/** A text for one line of a list, a header or a terminal. At most 256 characters. */
export const line = (minLength: 0 | 1 = 1) => Type.String({ minLength, ...ONE_LINE });
/** Such a text or null, as one schema, so that a problem is reported once. */
export const lineOrNull = (minLength: 0 | 1 = 1) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], minLength, ...ONE_LINE });

export const E164 = '^\\+[1-9]\\d{1,14}$';

/**
 * An object with several forms, each with a key that only this form has. The key selects the form, so that problems are
 * reported for this form only (`anyOf` would report all). Without any of the keys, the problem is `hint`. In
 * `/openapi.json` it is an `anyOf` of that title.
 */
export function forms(
  title: string,
  list: readonly (readonly [key: string, form: TSchema])[],
  hint: string,
): TSchema {
  let rest: object = { not: {}, 'x-hint': hint };
  for (const [key, form] of list.toReversed())
    // A word of JSON Schema (2020-12, core, section 10.2.2); nobody awaits a schema.
    // oxlint-disable-next-line unicorn/no-thenable
    rest = { type: 'object', if: { type: 'object', required: [key] }, then: form, else: rest };
  return Type.Unsafe<unknown>({ title, ...rest });
}

const TAG = '^[a-zA-Z0-9._~-]+$';
const TAG_HINT = 'use letters, digits and . _ ~ -';
/** Tags whose values are plain words. */
export const TAGS = Type.Unsafe<Record<string, string>>({
  type: 'object',
  maxProperties: 10,
  propertyNames: {
    minLength: 1,
    maxLength: 128,
    pattern: TAG,
    'x-hint': TAG_HINT,
    'x-error': 'tag',
  },
  additionalProperties: {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    pattern: TAG,
    'x-hint': TAG_HINT,
    'x-error': 'tag',
  },
  'x-error': 'tag',
});
const TYPE_ID = (prefix: string) => `^${prefix}_[0-7][a-hjkmnp-tv-z0-9]{25}$`;

export const OPERATION_STATUS = choice('OperationStatus', OPERATION_STATUSES);
export const OPERATION_ID = Type.String({
  pattern: TYPE_ID('comms_operation'),
  'x-hint': 'it is not the id of an operation',
});
export const MESSAGE_ID = Type.String({
  pattern: TYPE_ID('comms_message'),
  'x-hint': 'it is not the id of a message',
});
export const SENDER_ID = Type.String({
  pattern: TYPE_ID('comms_sender'),
  'x-hint': 'it is not the id of a sender',
});
export const SENDER_POOL_ID = Type.String({
  pattern: TYPE_ID('comms_senderpool'),
  'x-hint': 'it is not the id of a sender pool',
});
export const ATTEMPT_SID = Type.String({
  pattern: '^(SM|MM)[0-9a-fA-F]{32}$',
  'x-hint': 'it is not the id of an attempt: SM or MM and 32 hex digits',
});
export const SUBSCRIPTION_ID = Type.String({
  pattern: TYPE_ID('comms_subscription'),
  'x-hint': 'it is not the id of a subscription',
});
export const DELIVERY_ID = Type.String({
  pattern: TYPE_ID('comms_delivery'),
  'x-hint': 'it is not the id of a delivery',
});
export const EMAIL_ID = Type.String({
  pattern: TYPE_ID('comms_email'),
  'x-hint': 'it is not the id of an e-mail',
});

/** Of a recipient. */
export const variables = Type.Optional(
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    propertyNames: { minLength: 1, maxLength: 128 },
    maxProperties: 500,
    additionalProperties: { type: 'string', maxLength: 65_536 },
    description: 'Values of template variables.',
  }),
);

/** All fields of a send request besides its recipients. */
export const SEND_FIELDS = {
  schedule: Type.Optional(
    shape(
      {
        sendAt: Type.Array(Type.String({ maxLength: 64 }), {
          minItems: 1,
          maxItems: 10,
          description:
            'RFC 3339 date-times: instants, or without a zone the local time of each recipient. All must be the same time.',
        }),
      },
      {
        description: `When to send, at most ${SCHEDULE_DAYS_MAX} days ahead; a past instant means now.`,
      },
    ),
  ),
  tags: Type.Optional(
    Type.Unsafe<Record<string, string>>({
      type: 'object',
      maxProperties: 10,
      propertyNames: {
        minLength: 1,
        maxLength: 128,
        pattern: TAG,
        'x-hint': TAG_HINT,
        'x-error': 'tag',
      },
      additionalProperties: { type: 'string', minLength: 1, maxLength: 1_024, 'x-error': 'tag' },
      'x-error': 'tag',
      description:
        'Metadata. Values may be Liquid; rendered values have 1 to 256 characters: letters, digits and . _ ~ -.',
    }),
  ),
  expireAt: Type.Optional(
    Type.String({
      maxLength: 64,
      format: 'date-time',
      description: 'Extension: messages that no carrier has by then end FAILED (30036).',
    }),
  ),
  statusCallback: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2_048,
      'x-error': 'statusCallback',
      format: 'uri',
      description:
        'Extension: a URL that receives all events of this operation. It is listed as a subscription.',
    }),
  ),
  dryRun: Type.Optional(
    Type.Boolean({
      description: 'Extension: show the messages without sending them; the answer is 200.',
    }),
  ),
};

/** Channels of senders. */
export const SENDER_CHANNEL = choice('Channel', CHANNELS, { description: 'Channel of delivery.' });

/** Addresses that a dry run found more than once. */
export const DUPLICATES = Type.Array(
  Type.Object(
    { address: Type.String(), contexts: Type.Array(Type.String()) },
    { title: 'DuplicateAddress' },
  ),
);

/** Counts of a dry run whose lists have only the first entries. */
export const TOTALS = Type.Optional(
  Type.Object(
    {
      messages: Type.Integer(),
      unaddressable: Type.Integer(),
      duplicates: Type.Integer({ description: 'Recipients whose address occurred before.' }),
      problems: Type.Optional(Type.Integer({ description: 'Problems of lines.' })),
      byChannel: Type.Record(Type.String(), Type.Integer()),
      encodings: Type.Record(Type.String(), Type.Integer()),
      codes: Type.Record(Type.String(), Type.Integer(), {
        description: 'Unaddressable recipients by error code.',
      }),
      senders: Type.Array(
        Type.Object({
          channel: Type.String(),
          from: Type.String(),
          messages: Type.Integer(),
          segments: Type.Integer({ description: 'Of SMS; else as many as messages.' }),
        }),
        { description: 'The 100 senders with most messages.' },
      ),
    },
    {
      title: 'DryRunTotals',
      description: 'Of a streamed request: the lists have only the first entries.',
    },
  ),
);

/** Of messages and e-mails. */
export const DELETED_AT = orNull(
  instant(
    "When it was erased; null if it was not. An erased one has no attempts and no tags, and its recipient's address and its texts are empty.",
  ),
);
/** Why an attempt, or a recipient, failed. */
export const errorFields = {
  code: Type.Integer(),
  message: Type.String(),
  detail: Type.Optional(
    Type.String({ description: "Extension: the carrier's own words, or the reason in detail." }),
  ),
  infoUrl: Type.String({ format: 'uri', description: 'The page that explains the code.' }),
};
/** Resources that belong to a message or an e-mail. */
export const RELATED = Type.Array(
  Type.Object(
    { name: Type.String(), id: Type.String(), uri: Type.String({ format: 'uri' }) },
    { title: 'RelatedResource' },
  ),
  { description: 'Its operation.' },
);

export const count = (description: string) => Type.Integer({ minimum: 0, description });

/** Fields by which people recognise an operation. */
export const REQUEST_FIELDS = {
  excerpt: Type.String({ description: 'The first words of its content, as a template.' }),
  tags: Type.Record(Type.String(), Type.String(), { description: 'As requested, not rendered.' }),
  scheduledFor: orNull(instant('The time of sending, if it is the same for all messages.')),
  expireAt: orNull(instant('No messages are sent after this time.')),
};

/** Fields of operations of every kind. */
export const operationFields = {
  id: OPERATION_ID,
  status: OPERATION_STATUS,
  pausedAt: orNull(instant('Extension: since when nothing is submitted; null when not paused.')),
  createdAt: instant('When it was accepted.'),
  updatedAt: instant('When a counter last changed.'),
  revision: Type.Integer({
    minimum: 1,
    description:
      'Extension: number of changes; of two states, the one with the higher number is the later one.',
  }),
  details: Type.Optional(
    Type.Object(REQUEST_FIELDS, {
      description: 'Extension: the main fields of the request. In lists only with `details=true`.',
    }),
  ),
};
