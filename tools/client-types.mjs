/** `client/src/api.ts` from the API's own description: types of what goes in and out, a table of endpoints, and which fields are dates. */
import { compile } from 'json-schema-to-typescript';

const METHODS = ['get', 'post', 'patch', 'delete'];

const SAID_BY_NO_TYPE = [
  'pattern',
  'x-hint',
  'x-error',
  'x-error-above',
  'examples',
  'format',
  'propertyNames',
  'default',
  'minItems',
  'maxItems',
];

const upper = (text) => text[0].toUpperCase() + text.slice(1);
const refName = ({ $ref = '' } = {}) => $ref.split('/').at(-1) ?? '';

/** Fields that are dates, and fields whose own names are the user's: nothing in those is a date. */
const dates = new Set();
const free = new Set();
/** Other names of fields that are not dates. */
const others = new Set();

/** A schema for the type compiler. `isRequest`: dates may be given as text, too. */
function convert(schema, name, isRequest) {
  if (Array.isArray(schema)) return schema.map((each) => convert(each, name, isRequest));
  if (schema === null || typeof schema !== 'object') return schema;
  if (schema.$ref) return { $ref: `#/definitions/${refName(schema)}` };
  const isDate = schema.format === 'date-time';
  const types = [schema.type].flat();
  if (name !== null && types.includes('string')) (isDate ? dates : others).add(name);
  if (isDate)
    return {
      description: schema.description,
      tsType: [
        ...(isRequest ? ['Date', 'string'] : ['Date']),
        ...(types.includes('null') ? ['null'] : []),
      ].join(' | '),
    };
  const { properties, items, anyOf, oneOf, additionalProperties, ...rest } = schema;
  for (const key of SAID_BY_NO_TYPE) delete rest[key];
  if (typeof additionalProperties === 'object') free.add(name);
  const isOpaque = schema.type === 'object' && Object.keys(properties ?? {}).length === 0;
  if (isOpaque) free.add(name);
  return {
    ...rest,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, each]) => {
          const converted = convert(each, key, isRequest);
          const isOptional = isRequest && !schema.required?.includes(key);
          return [key, isOptional ? orUndefined(converted) : converted];
        }),
      ),
    }),
    ...(items && { items: convert(items, name, isRequest) }),
    ...(anyOf && { anyOf: convert(anyOf, name, isRequest) }),
    ...(oneOf && { oneOf: convert(oneOf, name, isRequest) }),
    additionalProperties:
      typeof additionalProperties === 'object'
        ? convert(additionalProperties, null, isRequest)
        : isOpaque && additionalProperties !== false,
  };
}

/** Optional fields may also be undefined: programs pass options on. */
function orUndefined({ description, ...schema }) {
  return { description, anyOf: [schema, { tsType: 'undefined' }] };
}

/** The file's text, for an OpenAPI document; unformatted. */
export async function renderClientTypes(api) {
  const { schemas } = api.components;
  dates.clear();
  const definitions = Object.fromEntries(
    Object.entries(schemas).map(([name, each]) => [
      name,
      convert(each, null, name.endsWith('Request')),
    ]),
  );

  const endpoints = [];
  // The client has no method for the token endpoint, which is outside of the API.
  const paths = Object.entries(api.paths).filter(([path]) => path.startsWith('/v1/'));
  for (const [path, methods] of paths)
    for (const method of METHODS.filter((each) => each in methods)) {
      const { operationId, parameters = [], requestBody, responses } = methods[method];
      const query = parameters.filter((each) => each.in === 'query');
      let queryType = 'undefined';
      if (query.length > 0) {
        queryType = `${upper(operationId)}Query`;
        definitions[queryType] = {
          type: 'object',
          additionalProperties: false,
          properties: Object.fromEntries(
            query.map(({ name, schema, description }) => [
              name,
              orUndefined(
                name === 'tags'
                  ? { tsType: 'Record<string, string> | string', description }
                  : { ...convert(schema, name, true), description },
              ),
            ]),
          ),
        };
      }
      const answers = Object.entries(responses)
        .filter(([status]) => status.startsWith('2'))
        .map(([, { content }]) => refName(content?.['application/json']?.schema))
        .filter(Boolean);
      // The body 200 of a send is a dry run, which has a method with its own types.
      const collection = answers[0]?.endsWith('List')
        ? Object.keys(schemas[answers[0]].properties).find((each) => each !== 'pagination')
        : null;
      endpoints.push({
        name: operationId,
        method: method.toUpperCase(),
        path: path.replace(/^\/v1/, ''),
        query: queryType,
        queryNames: query.map(({ name }) => name),
        body: refName(requestBody?.content['application/json']?.schema) || 'undefined',
        answer: [...new Set(answers)].join(' | ') || 'undefined',
        collection,
      });
    }

  const both = [...dates].filter(
    (each) => others.has(each) && !['startDate', 'endDate'].includes(each),
  );
  if (both.length > 0) throw new Error(`Dates in one place and not in another: ${both.join(', ')}`);

  const types = await compile(
    { title: 'Unused', type: 'object', definitions, additionalProperties: false },
    'Unused',
    { bannerComment: '', unreachableDefinitions: true, ignoreMinAndMaxItems: true, format: false },
  );
  return `/**
 * Requests and answers of the API. Generated from the server's \`/openapi.json\` by \`npm run generate\`: do not edit.
 */
${types
  .replace(/export interface Unused \{\s*\}/, '')
  .replaceAll(/ \* This interface was referenced by .*\n(?: \* via the .*\n)?/g, '')
  .replaceAll(/(?: \*\n)? \* via the .*\n/g, '')
  .replaceAll(/\/\*\*\n(?: \*\n)* \*\//g, '')}

/** The parameters and answers of each endpoint, by its operationId. */
export interface Endpoints {
${endpoints.map((each) => `  ${each.name}: { query: ${each.query}; body: ${each.body}; answer: ${each.answer} };`).join('\n')}
}

/** Method, path below \`/v1\`, and for lists the field that has the entries. */
export const ENDPOINTS = {
${endpoints.map((each) => `  ${each.name}: ['${each.method}', '${each.path}'${each.collection ? `, '${each.collection}'` : ''}],`).join('\n')}
} as const;

/** Names of the query parameters of endpoints that have some. */
export const QUERY_NAMES: { readonly [Name in keyof Endpoints]?: Readonly<Record<string, true>> } = {
${endpoints
  .filter(({ queryNames }) => queryNames.length > 0)
  .map(
    ({ name, queryNames }) =>
      `  ${name}: { ${queryNames.map((each) => `${JSON.stringify(each)}: true`).join(', ')} },`,
  )
  .join('\n')}
};

/** Fields of answers that are dates. */
export const DATE_FIELDS: ReadonlySet<string> = new Set(${JSON.stringify([...dates].toSorted())});

/** Fields with names of the user's own: nothing in them is a date. */
export const FREE_FIELDS: ReadonlySet<string> = new Set(${JSON.stringify([...free].filter((each) => each !== null).toSorted())});
`;
}
