/** The shapes of e-mails: in sends, in lists, and as single e-mails. */
import { Type } from 'typebox';
import { DATES } from './paging.ts';
import { EMAIL_LENGTH_MAX, EMAIL_NAME_MAX } from '../domain/email-address.ts';
import { ATTACHMENT_BYTES_MAX, ATTACHMENTS_MAX } from '../domain/email-attachment.ts';
import { EMAIL_BODY_MAX } from '../domain/email-content.ts';
import { HEADER_VALUE_MAX, HEADERS_MAX } from '../domain/email-headers.ts';
import { TEMPLATE_LENGTH_MAX } from '../domain/liquid.ts';
import { RECIPIENTS_MAX } from '../domain/operation.ts';
import {
  ATTEMPT_SID,
  choice,
  count,
  DELETED_AT,
  DUPLICATES,
  TOTALS,
  EMAIL_ID,
  errorFields,
  instant,
  listOf,
  OPERATION_ID,
  operationFields,
  orNull,
  ref,
  RELATED,
  SEND_FIELDS,
  SENDER_ID,
  shape,
  variables,
} from './parts.ts';

/** INBOUND is a known word, though no e-mail has it. */
const EMAIL_STATUSES = [
  'SCHEDULED',
  'QUEUED',
  'SENT',
  'DELIVERED',
  'UNDELIVERED',
  'OPENED',
  'FAILED',
  'CANCELED',
  'INBOUND',
] as const;
export type EmailStatus = (typeof EMAIL_STATUSES)[number];
export const EMAIL_STATUS = choice('EmailStatus', EMAIL_STATUSES);

const address = Type.String({
  minLength: 1,
  maxLength: EMAIL_LENGTH_MAX,
  examples: ['ada@example.com'],
  description: 'Answers show the domain in ASCII and lower case.',
});
const name = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: EMAIL_NAME_MAX,
    description: 'Shown beside the address.',
  }),
);

/** Parts of a send. A key distinguishes the kinds of recipients. */
export const EMAIL_PARTS = {
  address: shape({ address, name, variables }, { title: 'EmailAddressRecipient' }),
  from: shape({ address, name }, { title: 'EmailAddressSender' }),
  content: shape(
    {
      subject: Type.String({
        minLength: 1,
        maxLength: TEMPLATE_LENGTH_MAX,
        description: `Liquid; one line of at most ${HEADER_VALUE_MAX} characters when rendered.`,
      }),
      html: Type.String({
        minLength: 1,
        maxLength: EMAIL_BODY_MAX,
        description: 'Liquid, which does not escape: write {{ name | escape }}.',
      }),
      text: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: EMAIL_BODY_MAX,
          description: 'Liquid. Default: made from html.',
        }),
      ),
      attachments: Type.Optional(
        Type.Array(
          shape(
            {
              filename: Type.String({ description: 'Without a path.' }),
              contentType: Type.String({ description: 'Media type.' }),
              content: Type.String({ contentEncoding: 'base64', description: 'Base64.' }),
            },
            { title: 'EmailAttachment' },
          ),
          {
            maxItems: ATTACHMENTS_MAX,
            description: `At most ${ATTACHMENT_BYTES_MAX} bytes together, decoded.`,
          },
        ),
      ),
      headers: Type.Optional(
        Type.Unsafe<Record<string, string>>({
          type: 'object',
          maxProperties: HEADERS_MAX,
          additionalProperties: { type: 'string', minLength: 1, maxLength: TEMPLATE_LENGTH_MAX },
          description: `Further headers. Values are Liquid, one line of at most ${HEADER_VALUE_MAX} characters when rendered. List-Unsubscribe, List-Unsubscribe-Post and Message-ID replace Fanfare's; other headers that Fanfare sets are refused.`,
        }),
      ),
    },
    { title: 'EmailHtmlContent' },
  ),
};

/** All other fields of a send. */
export const EMAIL_FIELDS = {
  ...SEND_FIELDS,
  ipPoolName: Type.Optional(
    Type.String({
      minLength: 2,
      maxLength: 64,
      description: 'Accepted without effect: the mail server chooses the IP address.',
    }),
  ),
  unsubscribe: Type.Optional(
    Type.Boolean({
      description:
        'Extension: whether it has a one-click unsubscribe link; requires publicUrl. Default: emails.unsubscribe of the configuration; false with a List-Unsubscribe in content.headers.',
    }),
  ),
  trackOpens: Type.Optional(
    Type.Boolean({
      description:
        'Extension: whether it has a picture that reports the opening; requires publicUrl. Default: emails.trackOpens of the configuration.',
    }),
  ),
};

const party = { address: Type.String(), name: Type.Optional(Type.String()) };
const from = Type.Object({ ...party, senderId: Type.Optional(SENDER_ID) }, { title: 'EmailFrom' });
const to = Type.Object(party, { title: 'EmailParty' });
const tags = Type.Record(Type.String(), Type.String());

const summary = {
  id: EMAIL_ID,
  from,
  to: Type.Array(to, { minItems: 1, maxItems: 1 }),
  status: EMAIL_STATUS,
  related: RELATED,
  tags,
  scheduledFor: orNull(instant('The time of sending.')),
  createdAt: instant('When its operation was accepted.'),
  updatedAt: instant('When it last changed.'),
  deletedAt: DELETED_AT,
};
const attempt = {
  from,
  status: EMAIL_STATUS,
  attemptedAt: instant('When the attempt was submitted.'),
  error: Type.Optional(ref('AttemptError')),
};

/** Named shapes, each after the shapes that it refers to. */
export const EMAIL_SHAPES = [
  shape(
    {
      from: EMAIL_PARTS.from,
      to: Type.Array(EMAIL_PARTS.address, {
        minItems: 1,
        maxItems: RECIPIENTS_MAX,
      }),
      content: EMAIL_PARTS.content,
      ...EMAIL_FIELDS,
    },
    { $id: 'SendEmailsRequest' },
  ),
  shape(
    {
      address: Type.Optional(
        Type.String({ minLength: 1, maxLength: 256, description: 'Sent to.' }),
      ),
      operationId: Type.Optional(OPERATION_ID),
      ...DATES,
      status: Type.Optional(EMAIL_STATUS),
      tags: Type.Optional(Type.String({ description: '`key:value;key:value`, all of them.' })),
    },
    { $id: 'SearchEmailsRequest' },
  ),
  Type.Object(summary, { $id: 'EmailSummary' }),
  listOf('emails', ref('EmailSummary'), 'EmailList'),
  Type.Object(
    {
      ...summary,
      content: Type.Object({
        subject: Type.String(),
        html: Type.String(),
        text: Type.Optional(Type.String({ description: 'Present if the request has it.' })),
        headers: Type.Optional(Type.Record(Type.String(), Type.String())),
        attachments: Type.Array(
          Type.Object({
            filename: Type.String(),
            contentType: Type.String(),
            size: count('Bytes.'),
          }),
        ),
      }),
      attempts: Type.Array(
        Type.Object(
          {
            id: ATTEMPT_SID,
            to: Type.Array(to),
            infoUrl: Type.String({ format: 'uri' }),
            ...attempt,
          },
          { title: 'EmailAttempt' },
        ),
        { description: 'Extension: oldest first.' },
      ),
      error: Type.Optional(ref('AttemptError')),
    },
    { $id: 'Email' },
  ),
  Type.Object({ attemptId: ATTEMPT_SID, to, ...attempt }, { $id: 'EmailReceipt' }),
  listOf('receipts', ref('EmailReceipt'), 'EmailReceiptList'),
  Type.Object(
    {
      ...operationFields,
      stats: Type.Object({
        total: count('E-mails.'),
        recipients: count('Recipients. Recipients without an e-mail are listed under Errors.'),
        attempts: count('Submissions to carriers.'),
        scheduled: count('E-mails SCHEDULED.'),
        queued: count('E-mails QUEUED.'),
        sent: count(
          'E-mails that a carrier accepted, including delivered, undelivered and opened ones.',
        ),
        delivered: count('Delivered e-mails, including opened ones.'),
        opened: count('E-mails OPENED.'),
        undelivered: count('E-mails UNDELIVERED.'),
        failed: count('E-mails FAILED.'),
        canceled: count('E-mails CANCELED.'),
      }),
    },
    { $id: 'EmailOperation' },
  ),
  listOf('operations', ref('EmailOperation'), 'EmailOperationList'),
  Type.Object(
    {
      ...errorFields,
      context: Type.String({ description: 'JSON path of the recipient in the request.' }),
      to: Type.Array(to),
      emailId: orNull(EMAIL_ID),
    },
    { $id: 'EmailOperationError' },
  ),
  listOf('errors', ref('EmailOperationError'), 'EmailOperationErrorList'),
  Type.Object(
    {
      dryRun: Type.Boolean({ description: 'Always true.' }),
      recipients: Type.Integer(),
      scheduledFor: orNull(instant('The time of sending; null means at once.')),
      emails: Type.Array(
        Type.Object({
          context: Type.String(),
          from: to,
          to,
          subject: Type.String(),
          headers: Type.Record(Type.String(), Type.String()),
          tags,
          html: Type.Optional(Type.String({ description: 'Only for the first ten.' })),
          text: Type.Optional(orNull(Type.String({ description: 'Only for the first ten.' }))),
        }),
      ),
      unaddressable: Type.Array(ref('ErrorItem')),
      duplicates: DUPLICATES,
      totals: TOTALS,
    },
    { $id: 'EmailDryRun' },
  ),
];
