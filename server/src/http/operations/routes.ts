/**
 * The routes of operations, below `/Messages` and `/Emails`, and of reports on them: parts of the
 * table in `routes.ts`.
 */
import { Type } from 'typebox';
import type { OperationKind } from '../../domain/operation.ts';
import { answer, noContent, refusals, REQUEST_ID } from '../../shapes/api.ts';
import { choice } from '../../shapes/parts.ts';
import {
  describe,
  describeStream,
  listRoute,
  OPERATION_FILTER,
  type Route,
} from '../edge/route.ts';
import { RESOURCES } from '../edge/serialize.ts';
import type { createOperationHandlers } from './handlers.ts';
import type { createReportHandlers } from './reports.ts';

const params = Type.Object({ operationId: Type.String({ description: 'Operation id.' }) });

/** The words of each kind. Names of shapes and of routes begin with, or contain, `name`. */
const KINDS = {
  MESSAGES: { tag: 'Operations', name: 'Operation', items: 'messages' },
  EMAILS: { tag: 'Emails', name: 'EmailOperation', items: 'e-mails' },
} as const;

const pathOf = (kind: OperationKind) => `/${RESOURCES[kind]}/Operations`;

type Operations = ReturnType<typeof createOperationHandlers>;

/** Routes of the operations of a kind. */
export function listOperationRoutes(kind: OperationKind, operations: Operations): Route[] {
  const { tag, name, items } = KINDS[kind];
  const path = pathOf(kind);
  return [
    listRoute({
      path,
      handler: operations.list,
      tag,
      operationId: `list${name}s`,
      description: 'List operations, newest first.',
      shape: `${name}List`,
      filter: OPERATION_FILTER,
    }),
    {
      method: 'GET',
      path: `${path}/:operationId`,
      access: 'read',
      handler: operations.fetch,
      schema: describe(tag, `fetch${name}`, 'Show an operation with its counters.', {
        params,
        response: { 200: answer(name, 'The operation.'), ...refusals(404) },
      }),
    },
    {
      method: 'GET',
      path: `${path}/:operationId/Stream`,
      access: 'read',
      handler: operations.stream,
      schema: describeStream(`stream${name}`, 'progress of an operation, live', refusals(404), {
        params,
      }),
    },
    listRoute({
      path: `${path}/:operationId/Errors`,
      handler: operations.errors,
      tag,
      operationId: `list${name}Errors`,
      description:
        kind === 'MESSAGES'
          ? 'Recipients that were not reached, in the order of `to`.'
          : 'Extension: recipients that were not reached, in the order of `to`.',
      shape: `${name}ErrorList`,
      params,
    }),
    ...listChanges(kind, operations),
    {
      method: 'DELETE',
      path: `${path}/:operationId`,
      access: 'manage',
      handler: operations.erase,
      schema: describe(
        tag,
        `delete${name}`,
        `Extension: erase all ${items} of an operation and its content; messages that no carrier has are canceled first. Counters stay.`,
        {
          params,
          response: {
            202: noContent(
              'The erasure of a large operation goes on. A repetition that is answered with 204 shows its end.',
            ),
            204: noContent('Erased, now or before.'),
            ...refusals(404, 409),
          },
        },
      ),
    },
  ];
}

function listChanges(kind: OperationKind, operations: Operations): Route[] {
  const { tag, name } = KINDS[kind];
  const change = (
    verb: 'Pause' | 'Resume' | 'Cancel',
    handler: Route['handler'],
    description: string,
  ) =>
    ({
      method: 'POST',
      path: `${pathOf(kind)}/:operationId/${verb}`,
      access: 'send',
      handler,
      schema: describe(tag, `${verb.toLowerCase()}${name}`, `Extension: ${description}`, {
        params,
        response: { 200: answer(name, 'The operation, as it is now.'), ...refusals(404) },
      }),
    }) as const;
  return [
    change(
      'Pause',
      operations.pause,
      'submit nothing more until it is resumed. Idempotent; submitted messages continue.',
    ),
    change('Resume', operations.resume, 'continue a paused operation. Idempotent.'),
    change(
      'Cancel',
      operations.cancel,
      'cancel all messages that no carrier has yet. Idempotent; submitted messages continue. The answer for a large operation may come before all of them are canceled.',
    ),
  ];
}

type Reports = ReturnType<typeof createReportHandlers>;

/** Routes of reports on operations of both kinds. */
export function listReportRoutes(reports: Reports, emailReports: Reports): Route[] {
  return [
    reportRoute('MESSAGES', reports),
    {
      method: 'GET',
      path: `${pathOf('MESSAGES')}/:operationId/Request`,
      access: 'read',
      handler: reports.request,
      schema: describe(
        'Operations',
        'fetchOperationRequest',
        'Extension: build a request that sends the content of an operation again, to recipients with some statuses. Send it to `POST /v1/Messages`.',
        {
          params,
          querystring: Type.Object({
            statuses: Type.Optional(
              Type.String({
                description:
                  'Statuses of messages, separated by commas, such as `FAILED,UNDELIVERED`. Default: all.',
              }),
            ),
          }),
          response: {
            200: answer('OperationRequest', 'The request, without schedule; `to` may be empty.'),
            ...refusals(400, 404),
          },
        },
      ),
    },
    reportRoute('EMAILS', emailReports),
    exportRoute('MESSAGES', reports),
    exportRoute('EMAILS', emailReports),
  ];
}

function reportRoute(kind: OperationKind, { report }: Reports): Route {
  const { tag, name, items } = KINDS[kind];
  return {
    method: 'GET',
    path: `${pathOf(kind)}/:operationId/Report`,
    access: 'read',
    handler: report,
    schema: describe(
      tag,
      `fetch${name}Report`,
      `Extension: the ${items} of an operation by sender, by error and over time, and the main fields of its request.`,
      {
        params,
        response: { 200: answer('OperationReport', 'The report.'), ...refusals(404) },
      },
    ),
  };
}

function exportRoute(kind: OperationKind, reports: Reports): Route {
  const { tag, name, items } = KINDS[kind];
  const lines = (description: string) => ({ schema: Type.String({ description }) });
  return {
    method: 'GET',
    path: `${pathOf(kind)}/:operationId/Export`,
    access: 'read',
    handler: reports.export,
    schema: describe(
      tag,
      `export${name}`,
      `Extension: all recipients of an operation in the order of \`to\`, with the results of their ${items}, as NDJSON or CSV.`,
      {
        params,
        querystring: Type.Object({
          statuses: Type.Optional(
            Type.String({
              description:
                'Statuses, separated by commas, such as `FAILED,UNADDRESSABLE`. Default: all.',
            }),
          ),
          format: Type.Optional(
            choice('ExportFormat', ['ndjson', 'csv'], {
              description: 'Default: CSV if `Accept` has `text/csv`, else NDJSON.',
            }),
          ),
          pageToken: Type.Optional(
            Type.String({
              description:
                'The `pageToken` of a line: the export continues behind it, a CSV without its header row.',
            }),
          ),
        }),
        response: {
          200: {
            description: 'Lines until the last recipient. Erased recipients are left out.',
            headers: REQUEST_ID,
            content: {
              'application/x-ndjson': lines('A `RecipientResult` in each line.'),
              'text/csv': lines('The same fields as columns, for spreadsheets.'),
            },
          },
          ...refusals(400, 404),
        },
      },
    ),
  };
}
