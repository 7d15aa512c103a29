/** Examples of e-mails and their operations. */
import {
  CREATED,
  DELETED,
  errorExample,
  example,
  fetchExamples,
  IDS,
  operationExamples,
  ORIGIN,
  page,
  reference,
  related,
  TIMES,
  type OperationExamples,
} from './example-parts.ts';

const from = { address: 'shop@example.com', name: 'Shop' };
const to = { address: 'ada@example.org', name: 'Ada' };
const tags = { campaign: 'shipping' };
const error = errorExample('unknownDestination', '550 5.1.1 No such user here');
const summary = {
  id: IDS.email,
  from,
  to: [to],
  status: 'UNDELIVERED',
  related: related('Emails'),
  tags,
  scheduledFor: null,
  ...TIMES,
  deletedAt: null,
};
const attempted = { from, status: 'UNDELIVERED', attemptedAt: CREATED, error };
const email = {
  ...summary,
  content: {
    subject: 'Your order ships today',
    html: '<p>Hi Ada, your order ships today.</p>',
    attachments: [],
  },
  attempts: [
    {
      id: IDS.attempt,
      to: [to],
      infoUrl: `${ORIGIN}/v1/Emails/${IDS.email}`,
      ...attempted,
    },
  ],
  error,
};
const request = {
  from,
  to: [{ ...to, variables: { name: 'Ada' } }],
  content: {
    subject: 'Your order ships today',
    html: '<p>Hi {{ name | escape }}, your order ships today.</p>',
  },
  tags,
};

const SEND: OperationExamples = {
  requests: {
    html: { summary: 'An HTML e-mail', value: request },
    attachment: {
      summary: 'With a text, a header and an attachment',
      value: {
        ...request,
        content: {
          ...request.content,
          text: 'Hi {{ name }}, your order ships today.',
          headers: { 'X-Order': '1207' },
          attachments: [
            { filename: 'order.txt', contentType: 'text/plain', content: 'T3JkZXIgMTIwNw==' },
          ],
        },
      },
    },
    dryRun: { summary: 'A preview: nothing is sent', value: { ...request, dryRun: true } },
  },
  answers: {
    200: {
      dryRun: {
        summary: 'The preview',
        value: {
          dryRun: true,
          recipients: 1,
          scheduledFor: null,
          emails: [
            {
              context: '$.to[0]',
              from,
              to,
              subject: 'Your order ships today',
              headers: {},
              tags,
              html: '<p>Hi Ada, your order ships today.</p>',
              text: null,
            },
          ],
          unaddressable: [],
          duplicates: [],
        },
      },
    },
    202: { accepted: { summary: 'The operation', value: reference('Emails/Operations') } },
  },
};

/** Of e-mails, by operationId. */
export const EMAIL_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  sendEmails: SEND,
  listEmails: example(200, page('emails', summary)),
  searchEmails: example(200, page('emails', summary), {
    address: 'ada@example.org',
    status: 'UNDELIVERED',
  }),
  fetchEmail: fetchExamples(email, {
    ...email,
    to: [{ address: '' }],
    tags: {},
    updatedAt: DELETED,
    deletedAt: DELETED,
    content: { subject: '', html: '', attachments: [] },
    attempts: [],
    error: { ...error, detail: undefined },
  }),
  listEmailReceipts: example(200, page('receipts', { attemptId: IDS.attempt, to, ...attempted })),
  cancelEmail: example(200, { ...email, status: 'CANCELED', attempts: [], error: undefined }),
  ...operationExamples(
    'EmailOperation',
    {
      total: 2,
      recipients: 2,
      attempts: 2,
      scheduled: 0,
      queued: 0,
      sent: 2,
      delivered: 1,
      opened: 1,
      undelivered: 1,
      failed: 0,
      canceled: 0,
    },
    error,
    { to: [to], emailId: IDS.email },
  ),
};
