/** Holds the walls of ARCHITECTURE.md: who may import whom, and how long files and functions may be. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { functionsOf, isSql, stringsOf } from '../support/source.ts';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** Folders that each folder may import, in addition to its own files. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  boot: [],
  domain: [],
  lib: [],
  // Runs in browsers too.
  lists: ['domain/'],
  shapes: ['domain/'],
  net: ['domain/', 'lib/'],
  engine: ['lib/'],
  store: ['domain/', 'lib/'],
  carriers: ['domain/', 'lib/'],
  intake: ['domain/', 'lib/', 'shapes/', 'store/store.ts'],
  dispatch: ['domain/', 'lib/', 'store/store.ts', 'carriers/carrier.ts'],
  events: ['domain/', 'lib/', 'net/', 'store/store.ts'],
  http: ['domain/', 'lib/', 'lists/', 'shapes/', 'intake/', 'store/store.ts'],
  cli: ['app.ts', 'config/', 'domain/', 'lib/', 'lists/'],
  // The configuration has the option types of carriers and sinks.
  config: ['domain/', 'lib/', 'net/', 'carriers/', 'events/'],
};

/** Composition roots and the option table: they may import the parts that they assemble. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'app.ts': [
    'config/',
    'build-carriers.ts',
    'build-sinks.ts',
    'domain/',
    'lib/',
    'net/',
    'engine/',
    'store/',
    'intake/',
    'http/',
    'events/',
    'dispatch-thread.ts',
    'events-thread.ts',
    'intake-thread.ts',
    'node-threads.ts',
  ],
  'node-threads.ts': [
    'domain/',
    'lib/',
    'intake/',
    'http/',
    'dispatch-thread.ts',
    'events-thread.ts',
    'intake-thread.ts',
  ],
  'build-carriers.ts': ['config/', 'domain/', 'lib/', 'carriers/'],
  'build-sinks.ts': ['config/', 'lib/', 'events/'],
  'dispatch-thread.ts': [
    'config/',
    'build-carriers.ts',
    'domain/',
    'lib/',
    'store/store.ts',
    'carriers/',
    'dispatch/',
    'intake/',
  ],
  'events-thread.ts': ['config/', 'build-sinks.ts', 'domain/', 'lib/', 'store/store.ts', 'events/'],
  'intake-thread.ts': [
    'config/',
    'domain/',
    'lib/',
    'store/store.ts',
    'intake/',
    // The check of URLs.
    'net/',
  ],
};

/** Imports between the rooms of a folder; unlisted rooms may import only `edge`. */
const HTTP_WALLS: Readonly<Record<string, readonly string[]>> = {
  edge: [],
  // A send is accepted alike, and an operation is one of messages or of e-mails.
  messages: ['http/operations/'],
  emails: ['http/operations/'],
  // The description of the whole API.
  public: ['http/routes.ts'],
};

const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
/** Longer files, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'config/config.ts': 'every option, once',
  'config/carriers.ts': 'every option of carriers, once',
  'domain/errors.ts': 'every error, once',
  'shapes/api.ts': 'every shape of the API, once',
  'store/operations.ts': 'everything that writes or reads an operation, in the order of its life',
  'engine/embedded.ts': 'one state machine: the life of the engine',
};
/** Longer functions, each with its reason. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'dispatch-thread.ts (nameless)': 'a composition root: each part once, and what it is given',
  'http/messages/routes.ts listMessageRoutes': 'a table: one entry per route',
  'http/senders/routes.ts listSenderRoutes': 'a table: one entry per route',
  'http/senders/routes.ts listPoolRoutes': 'a table: one entry per route',
  'http/suppressions/routes.ts listSuppressionRoutes': 'a table: one entry per route',
  'http/subscriptions/routes.ts listSubscriptionRoutes': 'a table: one entry per route',
};

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'))
  .toSorted();

const read = (file: string) => readFileSync(join(SOURCE, file), 'utf8');

function importsOf(file: string): string[] {
  const found = read(file).matchAll(/(?:from\s+|import\s*\(\s*|import\s+)'(\.[^']+)'/g);
  return [...found].map(([, path = '']) =>
    relative(SOURCE, resolve(dirname(join(SOURCE, file)), path)).replaceAll('\\', '/'),
  );
}

describe('the house', () => {
  it('has no rooms that the table does not know', () => {
    const rooms = new Set(files.map((file) => file.split('/')[0] ?? ''));
    expect([...rooms].toSorted()).toEqual(
      [...Object.keys(WALLS), ...Object.keys(ROOTS)].toSorted(),
    );
  });

  it('is as ARCHITECTURE.md draws it', () => {
    const plain = (name: string) => name.replace(/(\/|\.ts)$/, '');
    const sorted = (walls: Iterable<readonly [string, readonly string[]]>) =>
      Object.fromEntries([...walls].map(([room, may]) => [plain(room), may.map(plain).toSorted()]));
    const rows = readFileSync(join(SOURCE, '../../ARCHITECTURE.md'), 'utf8').matchAll(
      /^\| `([^`]+)` +\|[^|]+\| (nothing|[\w-]+(?:[/,] ?[\w-]+)*) +\|$/gm,
    );
    const drawn = [...rows].map(
      ([, room = '', may = '']) => [room, may === 'nothing' ? [] : may.split(', ')] as const,
    );
    expect(sorted(drawn)).toEqual(sorted(Object.entries({ ...WALLS, ...ROOTS })));
  });

  it.each(files)('%s imports only what its room may', (file) => {
    const room = file.includes('/') ? (file.split('/')[0] ?? '') : file;
    const allowed = WALLS[room] ?? ROOTS[room] ?? [];
    const wrong = importsOf(file).filter(
      (path) =>
        !path.startsWith(`${room}/`) &&
        !allowed.some((each) => path === each || (each.endsWith('/') && path.startsWith(each))),
    );
    expect(wrong).toEqual([]);
  });

  it.each(files.filter((file) => /^http\/[\w-]+\//.test(file)))(
    '%s knows no other room of http/ than it may',
    (file) => {
      const room = file.split('/')[1] ?? '';
      const allowed = [
        `http/${room}/`,
        ...(room === 'edge' ? [] : ['http/edge/']),
        ...(HTTP_WALLS[room] ?? []),
      ];
      const wrong = importsOf(file).filter(
        (path) => path.startsWith('http/') && !allowed.some((each) => path.startsWith(each)),
      );
      expect(wrong).toEqual([]);
    },
  );

  it('has no circles', () => {
    const state = new Map<string, 'open' | 'done'>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      if (state.get(file) === 'done') return;
      if (state.get(file) === 'open') {
        circles.push([...path.slice(path.indexOf(file)), file].join(' > '));
        return;
      }
      state.set(file, 'open');
      for (const each of importsOf(file)) if (files.includes(each)) visit(each, [...path, file]);
      state.set(file, 'done');
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it('keeps SQL in the store', () => {
    // The engine asks whether there is a database at all.
    const outside = files.filter((file) => !/^(store|engine)\//.test(file));
    const found = outside.flatMap((file) =>
      stringsOf(read(file))
        .filter(isSql)
        .map((text) => `${file}: ${text.slice(0, 80)}`),
    );
    expect(found).toEqual([]);
    // What looks there finds what is here.
    const inside = files.filter((file) => file.startsWith('store/'));
    expect(inside.flatMap((file) => stringsOf(read(file)).filter(isSql)).length).toBeGreaterThan(
      100,
    );
  });

  it('opens every file with its purpose', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)))).toEqual([]);
  });

  it('keeps files short', () => {
    const long = files.filter((file) => read(file).split('\n').length > LINES_MAX);
    expect(long.filter((file) => !(file in LONG_FILES))).toEqual([]);
  });

  it('keeps functions short', () => {
    const long = files.flatMap((file) =>
      longFunctions(read(file)).map((name) => `${file} ${name}`),
    );
    expect(long.filter((each) => !(each in LONG_FUNCTIONS))).toEqual([]);
  });

  it('names files plainly', () => {
    expect(
      files.filter((file) => !/^([a-z][a-z-]*\/){0,2}[a-z][a-z0-9-]*\.ts$/.test(file)),
    ).toEqual([]);
    expect(
      files.filter((file) => /(^|\/)(utils?|helpers?|common|types|index)\.ts$/.test(file)),
    ).toEqual([]);
  });
});

/**
 * The functions and methods of a source that are too long. A factory (`create…`) is the closure that others write as a
 * class: it counts without the functions in it, which count as any other.
 */
function longFunctions(source: string): string[] {
  return functionsOf(source)
    .filter(({ name, lines, ownLines }) => {
      const counted = name.startsWith('create') ? ownLines : lines;
      return counted > FUNCTION_LINES_MAX;
    })
    .map(({ name }) => name);
}

describe('the check of long functions', () => {
  const filled = (count: number) => 'work();\n'.repeat(count);
  const most = FUNCTION_LINES_MAX - 2;

  it.each([
    ['a function', 'function f() {\n', '}'],
    ['one whose parameters are wrapped', 'export async function f(\na: number,\n) {\n', '}', -2],
    ['a generator', 'function* f() {\n', '}'],
    ['an arrow function', 'const f = async () => {\n', '};'],
    ['a method', 'const o = { f() {\n', '} };'],
    ['a method of a class', 'class C { f() {\n', '} }'],
    ['a private method', 'class C { static #f() {\n', '} }'],
    ['a factory', 'function createF() {\n', '}'],
  ])('sees %s', (_what, head, foot, more = 0) => {
    expect(longFunctions(`${head}${filled(most + more)}${foot}`)).toEqual([]);
    expect(longFunctions(`${head}${filled(most + more + 1)}${foot}`)).toHaveLength(1);
  });

  it('counts functions inside a factory separately', () => {
    const inner = `function f() {\n${filled(most)}}\n`;
    expect(longFunctions(`function createF() {\n${inner}${inner}}`)).toEqual([]);
    expect(longFunctions(`function createF() {\n${filled(40)}${inner}${filled(40)}}`)).toEqual([
      'createF',
    ]);
    expect(longFunctions(`function makeF() {\n${inner}${inner}}`)).toEqual(['makeF']);
    const long = `function f() {\n${filled(most + 1)}}\n`;
    expect(longFunctions(`function createF() {\n${long}}`)).toEqual(['f']);
  });
});

describe('the check of SQL', () => {
  it.each([
    'select 1',
    'SELECT id FROM message',
    '\n  select m.id,\n  m.status\n  from message m',
    "select pg_notify('a', $1)",
    'select exists (select 1 from message)',
    'insert into message (id) values ($1)',
    'update message m set status = $1',
    'update only message set status = $1',
    'delete from message',
    'with gone as (delete from message returning id) select count(*) from gone',
    'with recursive tree (id) as materialized (select 1) select * from tree',
    'lock table message in exclusive mode',
    'truncate message',
    'truncate table message cascade',
    'copy message (id, status) from stdin',
    'listen changes',
    'unlisten *',
    'notify changes',
    "notify changes, 'x'",
    'create unique index on message (id)',
    'create or replace function f() returns int',
    'alter table message add column x int',
    'drop table if exists message',
    'begin',
    'BEGIN',
    'begin isolation level serializable',
    'commit',
    'rollback',
    'rollback to savepoint here',
    'savepoint here',
    "set local statement_timeout = '5s'",
    'set transaction read only',
    'vacuum (analyze) message',
    'analyze message',
    'reindex table concurrently message',
    'refresh materialized view totals',
    'explain (analyze) select 1',
    'grant select on message to reader',
    'show server_version',
    'call tidy()',
    'do $body$ begin end $body$',
    '/* why */ select 1',
    '-- why\nselect 1',
    'and id in (select id from message)',
    'counted as (delete from message returning id)',
  ])('sees %j', (statement) => {
    expect([isSql(statement), isSql(`${statement};`)]).toEqual([true, true]);
  });

  it.each([
    'select',
    'update',
    'delete',
    'lock',
    'Select a sender from the list.',
    'select one of them',
    'Insert into the form what you know.',
    'Update the settings of a sender.',
    'update is not possible: set both or neither',
    'Delete a message.',
    'delete the key',
    'with a key of its own',
    'with the words "as (x)"',
    'lock file of another process',
    'copy of a message from yesterday',
    'listen on this address',
    'Create a table of prices.',
    'create a subscription',
    'drop privileges',
    'begin with +',
    'commit to it',
    'set both or neither',
    'show what would be sent',
    'values are numbers',
    'grant access',
    'call it off',
    'do not do this',
    'It serves one node; set DATABASE_URL to have several.',
  ])('takes %j for no SQL', (words) => {
    expect(isSql(words)).toBe(false);
  });

  it('looks into templates and strings of every kind', () => {
    const source = ["'begin'", '"select 1"', '`update ${table} set a = ${f(`drop table x`)}`'];
    expect(stringsOf(`f(${source.join(', ')});`).filter(isSql)).toEqual([
      'begin',
      'select 1',
      'update $0 set a = $0',
      'drop table x',
    ]);
  });
});
