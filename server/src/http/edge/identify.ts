/**
 * Identifies and authorises requests below `/v1`: by the Authorization header, or without one by a
 * session of the dashboard.
 */
import type { FastifyRequest } from 'fastify';
import type { Access } from '../../domain/api-key.ts';
import { readBasic, type Authenticator, type Identity } from './auth.ts';
import type { KeyUses } from './key-uses.ts';
import { refuse } from '../../shapes/refusal.ts';
import { isFromPage, type Sessions } from './sessions.ts';
import { refuseFailedSignIn, type FailedSignIns } from './failed-sign-ins.ts';

export interface Who {
  readonly authenticator: Authenticator;
  readonly failedSignIns: FailedSignIns;
  readonly sessions: Sessions;
  readonly keyUses: KeyUses;
}

/** Identifies the client and records it in the request. @throws Refusal for unknown credentials or missing rights */
export async function identify(
  request: FastifyRequest,
  who: Who,
  hasSessions: boolean,
): Promise<void> {
  // Unknown routes are not found, with any credentials.
  if (request.is404) return;
  const { authorization } = request.headers;
  const isBySession = hasSessions && authorization === undefined;
  const pair = isBySession ? null : readBasic(authorization);
  const identity = isBySession
    ? await who.sessions.identify(request)
    : pair && (await who.authenticator.authenticate(pair));
  if (identity === null) {
    // A sealed session needs no limit of failed sign-ins, and its page must not make the browser show a password dialog.
    // Browsers drop an expired cookie, so the header of our page decides.
    if (isBySession && isFromPage(request)) throw refuse('authentication');
    const refusal = refuse('authentication', undefined, {
      'www-authenticate': 'Basic realm="Fanfare"',
    });
    throw refuseFailedSignIn(who.failedSignIns, request, pair?.sid ?? null, refusal);
  }
  request.account = identity.account;
  request.credentialSid = identity.sid;
  if (identity.scopes !== null) who.keyUses.note(identity.sid);
  demandAccess(identity, request.routeOptions.config.access);
}

/** Methods that a path does not have need no scope: they are refused with 405. */
function demandAccess({ scopes }: Identity, access: Access | undefined): void {
  if (access === undefined || scopes === null) return;
  if (access === 'token')
    throw refuse('forbidden', "This requires the account's own SID and token, not an API key.");
  if (!scopes.includes(access))
    throw refuse(
      'forbidden',
      `This needs the scope "${access}"; the API key has ${scopes.map((each) => `"${each}"`).join(' and ')} only.`,
    );
}

/**
 * Whether the credentials of a request are valid now, according to the database. Rejects when the database is
 * unavailable.
 */
export async function isStillGood(request: FastifyRequest, who: Who): Promise<boolean> {
  const { authorization } = request.headers;
  if (authorization === undefined) return (await who.sessions.askDatabase(request)) !== null;
  const pair = readBasic(authorization);
  return pair !== null && (await who.authenticator.askDatabase(pair)) !== null;
}
