/**
 * The token endpoint, `POST /v2/token`: access tokens for API keys (OAuth 2.0, RFC 6749, section 4.4). The client is a
 * key. Its SID and secret are in the form, or in the Authorization header (section 2.3.1). The token is a sealed
 * credential, so nothing is stored, and all nodes of the installation accept it.
 *
 * Every answer has the form of RFC 6749: section 5.1, or section 5.2 for errors. Failed sign-ins are counted together
 * with those at the API.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SCOPES, type Scope } from '../../domain/api-key.ts';
import { problemOf } from '../../domain/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { answer, refusalsAs } from '../../shapes/api.ts';
import { Refusal } from '../../shapes/refusal.ts';
import { limitByAddress } from './address-limit.ts';
import { readBasic, type Identity, type Pair } from './auth.ts';
import { readBody } from './bodies.ts';
import { toRefusal } from './errors.ts';
import { refuseFailedSignIn } from './failed-sign-ins.ts';
import { BASIC_CHALLENGE, type Who } from './identify.ts';
import { bodyOf, describe, refuseMethod } from './route.ts';

export interface TokenEndpointDeps extends Pick<
  Who,
  'authenticator' | 'failedSignIns' | 'accessTokens' | 'keyUses'
> {
  readonly log: Logger;
  readonly options: {
    readonly limits: {
      /** Of one address. */
      readonly requestsPerSecond: number;
      readonly accessTokenSeconds: number;
    };
  };
}

/** The purpose of the sealed credentials. */
export const ACCESS_TOKEN = 'access-token';
export const TOKEN_PATH = '/v2/token';

/** The endpoint in `/openapi.json`. */
export const TOKEN_SCHEMA = {
  ...describe(
    'AccessTokens',
    'createAccessToken',
    'Extension: exchange an API key for an access token (OAuth 2.0, client credentials). The SID and the secret of the key are in the form, or in HTTP Basic.',
    {
      body: bodyOf('CreateAccessTokenRequest'),
      response: {
        200: answer('AccessToken', 'The token.'),
        ...refusalsAs('AccessTokenError', [400, 401, 413, 429, 500, 503]),
      },
    },
  ),
  consumes: ['application/x-www-form-urlencoded'],
  security: [{ basic: [] }, {}],
};

/** No client needs a quarter of it. */
const BODY_BYTES_MAX = 4_096;
/** RFC 6749, section 5.1. */
const NOT_STORED = { 'cache-control': 'no-store', pragma: 'no-cache' };

/** Adds the endpoint to a scope of its own. */
export async function registerTokenEndpoint(
  app: FastifyInstance,
  deps: TokenEndpointDeps,
): Promise<void> {
  const { accessTokens, keyUses, log } = deps;
  const { requestsPerSecond, accessTokenSeconds } = deps.options.limits;
  app.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error, request, log);
    return reply
      .code(refusal.status)
      .headers({ ...NOT_STORED, ...refusal.headers })
      .send(serializeTokenRefusal(refusal));
  });
  await limitByAddress(app, requestsPerSecond);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) =>
    (await readBody(request, payload)).toString('utf8'),
  );
  app.post(
    TOKEN_PATH,
    { schema: TOKEN_SCHEMA, bodyLimit: BODY_BYTES_MAX },
    async (request, reply) => {
      const form = readForm(request);
      const grantType = form.get('grant_type');
      if (grantType === undefined)
        throw new TokenRefusal('invalid_request', 'The parameter grant_type is missing.');
      if (grantType !== 'client_credentials')
        throw new TokenRefusal(
          'unsupported_grant_type',
          'The only grant_type here is client_credentials.',
        );
      const pair = readClient(request, form);
      const { client, identity } = await identifyClient(request, deps, pair);
      const scopes = chooseScopes(form.get('scope'), identity.scopes ?? []);
      keyUses.note(identity.sid);
      const now = Date.now();
      const keyMs = (identity.expiresAt?.getTime() ?? Infinity) - now;
      const seconds = Math.min(accessTokenSeconds, Math.max(0, Math.floor(keyMs / 1_000)));
      return reply.headers(NOT_STORED).send({
        access_token: accessTokens.seal(client, now + seconds * 1_000, scopes),
        token_type: 'Bearer',
        expires_in: seconds,
        scope: scopes.join(' '),
      });
    },
  );

  app.route({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: TOKEN_PATH,
    schema: { hide: true },
    bodyLimit: BODY_BYTES_MAX,
    handler: () => {
      throw refuseMethod(['POST']);
    },
  });
}

/** RFC 6749, section 5.2. */
type TokenError = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope';

class TokenRefusal extends Refusal {
  readonly error: TokenError;

  constructor(error: TokenError, message: string) {
    const isClient = error === 'invalid_client';
    super(isClient ? 401 : 400, [problemOf(isClient ? 'authentication' : 'invalid', message)], {
      headers: isClient ? { 'www-authenticate': BASIC_CHALLENGE } : {},
    });
    this.error = error;
  }
}

function serializeTokenRefusal(refusal: Refusal): object {
  return {
    error: refusal instanceof TokenRefusal ? refusal.error : nameError(refusal.status),
    // RFC 6749 allows no quotation marks, backslashes and letters beyond ASCII.
    error_description: refusal.message.replaceAll(/[^ !#-[\]-~]/g, "'"),
  };
}

/** Section 5.2 has no words for a server that cannot answer; these are from section 4.1.2.1. */
function nameError(status: number): string {
  if (status === 429 || status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/** The parameters by name. Empty ones are left out, unknown ones are ignored (RFC 6749, section 3.2). */
function readForm({ url, headers, body }: FastifyRequest): ReadonlyMap<string, string> {
  // URLs are in the logs of proxies.
  if (url.includes('?'))
    throw new TokenRefusal('invalid_request', 'Send the parameters in the body, not in the URL.');
  const type = headers['content-type'] ?? '';
  if (body !== undefined && !/^application\/x-www-form-urlencoded *(;|$)/i.test(type))
    throw new TokenRefusal(
      'invalid_request',
      'Send the parameters with Content-Type: application/x-www-form-urlencoded.',
    );
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body as string | undefined)) {
    if (form.has(name))
      throw new TokenRefusal(
        'invalid_request',
        `The parameter ${name.slice(0, 40)} occurs more than once.`,
      );
    form.set(name, value);
  }
  return new Map([...form].filter(([, value]) => value !== ''));
}

/**
 * The client's credentials; null if they are missing or malformed. In the header they are form-encoded first, which
 * leaves the letters and digits of SIDs and secrets unchanged.
 */
function readClient(request: FastifyRequest, form: ReadonlyMap<string, string>): Pair | null {
  const { authorization } = request.headers;
  const [sid, secret] = [form.get('client_id'), form.get('client_secret')];
  if (authorization === undefined)
    return sid === undefined || secret === undefined ? null : { sid, secret };
  const pair = readBasic(authorization);
  if (secret !== undefined || (sid !== undefined && pair !== null && sid !== pair.sid))
    throw new TokenRefusal(
      'invalid_request',
      'Send the credentials either as parameters or as HTTP Basic, not both.',
    );
  return pair;
}

/** The owner of an API key. The account's own token has all rights, which no access token has. */
async function identifyClient(
  request: FastifyRequest,
  { authenticator, failedSignIns }: TokenEndpointDeps,
  pair: Pair | null,
): Promise<{ readonly client: Pair; readonly identity: Identity }> {
  const isKey = pair?.sid.startsWith('SK') === true;
  const identity = pair !== null && isKey ? await authenticator.authenticate(pair) : null;
  if (pair !== null && identity !== null) return { client: pair, identity };
  const refusal = new TokenRefusal(
    'invalid_client',
    isKey
      ? 'There is no API key with this SID and secret.'
      : 'Send the SID (SK...) and the secret of an API key: as client_id and client_secret, or as HTTP Basic.',
  );
  throw refuseFailedSignIn(failedSignIns, request, pair?.sid ?? null, refusal);
}

/** The scopes of the key, or the part that is asked for. */
function chooseScopes(asked: string | undefined, granted: readonly Scope[]): readonly Scope[] {
  if (asked === undefined) return granted;
  const names = asked.split(' ');
  const unknown = names.find((name) => !SCOPES.some((scope) => scope === name));
  if (unknown !== undefined)
    throw new TokenRefusal(
      'invalid_scope',
      `There is no scope "${unknown.slice(0, 40)}". The scopes are ${SCOPES.join(', ')}, with a space between them.`,
    );
  const excess = names.find((name) => !granted.some((scope) => scope === name));
  if (excess !== undefined)
    throw new TokenRefusal(
      'invalid_scope',
      `The API key does not have the scope ${excess}. It has: ${granted.join(', ')}.`,
    );
  return granted.filter((scope) => names.includes(scope));
}
