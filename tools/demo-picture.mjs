/** Draws docs/demo.svg: what `npm run demo` prints, in a terminal's colours. Run by hand when the output changes. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const run = spawnSync(process.execPath, ['server/dist/cli/main.js', 'demo'], {
  cwd: new URL('..', import.meta.url),
  encoding: 'utf8',
});
if (run.status !== 0) throw new Error(run.stderr);

const lines = run.stdout
  .replace(/in \/\S+/, 'in a temporary folder')
  .trimEnd()
  .split('\n');
const shown = ['$ npm run demo', '', ...lines];
const LINE = 20;
const PADDING = 20;
const escape = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const paint = (text) =>
  escape(text)
    .replace(/(█+)/, '<tspan fill="#4ade80">$1</tspan>')
    .replace(/(░+)/, '<tspan fill="#3f4654">$1</tspan>')
    .replace(/\b(COMPLETED)\b/, '<tspan fill="#4ade80">$1</tspan>')
    .replace(/\b(PROCESSING)\b/, '<tspan fill="#facc15">$1</tspan>');
const width = Math.max(...shown.map((line) => line.length)) * 8.45 + 2 * PADDING;
const height = shown.length * LINE + 2 * PADDING;
const rows = shown.map(
  (line, i) =>
    `<text x="${PADDING}" y="${PADDING + (i + 0.75) * LINE}" xml:space="preserve">${paint(line)}</text>`,
);
writeFileSync(
  new URL('../docs/demo.svg', import.meta.url),
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.ceil(width)} ${height}" width="${Math.ceil(width)}" height="${height}" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="#e5e7eb">
<title>The output of npm run demo</title>
<rect width="100%" height="100%" rx="10" fill="#111827"/>
${rows.join('\n')}
</svg>
`,
);
