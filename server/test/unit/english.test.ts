/** Pages, help, messages, the dashboard and comments use the words of the glossary, and lines of a readable width. */
import { describe, expect, it } from 'vitest';
import { fieldOf } from '../../../dashboard/src/fields.ts';
import { checkComments, checkPage, checkSource, type Blemish } from '../support/english.ts';
import { listDocuments, listFiles, readText } from '../support/markdown.ts';

/** Files with comments and with texts of the program: help, errors, log lines, the dashboard. */
const FOLDERS = ['server/src', 'client/src', 'dashboard/src'];

function check(file: string): Blemish[] {
  const text = readText(file);
  if (file.endsWith('.md')) return checkPage(text);
  if (file.endsWith('.sql')) return checkComments(text);
  const language = file.endsWith('.tsx') ? 'tsx' : 'ts';
  return [...checkSource(text, language, file.startsWith('dashboard/')), ...checkComments(text)];
}

const files = [
  ...listDocuments(),
  ...FOLDERS.flatMap((folder) => listFiles(folder, /(?<!\.d)\.tsx?$/)),
  ...listFiles('server/migrations', /\.sql$/),
];

describe('the English', () => {
  it('is looked at everywhere', () => {
    expect(files).toContain('README.md');
    expect(files).toContain('dashboard/src/pages/message.tsx');
    expect(files.length).toBeGreaterThan(300);
  });

  it('is plain', () => {
    const found = files.flatMap((file) =>
      check(file).map(({ line, what }) => `${file}:${line} ${what}`),
    );
    expect(found).toEqual([]);
  });
});

const whatOf = (found: readonly Blemish[]) => found.map(({ what }) => what);

describe('the check of a page', () => {
  it.each([
    'It is handed over to the carrier.',
    'Hand it over.',
    'Whoever reads it knows.',
    'All of what is there is read.',
    'PostgreSQL comes along.',
    'A truthful double of a carrier.',
    'It is let go of.',
    'The event was told.',
    'At most 1 recipients are left.',
    'It waits 1 seconds.',
    'It fails in 98 % of all cases.',
    `${'word '.repeat(20)}more`,
    `- ${'word '.repeat(20)}more`,
  ])('sees %j', (line) => {
    expect(whatOf(checkPage(`First.\n${line}\n`))).toHaveLength(1);
    expect(checkPage(`First.\n${line}\n`)[0]?.line).toBe(2);
  });

  it.each([
    'Submit it to the carrier: 1 recipient, 21 recipients, 1.1 seconds, 98%.',
    'Once `frontier` and `told` were columns.',
    '```\nlane told whoever 1 recipients\n```',
    `| ${'word '.repeat(30)} |`,
    `<img src="${'word'.repeat(30)}">`,
    `[a page](https://example.com/${'word'.repeat(30)})`,
    'What is a carrier?',
  ])('lets %j pass', (text) => {
    expect(whatOf(checkPage(text))).toEqual([]);
  });
});

describe('the check of a source', () => {
  it.each([
    ["'It is handed over to them.'"],
    ['`It was ${how} handed over.`'],
    ['`You have ${count} recipients.`'],
    ['`Only 1 recipients are left.`'],
    ['<p>You have {count} messages.</p>'],
    ['<p>You have {count} <b>good</b> messages, told to all.</p>'],
    ['<p title="Wrong in to[0] of it">x</p>'],
    ['<p>It lacks senderId here.</p>'],
    ["'The path $.to is wrong'"],
    ["'Set error_code of it'"],
  ])('sees %s', (code) => {
    expect(whatOf(checkSource(`const x = ${code};`, 'tsx', true))).toHaveLength(1);
  });

  it.each([
    ["'told'"],
    ['`At most ${RECIPIENTS_MAX} recipients, please.`'],
    ["count === 1 ? 'Only 1 row of it' : `There are ${count} rows.`"],
    ['`${plural(count, "message")} and more`'],
    ["'select told from event_delivery'"],
    ['<p class="a b">All e-mails of {count} {noun} are there.</p>'],
  ])('lets %s pass', (code) => {
    expect(whatOf(checkSource(`const x = ${code};`, 'tsx', true))).toEqual([]);
  });
});

describe('the check of comments', () => {
  it.each([
    '/** What is told. */',
    '  // Whoever reads it.',
    ' * Sorts out a batch.',
    '  -- The frontier.',
  ])('sees %j', (line) => {
    expect(checkComments(`const x = 1;\n${line}`)).not.toEqual([]);
    expect(checkComments(`const x = 1;\n${line}`)[0]?.line).toBe(2);
  });

  it.each(["const told = 'whoever';", '/** The reader knows `told`. */', 'return; // A batch.'])(
    'lets %j pass',
    (line) => {
      expect(checkComments(line)).toEqual([]);
    },
  );
});

describe('errors on a page of the dashboard', () => {
  it.each([
    ['$.content.text', 'Text'],
    ['$.content.media[0].url', 'Picture or file URL'],
    ['$.to[17].variables["to"]', 'Recipients'],
    ['$.quietHours.start', 'Quiet hours'],
    ['$.constructor', null],
    ['null', null],
  ])('at %s name the field %s', (path, field) => {
    expect(fieldOf(path)).toBe(field);
  });
});
