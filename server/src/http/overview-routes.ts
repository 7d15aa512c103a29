/** The routes of reports, API keys, carriers and the system: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createApiKeyHandlers } from './api-keys.ts';
import type { createReportHandlers } from './operation-reports.ts';
import { describe, type Route } from './route.ts';
import { answer, refusals } from './schemas.ts';
import type { createSystemHandlers } from './system.ts';

const operationParams = Type.Object({ operationId: Type.String({ description: 'Operation id.' }) });

/** Routes of reports on operations. */
export function listReportRoutes(
  reports: ReturnType<typeof createReportHandlers>,
  emailReports: ReturnType<typeof createReportHandlers>,
): Route[] {
  const summary =
    'by sender, by error and over time, as it is at this moment; and what was asked for.';
  return [
    {
      method: 'GET',
      path: '/Messages/Operations/:operationId/Report',
      access: 'read',
      handler: reports.report,
      schema: describe('Operations', 'fetchOperationReport', `Extension: an operation ${summary}`, {
        params: operationParams,
        response: { 200: answer('OperationReport', 'The report.'), ...refusals(404) },
      }),
    },
    {
      method: 'GET',
      path: '/Messages/Operations/:operationId/Request',
      access: 'read',
      handler: reports.request,
      schema: describe(
        'Operations',
        'fetchOperationRequest',
        'Extension: a request that sends the content of an operation again, to its recipients in some status. Send it to `POST /v1/Messages`.',
        {
          params: operationParams,
          querystring: Type.Object({
            statuses: Type.Optional(
              Type.String({
                description:
                  'Statuses of messages with commas between, as `FAILED,UNDELIVERED`; all when left out.',
              }),
            ),
          }),
          response: {
            200: answer('SendMessagesRequest', 'The request, without schedule; `to` may be empty.'),
            ...refusals(400, 404),
          },
        },
      ),
    },
    {
      method: 'GET',
      path: '/Emails/Operations/:operationId/Report',
      access: 'read',
      handler: emailReports.report,
      schema: describe(
        'Emails',
        'fetchEmailOperationReport',
        `Extension: an operation of e-mails ${summary}`,
        {
          params: operationParams,
          response: { 200: answer('OperationReport', 'The report.'), ...refusals(404) },
        },
      ),
    },
  ];
}

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
        "Extension: the account's API keys, oldest first, revoked and expired ones too.",
        { response: { 200: answer('ApiKeyList', 'All of them.'), ...refusals() } },
      ),
    },
    {
      method: 'POST',
      path: '/ApiKeys',
      access: 'token',
      handler: apiKeys.create,
      schema: describe('ApiKeys', 'createApiKey', 'Extension: make an API key.', {
        body: Type.Unsafe({ $ref: 'CreateApiKeyRequest#' }),
        response: {
          201: answer('NewApiKey', 'The key, and its secret.'),
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
        'Extension: revoke an API key for good; it may go on working for five seconds.',
        {
          params: Type.Object({ apiKeySid: Type.String({ description: 'SID of the key.' }) }),
          response: { 204: Type.Null({ description: 'Revoked.' }), ...refusals(404) },
        },
      ),
    },
  ];
}

/** Routes for those who operate the installation. */
export function listSystemRoutes(system: ReturnType<typeof createSystemHandlers>): Route[] {
  return [
    {
      method: 'GET',
      path: '/Carriers',
      access: 'read',
      handler: system.listCarriers,
      schema: describe(
        'System',
        'listCarriers',
        'Extension: how the carriers stand: connections, windows, queues.',
        { response: { 200: answer('CarrierList', 'All of them.'), ...refusals() } },
      ),
    },
    {
      method: 'GET',
      path: '/System',
      access: 'read',
      handler: system.fetch,
      schema: describe(
        'System',
        'fetchSystem',
        'Extension: the node that answers, the queue, the database.',
        { response: { 200: answer('System', 'How it stands.'), ...refusals() } },
      ),
    },
  ];
}
