/** The routes of the suppression list: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import { bodyOf, DATES, describe, listRoute, searchRoute, type Route } from '../edge/route.ts';
import { answer, refusals } from '../../shapes/api.ts';
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
      summary: 'Extension: list who is not sent to, newest first.',
      shape: 'SuppressionList',
      filter: DATES,
    }),
    {
      method: 'POST',
      path: '/Suppressions',
      access: 'manage',
      handler: suppressions.add,
      schema: describe(
        'Suppressions',
        'addSuppression',
        'Extension: do not send to an address any more.',
        {
          body: bodyOf('AddSuppressionRequest'),
          response: {
            200: answer('Suppression', 'It was on the list.'),
            201: answer('Suppression', 'It is on the list now.'),
            ...refusals(400, 409, 413, 415),
          },
        },
      ),
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
            200: answer('SuppressionImport', 'All are on the list now.'),
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
      summary: 'Extension: the entries of an address.',
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
        'Extension: SHA-256 of each address, a line each, as text.',
        {
          produces: ['text/plain'],
          response: {
            200: {
              description: 'Hex, newest first.',
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
        'Extension: send to an address again.',
        {
          params: Type.Object({ suppressionId: Type.String({ description: 'Id of the entry.' }) }),
          response: { 204: Type.Null({ description: 'Removed.' }), ...refusals(404) },
        },
      ),
    },
  ];
}
