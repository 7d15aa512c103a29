/**
 * The dashboard's files. `npm run build` puts them beside this program, already compressed. The Content-Security-Policy
 * limits the page.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import type { Logger } from '../../lib/log.ts';
import { refuse } from '../../shapes/refusal.ts';
import { openStaticFiles } from './static-files.ts';

/** Beside the bundled program. */
const FOLDER = fileURLToPath(new URL('../dashboard', import.meta.url));

/** Also of the frame that shows e-mails, which inherits it: neither scripts nor anything from elsewhere. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "frame-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
};

/** The name has a hash of the content. */
const FOREVER = 'public, max-age=31536000, immutable';

export function registerDashboard(app: FastifyInstance, log: Logger): void {
  if (!existsSync(join(FOLDER, 'index.html'))) {
    log.warn({ folder: FOLDER }, 'The dashboard is not built; / serves no page');
    return;
  }
  const files = openStaticFiles(FOLDER, HEADERS);
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    await files.send(request, reply.header('cache-control', 'no-cache'), 'index.html');
    return reply;
  });
  app.get('/assets/:name', { schema: { hide: true } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    reply.header('cache-control', FOREVER);
    if (await files.send(request, reply, `assets/${name}`)) return reply;
    reply.removeHeader('cache-control');
    throw refuse('notFound');
  });
}
