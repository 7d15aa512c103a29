/** Reads the migrations: the tables, columns, types and functions that there are after the last of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Creates the table of applied migrations. */
const MIGRATE = fileURLToPath(new URL('../../src/store/migrate.ts', import.meta.url));

export interface Schema {
  /** Of each table, the types of its columns. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Of each enum, its words. */
  readonly enums: ReadonlyMap<string, ReadonlySet<string>>;
  readonly functions: ReadonlySet<string>;
  readonly triggers: ReadonlySet<string>;
}

export function readSchema(): Schema {
  const [first = ''] = /create table[^`]*/.exec(readFileSync(MIGRATE, 'utf8')) ?? [];
  const files = readdirSync(MIGRATIONS).toSorted();
  return parseSchema(
    [first, ...files.map((file) => readFileSync(join(MIGRATIONS, file), 'utf8'))].join(';\n'),
  );
}

/** Objects that statements create, change and drop; other statements are skipped. */
export function parseSchema(sql: string): Schema {
  const tables = new Map<string, Map<string, string>>();
  const enums = new Map<string, Set<string>>();
  const functions = new Set<string>();
  const triggers = new Set<string>();
  const columnsOf = (table: string) => {
    const columns = tables.get(table);
    if (columns === undefined) throw new Error(`No table ${table} to change.`);
    return columns;
  };

  const rules: readonly (readonly [RegExp, (...groups: string[]) => void])[] = [
    [
      /^create table (?:if not exists )?(\w+) \((.*)\)/s,
      (table, body) => {
        const parts = splitAtCommas(body).map(toColumn);
        tables.set(table, new Map(parts.filter((each) => each !== null)));
      },
    ],
    [/^drop table (?:if exists )?(\w+)/, (table) => tables.delete(table)],
    [
      /^alter table (?:only )?(\w+) (.*)$/s,
      (table, actions) => {
        for (const action of splitAtCommas(actions)) alterTable(table, action);
      },
    ],
    [
      /^create type (\w+) as enum\s*\((.*)\)/s,
      (name, words) => enums.set(name, new Set(wordsOf(words))),
    ],
    [
      /^alter type (\w+) add value (?:if not exists )?'([^']*)'/,
      (name, word) => enums.get(name)?.add(word),
    ],
    [
      /^alter type (\w+) rename value '([^']*)' to '([^']*)'/,
      (name, old, word) => enums.get(name)?.delete(old) === true && enums.get(name)?.add(word),
    ],
    [
      /^alter type (\w+) rename to (\w+)/,
      (old, name) => enums.set(name, enums.get(old) ?? new Set()) && enums.delete(old),
    ],
    [/^create (?:or replace )?function (\w+)/, (name) => functions.add(name)],
    [/^drop function (?:if exists )?(\w+)/, (name) => functions.delete(name)],
    [
      /^alter function (\w+)[^;]* rename to (\w+)/,
      (old, name) => functions.delete(old) && functions.add(name),
    ],
    [/^create (?:or replace )?trigger (\w+)/, (name) => triggers.add(name)],
    [/^drop trigger (?:if exists )?(\w+)/, (name) => triggers.delete(name)],
  ];

  function alterTable(table: string, action: string): void {
    const renamed = /^rename to (\w+)/.exec(action);
    const moved = /^rename (?:column )?(\w+) to (\w+)/.exec(action);
    const dropped = /^drop column (?:if exists )?(\w+)/.exec(action);
    const added = /^add column (?:if not exists )?(.*)$/s.exec(action);
    if (renamed?.[1] !== undefined) {
      tables.set(renamed[1], columnsOf(table));
      tables.delete(table);
    } else if (moved?.[1] !== undefined && moved[2] !== undefined && moved[1] !== 'constraint') {
      const columns = [...columnsOf(table)];
      tables.set(
        table,
        new Map(columns.map(([name, type]) => [name === moved[1] ? (moved[2] ?? '') : name, type])),
      );
    } else if (dropped?.[1] !== undefined) columnsOf(table).delete(dropped[1]);
    else if (added?.[1] !== undefined) {
      const column = toColumn(added[1]);
      if (column !== null) columnsOf(table).set(...column);
    }
  }

  for (const statement of splitStatements(sql))
    for (const [pattern, apply] of rules) {
      const found = pattern.exec(statement);
      if (found !== null) apply(...found.slice(1));
    }
  return { tables, enums, functions, triggers };
}

/** The statements of a script, without comments and dollar-quoted text. */
function splitStatements(sql: string): string[] {
  return sql
    .replaceAll(/--.*$/gm, '')
    .replaceAll(/(\$\w*\$)[\s\S]*?\1/g, "''")
    .split(';')
    .map((each) => each.trim().replaceAll(/\s+/g, ' '))
    .filter((each) => each !== '');
}

function splitAtCommas(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const c of text) {
    if (c === '(') depth += 1;
    if (c === ')') depth -= 1;
    if (c === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += c;
  }
  return parts.map((each) => each.trim());
}

const CONSTRAINTS = /^(primary key|constraint|unique|check|foreign key|exclude|like)\b/;

function toColumn(text: string): [name: string, type: string] | null {
  const found = CONSTRAINTS.test(text) ? null : /^(\w+) (\w+(?:\[\])?)/.exec(text);
  return found?.[1] === undefined || found[2] === undefined ? null : [found[1], found[2]];
}

const wordsOf = (list: string) => [...list.matchAll(/'([^']*)'/g)].map(([, word = '']) => word);
