/** The API described by itself: `/openapi.json` from the schemas that check, a page to read at `/docs`, the errors. */
import type { FastifyInstance } from 'fastify';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { ERRORS } from '../domain/errors.ts';

export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Fanfare',
        version: '1',
        description:
          'Bulk messaging, compatible with the Communications API. One request to up to 10,000 recipients; the Operation tells how far it is.',
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'Messages', description: 'Send, read and find messages.' },
        { name: 'Operations', description: 'How far a request is.' },
        { name: 'Emails', description: 'Send, read and erase e-mails; how far a request is.' },
        { name: 'Senders', description: 'Identities to send from.' },
        { name: 'SenderPools', description: 'Groups of senders to send from.' },
        { name: 'Suppressions', description: 'Who is not sent to.' },
        { name: 'Content', description: 'Contents stored under an id.' },
        { name: 'Subscriptions', description: 'Who is told what happens, and what became of it.' },
        { name: 'ApiKeys', description: 'Credentials for programs.' },
        { name: 'System', description: 'How carriers, queue and database stand.' },
      ],
      components: {
        securitySchemes: {
          basic: {
            type: 'http',
            scheme: 'basic',
            description: 'AccountSid:AuthToken or ApiKeySid:Secret.',
          },
        },
      },
      security: [{ basic: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _base, _fragment, i) => String(json['$id'] ?? `Shape${i}`),
    },
  });
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(renderErrorPage()),
  );
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    logo: { type: 'image/svg+xml', content: LOGO },
    theme: { title: 'Fanfare API' },
    uiConfig: { defaultModelsExpandDepth: 0, tryItOutEnabled: false },
    staticCSP: true,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/** A word is mark enough. */
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="32"><text x="0" y="23" font-family="sans-serif" font-size="22" font-weight="700" fill="#fff">Fanfare</text></svg>';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};
const escape = (text: string) => text.replace(/[&<>"]/g, (char) => ESCAPES[char] ?? char);

/** The error table as a page; `infoUrl` of an error points at its line. */
function renderErrorPage(): string {
  const rows = Object.values(ERRORS)
    .toSorted((a, b) => a.code - b.code)
    .map(
      ({ code, status, message, advice }) =>
        `<tr id="${code}"><th scope="row"><a href="#${code}">${code}</a></th><td>${status ?? 'message'}</td><td>${escape(message)}</td><td>${escape(advice)}</td></tr>`,
    );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Errors · Fanfare</title>
<style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.5rem;border-bottom:1px solid #8884}
tr:target{background:#fd04}
</style>
<h1>Errors</h1>
<p>A status is the HTTP status of a request that is refused with the code; <em>message</em> means that it befalls a message or an attempt after the request was accepted.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>Means</th><th>What to do</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></html>`;
}

/** `docs/errors.md`. */
export function renderErrorsMarkdown(): string {
  const rows = Object.values(ERRORS)
    .toSorted((a, b) => a.code - b.code)
    .map(
      ({ code, status, message, advice }) =>
        `| ${code} | ${status ?? 'message'} | ${message} | ${advice.replaceAll('|', '\\|')} |`,
    );
  return `# Errors

Generated from \`server/src/domain/errors.ts\` by \`npm run generate\`. A status is the HTTP status of a request that
is refused with the code; *message* means that it befalls a message or an attempt after the request was accepted.

| Code | Status | Means | What to do |
|---|---|---|---|
${rows.join('\n')}
`;
}
