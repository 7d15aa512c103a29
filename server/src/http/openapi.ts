/** What `/openapi.json` answers, without a server: for documents, types and tools that are made from it. */
import fastify from 'fastify';
import { registerDocs } from './docs.ts';
import { listRoutes, type Handlers } from './routes.ts';
import { NAMED_SHAPES } from './schemas.ts';

/** Handlers that nobody calls. */
const NO_HANDLERS = new Proxy({} as Handlers, {
  get: () => new Proxy({}, { get: () => async () => undefined }),
});
const BODY_LIMIT = 1;

/** The OpenAPI 3.1 document of the API. Rejects for bugs only. */
export async function describeApi(): Promise<object> {
  const app = fastify();
  for (const shape of NAMED_SHAPES) app.addSchema(shape);
  await registerDocs(app);
  await app.register(
    async (api) => {
      api.setValidatorCompiler(() => () => true);
      api.setSerializerCompiler(() => JSON.stringify);
      for (const { method, path, handler, schema } of listRoutes(NO_HANDLERS, BODY_LIMIT))
        api.route({ method, url: path, handler, schema });
    },
    { prefix: '/v1' },
  );
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}
