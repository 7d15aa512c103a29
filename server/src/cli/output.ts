/** Output of commands: tables for people, JSON for machines; colours only on terminals and without NO_COLOR. */
import pc from 'picocolors';
import { escapeControls } from '../lib/printable.ts';
import type { Globals } from './globals.ts';

export const colours = pc;

/** Between these, all is text: line ends and our own colours. */
// oxlint-disable-next-line no-control-regex
const OURS = /(\n|\u001b\[(?:[0-9]|2[0-9]|3[0-9])m)/;

/** As it may be written to a terminal, where others' text could move the cursor, rename the window or answer for the user. */
export function printable(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : escapeControls(part)))
    .join('');
}

/** Everything that a command writes for people passes here. */
export function write(stream: NodeJS.WritableStream, text: string): void {
  stream.write(printable(text));
}

/** Writes data for a program, unchanged unless a person sees it. Resolves when there is room for more. */
export function writeData(text: string): Promise<void> {
  const { stdout } = process;
  return new Promise((resolve, reject) => {
    stdout.write(stdout.isTTY ? printable(text) : text, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

export function print(text: string): void {
  write(process.stdout, `${text}\n`);
}

/** Notes for people, separate from results that a program may read. */
export function note(text: string): void {
  write(process.stderr, `${text}\n`);
}

export const number = (value: number) => value.toLocaleString('en');

/** In UTC, to the second. */
export function showTime(at: Date | null): string {
  return at === null ? '-' : at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** A value as JSON, or as a person reads it. */
export function show<Value>(
  { json }: Globals,
  value: Value,
  toText: (value: Value) => string,
): void {
  print(json ? JSON.stringify(value) : toText(value));
}

export interface Column<Entry> {
  readonly head: string;
  readonly cell: (entry: Entry) => string;
  readonly isRight?: true;
}

/** Rows are lined up by the ones that are shown together. */
const ROWS_TOGETHER = 100;

/** Entries as they come: JSON lines, or a table with a header row. At most `limit`; says on standard error when there are more. */
export async function showList<Entry>(
  { json }: Globals,
  entries: AsyncIterable<Entry>,
  columns: readonly Column<Entry>[],
  limit: number,
): Promise<void> {
  let count = 0;
  let together: Entry[] = [];
  const flush = () => {
    const hasHead = count <= ROWS_TOGETHER || together.length === count;
    if (together.length > 0) print(renderTable(columns, together, hasHead));
    together = [];
  };
  for await (const entry of entries) {
    if (count === limit) {
      flush();
      note(`There are more than ${limit} entries. Use --limit, or narrow the filter.`);
      return;
    }
    count += 1;
    if (json) print(JSON.stringify(entry));
    else together.push(entry);
    if (together.length === ROWS_TOGETHER) flush();
  }
  flush();
  if (count === 0 && !json) note('No entries.');
}

export function renderTable<Entry>(
  columns: readonly Column<Entry>[],
  entries: readonly Entry[],
  hasHead = true,
): string {
  const cells = entries.map((entry) => columns.map(({ cell }) => escapeControls(cell(entry))));
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, i) =>
    Math.max(...[heads, ...cells].map((row) => row[i]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, i) =>
        columns[i]?.isRight ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [...(hasHead ? [colours.dim(line(heads))] : []), ...cells.map(line)].join('\n');
}

/** Names and values, one below the other. */
export function renderFields(fields: readonly (readonly [string, string])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length));
  return fields
    .map(([name, value]) => `${colours.dim(name.padEnd(width))}  ${escapeControls(value)}`)
    .join('\n');
}
