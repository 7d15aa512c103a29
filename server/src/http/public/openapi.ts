/** The OpenAPI 3.1 description of the API, from the schemas that check requests. */
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import { SCOPE_DESCRIPTIONS } from '../../domain/api-key.ts';
import { TOKEN_PATH, TOKEN_SCHEMA } from '../edge/token-endpoint.ts';
import { listRoutes, type Handlers } from '../routes.ts';
import { NAMED_SHAPES } from '../../shapes/api.ts';

/** Handlers that are never called. */
const NO_HANDLERS = new Proxy({} as Handlers, {
  get: () => new Proxy({}, { get: () => async () => undefined }),
});
const NO_BYTES = { messages: 1, emails: 1 };

/** The headings of `/docs`, in its order. Readers of the document know `x-displayName`. */
const TAGS = [
  { name: 'Messages', description: 'Send, read and find messages.' },
  { name: 'Operations', description: 'Progress of requests.' },
  {
    name: 'Emails',
    'x-displayName': 'E-mails',
    description: 'Send, read and erase e-mails; read the progress of requests.',
  },
  { name: 'Senders', description: 'Identities to send from.' },
  {
    name: 'SenderPools',
    'x-displayName': 'Sender pools',
    description: 'Groups of senders to send from.',
  },
  { name: 'Suppressions', description: 'Suppressed addresses.' },
  { name: 'Content', description: 'Contents stored under an id.' },
  {
    name: 'Subscriptions',
    description: 'Deliver events to URLs and sinks; see deliveries and attempts.',
  },
  { name: 'Streams', description: 'Events while they happen, as server-sent events.' },
  { name: 'ApiKeys', 'x-displayName': 'API keys', description: 'Credentials for programs.' },
  {
    name: 'AccessTokens',
    'x-displayName': 'Access tokens',
    description: 'Short-lived credentials for programs, by OAuth 2.0.',
  },
  { name: 'System', description: 'State of carriers, queue and database.' },
];

/** Describes the routes that are registered after it, at `/openapi.json`. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Fanfare',
        version: '1',
        description:
          'Bulk messaging, compatible with the Communications API. One request has up to 10,000 recipients as JSON, and any number as lines (application/x-ndjson); its Operation reports the progress. Everything below `/v1` answers below `/preview` too.',
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'AccountSid:AuthToken or ApiKeySid:Secret.',
          },
          oauth2: {
            type: 'oauth2',
            description: 'Access tokens. The client is an API key: its SID and its secret.',
            flows: { clientCredentials: { tokenUrl: TOKEN_PATH, scopes: SCOPE_DESCRIPTIONS } },
          },
        },
      },
      security: [{ basic: [] }, { oauth2: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `Shape${i}`),
    },
  });
  let document: object | null = null;
  app.get('/openapi.json', { schema: { hide: true } }, async () => {
    document ??= await complete(app);
    return document;
  });
}

async function complete(app: FastifyInstance): Promise<object> {
  // It has every example: servers that are never asked do not load it.
  const { completeDocument } = await import('./complete-document.ts');
  return completeDocument(app.swagger());
}

/** The document of `/openapi.json`, without a server: for documents, types and tools. Rejects for bugs only. */
export async function describeApi(): Promise<object> {
  const app = fastify();
  for (const shape of NAMED_SHAPES) app.addSchema(shape);
  await registerOpenApi(app);
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  app.post(TOKEN_PATH, { schema: TOKEN_SCHEMA }, async () => undefined);
  await app.register(
    async (api) => {
      for (const { method, path, handler, schema } of listRoutes(NO_HANDLERS, NO_BYTES))
        api.route({ method, url: path, handler, schema });
    },
    { prefix: '/v1' },
  );
  await app.ready();
  const document = await complete(app);
  await app.close();
  return document;
}
