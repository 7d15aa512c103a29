/** The routes of the suppression list: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { bodyOf, describe, listRoute, searchRoute, type Route } from '../edge/route.ts';
import { DATES } from '../../shapes/paging.ts';
import { answer, noContent, refusals, REQUEST_ID } from '../../shapes/api.ts';
import type { createSuppressionHandlers } from './handlers.ts';

/** Routes of the suppression list. */
export function listSuppressionRoutes(
  suppressions: ReturnType<typeof createSuppressionHandlers>,
): Route[] {
  return [
    listRoute({
      path: '/Suppressions',
      handler: suppressions.list,
      tag: 'Suppressions',
      operationId: 'listSuppressions',
      description: 'Extension: list suppressed addresses, newest first.',
      shape: 'SuppressionList',
      filter: DATES,
    }),
    {
      method: 'POST',
      path: '/Suppressions',
      access: 'manage',
      handler: suppressions.add,
      schema: describe('Suppressions', 'addSuppression', 'Extension: suppress an address.', {
        body: bodyOf('AddSuppressionRequest'),
        response: {
          200: answer('Suppression', 'The address was on the list before.'),
          201: answer('Suppression', 'The address is on the list now.'),
          ...refusals(400, 409, 413, 415),
        },
      }),
    },
    {
      method: 'POST',
      path: '/Suppressions/Import',
      access: 'manage',
      handler: suppressions.importAll,
      schema: describe(
        'Suppressions',
        'importSuppressions',
        'Extension: add up to 10,000 addresses.',
        {
          body: bodyOf('ImportSuppressionsRequest'),
          response: {
            200: answer('SuppressionImport', 'All addresses are on the list now.'),
            ...refusals(400, 409, 413, 415),
          },
        },
      ),
    },
    searchRoute({
      path: '/Suppressions/Search',
      handler: suppressions.search,
      tag: 'Suppressions',
      operationId: 'searchSuppressions',
      description: 'Extension: find the entries of an address.',
      body: 'SearchSuppressionsRequest',
      shape: 'SuppressionList',
    }),
    {
      method: 'GET',
      path: '/Suppressions/Export',
      access: 'read',
      handler: suppressions.exportHashes,
      schema: describe(
        'Suppressions',
        'exportSuppressions',
        'Extension: export the SHA-256 of each address, as text with one line each.',
        {
          response: {
            200: {
              description: 'Hex, newest first.',
              headers: REQUEST_ID,
              content: { 'text/plain': { schema: Type.String() } },
            },
            ...refusals(),
          },
        },
      ),
    },
    {
      method: 'DELETE',
      path: '/Suppressions/:suppressionId',
      access: 'manage',
      handler: suppressions.remove,
      schema: describe(
        'Suppressions',
        'removeSuppression',
        'Extension: remove an entry from the list.',
        {
          params: Type.Object({ suppressionId: Type.String({ description: 'Id of the entry.' }) }),
          response: { 204: noContent('Removed.'), ...refusals(404) },
        },
      ),
    },
  ];
}
