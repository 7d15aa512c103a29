/** The routes of e-mails: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { EMAIL_STATUS } from '../../shapes/emails.ts';
import type { createEmailHandlers } from './handlers.ts';
import type { createOperationHandlers } from '../operations/handlers.ts';
import { PAGING } from '../../shapes/paging.ts';
import {
  DATES,
  describe,
  describeStream,
  IDEMPOTENCY_HEADERS,
  OPERATION_FILTER,
  type Route,
} from '../edge/route.ts';
import { answer, refusals } from '../../shapes/api.ts';

type Emails = ReturnType<typeof createEmailHandlers>;
type Operations = ReturnType<typeof createOperationHandlers>;

const body = (name: string) => Type.Unsafe({ $ref: `${name}#` });
const params = Type.Object({ emailId: Type.String({ description: 'E-mail id.' }) });
const operationParams = Type.Object({ operationId: Type.String({ description: 'Operation id.' }) });

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
      bodyLimit: requestBytesMax,
      schema: describe('Emails', 'sendEmails', 'Send an e-mail to 1 to 10,000 recipients.', {
        body: body('SendEmailsRequest'),
        headers: IDEMPOTENCY_HEADERS,
        response: {
          200: answer('EmailDryRun', 'With dryRun: what would be sent. Nothing is written.'),
          202: answer(
            'OperationReference',
            'Accepted and durable; also in the headers operationId, operation-id, operation-location and Location.',
          ),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    {
      method: 'GET',
      path: '/Emails',
      access: 'read',
      handler: emails.list,
      schema: describe('Emails', 'listEmails', 'List e-mails, newest first.', {
        querystring: Type.Object({
          operationId: Type.Optional(Type.String({ description: 'Of this operation.' })),
          ...DATES,
          status: Type.Optional(EMAIL_STATUS),
          tags: Type.Optional(Type.String({ description: '`key:value;key:value`, all of them.' })),
          ...PAGING,
        }),
        response: { 200: answer('EmailList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'POST',
      path: '/Emails/Search',
      access: 'read',
      handler: emails.search,
      schema: describe(
        'Emails',
        'searchEmails',
        'List e-mails, by address too, which stays out of URLs.',
        {
          querystring: Type.Object(PAGING),
          body: body('SearchEmailsRequest'),
          response: { 200: answer('EmailList', 'A page.'), ...refusals(400, 413, 415) },
        },
      ),
    },
    ...listOperationRoutes(operations),
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
        'Erase whom an e-mail was for and what it said to them; it is canceled first where no carrier has it. Counters stay.',
        {
          params,
          response: { 204: Type.Null({ description: 'Erased.' }), ...refusals(404, 409) },
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
        'What carriers last said of each attempt, oldest attempt first.',
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
        'Extension: cancel an e-mail that no carrier has yet. Idempotent; its status tells whether it was.',
        {
          params,
          response: { 200: answer('Email', 'The e-mail, as it is now.'), ...refusals(404) },
        },
      ),
    },
  ];
}

function listOperationRoutes(operations: Operations): Route[] {
  const change = (
    word: 'Pause' | 'Resume' | 'Cancel',
    handler: Route['handler'],
    summary: string,
  ): Route => ({
    method: 'POST',
    path: `/Emails/Operations/:operationId/${word}`,
    access: 'send',
    handler,
    schema: describe('Emails', `${word.toLowerCase()}EmailOperation`, `Extension: ${summary}`, {
      params: operationParams,
      response: { 200: answer('EmailOperation', 'The operation, as it is now.'), ...refusals(404) },
    }),
  });
  return [
    {
      method: 'GET',
      path: '/Emails/Operations',
      access: 'read',
      handler: operations.list,
      schema: describe('Emails', 'listEmailOperations', 'List operations, newest first.', {
        querystring: Type.Object({ ...OPERATION_FILTER, ...PAGING }),
        response: { 200: answer('EmailOperationList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'GET',
      path: '/Emails/Operations/:operationId',
      access: 'read',
      handler: operations.fetch,
      schema: describe('Emails', 'fetchEmailOperation', 'How far an operation is.', {
        params: operationParams,
        response: { 200: answer('EmailOperation', 'The operation.'), ...refusals(404) },
      }),
    },
    {
      method: 'GET',
      path: '/Emails/Operations/:operationId/Stream',
      access: 'read',
      handler: operations.stream,
      schema: describeStream(
        'streamEmailOperation',
        'how far an operation is, live',
        refusals(404),
        {
          params: operationParams,
        },
      ),
    },
    {
      method: 'GET',
      path: '/Emails/Operations/:operationId/Errors',
      access: 'read',
      handler: operations.errors,
      schema: describe(
        'Emails',
        'listEmailOperationErrors',
        'Extension: recipients that came to nothing, in the order of `to`.',
        {
          params: operationParams,
          querystring: Type.Object(PAGING),
          response: { 200: answer('EmailOperationErrorList', 'A page.'), ...refusals(400, 404) },
        },
      ),
    },
    change('Pause', operations.pause, 'hand nothing more over until resumed. Idempotent.'),
    change('Resume', operations.resume, 'go on. Idempotent.'),
    change('Cancel', operations.cancel, 'cancel what no carrier has yet. Idempotent.'),
    {
      method: 'DELETE',
      path: '/Emails/Operations/:operationId',
      access: 'manage',
      handler: operations.erase,
      schema: describe(
        'Emails',
        'deleteEmailOperation',
        'Extension: erase all e-mails of an operation and its content; what no carrier has is canceled first. Counters stay.',
        {
          params: operationParams,
          response: { 204: Type.Null({ description: 'Erased.' }), ...refusals(404, 409) },
        },
      ),
    },
  ];
}
