/** Answers errors in the envelope of `reply.ts`, and logs bugs. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS } from '../../domain/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { DatabaseUnavailable, QuotaExceeded, SearchTooLong } from '../../store/store.ts';
import { Refusal, refuse, refuseForNow } from '../../shapes/refusal.ts';
import { originOf, sendRefusal } from './reply.ts';

/** When a search that took too long may be tried again: others may have ended. */
const SEARCH_AGAIN_SECONDS = 5;

/** Fastify's own errors, by code. Other errors are ours, the database's, or bugs. */
const KNOWN_ERRORS: Readonly<Record<string, () => Refusal>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => refuse('mediaType'),
  FST_ERR_CTP_EMPTY_TYPE: () => refuse('mediaType'),
};

/** What an error of a handler or a hook means for the client. The log has the others. */
export function toRefusal(error: unknown, request: FastifyRequest, log: Logger): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof QuotaExceeded) return refuse('quota', error.message);
  if (error instanceof SearchTooLong) {
    log.warn({ reason: error.message, request: request.id }, 'A search takes too long');
    return refuse('searchTooLong', undefined, { 'retry-after': String(SEARCH_AGAIN_SECONDS) });
  }
  if (error instanceof DatabaseUnavailable) {
    log.warn({ reason: error.message, request: request.id }, 'The database is unavailable');
    return refuseForNow();
  }
  const { code = '', statusCode = 500 } = error as Partial<FastifyError>;
  const known = KNOWN_ERRORS[code];
  if (known !== undefined) return known();
  if (statusCode >= 400 && statusCode < 500)
    return refuse('invalid', 'The request cannot be read.');
  log.error({ err: error, request: request.id }, 'A request failed');
  return refuse('internal', `${ERRORS.internal.message} It is logged as ${request.id}.`);
}

/** The one resource of the hosted API that does not exist here. */
const PUSH_PATH = /^\/(?:v1|preview)\/PushNotifications(?:\/|$)/i;

/** Every error of a handler or a hook becomes an answer here, unless its scope has a form of its own. */
export function setErrors(app: FastifyInstance, log: Logger, publicUrl: string | null): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = toRefusal(error, request, log);
    // The remainder of its body is read first: a connection that is closed on unread bytes is reset, and its answer is lost.
    if (!request.raw.complete) reply.removeHeader('connection');
    return sendRefusal(reply, refusal, originOf(request, publicUrl));
  });
  app.setNotFoundHandler((request, reply) =>
    sendRefusal(reply, refuseUnknownPath(request), originOf(request, publicUrl)),
  );
}

function refuseUnknownPath({ method, originalUrl }: FastifyRequest): Refusal {
  const path = originalUrl.split('?', 1)[0]?.slice(0, 200) ?? '';
  return refuse(
    'notFound',
    PUSH_PATH.test(path)
      ? 'Push notifications are not supported. Use /v1/Messages for SMS, RCS and WhatsApp, and /v1/Emails for e-mails.'
      : `There is nothing at ${method} ${path}.`,
  );
}

/** Answers a request whose URL leads nowhere because it cannot be read; no hook has seen it. */
export function refuseUnroutable(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  publicUrl: string | null,
): void {
  const refusal =
    error.statusCode === 414 ? refuse('pathTooLong') : refuse('invalid', 'The URL cannot be read.');
  const named = reply.header('x-request-id', request.id);
  void sendRefusal(named, refusal, originOf(request, publicUrl));
}
