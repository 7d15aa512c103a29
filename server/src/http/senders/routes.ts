/** The routes of senders and sender pools: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { PAGING } from '../../shapes/paging.ts';
import { DATES, describe, type Route } from '../edge/route.ts';
import { answer, refusals, SENDER_CHANNEL, SENDER_STATUS } from '../../shapes/api.ts';
import type { createSenderPoolHandlers } from './pools.ts';
import type { createSenderHandlers } from './handlers.ts';

const senderParams = Type.Object({ senderId: Type.String({ description: 'Sender id.' }) });
const poolParams = Type.Object({ senderPoolId: Type.String({ description: 'Sender pool id.' }) });
const memberParams = Type.Object({
  senderPoolId: Type.String({ description: 'Sender pool id.' }),
  senderId: Type.String({ description: 'Sender id.' }),
});
const poolOperationParams = Type.Object({
  operationId: Type.String({ description: 'Operation id.' }),
});
const SENDER_FILTER = Type.Object({
  channel: Type.Optional(SENDER_CHANNEL),
  status: Type.Optional(SENDER_STATUS),
  ...DATES,
  ...PAGING,
});
const body = (name: string) => Type.Unsafe({ $ref: `${name}#` });

/** Routes of senders. */
export function listSenderRoutes(senders: ReturnType<typeof createSenderHandlers>): Route[] {
  return [
    {
      method: 'GET',
      path: '/Senders',
      access: 'read',
      handler: senders.list,
      schema: describe('Senders', 'listSenders', 'List senders, newest first.', {
        querystring: SENDER_FILTER,
        response: { 200: answer('SenderList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'POST',
      path: '/Senders',
      access: 'manage',
      handler: senders.create,
      schema: describe('Senders', 'createSender', 'Extension: add a sender.', {
        body: body('CreateSenderRequest'),
        response: { 201: answer('Sender', 'The sender.'), ...refusals(400, 409, 413, 415) },
      }),
    },
    {
      method: 'POST',
      path: '/Senders/Search',
      access: 'read',
      handler: senders.search,
      schema: describe('Senders', 'searchSenders', 'Find senders by address and channel.', {
        querystring: Type.Object(PAGING),
        body: body('SearchSendersRequest'),
        response: { 200: answer('SenderList', 'A page.'), ...refusals(400, 413, 415) },
      }),
    },
    {
      method: 'POST',
      path: '/Senders/Resolve',
      access: 'read',
      handler: senders.resolve,
      schema: describe(
        'Senders',
        'resolveSenders',
        'Which sender would reach which address, in order.',
        {
          body: body('ResolveSendersRequest'),
          response: {
            200: answer('ResolvedSenders', 'Pairs, by recipient and priority.'),
            ...refusals(400, 413, 415),
          },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Senders/:senderId',
      access: 'read',
      handler: senders.fetch,
      schema: describe('Senders', 'fetchSender', 'A sender.', {
        params: senderParams,
        response: { 200: answer('Sender', 'The sender.'), ...refusals(404) },
      }),
    },
    {
      method: 'PATCH',
      path: '/Senders/:senderId',
      access: 'manage',
      handler: senders.update,
      schema: describe(
        'Senders',
        'updateSender',
        'Extension: change a sender that was added here.',
        {
          params: senderParams,
          body: body('UpdateSenderRequest'),
          response: {
            200: answer('Sender', 'The sender, as it is now.'),
            ...refusals(400, 404, 409, 413, 415),
          },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/Senders/:senderId',
      access: 'manage',
      handler: senders.remove,
      schema: describe(
        'Senders',
        'deleteSender',
        'Extension: delete a sender that was added here, from its pools too.',
        {
          params: senderParams,
          response: { 204: Type.Null({ description: 'Deleted.' }), ...refusals(400, 404) },
        },
      ),
    },
  ];
}

/** Routes of sender pools. */
export function listPoolRoutes(senderPools: ReturnType<typeof createSenderPoolHandlers>): Route[] {
  return [
    {
      method: 'GET',
      path: '/SenderPools',
      access: 'read',
      handler: senderPools.list,
      schema: describe('SenderPools', 'listSenderPools', 'List sender pools, newest first.', {
        querystring: Type.Object({
          ...DATES,
          operationId: Type.Optional(
            Type.String({ description: 'The pool that this operation made or changed.' }),
          ),
          ...PAGING,
        }),
        response: { 200: answer('SenderPoolList', 'A page.'), ...refusals(400) },
      }),
    },
    {
      method: 'POST',
      path: '/SenderPools',
      access: 'manage',
      handler: senderPools.create,
      schema: describe(
        'SenderPools',
        'createSenderPool',
        'Make a sender pool, with members or without.',
        {
          body: body('CreateSenderPoolRequest'),
          response: { 202: answer('OperationReference', 'Made.'), ...refusals(400, 409, 413, 415) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/SenderPools/Operations',
      access: 'read',
      handler: senderPools.listOperations,
      schema: describe(
        'SenderPools',
        'listSenderPoolOperations',
        'List operations on sender pools, newest first.',
        {
          querystring: Type.Object({
            ...DATES,
            status: Type.Optional(
              Type.Unsafe<string>({
                type: 'string',
                enum: ['PROCESSING', 'COMPLETED', 'CANCELED'],
              }),
            ),
            ...PAGING,
          }),
          response: { 200: answer('SenderPoolOperationList', 'A page.'), ...refusals(400) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/SenderPools/Operations/:operationId',
      access: 'read',
      handler: senderPools.fetchOperation,
      schema: describe(
        'SenderPools',
        'fetchSenderPoolOperation',
        'What became of the members that a request named.',
        {
          params: poolOperationParams,
          response: { 200: answer('SenderPoolOperation', 'The operation.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/SenderPools/:senderPoolId',
      access: 'read',
      handler: senderPools.fetch,
      schema: describe('SenderPools', 'fetchSenderPool', 'A sender pool.', {
        params: poolParams,
        response: { 200: answer('SenderPool', 'The pool.'), ...refusals(404) },
      }),
    },
    {
      method: 'PATCH',
      path: '/SenderPools/:senderPoolId',
      access: 'manage',
      handler: senderPools.update,
      schema: describe(
        'SenderPools',
        'updateSenderPool',
        'Change the name or the tags of a sender pool.',
        {
          params: poolParams,
          body: body('UpdateSenderPoolRequest'),
          response: {
            202: answer('ResourceReference', 'Changed.'),
            ...refusals(400, 404, 409, 413, 415),
          },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/SenderPools/:senderPoolId',
      access: 'manage',
      handler: senderPools.remove,
      schema: describe(
        'SenderPools',
        'deleteSenderPool',
        'Delete a sender pool; its senders stay.',
        {
          params: poolParams,
          response: { 202: answer('ResourceReference', 'Deleted.'), ...refusals(404) },
        },
      ),
    },
    {
      method: 'GET',
      path: '/SenderPools/:senderPoolId/Senders',
      access: 'read',
      handler: senderPools.members,
      schema: describe(
        'SenderPools',
        'listSenderPoolSenders',
        'List the members of a sender pool, newest first.',
        {
          params: poolParams,
          querystring: SENDER_FILTER,
          response: { 200: answer('SenderList', 'A page.'), ...refusals(400, 404) },
        },
      ),
    },
    {
      method: 'POST',
      path: '/SenderPools/:senderPoolId/Senders',
      access: 'manage',
      handler: senderPools.addMembers,
      schema: describe('SenderPools', 'addSenderPoolSenders', 'Add members to a sender pool.', {
        params: poolParams,
        body: body('AddSendersRequest'),
        response: {
          202: answer('OperationReference', 'Added.'),
          ...refusals(400, 404, 409, 413, 415),
        },
      }),
    },
    {
      method: 'DELETE',
      path: '/SenderPools/:senderPoolId/Senders/:senderId',
      access: 'manage',
      handler: senderPools.removeMember,
      schema: describe(
        'SenderPools',
        'removeSenderPoolSender',
        'Take a sender out of a sender pool.',
        {
          params: memberParams,
          response: { 202: answer('ResourceReference', 'Removed.'), ...refusals(404) },
        },
      ),
    },
  ];
}
