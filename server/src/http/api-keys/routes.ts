/** The routes of API keys: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createApiKeyHandlers } from './handlers.ts';
import { bodyOf, describe, type Route } from '../edge/route.ts';
import { answer, noContent, refusals } from '../../shapes/api.ts';

/** Routes of API keys. */
export function listApiKeyRoutes(apiKeys: ReturnType<typeof createApiKeyHandlers>): Route[] {
  return [
    {
      method: 'GET',
      path: '/ApiKeys',
      access: 'token',
      handler: apiKeys.list,
      schema: describe(
        'ApiKeys',
        'listApiKeys',
        'Extension: list API keys, including revoked and expired ones, oldest first.',
        { response: { 200: answer('ApiKeyList', 'All of them.'), ...refusals() } },
      ),
    },
    {
      method: 'POST',
      path: '/ApiKeys',
      access: 'token',
      handler: apiKeys.create,
      schema: describe('ApiKeys', 'createApiKey', 'Extension: create an API key.', {
        body: bodyOf('CreateApiKeyRequest'),
        response: {
          201: answer('ApiKeyWithSecret', 'The key, and its secret.'),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    {
      method: 'DELETE',
      path: '/ApiKeys/:apiKeySid',
      access: 'token',
      handler: apiKeys.revoke,
      schema: describe(
        'ApiKeys',
        'revokeApiKey',
        'Extension: revoke an API key permanently. It stops working within five seconds.',
        {
          params: Type.Object({ apiKeySid: Type.String({ description: 'SID of the key.' }) }),
          response: { 204: noContent('Revoked.'), ...refusals(404) },
        },
      ),
    },
  ];
}
