/**
 * The edge: HTTP in front of intake and store. A request passes, in this order:
 *
 * ```
 *  draining? 503 ─▶ credentials 401, scope 403 ─▶ rate 429 ─▶ bytes in flight 503 ─▶ size 413, type 415, JSON 400
 *    ─▶ shape 400 ─▶ handler
 * ```
 * so that what is refused costs little. Every refusal has the envelope of `reply.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Transferable } from 'node:worker_threads';
import fastify, {
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import rateLimit from '@fastify/rate-limit';
import type { TSchema } from 'typebox';
import type { Access } from '../domain/api-key.ts';
import type { Sealer } from '../domain/email-links.ts';
import type { Channel } from '../domain/message.ts';
import { createShares } from '../lib/fair-share.ts';
import type { Logger } from '../lib/log.ts';
import type { ApiMetrics } from '../lib/metrics.ts';
import type { Account, Store } from '../store/store.ts';
import { createAuthenticator } from './auth.ts';
import { setBodyParser } from './bodies.ts';
import { boundInFlight } from './in-flight.ts';
import { registerCarrierCalls, type CarrierCallDeps } from './carrier-calls.ts';
import { createApiKeyHandlers } from './api-keys.ts';
import { createContentHandlers } from './content-templates.ts';
import { createCredentialLookup } from './credential-lookup.ts';
import { registerDashboard } from './dashboard.ts';
import { registerDocs } from './docs.ts';
import { registerOpenApi } from './openapi.ts';
import { registerEmailLinks } from './email-links.ts';
import { createEmailHandlers } from './emails.ts';
import { refuseUnroutable, setErrors } from './errors.ts';
import { registerHealth } from './health.ts';
import { identify, isStillGood, type Who } from './identify.ts';
import { createKeyUses, type KeyUses } from './key-uses.ts';
import { createMessageHandlers } from './messages.ts';
import { createOperationHandlers } from './operations.ts';
import { newRequestId, originOf, refuse, refuseForNow } from './reply.ts';
import { watchConnections } from './quiet-connections.ts';
import { createReportHandlers } from './operation-reports.ts';
import { compileFor } from './request-check.ts';
import { createSenderPoolHandlers } from './sender-pools.ts';
import { createSenderHandlers } from './senders.ts';
import { NO_RATE_HEADERS, type Route } from './route.ts';
import { listRoutes } from './routes.ts';
import { NAMED_SHAPES } from './schemas.ts';
import { createSessions, registerSessions } from './sessions.ts';
import { createStreams, type Streams, type StreamSource } from './stream.ts';
import { boundUnread, closeStalled, createUnread, type Unread } from './unread.ts';
import { refuseExpectation, refuseUnreadable } from './unreadable.ts';
import { checkHead } from './request-head.ts';
import { createSubscriptionHandlers, type SubscriptionDeps } from './subscriptions.ts';
import { createSuppressionHandlers } from './suppressions.ts';
import { createSystemHandlers, type LaneState } from './system.ts';
import type { SendAnswer, SendQuestion } from './send.ts';
import type { Render } from './show.ts';
import { createWrongTries } from './wrong-tries.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The handler takes the bytes of the body, neither parsed nor checked. */
    takesBytes?: boolean;
    /** What credentials must be allowed; set below `/v1`. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who asks; set below `/v1`. */
    account: Account;
    /** The SID that the credentials were given with: the account's or a key's; set below `/v1`. */
    credentialSid: string;
    /** The origin that links in the answer begin with. */
    origin: string;
  }
}

export interface ServerOptions {
  /** Origin for links; null: the request's own. */
  readonly publicUrl: string | null;
  /** Proxies whose headers are believed: none, how many, or their networks. */
  readonly trustProxy: false | number | string[];
  /** Milliseconds from not being ready to refusing requests. */
  readonly shutdownDelayMs: number;
  /** Channels of each configured carrier. */
  readonly carriers: Readonly<Record<string, readonly Channel[]>>;
  readonly dashboard: { readonly enabled: boolean };
  /** Bytes of a request to send e-mails. */
  readonly emails: { readonly requestBytesMax: number };
  readonly limits: {
    readonly requestsPerSecond: number;
    readonly requestBytesMax: number;
    readonly inFlightBytesMax: number;
    /** Of these, at most by one account. */
    readonly accountInFlightBytesMax: number;
    readonly inFlightRequestsMax: number;
    readonly accountInFlightRequestsMax: number;
    readonly wrongCredentialsPerMinute: number;
    /** Streams of one account on this node. */
    readonly streamsPerAccount: number;
    /** Bytes of answers and streams that clients have not taken yet. */
    readonly unreadBytesMax: number;
    /** Of these, at most of one account. */
    readonly accountUnreadBytesMax: number;
    /** Milliseconds for a client to take a byte of what waits for it. */
    readonly unreadTimeoutMs: number;
    /** Milliseconds for a request's headers, and for all of it. */
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
  };
  /** Certificate and key, PEM; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

export interface ServerDeps {
  readonly options: ServerOptions;
  readonly log: Logger;
  readonly store: Store;
  readonly metrics: ApiMetrics;
  /** Metrics of the other threads, in Prometheus' text format. */
  readonly measureThreads: () => Promise<string>;
  /** Null for a node that answers no requests, but those of who looks after it. */
  readonly api: ApiDeps | null;
}

export interface ApiDeps {
  /** Has a send request worked on; the body may be moved there. */
  readonly send: (question: SendQuestion, transfer: readonly Transferable[]) => Promise<SendAnswer>;
  readonly render: Render;
  /** What the links of e-mails are sealed with. */
  readonly sealer: Sealer;
  /** What sessions of the dashboard are sealed with. */
  readonly sessionSealer: Sealer;
  /** How the lanes of this node stand; none where it does not send. */
  readonly describeLanes: () => Promise<readonly LaneState[]>;
  /** What this node is. */
  readonly node: { readonly roles: readonly string[]; readonly embedded: boolean };
  /** What reads and stores the calls of carriers. */
  readonly carrierCalls: CarrierCallDeps;
  /** What tells those who listen. */
  readonly streamSource: StreamSource;
  readonly subscriptions: SubscriptionDeps;
}

export interface Server {
  /** Resolves with the base URL. Rejects when the port is taken. */
  listen(host: string, port: number): Promise<string>;
  /**
   * Says first that it is not ready, for as long as the ones who ask need to hear it; then refuses new requests, lets
   * those at work end, closes.
   */
  close(): Promise<void>;
}

/** Requests are looked at this often for being too slow, or more often where they may take less. */
const SLOW_CHECK_MS = 5_000;
/** Characters of one step of a path: sealed tokens are the longest. */
const PARAMETER_LENGTH_MAX = 1_024;

/** Bytes of a request that is none to send: they are parsed at one go, in the thread that answers all. */
const OTHER_BYTES_MAX = 2_097_152;
/** Requests that may ask the database at a time, beside those to send; others wait for the turns of their accounts. */
const HANDLERS_MAX = 8;

/** Bytes of all carriers' calls at work together. */
const CALLS_IN_FLIGHT_BYTES_MAX = 33_554_432;

/** Fastify's types know no number of proxies. The peer of the connection is place 0. */
const trustOf = (trusted: ServerOptions['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, place: number) => place < trusted : trusted;

/**
 * Routes bring their checks, and answers are what handlers say: their schemas document, and the contract test holds them to it. So
 * Fastify's own compilers, which are large, are not loaded.
 */
const NO_COMPILERS = {
  compilersFactory: {
    buildValidator: () => () => () => true,
    buildSerializer: () => () => JSON.stringify,
  },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>;

export async function createServer(deps: ServerDeps): Promise<Server> {
  const { options } = deps;
  const { headersTimeoutMs, requestTimeoutMs } = options.limits;
  const http = {
    headersTimeout: headersTimeoutMs,
    // Checked with the rest of the head, so that the refusal has the envelope of all.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, headersTimeoutMs, requestTimeoutMs),
  };
  let isReady = true;
  let draining = false;
  const app = fastify({
    bodyLimit: Math.min(options.limits.requestBytesMax, OTHER_BYTES_MAX),
    trustProxy: trustOf(options.trustProxy),
    return503OnClosing: false,
    requestTimeout: requestTimeoutMs,
    // The types tell servers of HTTPS from those of HTTP, which nothing here does.
    ...((options.tls === null
      ? { http }
      : { https: { ...http, ...options.tls, minVersion: 'TLSv1.2' } }) as { http: typeof http }),
    clientErrorHandler: (error, socket) =>
      refuseUnreadable(error, socket as Socket, options.publicUrl),
    frameworkErrors: (error, request, reply) =>
      refuseUnroutable(error, request, reply, options.publicUrl),
    genReqId: newRequestId,
    schemaController: NO_COMPILERS,
    routerOptions: {
      caseSensitive: false,
      ignoreTrailingSlash: true,
      maxParamLength: PARAMETER_LENGTH_MAX,
    },
  });
  app.decorateRequest('account', null as unknown as Account);
  app.decorateRequest('credentialSid', '');
  app.decorateRequest('origin', '');
  app.decorateRequest('inFlight', null);
  for (const shape of NAMED_SHAPES) app.addSchema(shape);
  app.setSchemaErrorFormatter((errors) => errors as unknown as Error);
  setBodyParser(app);
  setErrors(app, deps.log, options.publicUrl);

  app.addHook('onRequest', async (request, reply) => {
    request.origin = originOf(request, options.publicUrl);
    reply.header('x-request-id', request.id);
    checkHead(request, reply);
    if (draining) {
      reply.header('connection', 'close');
      throw refuseForNow('The server is stopping.');
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    deps.metrics.requestSeconds.observe(
      { route: request.routeOptions.url ?? 'none', status: String(reply.statusCode) },
      reply.elapsedTime / 1000,
    );
  });

  app.server.on('checkExpectation', (_request, response: ServerResponse) =>
    refuseExpectation(response, options.publicUrl),
  );
  const closeQuiet = watchConnections(app.server);
  registerHealth(app, { ...deps, isReady: () => isReady });
  closeStalled(app.server, options.limits.unreadTimeoutMs);
  const keyUses = createKeyUses(deps.store, deps.log);
  const api = deps.api && prepareApi({ ...deps, ...deps.api, keyUses });
  if (api !== null) await registerAll(app, api);
  await app.ready();

  return {
    listen: async (host, port) => {
      await app.listen({ host, port });
      await keyUses.start();
      return urlOf(app, host, options.tls === null ? 'http' : 'https');
    },
    async close() {
      isReady = false;
      if (options.shutdownDelayMs > 0) await sleep(options.shutdownDelayMs);
      draining = true;
      // They would not end by themselves.
      api?.streams.stop();
      const closed = app.close();
      closeQuiet();
      await closed;
      await keyUses.stop();
    },
  };
}

/** Whose calls they are, by the path: nobody has shown credentials yet. */
const nameCarrier = (request: FastifyRequest) => (request.params as { name?: string }).name ?? '';

type AllDeps = ServerDeps &
  ApiDeps & { readonly who: Who; readonly unread: Unread; readonly streams: Streams };

/** What the API's requests share. */
function prepareApi(deps: ServerDeps & ApiDeps & { readonly keyUses: KeyUses }): AllDeps {
  const { limits } = deps.options;
  const lookUp = createCredentialLookup(deps.store);
  const who = {
    authenticator: createAuthenticator(lookUp),
    wrongTries: createWrongTries(limits.wrongCredentialsPerMinute),
    sessions: createSessions(deps.sessionSealer, lookUp),
    keyUses: deps.keyUses,
  };
  const unread = createUnread(limits);
  const streams = createStreams({
    source: deps.streamSource,
    unread,
    streamsPerAccount: limits.streamsPerAccount,
    isGood: (request) => isStillGood(request, who),
  });
  return { ...deps, who, unread, streams };
}

/** All that has an address below this server's, but what is for those who look after it. */
async function registerAll(app: FastifyInstance, deps: AllDeps): Promise<void> {
  const { store, log, sealer, options } = deps;
  const { requestsPerSecond } = options.limits;
  await registerOpenApi(app);
  registerDocs(app);
  await app.register(async (scope) => {
    const bytesMax = CALLS_IN_FLIGHT_BYTES_MAX;
    boundInFlight(scope, { bytes: { max: bytesMax, ownerMax: bytesMax / 2 } }, nameCarrier);
    await registerCarrierCalls(scope, deps.carrierCalls);
  });
  await app.register((scope) =>
    registerEmailLinks(scope, { store, log, sealer, requestsPerSecond }),
  );
  if (options.dashboard.enabled) {
    registerDashboard(app, log);
    await app.register((scope) =>
      registerSessions(scope, { sealer: deps.sessionSealer, ...deps.who }),
    );
  }
  await app.register((api) => registerApi(api, deps), { prefix: '/v1' });
}

function urlOf(app: FastifyInstance, host: string, scheme: string): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

/** Everything below `/v1`: credentials, limits, routes. */
async function registerApi(api: FastifyInstance, deps: AllDeps): Promise<void> {
  const { limits } = deps.options;
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
  const handlers = {
    messages: createMessageHandlers(deps),
    operations: createOperationHandlers(deps, 'MESSAGES'),
    emails: createEmailHandlers(deps),
    emailOperations: createOperationHandlers(deps, 'EMAILS'),
    senders: createSenderHandlers({ store: deps.store, carriers: deps.options.carriers }),
    senderPools: createSenderPoolHandlers(deps),
    suppressions: createSuppressionHandlers(deps),
    reports: createReportHandlers(deps, 'MESSAGES'),
    emailReports: createReportHandlers(deps, 'EMAILS'),
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
  const shares = createShares(HANDLERS_MAX);
  for (const { method, path, handler, access, schema, takesBytes = false, bodyLimit } of routes)
    api.route({
      method,
      url: path,
      // What is worked on elsewhere takes its turn there.
      handler: takesBytes
        ? handler
        : (request, reply) => shares.within(request.account.id, () => handler(request, reply)),
      schema,
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      config: { takesBytes, access },
      validatorCompiler: ({ schema: each, httpPart }) =>
        takesBytes && httpPart === 'body' ? () => true : compileFor(api, each as TSchema, httpPart),
    });
  refuseOtherMethods(api, routes);
}

/** Methods that a known path does not have are refused with what it has. */
function refuseOtherMethods(api: FastifyInstance, routes: readonly Route[]): void {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
  for (const path of new Set(routes.map((route) => route.path))) {
    const known = routes.filter((route) => route.path === path).map((route) => route.method);
    api.route({
      method: methods.filter((method) => !known.some((each) => each === method)),
      url: path,
      schema: { hide: true },
      handler: () => {
        throw refuse('methodNotAllowed', `Allowed here: ${known.join(', ')}.`, {
          allow: known.join(', '),
        });
      },
    });
  }
}
