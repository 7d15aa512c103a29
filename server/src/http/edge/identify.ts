/**
 * Identifies and authorises requests below `/v1`: by the Authorization header, which has a pair (HTTP Basic) or an
 * access token (RFC 6750), or without one by a session of the dashboard.
 */
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../domain/api-key.ts';
import { readBasic, readBearer, type Authenticator, type Identity } from './auth.ts';
import type { KeyUses } from './key-uses.ts';
import { refuse, type Refusal } from '../../shapes/refusal.ts';
import type { SealedCredentials } from './sealed-credentials.ts';
import { isFromPage, type Sessions } from './sessions.ts';
import { refuseFailedSignIn, type FailedSignIns } from './failed-sign-ins.ts';

export interface Who {
  readonly authenticator: Authenticator;
  readonly failedSignIns: FailedSignIns;
  readonly sessions: Sessions;
  readonly accessTokens: SealedCredentials;
  readonly keyUses: KeyUses;
}

/** Challenges of a 401 (RFC 9110, section 11.6.1). */
export const BASIC_CHALLENGE = 'Basic realm="Fanfare"';
const BEARER_CHALLENGE = 'Bearer realm="Fanfare"';

/** Identifies the client and records it in the request. @throws Refusal for unknown credentials or missing rights */
export async function identify(
  request: FastifyRequest,
  who: Who,
  hasSessions: boolean,
): Promise<void> {
  // Unknown routes are not found, with any credentials.
  if (request.is404) return;
  const { authorization } = request.headers;
  const token = readBearer(authorization);
  const identity =
    token !== null
      ? await identifyByToken(request, who, token)
      : hasSessions && authorization === undefined
        ? await identifyBySession(request, who)
        : await identifyByPair(request, who);
  request.account = identity.account;
  request.credentialSid = identity.sid;
  if (identity.scopes !== null) who.keyUses.note(identity.sid);
  demandAccess(identity, request.routeOptions.config.access, token !== null);
}

async function identifyByPair(request: FastifyRequest, who: Who): Promise<Identity> {
  const pair = readBasic(request.headers.authorization);
  const identity = pair && (await who.authenticator.authenticate(pair));
  return identity ?? refuseUnknown(request, who, pair?.sid ?? null);
}

async function identifyBySession(request: FastifyRequest, who: Who): Promise<Identity> {
  const identity = await who.sessions.identify(request);
  if (identity !== null) return identity;
  // A sealed session needs no limit of failed sign-ins, and its page must not make the browser show a password dialog.
  // Browsers drop an expired cookie, so the header of our page decides.
  if (isFromPage(request)) throw refuse('authentication');
  return refuseUnknown(request, who, null);
}

function refuseUnknown(request: FastifyRequest, who: Who, sid: string | null): never {
  const refusal = refuse('authentication', undefined, {
    'www-authenticate': `${BASIC_CHALLENGE}, ${BEARER_CHALLENGE}`,
  });
  throw refuseFailedSignIn(who.failedSignIns, request, sid, refusal);
}

async function identifyByToken(
  request: FastifyRequest,
  who: Who,
  token: string,
): Promise<Identity> {
  const identity = await who.accessTokens.identify(token);
  if (identity !== null) return identity;
  const sealed = who.accessTokens.open(token);
  // No failed sign-in, because this server made the token: all requests of a busy client fail when its token ends.
  if (sealed !== null && sealed.until <= Date.now())
    throw refuseToken('The access token has expired. Request another at POST /v2/token.');
  const refusal = refuseToken(
    sealed === null
      ? 'The access token is not one of this server.'
      : 'The API key of the access token was revoked or has expired.',
  );
  throw refuseFailedSignIn(who.failedSignIns, request, sealed?.sid ?? null, refusal);
}

/** RFC 6750, section 3.1. */
function refuseToken(message: string): Refusal {
  return refuse('authentication', message, {
    'www-authenticate': `${BEARER_CHALLENGE}, error="invalid_token", error_description="${message}"`,
  });
}

/** Methods that a path does not have need no scope: they are refused with 405. */
function demandAccess({ scopes }: Identity, access: Access | undefined, isByToken: boolean): void {
  if (access === undefined || scopes === null || scopes.some((scope) => scope === access)) return;
  const owner = isByToken ? 'access token' : 'API key';
  const message =
    access === 'token'
      ? `This requires the account's own SID and token, not an ${owner}.`
      : `This needs the scope "${access}"; the ${owner} has ${scopes.map((each) => `"${each}"`).join(' and ')} only.`;
  // RFC 6750, section 3.1. No scope gives access to what needs the account's own token.
  const scope = access === 'token' ? '' : `, scope="${access}"`;
  const challenge = `${BEARER_CHALLENGE}, error="insufficient_scope"${scope}`;
  throw refuse('forbidden', message, isByToken ? { 'www-authenticate': challenge } : {});
}

/**
 * Whether the credentials of a request are valid now, according to the database. Rejects when the database is
 * unavailable.
 */
export async function isStillGood(request: FastifyRequest, who: Who): Promise<boolean> {
  const { authorization } = request.headers;
  if (authorization === undefined) return (await who.sessions.askDatabase(request)) !== null;
  const token = readBearer(authorization);
  if (token !== null) return (await who.accessTokens.askDatabase(token)) !== null;
  const pair = readBasic(authorization);
  return pair !== null && (await who.authenticator.askDatabase(pair)) !== null;
}
