/** The routes of e-mails: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { EMAIL_STATUS } from '../../shapes/emails.ts';
import type { createEmailHandlers } from './handlers.ts';
import type { createOperationHandlers } from '../operations/handlers.ts';
import { listOperationRoutes } from '../operations/routes.ts';
import {
  bodyOf,
  describe,
  IDEMPOTENCY_HEADERS,
  listRoute,
  searchRoute,
  sendAnswers,
  type Route,
} from '../edge/route.ts';
import { DATES } from '../../shapes/paging.ts';
import { answer, noContent, refusals } from '../../shapes/api.ts';

type Emails = ReturnType<typeof createEmailHandlers>;
type Operations = ReturnType<typeof createOperationHandlers>;

const params = Type.Object({ emailId: Type.String({ description: 'E-mail id.' }) });

/** Routes of e-mails and of their operations. */
export function listEmailRoutes(
  emails: Emails,
  operations: Operations,
  requestBytesMax: number,
): Route[] {
  return [
    {
      method: 'POST',
      path: '/Emails',
      access: 'send',
      handler: emails.send,
      takesBytes: true,
      takesStream: true,
      bodyLimit: requestBytesMax,
      schema: describe('Emails', 'sendEmails', 'Send an e-mail to 1 to 10,000 recipients.', {
        body: bodyOf('SendEmailsRequest'),
        headers: IDEMPOTENCY_HEADERS,
        response: {
          ...sendAnswers('SendEmailsAnswer'),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    listRoute({
      path: '/Emails',
      handler: emails.list,
      tag: 'Emails',
      operationId: 'listEmails',
      description: 'List e-mails, newest first.',
      shape: 'EmailList',
      filter: {
        operationId: Type.Optional(Type.String({ description: 'Only this operation.' })),
        ...DATES,
        status: Type.Optional(EMAIL_STATUS),
        tags: Type.Optional(Type.String({ description: '`key:value;key:value`, all of them.' })),
      },
    }),
    searchRoute({
      path: '/Emails/Search',
      handler: emails.search,
      tag: 'Emails',
      operationId: 'searchEmails',
      description: 'List e-mails, also by address. Addresses do not appear in URLs.',
      body: 'SearchEmailsRequest',
      shape: 'EmailList',
    }),
    ...listOperationRoutes('EMAILS', operations),
    ...listSingleRoutes(emails),
  ];
}

function listSingleRoutes(emails: Emails): Route[] {
  return [
    {
      method: 'GET',
      path: '/Emails/:emailId',
      access: 'read',
      handler: emails.fetch,
      schema: describe('Emails', 'fetchEmail', 'An e-mail as rendered, with its attempts.', {
        params,
        response: { 200: answer('Email', 'The e-mail.'), ...refusals(404) },
      }),
    },
    {
      method: 'DELETE',
      path: '/Emails/:emailId',
      access: 'manage',
      handler: emails.erase,
      schema: describe(
        'Emails',
        'deleteEmail',
        'Erase the recipient and the content of an e-mail; it is canceled first if no carrier has it. Counters stay.',
        {
          params,
          response: { 204: noContent('Erased, now or before.'), ...refusals(404, 409) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Emails/:emailId/Receipts',
      access: 'read',
      handler: emails.receipts,
      schema: describe(
        'Emails',
        'listEmailReceipts',
        'The latest receipt of each attempt, oldest attempt first.',
        {
          params,
          response: {
            200: answer('EmailReceiptList', 'All of them: an e-mail has at most 15 attempts.'),
            ...refusals(404),
          },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Emails/:emailId/Cancel',
      access: 'send',
      handler: emails.cancel,
      schema: describe(
        'Emails',
        'cancelEmail',
        'Extension: cancel an e-mail that no carrier has yet. Idempotent; its status shows the result.',
        {
          params,
          response: { 200: answer('Email', 'The e-mail, as it is now.'), ...refusals(404) },
        },
      ),
    },
  ];
}
