/**
 * Renders the guides of `docs/` as pages, which the server shows at `/docs/guides`. Links between guides lead to the pages. Links to
 * what is not on the server, such as the code, become text.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { Marked } from 'marked';

/** The guides by topic, in the order of reading. A test compares them with the folder. */
export const GUIDES = {
  Start: ['quick-start.md', 'dashboard.md', 'testing.md', 'migrating.md', 'glossary.md'],
  Send: ['api.md', 'content.md', 'lists.md', 'emails.md', 'cli.md'],
  Receive: ['events.md', 'events-brokers.md', 'inbound.md'],
  Carriers: ['carriers/smpp.md', 'carriers/http.md', 'carriers/smtp.md'],
  Operate: [
    'deploying.md',
    'operations.md',
    'config.md',
    'nodes.md',
    'scaling.md',
    'troubleshooting.md',
    'security.md',
    'privacy.md',
    'reliability.md',
  ],
  Reference: ['compatibility.md'],
};
/** For engineers who change the server, and the errors, which have a page of their own. */
export const NOT_GUIDES = [
  'errors.md',
  'internals.md',
  'pictures.md',
  'tables.md',
  'carriers/new.md',
];

const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text) => text.replaceAll(/[&<>"]/g, (each) => ESCAPES[each]);
/** The anchor of a heading, as readers of Markdown make it. */
const anchorOf = (text) =>
  text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
const nameOf = (guide) => basename(guide, '.md');
const titleOf = (text) => /^# (.+)$/m.exec(text)[1].replaceAll('`', '');

/** Writes all pages and their pictures into a folder: `guides.html` has the list. `source` is the folder of the guides. */
export function renderGuides(source, folder) {
  mkdirSync(join(folder, 'guides'), { recursive: true });
  const guides = Object.values(GUIDES).flat();
  const texts = new Map(guides.map((each) => [each, readFileSync(join(source, each), 'utf8')]));
  for (const [guide, text] of texts) {
    const body = markdownFor(guide, source, folder).parse(text);
    writeFileSync(
      join(folder, 'guides', `${nameOf(guide)}.html`),
      page(titleOf(text), body, '../'),
    );
  }
  const lists = Object.entries(GUIDES).map(
    ([topic, names]) =>
      `<h2>${topic}</h2>\n<ul>\n${names.map((each) => `<li><a href="guides/${nameOf(each)}">${escape(titleOf(texts.get(each)))}</a></li>`).join('\n')}\n</ul>`,
  );
  // The list is one step higher than the guides.
  const list = page('Guides', `<h1>Guides</h1>\n${lists.join('\n')}`, '');
  writeFileSync(join(folder, 'guides.html'), list);
}

/** The renderer of one guide. */
function markdownFor(guide, source, folder) {
  const renderer = {
    heading({ tokens, depth }) {
      const html = this.parser.parseInline(tokens);
      const anchor = anchorOf(this.parser.parseInline(tokens, this.parser.textRenderer));
      return `<h${depth} id="${anchor}">${html}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      const html = this.parser.parseInline(tokens);
      const place = placeOf(guide, href);
      return place === null ? html : `<a href="${escape(place)}">${html}</a>`;
    },
    table(token) {
      const cells = (tag, row) =>
        `<tr>${row.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
      const rows = token.rows.map((row) => cells('td', row)).join('\n');
      return `<div class="table" tabindex="0"><table><thead>${cells('th', token.header)}</thead><tbody>${rows}</tbody></table></div>\n`;
    },
    code({ text }) {
      return `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`;
    },
    html({ text }) {
      return text.replaceAll(/(src|srcset)="([\w-]+\.(?:png|svg))"/g, (_, attribute, name) => {
        copyFileSync(join(source, dirname(guide), name), join(folder, name));
        return `${attribute}="../static/${name}"`;
      });
    },
  };
  return new Marked({ renderer });
}

/** Where a link leads on the server; null if what it names is not there. */
function placeOf(guide, href) {
  if (/^(#|https?:|mailto:)/.test(href)) return href;
  const [path, anchor] = href.split('#');
  const target = posix.join(dirname(guide), path);
  const hash = anchor === undefined ? '' : `#${anchor}`;
  if (target === 'errors.md') return `../errors${hash}`;
  return Object.values(GUIDES).flat().includes(target) ? `${nameOf(target)}${hash}` : null;
}

/** `up` leads from the page to `/docs/`: pages also work below a path of a proxy. */
function page(title, body, up) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)} · Fanfare</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${up}static/guide.css">
</head>
<body>
<nav><a href="${up}../docs">API reference</a> <a href="${up}guides">Guides</a> <a href="${up}errors">Errors</a></nav>
<main>
${body}
</main>
</body>
</html>
`;
}
