/**
 * Sessions of the dashboard: a cookie with a sealed credential (`sealed-credentials.ts`) instead of the
 * Authorization header.
 *
 * Browsers send the cookie automatically, so a request with it must also show that it comes from
 * our own page (`isOwnPage`). SameSite=Strict alone would admit pages on another port or name of
 * the same site.
 */
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Authenticator, Identity } from './auth.ts';
import { compileCheck } from '../../shapes/check.ts';
import type { KeyUses } from './key-uses.ts';
import { refuse, Refusal } from '../../shapes/refusal.ts';
import { refuseFailedSignIn, type FailedSignIns } from './failed-sign-ins.ts';
import type { SealedCredentials } from './sealed-credentials.ts';

const COOKIE = 'fanfare_session';
/** A header that our page adds to each request. A form or an image of another page cannot add it. */
const HEADER = 'x-fanfare-session';
const SESSION_SECONDS = 12 * 60 * 60;
/** The purpose of the sealed credentials. */
export const SESSION = 'session';

export interface Sessions {
  readonly sealed: SealedCredentials;
  /** The owner of a request's session, from the credential cache or the database; null without a valid session. */
  identify(request: FastifyRequest): Promise<Identity | null>;
  /** The same from the database, without the cache. */
  askDatabase(request: FastifyRequest): Promise<Identity | null>;
}

interface SessionDeps {
  readonly authenticator: Authenticator;
  readonly failedSignIns: FailedSignIns;
  readonly sessions: Sessions;
  readonly keyUses: KeyUses;
}

export function createSessions(sealed: SealedCredentials): Sessions {
  const tokenOf = (request: FastifyRequest) =>
    isOwnPage(request) ? (request.cookies[COOKIE] ?? null) : null;
  return {
    sealed,
    async identify(request) {
      const token = tokenOf(request);
      return token === null ? null : sealed.identify(token);
    },
    async askDatabase(request) {
      const token = tokenOf(request);
      return token === null ? null : sealed.askDatabase(token);
    },
  };
}

/** Whether a request was made by our own page, as far as browsers report it. */
function isOwnPage({ headers, host }: FastifyRequest): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (headers[HEADER] === undefined) return false;
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined || origin.replace(/^https?:\/\//, '') === host;
}

/** Whether a request is one of a page's, with a session or after it has ended. */
export function isFromPage({ headers }: FastifyRequest): boolean {
  return headers.cookie !== undefined || headers[HEADER] !== undefined;
}

const SIGN_IN = Type.Object(
  {
    sid: Type.String({ minLength: 1, maxLength: 64 }),
    secret: Type.String({ minLength: 1, maxLength: 256 }),
  },
  { additionalProperties: false },
);

/** `/session`: shows, opens and closes the session. It is not part of the API. */
export async function registerSessions(app: FastifyInstance, deps: SessionDeps): Promise<void> {
  const { authenticator, failedSignIns, sessions, keyUses } = deps;
  const check = compileCheck(SIGN_IN);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (!isOwnPage(request))
      throw refuse('forbidden', `Sessions are for the dashboard: send ${HEADER}: 1.`);
  });

  app.post('/session', { schema: { hide: true }, bodyLimit: 4_096 }, async (request, reply) => {
    const problems = check(request.body ?? {}, '$');
    if (problems.length > 0) throw new Refusal(400, problems);
    const { sid, secret } = request.body as Static<typeof SIGN_IN>;
    const identity = await authenticator.authenticate({ sid, secret });
    if (identity === null) {
      const refusal = refuse(
        'authentication',
        'There is no account or API key with this SID and secret.',
      );
      throw refuseFailedSignIn(failedSignIns, request, sid, refusal);
    }
    if (identity.scopes !== null) keyUses.note(sid);
    const until = Date.now() + SESSION_SECONDS * 1_000;
    const token = sessions.sealed.seal({ sid, secret }, until, null);
    reply.setCookie(COOKIE, token, { ...attributesFor(request), maxAge: SESSION_SECONDS });
    return { ...serialize(identity), expiresAt: new Date(until) };
  });

  app.get('/session', { schema: { hide: true } }, async (request, reply) => {
    const identity = await sessions.identify(request);
    // No error: this is how a page asks.
    if (identity === null) return reply.code(204).send();
    const session = sessions.sealed.open(request.cookies[COOKIE] ?? '');
    return { ...serialize(identity), expiresAt: new Date(session?.until ?? 0) };
  });

  app.delete('/session', { schema: { hide: true } }, async (request, reply) =>
    reply.clearCookie(COOKIE, attributesFor(request)).code(204).send(),
  );
}

function serialize({ account, sid }: Identity) {
  return { accountSid: account.sid, credential: sid };
}

/** Attributes of the cookie. The Origin header of the browser shows the scheme, also when a proxy handles TLS. */
function attributesFor(request: FastifyRequest): CookieSerializeOptions {
  const secure =
    request.protocol === 'https' || request.headers.origin?.startsWith('https://') === true;
  return { path: '/', httpOnly: true, sameSite: 'strict', secure };
}
