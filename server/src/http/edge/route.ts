/** A route: the entries of the table in `routes.ts`, and parts that many routes share. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type, type TSchema } from 'typebox';
import type { Access } from '../../domain/api-key.ts';
import { OPERATION_STATUS } from '../../shapes/parts.ts';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/v1`. */
  readonly path: string;
  /** What credentials must be allowed. */
  readonly access: Access;
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  readonly schema: Readonly<Record<string, unknown>>;
  /** Whether the handler takes the bytes of the body, neither parsed nor checked. */
  readonly takesBytes?: true;
  /** Bytes of its body, where it is not as many as elsewhere. */
  readonly bodyLimit?: number;
}

/** A route that says in `/openapi.json` what it needs, by the names of roles (OpenAPI 3.1, Security Requirement Object). */
export function describeAccess(route: Route): Route {
  const { access } = route;
  const isForKeys = access !== 'token';
  return {
    ...route,
    schema: {
      ...route.schema,
      description: isForKeys
        ? `An API key needs the scope \`${access}\`.`
        : "With the account's own SID and token only.",
      security: [{ basic: isForKeys ? [access] : [] }],
    },
  };
}

const date = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', description }));
/** Query parameters of lists by date. */
export const DATES = {
  startDate: date('Created after this instant.'),
  endDate: date('Created before this instant; later than startDate.'),
};
/** Query parameters of lists of operations. */
export const OPERATION_FILTER = {
  ...DATES,
  status: Type.Optional(OPERATION_STATUS),
  tags: Type.Optional(
    Type.String({ description: 'Extension: `key:value;key:value`, all of them, as requested.' }),
  ),
  details: Type.Optional(
    Type.String({ description: 'Extension: with `true` each has `details`, what was asked for.' }),
  ),
};
/** Headers of sends. */
export const IDEMPOTENCY_HEADERS = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      description:
        'Extension: repeating the same body under the same key gives the first answer again; kept until 24 hours past the time of sending.',
    }),
  ),
});
/** What `/openapi.json` says of a route. */
export const describe = (
  tag:
    | 'Messages'
    | 'Operations'
    | 'Emails'
    | 'Senders'
    | 'SenderPools'
    | 'Suppressions'
    | 'Content'
    | 'Streams'
    | 'ApiKeys'
    | 'System'
    | 'Subscriptions',
  operationId: string,
  summary: string,
  rest: Readonly<Record<string, TSchema | Record<number, TSchema>>>,
) => ({ tags: [tag], operationId, summary, ...rest });

/** What `/openapi.json` says of an answer that goes on, as server-sent events. */
export const describeStream = (
  operationId: string,
  what: string,
  refused: Readonly<Record<number, TSchema>>,
  rest: Readonly<Record<string, TSchema>>,
) => ({
  ...describe('Streams', operationId, `Extension: ${what}, as server-sent events.`, rest),
  produces: ['text/event-stream'],
  response: {
    ...refused,
    200: {
      description: 'Events until the client goes, or the server asks it to come back.',
      content: { 'text/event-stream': { schema: Type.String() } },
    },
  },
});

/** Answers within the limit say nothing of it; the 429 does. */
export const NO_RATE_HEADERS = {
  'x-ratelimit-limit': false,
  'x-ratelimit-remaining': false,
  'x-ratelimit-reset': false,
  'retry-after': false,
} as const;
