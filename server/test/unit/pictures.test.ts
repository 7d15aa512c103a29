/** Pictures and internal documents name only existing tables, columns, functions and files. */
import { describe, expect, it } from 'vitest';
import { codeOf, listFiles, mermaidOf, readText } from '../support/markdown.ts';
import { parseMermaid, type Picture } from '../support/mermaid.ts';
import { parseSchema, readSchema } from '../support/schema.ts';

const PAGES = ['ARCHITECTURE.md', 'docs/internals.md', 'docs/pictures.md', 'docs/tables.md'];

const schema = readSchema();
const { tables, enums } = schema;

const CODE = /\.(ts|tsx|mjs|cjs)$/;
const SOURCES = ['server', 'client', 'dashboard', 'bench', 'chaos', 'tools', 'demo'];
const sources = SOURCES.flatMap((folder) => listFiles(folder, CODE));
const files = [
  ...sources,
  ...listFiles('', /\.(md|json)$/),
  // Made by the build.
  'server/dist/program/boot.cjs',
];

const wordsOf = (text: string) => text.match(/[\p{L}\d_$]+/gu) ?? [];

/** Every word of the code but for comments and tests, of the schema, and of the scripts. Old migrations are not looked at. */
const words = new Set([
  ...sources
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) =>
      wordsOf(
        readText(file)
          .replaceAll(/\/\*[\s\S]*?\*\//g, '')
          .replaceAll(/(^|\s)\/\/.*$/gm, ''),
      ),
    ),
  ...[...tables].flatMap(([table, columns]) => [table, ...columns.keys()]),
  ...[...enums].flatMap(([name, each]) => [name, ...each]),
  ...schema.functions,
  ...schema.triggers,
  ...wordsOf(readText('package.json')),
]);

const isPath = (code: string) => /^[\w@.-]*(\/[\w.-]+)*\/?$/.test(code) && /[/.]/.test(code);
const isFile = (path: string) => files.some((file) => file === path || file.endsWith(`/${path}`));
const isFolder = (path: string) =>
  files.some((file) => file.startsWith(path) || file.includes(`/${path}`));

/** What of a piece of code there is not. */
function missingIn(code: string): string[] {
  if (isPath(code) && (code.endsWith('/') ? isFolder(code) : isFile(code))) return [];
  if (/^[\w./-]+\.(ts|md|sql|mjs)$/.test(code)) return [code];
  return wordsOf(code).filter((word) => !words.has(word) && !/^\d+$/.test(word));
}

/** What pages name that is of others. */
const FOREIGN = new Set(['npm', 'node', 'LISTEN', 'NOTIFY']);

describe.each(PAGES)('%s', (page) => {
  it('names only existing things', () => {
    const gone = codeOf(readText(page)).flatMap(missingIn);
    expect([...new Set(gone)].filter((each) => !FOREIGN.has(each))).toEqual([]);
  });

  it('has valid pictures of existing things', () => {
    const pictures = mermaidOf(readText(page)).map(parseMermaid);
    expect(pictures.flatMap(missingOf)).toEqual([]);
  });
});

/** Names of a picture that are no table, column, type or state. */
function missingOf(picture: Picture): string[] {
  if (picture.kind === 'states') {
    const kinds = [...enums.values(), BATCH_STATES];
    return kinds.some((each) => [...picture.states].every((state) => each.has(state)))
      ? []
      : [...picture.states];
  }
  if (picture.kind === 'sequence')
    return (picture.boxes.get('PostgreSQL') ?? [])
      .flatMap((title) => title.split(/,(?: |<br\/>)/))
      .filter((table) => !tables.has(table));
  return [...picture.entities].flatMap(([table, columns]) =>
    [...columns]
      .filter(([column, type]) => tables.get(table)?.get(column) !== type)
      .map(([column, type]) => `${table}: ${type} ${column}`),
  );
}

/** They have no column of their own. */
const BATCH_STATES = new Set(['scheduled', 'ready', 'leased', 'resting']);

describe('the page of tables', () => {
  const text = readText('docs/tables.md');
  const sections = new Map(
    text
      .split(/^### /m)
      .slice(1)
      .map((each) => [each.slice(0, each.indexOf('\n')), each] as const),
  );
  /** Columns in the first cell of a section's table. */
  const columnsOf = (section: string) =>
    [...section.matchAll(/^\| (`[^|]*`) +\|/gm)].flatMap(([, cell = '']) => codeOf(cell));

  it('has every table and every column, once', () => {
    expect([...sections.keys()].toSorted()).toEqual([...tables.keys()].toSorted());
    for (const [table, section] of sections)
      expect([table, ...columnsOf(section).toSorted()]).toEqual([
        table,
        ...[...(tables.get(table)?.keys() ?? [])].toSorted(),
      ]);
  });

  it('draws every table', () => {
    const drawn = mermaidOf(text)
      .map(parseMermaid)
      .flatMap((picture) => (picture.kind === 'entities' ? [...picture.entities.keys()] : []));
    expect([...new Set(drawn)].toSorted()).toEqual([...tables.keys()].toSorted());
  });
});

describe('the journey', () => {
  it('has code and rows for each of its steps', () => {
    const text = readText('docs/pictures.md');
    const [journey] = mermaidOf(text).map(parseMermaid);
    const steps = [...text.matchAll(/^\| (\d+)(?:–(\d+))? +\|/gm)].flatMap(([, first, last]) =>
      Array.from(
        { length: Number(last ?? first) - Number(first) + 1 },
        (_, i) => Number(first) + i,
      ),
    );
    const messages = journey?.kind === 'sequence' ? journey.messages : 0;
    expect(messages).toBeGreaterThan(10);
    expect(steps).toEqual(Array.from({ length: messages }, (_, i) => i + 1));
  });
});

describe('the check of names', () => {
  it.each([
    'message.sent_at',
    'noSuchFunction',
    '`store/no-such-file.ts`',
    'select nosuchcolumn from message',
  ])('finds %s', (code) => {
    expect(missingIn(code.replaceAll('`', ''))).not.toEqual([]);
  });

  it.each([
    'erDiagram\n  message {\n    text frontier\n  }',
    'erDiagram\n  message {\n    int address\n  }',
    'erDiagram\n  no_table {\n    uuid id\n  }',
    'stateDiagram-v2\n  QUEUED --> LOST',
    'sequenceDiagram\n  box PostgreSQL\n    participant A as no_table\n  end',
  ])('finds what is wrong in %j', (picture) => {
    expect(missingOf(parseMermaid(picture))).not.toEqual([]);
  });

  it.each([
    'graph TD\n  A --> B',
    'sequenceDiagram\n  participant A\n  A->>B: hello',
    'sequenceDiagram\n  participant A\n  A->>A: the end',
    'sequenceDiagram\n  box PostgreSQL\n    participant A',
    'sequenceDiagram\n  participant A\n  A->>A: one; two',
    'erDiagram\n  message ||--o{ operation : of',
    'erDiagram\n  message {\n    uuid id',
    'stateDiagram-v2\n  QUEUED -> SENT',
  ])('does not take %j for a picture', (picture) => {
    expect(() => parseMermaid(picture)).toThrow(Error);
  });
});

describe('the reader of migrations', () => {
  it('applies later changes', () => {
    const read = parseSchema(`
      create type mood as enum ('GOOD', 'BAD'); alter type mood add value 'NONE'; alter type mood rename value 'BAD' to 'POOR';
      create table a (id int primary key, b numeric, c text[] not null default '{}', check (b > 0)); -- create table x (y int);
      alter table a add column d text, drop column b, rename column c to e;
      create table gone (id int); drop table gone;
      create table old (id int); alter table old rename to new;
      create function f() returns void language sql as $$ create table inside (id int); $$; drop function f();
      create function g() returns void language sql as $$ select 1 $$;`);
    expect([...(read.enums.get('mood') ?? [])]).toEqual(['GOOD', 'NONE', 'POOR']);
    expect([...read.tables].map(([name, columns]) => [name, ...columns.keys()])).toEqual([
      ['a', 'id', 'e', 'd'],
      ['new', 'id'],
    ]);
    expect([...read.functions]).toEqual(['g']);
  });
});
