/** The shape of a report on an operation. */
import { Type } from 'typebox';
import { MESSAGE_STATUSES } from '../domain/message.ts';
import {
  choice,
  count,
  instant,
  numberOrNull,
  orNull,
  REQUEST_FIELDS,
  SENDER_CHANNEL,
} from './parts.ts';

const text = (description: string) => Type.String({ description });

const ERROR_COUNT = Type.Object({
  code: Type.Integer(),
  message: Type.String(),
  advice: orNull(text('What to do.')),
  detail: orNull(text("A carrier's own words in one of them.")),
  infoUrl: Type.String(),
  count: count('Recipients with this error.'),
  examples: Type.Array(
    Type.Object({
      messageId: orNull(text('Id of the message or e-mail; null if there is none.')),
      address: Type.String(),
    }),
    { description: 'Up to three.' },
  ),
});

const latency = (what: string) =>
  numberOrNull('number', [0, 1e12], `Seconds from the submission to the last receipt: ${what}.`);

export const OPERATION_REPORT = Type.Object(
  {
    ...REQUEST_FIELDS,
    senders: Type.Array(
      Type.Object({
        channel: SENDER_CHANNEL,
        address: Type.String(),
        carrier: Type.String(),
        total: count('Messages whose current candidate uses it.'),
        statuses: Type.Array(
          Type.Object({
            status: choice('SentMessageStatus', MESSAGE_STATUSES),
            count: count('Messages.'),
          }),
        ),
      }),
    ),
    errors: Type.Array(ERROR_COUNT, { description: 'The most frequent first, at most 100.' }),
    stepSeconds: Type.Integer({ description: 'How long each of `buckets` is.' }),
    buckets: Type.Array(
      Type.Object({
        at: instant('When it begins.'),
        submitted: count('Messages submitted, by their current attempt.'),
        settled: count('Messages delivered, read or undelivered.'),
        latency50: latency('median'),
        latency95: latency('95th percentile'),
      }),
      { description: 'In order, without empty ones.' },
    ),
  },
  { $id: 'OperationReport' },
);

/** A line of an export. */
export const RECIPIENT_RESULT = Type.Object(
  {
    ordinal: count('Position in `to`, from 0.'),
    address: text('Of the current candidate; the first one if there is no message.'),
    channel: orNull(text('Of the current candidate; of the address if there is no message.')),
    status: choice('RecipientStatus', [...MESSAGE_STATUSES, 'OPENED', 'UNADDRESSABLE']),
    from: orNull(text('Address of the sender; null if there is no message.')),
    errorCode: orNull(Type.Integer()),
    error: orNull(text("The carrier's words, or the meaning of the code.")),
    attempts: count('Submissions to carriers.'),
    attemptedAt: orNull(instant('Of the last attempt.')),
    updatedAt: orNull(instant('Of the last change; null if there is no message.')),
    id: orNull(text('Id of the message or e-mail; null if there is none.')),
    variables: orNull(
      Type.Unsafe<Record<string, string>>({
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'As requested for this recipient.',
      }),
    ),
    pageToken: text('Continues the export behind this line.'),
  },
  { $id: 'RecipientResult', description: 'A line of an export.' },
);
