/** Pages to read: the API at `/docs`, drawn by Swagger UI from `/openapi.json`, and the errors at `/docs/errors`. */
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { ERRORS } from '../../domain/errors.ts';
import { refuse } from '../../shapes/refusal.ts';
import { openStaticFiles } from './static-files.ts';

/** Beside the bundled program: Swagger UI's own files, and our page. */
const FOLDER = fileURLToPath(new URL('../docs', import.meta.url));

/** It sets styles while it draws, and has its icons as data. */
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
<style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #8884}
tr:target{background:#fd04}
</style>
<h1>Errors</h1>
<p>${EXPLANATION} The status is the HTTP status of the refused request. <em>message</em> marks errors of messages and attempts, after the request was accepted.</p>
<table><thead><tr><th>Code</th><th>From</th><th>Status</th><th>Meaning</th><th>Action</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></html>`;
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
