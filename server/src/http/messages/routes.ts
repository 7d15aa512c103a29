/** The routes of messages and of their operations: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createMessageHandlers } from './handlers.ts';
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
import {
  answer,
  CHANNEL,
  LOCATION,
  MESSAGE_STATUS,
  noContent,
  refusals,
} from '../../shapes/api.ts';

const messageParams = Type.Object({ messageId: Type.String({ description: 'Message id.' }) });
const MESSAGE_FILTER = {
  operationId: Type.Optional(
    Type.String({ description: 'Only this operation (alias: `operation_id`).' }),
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
      takesStream: true,
      bodyLimit: bytesMax,
      schema: {
        ...describe('Messages', 'sendMessages', 'Send a content to 1 to 10,000 recipients.', {
          body: bodyOf('SendMessagesRequest'),
          headers: IDEMPOTENCY_HEADERS,
          response: {
            ...sendAnswers('SendMessagesAnswer'),
            ...refusals(400, 409, 413, 415),
          },
        }),
      },
    },
    listRoute({
      path: '/Messages',
      handler: messages.list,
      tag: 'Messages',
      operationId: 'listMessages',
      description: 'List messages, newest first.',
      shape: 'MessageList',
      filter: MESSAGE_FILTER,
    }),
    searchRoute({
      path: '/Messages/Search',
      handler: messages.search,
      tag: 'Messages',
      operationId: 'searchMessages',
      description: 'List messages, also by address. Addresses do not appear in URLs.',
      body: 'SearchMessagesRequest',
      shape: 'MessageList',
    }),
    ...listOperationRoutes('MESSAGES', operations),
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
          301: noContent('To the message, in Location.', LOCATION),
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
        'Extension: erase the addresses and the content of a message; it is canceled first if no carrier has it. Counters stay.',
        {
          params: messageParams,
          response: { 204: noContent('Erased, now or before.'), ...refusals(404, 409) },
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
        'The latest receipt of each attempt, oldest attempt first.',
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
        'Extension: cancel a message that no carrier has yet. Idempotent; its status shows the result.',
        {
          params: messageParams,
          response: { 200: answer('Message', 'The message, as it is now.'), ...refusals(404) },
        },
      ),
    },
  ];
}
