/** The API described by itself, OpenAPI 3.1, from the schemas that check. */
import swagger from '@fastify/swagger';
import fastify, { type FastifyInstance } from 'fastify';
import { listRoutes, type Handlers } from '../routes.ts';
import { NAMED_SHAPES } from '../../shapes/api.ts';

/** Handlers that nobody calls. */
const NO_HANDLERS = new Proxy({} as Handlers, {
  get: () => new Proxy({}, { get: () => async () => undefined }),
});
const NO_BYTES = { messages: 1, emails: 1 };

/** Describes the routes that are registered after it, at `/openapi.json`. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Fanfare',
        version: '1',
        description:
          'Bulk messaging, compatible with the Communications API. One request has up to 10,000 recipients; its Operation reports the progress.',
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'Messages', description: 'Send, read and find messages.' },
        { name: 'Operations', description: 'How far a request is.' },
        { name: 'Emails', description: 'Send, read and erase e-mails; how far a request is.' },
        { name: 'Senders', description: 'Identities to send from.' },
        { name: 'SenderPools', description: 'Groups of senders to send from.' },
        { name: 'Suppressions', description: 'Who is not sent to.' },
        { name: 'Content', description: 'Contents stored under an id.' },
        {
          name: 'Subscriptions',
          description: 'Deliver events to URLs and sinks; see deliveries and attempts.',
        },
        { name: 'ApiKeys', description: 'Credentials for programs.' },
        { name: 'System', description: 'How carriers, queue and database stand.' },
      ],
      components: {
        securitySchemes: {
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'AccountSid:AuthToken or ApiKeySid:Secret.',
          },
        },
      },
      security: [{ basic: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `Shape${i}`),
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/** What `/openapi.json` answers, without a server: for documents, types and tools that are made from it. Rejects for bugs only. */
export async function describeApi(): Promise<object> {
  const app = fastify();
  for (const shape of NAMED_SHAPES) app.addSchema(shape);
  await registerOpenApi(app);
  await app.register(
    async (api) => {
      api.setValidatorCompiler(() => () => true);
      api.setSerializerCompiler(() => JSON.stringify);
      for (const { method, path, handler, schema } of listRoutes(NO_HANDLERS, NO_BYTES))
        api.route({ method, url: path, handler, schema });
    },
    { prefix: '/v1' },
  );
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
