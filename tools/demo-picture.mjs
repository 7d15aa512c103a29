/**
 * Draws docs/demo.svg: the final output of `npm run demo` on a terminal. Run by hand when the output changes; needs
 * `script`.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const COLUMNS = 92;
const run = spawnSync(
  'script',
  ['-qec', `stty cols ${COLUMNS}; node server/bin/fanfare.cjs demo`, '/dev/null'],
  { cwd: new URL('..', import.meta.url), encoding: 'utf8' },
);
if (run.status !== 0) throw new Error(run.stderr);

const ESC = '\u001b';
// Text before the first redrawing stays; the last frame and the text after it follow the last one.
const [before] = run.stdout.split(`${ESC}[J`);
const after = run.stdout.split(`${ESC}[J`).at(-1);
const text = `${before}${after}`
  .replaceAll('\r', '')
  .replace(/in \/\S+/, 'in a temporary folder')
  .trimEnd();
const shown = ['$ npm run demo', '', ...text.split('\n')];

const COLOURS = { 31: '#f87171', 32: '#4ade80', 36: '#22d3ee', 2: '#6b7280' };
const LINE = 20;
const PADDING = 20;
const escape = (words) =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A line with its colours; codes that set none end one. */
function paint(line) {
  return line
    .split(new RegExp(`${ESC}\\[`))
    .map((part, i) => {
      if (i === 0) return escape(part);
      const [, codes = '', words = ''] = /^([\d;]*)[A-Za-z]([\s\S]*)$/.exec(part) ?? [];
      const fill = COLOURS[codes];
      if (words === '') return '';
      return fill ? `<tspan fill="${fill}">${escape(words)}</tspan>` : escape(words);
    })
    .join('');
}

const width = COLUMNS * 8.45 + 2 * PADDING;
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
