/**
 * The edge: HTTP in front of intake and store. A request passes, in this order:
 *
 * ```
 *  draining? 503 ─▶ credentials 401, scope 403 ─▶ rate 429 ─▶ bytes in flight 503 ─▶ size 413, type 415, JSON 400
 *    ─▶ shape 400 ─▶ handler
 * ```
 * so that a refused request costs little. Every refusal has the envelope of `reply.ts`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import cookie from '@fastify/cookie';
import fastify, {
  type FastifyInstance,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { addReading } from '../lib/metrics.ts';
import type { Account } from '../store/store.ts';
import { createAuthenticator } from './edge/auth.ts';
import { setBodyParser } from './edge/bodies.ts';
import { boundInFlight } from './edge/in-flight.ts';
import { registerCarrierCallbacks } from './public/carrier-callbacks.ts';
import { createCredentialLookup } from './edge/credential-lookup.ts';
import { registerDashboard } from './public/dashboard.ts';
import { registerDocs } from './public/docs.ts';
import { registerOpenApi } from './public/openapi.ts';
import { registerEmailLinks } from './public/email-links.ts';
import { refuseUnroutable, setErrors } from './edge/errors.ts';
import { registerHealth, type ServerState } from './edge/health.ts';
import { createKeyUses, type KeyUses } from './edge/key-uses.ts';
import { refuseForNow } from '../shapes/refusal.ts';
import { newRequestId, originOf } from './edge/reply.ts';
import { watchConnections } from './edge/idle-connections.ts';
import { NAMED_SHAPES } from '../shapes/api.ts';
import { createSealedCredentials } from './edge/sealed-credentials.ts';
import { createSessions, registerSessions, SESSION } from './edge/sessions.ts';
import { createStreams } from './edge/stream.ts';
import { closeStalled, createUnread } from './edge/unread.ts';
import { refuseExpectation, refuseClientError } from './edge/client-errors.ts';
import { checkHead, endConnection } from './edge/request-head.ts';
import { limitRequestTime } from './edge/request-time.ts';
import { createFailedSignIns } from './edge/failed-sign-ins.ts';
import { ACCESS_TOKEN, registerTokenEndpoint } from './edge/token-endpoint.ts';
import { registerApi } from './api.ts';
import type { AllDeps, ApiDeps, ServerDeps, ServerOptions } from './server-deps.ts';

export interface Server {
  /** Resolves with the base URL. Rejects when the port is taken. */
  listen(host: string, port: number): Promise<string>;
  /**
   * Reports that it is not ready, for as long as load balancers need to notice. Then it refuses new requests, lets
   * requests in progress end, and closes.
   */
  close(): Promise<void>;
}

/** Requests are looked at this often for being too slow, or more often where they may take less. */
const SLOW_CHECK_MS = 5_000;
/** Characters of one step of a path: sealed tokens are the longest. */
const PARAMETER_LENGTH_MAX = 1_024;

/** Maximum bytes of a request that is no send: it is parsed at once, in the main thread. */
const OTHER_BYTES_MAX = 2_097_152;
/** Bytes of all carriers' calls at work together. */
const CALLS_IN_FLIGHT_BYTES_MAX = 33_554_432;

/**
 * The prefix that guides of the hosted API use beside `/v1`. It is the same API: everything after this line sees `/v1`.
 * The target of a request may name the scheme and the host too (RFC 9112, section 3.2.2).
 */
const PREVIEW = /^((?:https?:\/\/[^/?]*)?)\/preview(?=[/?]|$)/i;

/** Fastify's types know no number of proxies. The peer of the connection is place 0. */
const trustOf = (trusted: ServerOptions['trustProxy']) =>
  typeof trusted === 'number' ? (_address: string, place: number) => place < trusted : trusted;

/**
 * Routes have their own checks. Answers are not checked against their schemas here; the contract test does that. So
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
    // Checked with the other parts of the head, so that the refusal has the envelope of the API.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(SLOW_CHECK_MS, headersTimeoutMs, requestTimeoutMs),
  };
  const state: ServerState = { isReady: true, isDraining: false };
  const app = fastify({
    bodyLimit: Math.min(options.limits.requestBytesMax, OTHER_BYTES_MAX),
    trustProxy: trustOf(options.trustProxy),
    return503OnClosing: false,
    requestTimeout: Math.max(requestTimeoutMs, options.limits.streamTimeoutMs),
    // The types distinguish HTTPS from HTTP; no code here needs that.
    ...((options.tls === null
      ? { http }
      : { https: { ...http, ...options.tls, minVersion: 'TLSv1.2' } }) as { http: typeof http }),
    clientErrorHandler: (error, socket) =>
      refuseClientError(error, socket as Socket, options.publicUrl),
    frameworkErrors: (error, request, reply) =>
      refuseUnroutable(error, request, reply, options.publicUrl),
    genReqId: newRequestId,
    rewriteUrl: ({ url = '/' }) => url.replace(PREVIEW, '$1/v1'),
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

  limitRequestTime(app, requestTimeoutMs);
  app.addHook('onRequest', async (request, reply) => {
    request.origin = originOf(request, options.publicUrl);
    reply.header('x-request-id', request.id);
    checkHead(request, reply);
    if (state.isDraining) {
      endConnection(request, reply);
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
  // A client that has sent everything may still listen: netcat and some health checkers close their half behind the request.
  Object.assign(app.server, { httpAllowHalfOpen: true });
  const closeIdle = watchConnections(app.server);
  registerHealth(app, state, deps);
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
      state.isReady = false;
      if (options.shutdownDelayMs > 0) await sleep(options.shutdownDelayMs);
      state.isDraining = true;
      // They would not end by themselves.
      api?.streams.stop();
      const closed = app.close();
      closeIdle();
      await closed;
      await keyUses.stop();
    },
  };
}

/** Whose calls they are, by the path: their credentials are checked later. */
const nameCarrier = (request: FastifyRequest) => (request.params as { name?: string }).name ?? '';

/** The values that all requests of the API share. */
function prepareApi(deps: ServerDeps & ApiDeps & { readonly keyUses: KeyUses }): AllDeps {
  const { limits } = deps.options;
  const lookUp = createCredentialLookup(deps.store);
  const sealedFor = (purpose: string) =>
    createSealedCredentials(purpose, deps.credentialSealer, lookUp);
  const who = {
    authenticator: createAuthenticator(lookUp),
    failedSignIns: createFailedSignIns(limits.wrongCredentialsPerMinute),
    sessions: createSessions(sealedFor(SESSION)),
    accessTokens: sealedFor(ACCESS_TOKEN),
    keyUses: deps.keyUses,
  };
  const unread = createUnread(limits);
  const streams = createStreams({
    source: deps.streamSource,
    unread,
    streamsPerAccount: limits.streamsPerAccount,
    who,
  });
  const addGauge = (name: string, help: string, read: () => number) =>
    addReading(deps.metrics, name, help, read);
  addGauge('fanfare_streams', 'Live streams that are open.', () => streams.count);
  addGauge(
    'fanfare_unread_bytes',
    'Bytes of answers and streams that clients have not read.',
    () => unread.total,
  );
  return { ...deps, who, unread, streams };
}

/** All routes except those for operators. */
async function registerAll(app: FastifyInstance, deps: AllDeps): Promise<void> {
  const { store, log, sealer, options } = deps;
  const { requestsPerSecond } = options.limits;
  // Before the scopes below, which read the cookie of a session.
  if (options.dashboard.enabled) await app.register(cookie);
  await registerOpenApi(app);
  registerDocs(app);
  await app.register(async (scope) => {
    const bytesMax = CALLS_IN_FLIGHT_BYTES_MAX;
    boundInFlight(scope, { bytes: { max: bytesMax, ownerMax: bytesMax / 2 } }, nameCarrier);
    await registerCarrierCallbacks(scope, deps);
  });
  await app.register((scope) =>
    registerEmailLinks(scope, { store, log, sealer, requestsPerSecond }),
  );
  await app.register((scope) => registerTokenEndpoint(scope, { ...deps.who, log, options }));
  if (options.dashboard.enabled) {
    registerDashboard(app, log);
    await app.register((scope) => registerSessions(scope, deps.who));
  }
  await app.register((api) => registerApi(api, deps), { prefix: '/v1' });
}

function urlOf(app: FastifyInstance, host: string, scheme: string): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
