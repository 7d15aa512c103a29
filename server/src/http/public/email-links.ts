/**
 * Links of e-mails: `/u/{token}` to unsubscribe (RFC 8058) and `/o/{token}.gif`, the picture of e-mails that report
 * that they were opened. They need no credentials: the sealed token has all data. A GET unsubscribes nobody, because mail
 * scanners follow every link.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readOpened, readUnsubscribe, type Sealer } from '../../domain/email-links.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../../store/store.ts';
import { limitByAddress } from '../edge/address-limit.ts';
import { readBody } from '../edge/bodies.ts';

export interface EmailLinkDeps {
  readonly store: Store;
  readonly log: Logger;
  readonly sealer: Sealer;
  /** Of one address. */
  readonly requestsPerSecond: number;
}

/** `List-Unsubscribe=One-Click` and the form around it; its content is not read. */
const BODY_BYTES_MAX = 4_096;
/** A transparent GIF of one pixel. */
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** Adds the routes to a scope of its own. */
export async function registerEmailLinks(app: FastifyInstance, deps: EmailLinkDeps): Promise<void> {
  const { store, log, sealer } = deps;
  await limitByAddress(app, deps.requestsPerSecond);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    await readBody(request, payload);
  });
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(HEADERS);
  });
  const route = { schema: { hide: true }, bodyLimit: BODY_BYTES_MAX };

  app.get('/u/:token', route, async (request, reply) =>
    readUnsubscribe(tokenIn(request), sealer) === null
      ? sendPage(reply, 404, NO_LINK)
      : sendPage(reply, 200, QUESTION),
  );

  app.post('/u/:token', route, async (request, reply) => {
    const who = readUnsubscribe(tokenIn(request), sealer);
    if (who === null) return sendPage(reply, 404, NO_LINK);
    const from = { channel: 'EMAIL', address: who.from } as const;
    await store.suppressions.optOut(who.accountId, who.address, from, 'unsubscribe');
    return sendPage(reply, 200, DONE);
  });

  app.get('/o/:token', { ...route, exposeHeadRoute: false }, async (request, reply) => {
    const opened = readOpened(tokenIn(request).replace(/\.gif$/, ''), sealer);
    if (opened === null) return sendPage(reply, 404, NO_LINK);
    const { accountId, messageUuid: messageId, attempt } = opened;
    await store.receipts
      .applyReceipts([{ accountId, messageId, attempt, status: 'READ', code: null, detail: null }])
      // The mail program gets the picture in any case.
      .catch((error: unknown) =>
        log.warn({ err: error }, 'The opening of an e-mail could not be recorded'),
      );
    return reply.type('image/gif').send(PICTURE);
  });
}

function tokenIn(request: FastifyRequest): string {
  return (request.params as { token: string }).token;
}

const STYLE =
  ':root{color-scheme:light dark;font:18px/1.5 system-ui,sans-serif}body{max-width:32rem;margin:20vh auto;padding:0 1rem;text-align:center}button{font:inherit;padding:.5rem 1.5rem;cursor:pointer}';

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
};

/** Pages contain no data from outside, so there is nothing to escape. */
const page = (title: string, rest: string) =>
  `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1>
${rest}
</html>`;
const QUESTION = page(
  'Unsubscribe?',
  '<p>You will get no more e-mails from this sender.</p>\n<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>',
);
const DONE = page('You are unsubscribed', '<p>This sender will not write to you any more.</p>');
const NO_LINK = page('There is nothing here', '<p>The link is not complete, or not valid.</p>');

function sendPage(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(html);
}
