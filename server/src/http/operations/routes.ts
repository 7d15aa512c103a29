/** The routes of reports on operations: a part of the table in `routes.ts`. */
import { Type } from 'typebox';
import type { createReportHandlers } from './reports.ts';
import { describe, type Route } from '../edge/route.ts';
import { answer, refusals } from '../../shapes/api.ts';

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
