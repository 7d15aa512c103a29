/** A route: the entries of the table in `routes.ts`, and parts that many routes share. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';
import type { Access } from '../../domain/api-key.ts';
import { answer, OPERATION_HEADERS, refusals, REQUEST_ID } from '../../shapes/api.ts';
import { DATES, PAGING } from '../../shapes/paging.ts';
import { OPERATION_STATUS } from '../../shapes/parts.ts';
import { refuse, type Refusal } from '../../shapes/refusal.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/v1`. */
  readonly path: string;
  /** The scope that credentials need. */
  readonly access: Access;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  readonly schema: Readonly<Record<string, unknown>>;
  /** Whether the handler takes the bytes of the body, neither parsed nor checked. */
  readonly takesBytes?: true;
  /** Whether the handler also reads NDJSON while it arrives: the body is then the request's stream. */
  readonly takesStream?: true;
  /** Bytes of its body, where it is not as many as elsewhere. */
  readonly bodyLimit?: number;
}

/** A route that states its scope in `/openapi.json`, by the names of roles (OpenAPI 3.1, Security Requirement Object). */
export function describeAccess(route: Route): Route {
  const { access } = route;
  const isForKeys = access !== 'token';
  return {
    ...route,
    schema: {
      ...route.schema,
      description: [
        route.schema['description'],
        isForKeys
          ? `An API key or an access token needs the scope \`${access}\`.`
          : "Requires the account's own SID and token.",
      ].join('\n\n'),
      security: isForKeys ? [{ basic: [access] }, { oauth2: [access] }] : [{ basic: [] }],
    },
  };
}

/** Query parameters of lists of operations. */
export const OPERATION_FILTER = {
  ...DATES,
  status: Type.Optional(OPERATION_STATUS),
  tags: Type.Optional(
    Type.String({ description: 'Extension: `key:value;key:value`, all of them, as requested.' }),
  ),
  details: Type.Optional(
    Type.Boolean({
      description:
        'Extension: with `true`, each operation has `details`, the main fields of its request.',
    }),
  ),
};
/** The refusal of a method that a path does not have. */
export const refuseMethod = (allowed: readonly string[]): Refusal =>
  refuse('methodNotAllowed', `Allowed here: ${allowed.join(', ')}.`, {
    allow: allowed.join(', '),
  });
/** Headers of sends. */
export const IDEMPOTENCY_HEADERS = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'Extension: a repeated body with the same key gets the first answer again. Keys are kept until 24 hours after the time of sending.',
    }),
  ),
});
/** The accepted answers of sends. */
export const sendAnswers = (shape: string) => ({
  200: answer(shape, 'With dryRun: a preview. Nothing is written.'),
  202: answer(shape, 'Accepted and durable.', {
    ...OPERATION_HEADERS,
    'idempotent-replayed': Type.Boolean({
      description: 'Extension: `true` on a repeated answer to an Idempotency-Key.',
    }),
  }),
});
/** The headings of `/docs`. */
type Tag =
  | 'Messages'
  | 'Operations'
  | 'Emails'
  | 'Senders'
  | 'SenderPools'
  | 'Suppressions'
  | 'Content'
  | 'Streams'
  | 'ApiKeys'
  | 'AccessTokens'
  | 'System'
  | 'Subscriptions';

/** A title of an operation: "Fetch message" for fetchMessage. */
function titleOf(operationId: string): string {
  const words = operationId
    .replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll('email', 'e-mail')
    .replaceAll('api key', 'API key');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The description of a route in `/openapi.json`. */
export const describe = (
  tag: Tag,
  operationId: string,
  description: string,
  rest: Readonly<Record<string, TSchema | Record<number, TSchema>>>,
) => ({ tags: [tag], operationId, summary: titleOf(operationId), description, ...rest });

/** The route of a list, which answers pages. */
export function listRoute(list: {
  readonly path: string;
  readonly handler: Route['handler'];
  readonly tag: Tag;
  readonly operationId: string;
  readonly description: string;
  /** The name of the answer's shape. */
  readonly shape: string;
  /** Query parameters in addition to the parameters of paging. */
  readonly filter?: Readonly<Record<string, TSchema>>;
  /** Of a list that is a part of a resource, which may be missing. */
  readonly params?: TSchema;
}): Route {
  const { path, handler, tag, operationId, description, shape, filter = {}, params } = list;
  return {
    method: 'GET',
    path,
    access: 'read',
    handler,
    schema: describe(tag, operationId, description, {
      ...(params && { params }),
      querystring: Type.Object({ ...filter, ...PAGING }),
      response: {
        200: answer(shape, 'A page.'),
        ...(params === undefined ? refusals(400) : refusals(400, 404)),
      },
    }),
  };
}

/** The route of a search: a list whose filters are in the body, because an address stays out of URLs. */
export function searchRoute(search: {
  readonly path: string;
  readonly handler: Route['handler'];
  readonly tag: Tag;
  readonly operationId: string;
  readonly description: string;
  /** The names of the shapes of the body and the answer. */
  readonly body: string;
  readonly shape: string;
}): Route {
  const { path, handler, tag, operationId, description, body, shape } = search;
  return {
    method: 'POST',
    path,
    access: 'read',
    handler,
    schema: describe(tag, operationId, description, {
      querystring: Type.Object(PAGING),
      body: bodyOf(body),
      response: { 200: answer(shape, 'A page.'), ...refusals(400, 413, 415) },
    }),
  };
}

/** A named shape as the body of a route. */
export const bodyOf = (name: string): TSchema => Type.Unsafe({ $ref: `${name}#` });

/** The description of a stream of server-sent events in `/openapi.json`. */
export const describeStream = (
  operationId: string,
  what: string,
  refused: Readonly<Record<number, TSchema>>,
  rest: Readonly<Record<string, TSchema>>,
) => ({
  ...describe('Streams', operationId, `Extension: ${what}, as server-sent events.`, rest),
  response: {
    ...refused,
    200: {
      description: 'Events, until the client leaves or the server ends the stream.',
      headers: REQUEST_ID,
      content: { 'text/event-stream': { schema: Type.String() } },
    },
  },
});

/** Answers within the limit have no headers of it; the 429 has. */
export const NO_RATE_HEADERS = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
} as const;
