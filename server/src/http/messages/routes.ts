/** The routes of messages and of their operations: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createMessageHandlers } from './handlers.ts';
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
import { answer, CHANNEL, MESSAGE_STATUS, refusals } from '../../shapes/api.ts';

const operationParams = Type.Object({ operationId: Type.String({ description: 'Operation id.' }) });
const messageParams = Type.Object({ messageId: Type.String({ description: 'Message id.' }) });
const MESSAGE_FILTER = {
  operationId: Type.Optional(
    Type.String({ description: 'Of this operation (`operation_id` is understood too).' }),
  ),
  sessionId: Type.Optional(
    Type.String({ description: 'No message has a session: the list is empty.' }),
  ),
  profile: Type.Optional(
    Type.String({ description: 'No message has a profile: the list is empty.' }),
  ),
  ...DATES,
  channel: Type.Optional(CHANNEL),
  status: Type.Optional(MESSAGE_STATUS),
  tags: Type.Optional(Type.String({ description: '`key:value;key:value`, all of them.' })),
};

interface MessageHandlers {
  readonly messages: ReturnType<typeof createMessageHandlers>;
  readonly operations: ReturnType<typeof createOperationHandlers>;
}

/** Fixed paths come before paths with parameters, for readers; the router needs no order. */
export function listMessageRoutes(
  { messages, operations }: MessageHandlers,
  bytesMax: number,
): Route[] {
  return [
    {
      method: 'POST',
      path: '/Messages',
      access: 'send',
      handler: messages.send,
      takesBytes: true,
      bodyLimit: bytesMax,
      schema: {
        ...describe('Messages', 'sendMessages', 'Send a content to 1 to 10,000 recipients.', {
          body: Type.Unsafe({ $ref: 'SendMessagesRequest#' }),
          headers: IDEMPOTENCY_HEADERS,
          response: {
            200: answer('DryRun', 'With dryRun: what would be sent. Nothing is written.'),
            202: answer(
              'OperationReference',
              'Accepted and durable; also in the headers operationId, operation-id, operation-location and Location.',
            ),
            ...refusals(400, 409, 413, 415),
          },
        }),
      },
    },
    {
      method: 'GET',
      path: '/Messages',
      access: 'read',
      handler: messages.list,
      schema: describe('Messages', 'listMessages', 'List messages, newest first.', {
        querystring: Type.Object({ ...MESSAGE_FILTER, ...PAGING }),
        response: { 200: answer('MessageList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'POST',
      path: '/Messages/Search',
      access: 'read',
      handler: messages.search,
      schema: describe(
        'Messages',
        'searchMessages',
        'List messages, by address too, which stays out of URLs.',
        {
          querystring: Type.Object(PAGING),
          body: Type.Unsafe({ $ref: 'SearchMessagesRequest#' }),
          response: { 200: answer('MessageList', 'A page.'), ...refusals(400, 413, 415) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Messages/Operations',
      access: 'read',
      handler: operations.list,
      schema: describe('Operations', 'listOperations', 'List operations, newest first.', {
        querystring: Type.Object({ ...OPERATION_FILTER, ...PAGING }),
        response: { 200: answer('OperationList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'GET',
      path: '/Messages/Operations/:operationId',
      access: 'read',
      handler: operations.fetch,
      schema: describe('Operations', 'fetchOperation', 'How far an operation is.', {
        params: operationParams,
        response: { 200: answer('Operation', 'The operation.'), ...refusals(404) },
      }),
    },
    {
      method: 'GET',
      path: '/Messages/Operations/:operationId/Stream',
      access: 'read',
      handler: operations.stream,
      schema: describeStream('streamOperation', 'how far an operation is, live', refusals(404), {
        params: operationParams,
      }),
    },
    {
      method: 'GET',
      path: '/Messages/Operations/:operationId/Errors',
      access: 'read',
      handler: operations.errors,
      schema: describe(
        'Operations',
        'listOperationErrors',
        'Recipients that came to nothing, in the order of `to`.',
        {
          params: operationParams,
          querystring: Type.Object(PAGING),
          response: { 200: answer('OperationErrorList', 'A page.'), ...refusals(400, 404) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Messages/Operations/:operationId/Pause',
      access: 'send',
      handler: operations.pause,
      schema: describe(
        'Operations',
        'pauseOperation',
        'Extension: hand nothing more over until resumed. Idempotent; what carriers have keeps going.',
        {
          params: operationParams,
          response: { 200: answer('Operation', 'The operation, as it is now.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Messages/Operations/:operationId/Resume',
      access: 'send',
      handler: operations.resume,
      schema: describe('Operations', 'resumeOperation', 'Extension: go on. Idempotent.', {
        params: operationParams,
        response: { 200: answer('Operation', 'The operation, as it is now.'), ...refusals(404) },
      }),
    },
    {
      method: 'POST',
      path: '/Messages/Operations/:operationId/Cancel',
      access: 'send',
      handler: operations.cancel,
      schema: describe(
        'Operations',
        'cancelOperation',
        'Extension: cancel what no carrier has yet. Idempotent; the rest keeps going.',
        {
          params: operationParams,
          response: { 200: answer('Operation', 'The operation, as it is now.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/Messages/Operations/:operationId',
      access: 'manage',
      handler: operations.erase,
      schema: describe(
        'Operations',
        'deleteOperation',
        'Extension: erase all messages of an operation and its content; what no carrier has is canceled first. Counters stay.',
        {
          params: operationParams,
          response: { 204: Type.Null({ description: 'Erased.' }), ...refusals(404, 409) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Messages/Seek/:identifier',
      access: 'read',
      handler: messages.seek,
      schema: describe('Messages', 'seekMessage', "Find the message of an attempt's id.", {
        params: Type.Object({
          identifier: Type.String({ description: 'Id of an attempt, SM or MM and 32 hex digits.' }),
        }),
        response: {
          301: Type.Null({ description: 'To the message, in Location.' }),
          ...refusals(400, 404),
        },
      }),
    },
    {
      method: 'GET',
      path: '/Messages/:messageId',
      access: 'read',
      handler: messages.fetch,
      schema: describe(
        'Messages',
        'fetchMessage',
        'A message with its content as rendered and its attempts.',
        {
          params: messageParams,
          response: { 200: answer('Message', 'The message.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/Messages/:messageId',
      access: 'manage',
      handler: messages.erase,
      schema: describe(
        'Messages',
        'deleteMessage',
        'Extension: erase whom a message was for, or came from, and what it said; it is canceled first where no carrier has it. Counters stay.',
        {
          params: messageParams,
          response: { 204: Type.Null({ description: 'Erased.' }), ...refusals(404, 409) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Messages/:messageId/Receipts',
      access: 'read',
      handler: messages.receipts,
      schema: describe(
        'Messages',
        'listReceipts',
        'What carriers last said of each attempt, oldest attempt first.',
        {
          params: messageParams,
          response: {
            200: answer('ReceiptList', 'All of them: a message has at most 15 attempts.'),
            ...refusals(404),
          },
        },
      ),
    },
    {
      method: 'POST',
      path: '/Messages/:messageId/Cancel',
      access: 'send',
      handler: messages.cancel,
      schema: describe(
        'Messages',
        'cancelMessage',
        'Extension: cancel a message that no carrier has yet. Idempotent; its status tells whether it was.',
        {
          params: messageParams,
          response: { 200: answer('Message', 'The message, as it is now.'), ...refusals(404) },
        },
      ),
    },
  ];
}
