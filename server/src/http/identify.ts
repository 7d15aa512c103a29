/** Who asks below `/v1`: by the Authorization header, or without one by a session of the dashboard. */
import type { FastifyRequest } from 'fastify';
import type { Authenticator, GuessLimit } from './auth.ts';
import { refuse } from './reply.ts';
import { isFromPage, refuseGuessers, type Sessions } from './sessions.ts';

export interface Who {
  readonly authenticator: Authenticator;
  readonly guesses: GuessLimit;
  readonly sessions: Sessions;
}

/** Finds out who asks, and notes it in the request. @throws Refusal when nobody knows. */
export async function identify(
  request: FastifyRequest,
  who: Who,
  hasSessions: boolean,
): Promise<void> {
  // Unknown routes are not found, whoever asks.
  if (request.is404) return;
  const { authorization } = request.headers;
  const isBySession = hasSessions && authorization === undefined;
  // A session cannot be guessed: it is sealed.
  if (!isBySession && !who.authenticator.wasRight(authorization))
    refuseGuessers(who.guesses, request.ip);
  const identity = isBySession
    ? await who.sessions.identify(request)
    : await who.authenticator.authenticate(authorization);
  if (identity === null) {
    // A session that has ended is no guess, and its page shall not make the browser ask for a password. Browsers drop a
    // cookie that has expired, so the page's own header tells.
    if (isBySession && isFromPage(request)) throw refuse('authentication');
    who.guesses.note(request.ip);
    throw refuse('authentication', undefined, { 'www-authenticate': 'Basic realm="Fanfare"' });
  }
  request.account = identity.account;
  request.credentialSid = identity.sid;
}

/** Whether what a request was identified by is good at this moment, whatever is believed. Rejects when the database is away. */
export async function isStillGood(request: FastifyRequest, who: Who): Promise<boolean> {
  const { authorization } = request.headers;
  const identity =
    authorization === undefined
      ? await who.sessions.ask(request)
      : await who.authenticator.ask(authorization);
  return identity !== null;
}
