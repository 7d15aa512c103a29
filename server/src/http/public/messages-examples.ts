/** Examples of messages and their operations. */
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
  UPDATED,
  type OperationExamples,
} from './example-parts.ts';

const to = { address: '+15005550001', channel: 'PHONE' };
const from = { address: '+15005550100', channel: 'SMS' };
const tags = { campaign: 'shipping' };
const route = {
  channel: 'SMS',
  from: '+15005550100',
  to,
  encoding: 'GSM-7',
  segments: 1,
  text: 'Hi Ada, your order ships today.',
  mediaUrls: [],
  rich: null,
};
const error = errorExample('unreachable', 'stat:UNDELIV err:001');
const summary = {
  id: IDS.message,
  from,
  to: [to],
  status: 'UNDELIVERED',
  related: related('Messages'),
  tags,
  scheduledFor: null,
  ...TIMES,
  deletedAt: null,
};
const attempted = { from, status: 'UNDELIVERED', attemptedAt: CREATED, error };
const message = {
  ...summary,
  content: { text: 'Hi Ada, your order ships today.' },
  attempts: [
    {
      id: IDS.attempt,
      to: [to],
      infoUrl: `${ORIGIN}/v1/Messages/Seek/${IDS.attempt}`,
      ...attempted,
    },
  ],
  error,
};
const inbound = {
  ...summary,
  id: IDS.inbound,
  from: { address: '+15005550001', channel: 'SMS', senderId: IDS.sender },
  to: [{ address: '+15005550100', channel: 'PHONE' }],
  status: 'INBOUND',
  tags: {},
  updatedAt: CREATED,
};
const accepted = { summary: 'The operation', value: reference('Messages/Operations') };
const preview = {
  dryRun: true,
  recipients: 1,
  segments: 1,
  scheduledFor: null,
  messages: [{ context: '$.to[0]', ...route, tags, fallbacks: [] }],
  unaddressable: [],
  duplicates: [],
};

const SEND: OperationExamples = {
  requests: {
    text: {
      summary: 'One text to two people, each with a name',
      value: {
        to: [
          { ...to, variables: { name: 'Ada' } },
          { address: '+15005550002', channel: 'PHONE', variables: { name: 'Grace' } },
        ],
        content: { text: 'Hi {{ name }}, your order ships today.' },
        tags,
      },
    },
    rich: {
      summary: 'RCS with an answer to tap, or SMS',
      value: {
        to: [to],
        content: {
          modules: [
            {
              rcs: {
                text: 'Does 4 pm suit you?',
                suggestions: [{ reply: { text: 'Yes', postbackData: 'yes' } }],
              },
            },
            { sms: { text: 'Does 4 pm suit you? Answer YES.' } },
          ],
        },
      },
    },
    template: {
      summary: 'A stored content',
      value: { to: [to], content: { contentId: IDS.content } },
    },
    connected: {
      summary: 'A person with two addresses, the preferred one first',
      value: {
        to: [{ addresses: [{ address: '+15005550001', channel: 'WHATSAPP' }, to] }],
        content: { text: 'Your order ships today.' },
      },
    },
    scheduled: {
      summary: 'At a time, from a sender, with a deadline and a callback',
      value: {
        to: [to],
        content: { text: 'Your table is ready at eight.' },
        from,
        schedule: { sendAt: ['2026-12-24T18:00:00Z'] },
        expireAt: '2026-12-24T20:00:00Z',
        statusCallback: 'https://shop.example.com/events',
      },
    },
    dryRun: {
      summary: 'A preview: nothing is sent',
      value: {
        to: [{ ...to, variables: { name: 'Ada' } }],
        content: { text: 'Hi {{ name }}, your order ships today.' },
        tags,
        dryRun: true,
      },
    },
  },
  answers: { 200: { dryRun: { summary: 'The preview', value: preview } }, 202: { accepted } },
};

/** Of messages, by operationId. */
export const MESSAGE_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  sendMessages: SEND,
  listMessages: example(200, page('messages', summary, inbound)),
  searchMessages: example(200, page('messages', summary), {
    address: '+15005550001',
    status: 'UNDELIVERED',
    startDate: '2026-11-01T00:00:00Z',
    endDate: '2026-12-01T00:00:00Z',
  }),
  fetchMessage: fetchExamples(message, {
    ...message,
    to: [{ ...to, address: '' }],
    tags: {},
    updatedAt: DELETED,
    deletedAt: DELETED,
    content: { text: '' },
    attempts: [],
    error: { ...error, detail: undefined },
  }),
  listReceipts: example(200, page('receipts', { attemptId: IDS.attempt, to, ...attempted })),
  cancelMessage: example(200, { ...message, status: 'CANCELED', attempts: [], error: undefined }),
  ...operationExamples(
    'Operation',
    {
      total: 2,
      recipients: 2,
      attempts: 2,
      unaddressable: 0,
      scheduled: 0,
      queued: 0,
      sent: 0,
      delivered: 1,
      read: 0,
      undelivered: 1,
      failed: 0,
      canceled: 0,
    },
    error,
    { to: [to], messageId: IDS.message },
  ),
  fetchOperationRequest: example(200, {
    to: [{ ...to, variables: { name: 'Ada' } }],
    content: { text: 'Hi {{ name }}, your order ships today.' },
    from,
    tags,
  }),
  streamEvents: example(
    200,
    `id: EZ0123456789abcdef0123456789abcdef\nevent: com.twilio.comms-api.message.delivered\ndata: {"time":"${UPDATED}"}\n\n`,
  ),
};
