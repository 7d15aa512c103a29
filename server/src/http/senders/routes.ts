/** The routes of senders and sender pools: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { bodyOf, describe, listRoute, searchRoute, type Route } from '../edge/route.ts';
import { DATES } from '../../shapes/paging.ts';
import {
  answer,
  ASKED_CHANNEL,
  LOCATION,
  noContent,
  OPERATION_HEADERS,
  refusals,
  SENDER_POOL_OPERATION_STATUS,
  SENDER_STATUS,
} from '../../shapes/api.ts';
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
const SENDER_FILTER = {
  channel: Type.Optional(ASKED_CHANNEL),
  status: Type.Optional(SENDER_STATUS),
  ...DATES,
};

/** Routes of senders. */
export function listSenderRoutes(senders: ReturnType<typeof createSenderHandlers>): Route[] {
  return [
    listRoute({
      path: '/Senders',
      handler: senders.list,
      tag: 'Senders',
      operationId: 'listSenders',
      description: 'List senders, newest first.',
      shape: 'SenderList',
      filter: SENDER_FILTER,
    }),
    {
      method: 'POST',
      path: '/Senders',
      access: 'manage',
      handler: senders.create,
      schema: describe('Senders', 'createSender', 'Extension: add a sender.', {
        body: bodyOf('CreateSenderRequest'),
        response: {
          201: answer('Sender', 'The sender.', LOCATION),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    searchRoute({
      path: '/Senders/Search',
      handler: senders.search,
      tag: 'Senders',
      operationId: 'searchSenders',
      description: 'Find senders by address and channel.',
      body: 'SearchSendersRequest',
      shape: 'SenderList',
    }),
    {
      method: 'POST',
      path: '/Senders/Resolve',
      access: 'read',
      handler: senders.resolve,
      schema: describe(
        'Senders',
        'resolveSenders',
        'Show which senders would reach which addresses, in order.',
        {
          body: bodyOf('ResolveSendersRequest'),
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
          body: bodyOf('UpdateSenderRequest'),
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
          response: { 204: noContent('Deleted.'), ...refusals(400, 404) },
        },
      ),
    },
  ];
}

/** Routes of sender pools. */
export function listPoolRoutes(senderPools: ReturnType<typeof createSenderPoolHandlers>): Route[] {
  return [
    listRoute({
      path: '/SenderPools',
      handler: senderPools.list,
      tag: 'SenderPools',
      operationId: 'listSenderPools',
      description: 'List sender pools, newest first.',
      shape: 'SenderPoolList',
      filter: {
        ...DATES,
        operationId: Type.Optional(Type.String({ description: 'Only operations on this pool.' })),
      },
    }),
    {
      method: 'POST',
      path: '/SenderPools',
      access: 'manage',
      handler: senderPools.create,
      schema: describe(
        'SenderPools',
        'createSenderPool',
        'Create a sender pool, optionally with members.',
        {
          body: bodyOf('CreateSenderPoolRequest'),
          response: {
            202: answer('OperationReference', 'Made.', OPERATION_HEADERS),
            ...refusals(400, 409, 413, 415),
          },
        },
      ),
    },
    listRoute({
      path: '/SenderPools/Operations',
      handler: senderPools.listOperations,
      tag: 'SenderPools',
      operationId: 'listSenderPoolOperations',
      description: 'List operations on sender pools, newest first.',
      shape: 'SenderPoolOperationList',
      filter: {
        ...DATES,
        status: Type.Optional(SENDER_POOL_OPERATION_STATUS),
      },
    }),
    {
      method: 'GET',
      path: '/SenderPools/Operations/:operationId',
      access: 'read',
      handler: senderPools.fetchOperation,
      schema: describe(
        'SenderPools',
        'fetchSenderPoolOperation',
        'The results for the members that a request named.',
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
          body: bodyOf('UpdateSenderPoolRequest'),
          response: {
            202: answer('ResourceReference', 'Changed.', LOCATION),
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
          response: { 202: answer('ResourceReference', 'Deleted.', LOCATION), ...refusals(404) },
        },
      ),
    },
    listRoute({
      path: '/SenderPools/:senderPoolId/Senders',
      handler: senderPools.members,
      tag: 'SenderPools',
      operationId: 'listSenderPoolSenders',
      description: 'List the members of a sender pool, newest first.',
      shape: 'SenderList',
      params: poolParams,
      filter: SENDER_FILTER,
    }),
    {
      method: 'POST',
      path: '/SenderPools/:senderPoolId/Senders',
      access: 'manage',
      handler: senderPools.addMembers,
      schema: describe('SenderPools', 'addSenderPoolSenders', 'Add members to a sender pool.', {
        params: poolParams,
        body: bodyOf('AddSendersRequest'),
        response: {
          202: answer('OperationReference', 'Added.', OPERATION_HEADERS),
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
        'Remove a sender from a sender pool.',
        {
          params: memberParams,
          response: { 202: answer('ResourceReference', 'Removed.', LOCATION), ...refusals(404) },
        },
      ),
    },
  ];
}
