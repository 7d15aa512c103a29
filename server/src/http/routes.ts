/** The table of routes below `/v1`, with requests and answers. Each resource adds its own part. */
import { Type } from 'typebox';
import { listContentRoutes } from './content/routes.ts';
import type { createContentHandlers } from './content/handlers.ts';
import { listEmailRoutes } from './emails/routes.ts';
import type { createEmailHandlers } from './emails/handlers.ts';
import type { createMessageHandlers } from './messages/handlers.ts';
import type { createOperationHandlers } from './operations/handlers.ts';
import { describeStream, describeAccess, type Route } from './edge/route.ts';
import type { createSenderPoolHandlers } from './senders/pools.ts';
import type { createApiKeyHandlers } from './api-keys/handlers.ts';
import type { createReportHandlers } from './operations/reports.ts';
import { listApiKeyRoutes } from './api-keys/routes.ts';
import { listReportRoutes } from './operations/routes.ts';
import { listSystemRoutes } from './system/routes.ts';
import { listPoolRoutes, listSenderRoutes } from './senders/routes.ts';
import type { createSenderHandlers } from './senders/handlers.ts';
import type { Streams } from './edge/stream.ts';
import { listSubscriptionRoutes } from './subscriptions/routes.ts';
import type { createSubscriptionHandlers } from './subscriptions/handlers.ts';
import type { createSystemHandlers } from './system/handlers.ts';
import { listSuppressionRoutes } from './suppressions/routes.ts';
import type { createSuppressionHandlers } from './suppressions/handlers.ts';
import { refusals } from '../shapes/api.ts';
import { listMessageRoutes } from './messages/routes.ts';

export interface Handlers {
  readonly messages: ReturnType<typeof createMessageHandlers>;
  readonly operations: ReturnType<typeof createOperationHandlers>;
  readonly emails: ReturnType<typeof createEmailHandlers>;
  readonly emailOperations: ReturnType<typeof createOperationHandlers>;
  readonly senders: ReturnType<typeof createSenderHandlers>;
  readonly senderPools: ReturnType<typeof createSenderPoolHandlers>;
  readonly suppressions: ReturnType<typeof createSuppressionHandlers>;
  readonly contentTemplates: ReturnType<typeof createContentHandlers>;
  readonly streams: Streams;
  readonly reports: ReturnType<typeof createReportHandlers>;
  readonly emailReports: ReturnType<typeof createReportHandlers>;
  readonly apiKeys: ReturnType<typeof createApiKeyHandlers>;
  readonly system: ReturnType<typeof createSystemHandlers>;
  readonly subscriptions: ReturnType<typeof createSubscriptionHandlers>;
}

function listStreamRoutes({ streams }: Handlers): Route[] {
  return [
    {
      method: 'GET',
      path: '/Stream',
      access: 'read',
      handler: streams.streamAccount,
      schema: describeStream('streamEvents', 'all events of the account', refusals(400), {
        querystring: Type.Object({
          types: Type.Optional(
            Type.String({
              description: 'Event types, or prefixes with `*`, separated by commas.',
            }),
          ),
          lastEventId: Type.Optional(
            Type.String({
              description: 'Like the header Last-Event-ID: continue after this event.',
            }),
          ),
        }),
      }),
    },
  ];
}

/** All routes, in the order of `/docs`. The argument is the maximum size of sends; other requests have the server's limit. */
export function listRoutes(
  handlers: Handlers,
  bytesMax: { readonly messages: number; readonly emails: number },
): Route[] {
  return [
    ...listMessageRoutes(handlers, bytesMax.messages),
    ...listEmailRoutes(handlers.emails, handlers.emailOperations, bytesMax.emails),
    ...listSenderRoutes(handlers.senders),
    ...listPoolRoutes(handlers.senderPools),
    ...listSuppressionRoutes(handlers.suppressions),
    ...listContentRoutes(handlers.contentTemplates),
    ...listStreamRoutes(handlers),
    ...listSubscriptionRoutes(handlers.subscriptions),
    ...listReportRoutes(handlers.reports, handlers.emailReports),
    ...listApiKeyRoutes(handlers.apiKeys),
    ...listSystemRoutes(handlers.system),
  ].map(describeAccess);
}
