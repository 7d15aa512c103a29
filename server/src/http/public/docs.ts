/**
 * Pages to read: the API at `/docs`, drawn by Scalar from `/openapi.json`, the guides at `/docs/guides`, and the errors at `/docs/errors`.
 */
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { ERRORS } from '../../domain/errors.ts';
import { refuse } from '../../shapes/refusal.ts';
import { openStaticFiles } from './static-files.ts';

/** Beside the bundled program: Scalar's own file, our pages, and the guides of `docs/`. */
const FOLDER = fileURLToPath(new URL('../docs', import.meta.url));

/** Scalar sets styles while it draws, and has its icons as data. It asks no other server. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

export function registerDocs(app: FastifyInstance): void {
  const files = openStaticFiles(FOLDER, HEADERS);
  app.get('/docs', { schema: { hide: true } }, async (request, reply) => {
    // The page names its files relative to itself, so that it works below a path of a proxy.
    if (request.url.split('?', 1)[0]?.endsWith('/')) return reply.redirect('../docs');
    if (await files.send(request, reply, 'index.html')) return reply;
    throw refuse('notFound');
  });
  app.get('/docs/guides', { schema: { hide: true } }, async (request, reply) => {
    if (request.url.split('?', 1)[0]?.endsWith('/')) return reply.redirect('../guides');
    if (await files.send(request, reply, 'guides.html')) return reply;
    throw refuse('notFound');
  });
  app.get('/docs/guides/:name', { schema: { hide: true } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    if (await files.send(request, reply, `guides/${name}.html`)) return reply;
    throw refuse('notFound');
  });
  app.get('/docs/static/:name', { schema: { hide: true } }, async (request, reply) => {
    const { name } = request.params as { name: string };
    if (await files.send(request, reply, name)) return reply;
    throw refuse('notFound');
  });
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
    reply.headers(HEADERS).type('text/html; charset=utf-8').send(renderErrorPage()),
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};
const escape = (text: string) => text.replace(/[&<>"]/g, (char) => ESCAPES[char] ?? char);

/** Whose code it is, as the documents write it. */
const ORIGINS = { dictionary: 'dictionary', fanfare: 'Fanfare' } as const;
const EXPLANATION = `Codes from the dictionary have the meaning that they have in the error dictionary of the
hosted API. The dictionary does not use the codes from Fanfare.`;

/** The error table as a page; `infoUrl` of an error points at its line. */
function renderErrorPage(): string {
  const rows = Object.values(ERRORS)
    .toSorted((a, b) => a.code - b.code)
    .map(
      ({ code, origin, status, message, advice }) =>
        `<tr id="${code}"><th scope="row"><a href="#${code}">${code}</a></th><td>${ORIGINS[origin]}</td><td>${status ?? 'message'}</td><td>${escape(message)}</td><td>${escape(advice)}</td></tr>`,
    );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Errors · Fanfare</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/guide.css">
<nav><a href="../docs">API reference</a> <a href="guides">Guides</a> <a href="errors">Errors</a></nav>
<main>
<h1>Errors</h1>
<p>${EXPLANATION} The status is the HTTP status of the refused request. <em>message</em> marks errors of messages and attempts, after the request was accepted.</p>
<div class="table" tabindex="0"><table><thead><tr><th>Code</th><th>From</th><th>Status</th><th>Meaning</th><th>Action</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></div></main></html>`;
}

/** `docs/errors.md`. */
export function renderErrorsMarkdown(): string {
  const rows = Object.values(ERRORS)
    .toSorted((a, b) => a.code - b.code)
    .map(
      ({ code, origin, status, message, advice }) =>
        `| ${code} | ${ORIGINS[origin]} | ${status ?? 'message'} | ${message} | ${advice.replaceAll('|', '\\|')} |`,
    );
  return `# Errors

Generated from \`server/src/domain/errors.ts\` by \`npm run generate\`.

${EXPLANATION}

The status is the HTTP status of the refused request. *message* marks errors of messages and
attempts, after the request was accepted.

| Code | From | Status | Meaning | Action |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
