/** Holds the walls of ARCHITECTURE.md: who may import whom, and how long files and functions may be. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));

/** What each folder may import of the others; its own files always. */
const WALLS: Readonly<Record<string, readonly string[]>> = {
  boot: [],
  domain: [],
  lib: [],
  store: ['domain/', 'lib/'],
  carriers: ['domain/', 'lib/'],
  intake: ['domain/', 'lib/', 'store/store.ts'],
  dispatch: ['domain/', 'lib/', 'store/store.ts', 'carriers/carrier.ts'],
  events: ['domain/', 'lib/', 'store/store.ts'],
  http: ['domain/', 'lib/', 'intake/', 'store/store.ts'],
  cli: ['app.ts', 'config/', 'lib/'],
  // Options of carriers and sinks are what these say they are.
  config: ['domain/', 'lib/', 'carriers/', 'events/'],
};

/** Composition roots and the option table: they may know what they put together. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'app.ts': [
    'config/',
    'build-carriers.ts',
    'build-sinks.ts',
    'domain/',
    'lib/',
    'store/',
    'http/',
    'events/',
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
    'http/',
    'intake/',
    // What says whether a URL may be called.
    'events/address-guard.ts',
  ],
};

const LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
/** Longer files, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  'config/config.ts': 'every option, once',
  'config/carriers.ts': 'every option of carriers, once',
  'http/schemas.ts': 'every shape of the API, once',
  'store/operations.ts': 'everything that writes or reads an operation, in the order of its life',
  'store/embedded.ts': 'one state machine: the life of the engine',
};
/** Longer functions, each with its reason. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'http/routes.ts listMessageRoutes': 'a table: one entry per route',
  'http/email-routes.ts listOperationRoutes': 'a table: one entry per route',
  'http/sender-routes.ts listSenderRoutes': 'a table: one entry per route',
  'http/sender-routes.ts listPoolRoutes': 'a table: one entry per route',
  'http/suppression-routes.ts listSuppressionRoutes': 'a table: one entry per route',
  'http/subscription-routes.ts listSubscriptionRoutes': 'a table: one entry per route',
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

  it('keeps SQL in the store', () => {
    const sql = /`\s*(select|insert into|update|delete from|with \w+ as)\s/i;
    expect(files.filter((file) => !file.startsWith('store/') && sql.test(read(file)))).toEqual([]);
  });

  it('opens every file with what it is for', () => {
    expect(files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(read(file)))).toEqual([]);
  });

  it('keeps files short', () => {
    const long = files.filter((file) => read(file).split('\n').length > LINES_MAX);
    expect(long.filter((file) => !(file in LONG_FILES))).toEqual([]);
  });

  it('keeps functions short', () => {
    const long = files.flatMap((file) => longFunctions(file).map((name) => `${file} ${name}`));
    expect(long.filter((each) => !(each in LONG_FUNCTIONS))).toEqual([]);
  });

  it('names files plainly', () => {
    expect(files.filter((file) => !/^([a-z]+\/){0,2}[a-z][a-z0-9-]*\.ts$/.test(file))).toEqual([]);
    expect(
      files.filter((file) => /(^|\/)(utils?|helpers?|common|types|index)\.ts$/.test(file)),
    ).toEqual([]);
  });
});

/**
 * Functions and methods by their first and last line: the formatter puts the last brace below the first word. A factory
 * (`create…`) is the closure that others write as a class; what is in it is counted instead.
 */
function longFunctions(file: string): string[] {
  const lines = read(file).split('\n');
  const long: string[] = [];
  for (const [start, line] of lines.entries()) {
    const match =
      /^( *)(?:export )?(?:async )?function\*? (\w+)/.exec(line) ??
      /^( +)(?:async )?(#?\w+)\(.*\{$/.exec(line);
    const [, indent = '', name = ''] = match ?? [];
    if (match === null || /^(create|if|for|while|switch|catch)/.test(name)) continue;
    const end = lines.findIndex(
      (each, i) => i > start && (each === `${indent}}` || each === `${indent}},`),
    );
    if (end - start + 1 > FUNCTION_LINES_MAX) long.push(name);
  }
  return long;
}
