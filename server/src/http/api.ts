/** Assembles everything below `/v1`: credentials, limits, fair shares of accounts, routes. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import rateLimit from '@fastify/rate-limit';
import type { TSchema } from 'typebox';
import type { Access } from '../domain/api-key.ts';
import { createPlaces } from '../lib/fair-share.ts';
import type { Account } from '../store/store.ts';
import { allowOrigins } from './edge/cors.ts';
import { boundInFlight } from './edge/in-flight.ts';
import { createApiKeyHandlers } from './api-keys/handlers.ts';
import { createContentHandlers } from './content/handlers.ts';
import { createEmailHandlers } from './emails/handlers.ts';
import { identify } from './edge/identify.ts';
import { createMessageHandlers } from './messages/handlers.ts';
import { createOperationHandlers } from './operations/handlers.ts';
import { refuse } from '../shapes/refusal.ts';
import { EXPORTED_TOGETHER } from './operations/export.ts';
import { createReportHandlers } from './operations/reports.ts';
import { compileFor } from './edge/request-check.ts';
import { createSenderPoolHandlers } from './senders/pools.ts';
import { createSenderHandlers } from './senders/handlers.ts';
import { NO_RATE_HEADERS, refuseMethod, type Route } from './edge/route.ts';
import { listRoutes } from './routes.ts';
import { boundUnread } from './edge/unread.ts';
import { createSubscriptionHandlers } from './subscriptions/handlers.ts';
import { createSuppressionHandlers } from './suppressions/handlers.ts';
import { createSystemHandlers } from './system/handlers.ts';
import type { AllDeps } from './server-deps.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler takes the bytes of the body, neither parsed nor checked. */
    takesBytes?: boolean;
    /** The handler also reads NDJSON while it arrives. */
    takesStream?: boolean;
    /** The scope that credentials need; set below `/v1`. */
    access?: Access;
  }
  interface FastifyRequest {
    /** The account of the credentials; set below `/v1`. */
    account: Account;
    /** The SID that the credentials were given with: the account's or a key's; set below `/v1`. */
    credentialSid: string;
    /** The origin that links in the answer begin with. */
    origin: string;
  }
}

/** Maximum number of requests that use the database at the same time, besides sends. Others wait for their account's slot. */
const HANDLERS_MAX = 8;

export async function registerApi(api: FastifyInstance, deps: AllDeps): Promise<void> {
  const { limits, cors } = deps.options;
  await allowOrigins(api, cors.origins);
  api.addHook('onRequest', (request) =>
    identify(request, deps.who, deps.options.dashboard.enabled),
  );
  boundUnread(api, deps.unread);
  await api.register(rateLimit, {
    max: limits.requestsPerSecond,
    timeWindow: 1_000,
    keyGenerator: (request: FastifyRequest) => String(request.account.id),
    hook: 'onRequest',
    addHeadersOnExceeding: NO_RATE_HEADERS,
    errorResponseBuilder: (_request, { ttl }) =>
      refuse('tooManyRequests', undefined, {
        'retry-after': String(Math.max(1, Math.ceil(ttl / 1000))),
      }),
  });
  boundInFlight(
    api,
    {
      bytes: { max: limits.inFlightBytesMax, ownerMax: limits.accountInFlightBytesMax },
      requests: { max: limits.inFlightRequestsMax, ownerMax: limits.accountInFlightRequestsMax },
    },
    (request) => request.account.id,
  );
  const exports = createPlaces(EXPORTED_TOGETHER);
  const handlers = {
    messages: createMessageHandlers(deps),
    operations: createOperationHandlers(deps, 'MESSAGES'),
    emails: createEmailHandlers(deps),
    emailOperations: createOperationHandlers(deps, 'EMAILS'),
    senders: createSenderHandlers({ store: deps.store, carriers: deps.options.carriers }),
    senderPools: createSenderPoolHandlers(deps),
    suppressions: createSuppressionHandlers({ store: deps.store, exports }),
    reports: createReportHandlers({ store: deps.store, exports }, 'MESSAGES'),
    emailReports: createReportHandlers({ store: deps.store, exports }, 'EMAILS'),
    apiKeys: createApiKeyHandlers(deps),
    system: createSystemHandlers({ ...deps, carriers: deps.options.carriers }),
    contentTemplates: createContentHandlers(deps),
    streams: deps.streams,
    subscriptions: createSubscriptionHandlers(deps),
  };
  const { requestBytesMax } = deps.options.emails;
  const routes = listRoutes(handlers, {
    messages: limits.requestBytesMax,
    emails: Math.min(requestBytesMax, limits.requestBytesMax),
  });
  const places = createPlaces(HANDLERS_MAX);
  for (const route of routes) {
    const { method, path, handler, access, schema, bodyLimit } = route;
    const { takesBytes = false, takesStream = false } = route;
    api.route({
      method,
      url: path,
      // Sends are scheduled in the intake thread.
      handler: takesBytes
        ? handler
        : (request, reply) => places.within(request.account.id, () => handler(request, reply)),
      schema,
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      config: { takesBytes, takesStream, access },
      validatorCompiler: ({ schema: each, httpPart }) =>
        takesBytes && httpPart === 'body' ? () => true : compileFor(api, each as TSchema, httpPart),
    });
  }
  refuseOtherMethods(api, routes);
}

/** An unknown method of a known path is refused with the allowed methods. */
function refuseOtherMethods(api: FastifyInstance, routes: readonly Route[]): void {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
  for (const path of new Set(routes.map((route) => route.path))) {
    const known = routes.filter((route) => route.path === path).map((route) => route.method);
    api.route({
      method: methods.filter((method) => !known.some((each) => each === method)),
      url: path,
      schema: { hide: true },
      handler: () => {
        throw refuseMethod(known);
      },
    });
  }
}
