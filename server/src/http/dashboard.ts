/**
 * The dashboard's files, read into memory at the start: there are few, and they are small. `npm run build` puts them beside
 * this program, compressed already. What the page may do is bounded by its Content-Security-Policy.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../lib/log.ts';
import { refuse } from './reply.ts';

/** Below `dist`, where this file is compiled to. */
const FOLDER = fileURLToPath(new URL('../dashboard', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  woff2: 'font/woff2',
};

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

/** The name has a hash of what is in it. */
const FOREVER = 'public, max-age=31536000, immutable';

interface File {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly br: Buffer | null;
  readonly gzip: Buffer | null;
}

export async function registerDashboard(app: FastifyInstance, log: Logger): Promise<void> {
  const files = await readFiles();
  const index = files.get('index.html');
  if (index === undefined) {
    log.warn({ folder: FOLDER }, 'The dashboard was not built; there is none at /');
    return;
  }
  app.get('/', { schema: { hide: true } }, async (request, reply) =>
    send(request, reply.header('cache-control', 'no-cache'), index),
  );
  app.get('/assets/:name', { schema: { hide: true } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    const file = files.get(`assets/${name}`);
    if (file === undefined) throw refuse('notFound');
    return send(request, reply.header('cache-control', FOREVER), file);
  });
}

function send(request: FastifyRequest, reply: FastifyReply, file: File): FastifyReply {
  reply.headers({ ...HEADERS, etag: file.etag, vary: 'accept-encoding' });
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  reply.type(file.type);
  const accepted = String(request.headers['accept-encoding'] ?? '');
  if (file.br !== null && /\bbr\b/.test(accepted))
    return reply.header('content-encoding', 'br').send(file.br);
  if (file.gzip !== null && /\bgzip\b/.test(accepted))
    return reply.header('content-encoding', 'gzip').send(file.gzip);
  return reply.send(file.plain);
}

async function readFiles(): Promise<Map<string, File>> {
  const names = await readdir(FOLDER, { recursive: true }).catch(() => []);
  const present = new Set(names.map((each) => each.replaceAll('\\', '/')));
  const read = (name: string) =>
    present.has(name) ? readFile(join(FOLDER, name)) : Promise.resolve(null);
  const files = new Map<string, File>();
  for (const name of present) {
    const type = TYPES[name.split('.').at(-1) ?? ''];
    if (type === undefined) continue;
    const [plain, br, gzip] = await Promise.all([name, `${name}.br`, `${name}.gz`].map(read));
    if (!plain) continue;
    const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
    files.set(name, { type, etag, plain, br: br ?? null, gzip: gzip ?? null });
  }
  return files;
}
