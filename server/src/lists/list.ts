/**
 * The reader of lists, for `send --file`, `suppressions import` and the dashboard. It reads lists of any length in chunks.
 * Each row becomes a recipient or a problem. A list whose rows cannot be separated is refused. This file is the entry of
 * the folder. Runs in Node and in browsers.
 *
 * ```
 *  bytes ──encoding──▶ text ──csv, or lines of JSON──▶ cells ──columns──▶ recipients, or problems
 * ```
 */
import { quote } from './characters.ts';
import {
  findTwins,
  proposeColumns,
  readHeader,
  type Column,
  type ColumnOptions,
  type Header,
} from './columns.ts';
import { CsvReader, endOfFirstLine, findSeparator, type CsvRow } from './csv.ts';
import { countLineBreaks, decode } from './encoding.ts';
import { LineReader } from './ndjson.ts';
import { ListError } from './problem.ts';
import { LOST, RowReader, type ListRow } from './recipients.ts';

export interface ListOptions extends ColumnOptions {
  /** A name that `TextDecoder` accepts; null: UTF-8, or the encoding of a byte order mark. */
  readonly encoding: string | null;
  /** One of `SEPARATORS`; found in the first row when null. */
  readonly separator: string | null;
  /** Found when null: a list that begins with a brace is NDJSON. */
  readonly format: 'csv' | 'ndjson' | null;
}

/** A list after reading its beginning. */
export interface List {
  /** Names of its columns, made up where its first row has an address; none for NDJSON. */
  readonly names: readonly string[];
  readonly hasHeader: boolean;
  /** The use of each column. */
  readonly columns: readonly Column[];
  /** Why no column is taken for addresses; null when one is. */
  readonly columnProblem: string | null;
  /** Cells of the first rows. */
  readonly sample: readonly (readonly string[])[];
  /**
   * All rows in order, without empty ones. Can be read once. `columns` replaces the proposed use of the columns.
   * @throws ListError
   */
  rows(columns?: readonly Column[]): AsyncGenerator<readonly ListRow[], void, undefined>;
  /** Numbers of rows that were left out silently so far. */
  readonly counts: ListCounts;
}

export interface ListCounts {
  /** Rows without any value. */
  readonly emptyRows: number;
  /** Rows in which a variable has no value, by its name. */
  readonly missing: ReadonlyMap<string, number>;
}

/** Number of rows that decide about the columns. */
const SAMPLE_ROWS = 200;
/** Maximum length of the text up to the end of the first row. */
const FIRST_ROW_MAX = 1_048_576;

/** Reads the beginning of a list. @throws ListError when it cannot be read */
export async function openList(
  bytes: AsyncIterable<Uint8Array>,
  options: ListOptions,
): Promise<List> {
  const chunks = decode(bytes, options.encoding);
  const { head, isOver } = await readHead(chunks);
  if (head.trim() === '') throw new ListError('It is empty: there is no row in it.');
  if (/^\s*\[\s*[[{"]/.test(head) && options.format !== 'csv')
    throw new ListError('This is a JSON array: write each of its values on a line of its own.');
  const isJson = options.format === 'ndjson' || (options.format === null && /^\s*\{/.test(head));
  const rest = isOver ? noMore() : chunks;
  return isJson ? openLines(head, rest, options) : openTable(head, rest, options);
}

/** Text up to the end of the first row that is not empty. */
async function readHead(
  chunks: AsyncGenerator<string, void, undefined>,
): Promise<{ head: string; isOver: boolean }> {
  let head = '';
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) return { head, isOver: true };
    head += value;
    const first = head.replace(/^\s+/, '');
    if (first.length > FIRST_ROW_MAX || endOfFirstLine(first) >= 0) return { head, isOver: false };
  }
}

async function* noMore(): AsyncGenerator<string, void, undefined> {}

/** Excel's separator line. Spreadsheet rows do not count it. */
const SEP_LINE = /^"?sep=([^\r\n])"?[ \t]*(\r\n|\n|\r|$)/i;

async function openTable(
  text: string,
  rest: AsyncGenerator<string, void, undefined>,
  options: ListOptions,
): Promise<List> {
  const said = SEP_LINE.exec(text);
  const head = said === null ? text : text.slice(said[0].length);
  const [blanks = ''] = /^\s*/.exec(head) ?? [];
  const line = 1 + countLineBreaks(blanks)[0] + (said === null ? 0 : 1);
  const first = head.slice(blanks.length);
  const end = endOfFirstLine(first);
  const separator =
    options.separator ??
    said?.[1] ??
    findSeparator(end < 0 ? first : first.slice(0, end), { line, row: line });
  const reader = new CsvReader(separator, said === null ? 1 : 2);
  const table = new Table(readPieces(reader, head, rest), options);
  await table.open();
  return table;
}

/** The rows of a chunk, and whether letters may be lost in them. */
interface Chunk {
  readonly rows: readonly CsvRow[];
  readonly isSuspect: boolean;
}

async function* readPieces(
  reader: CsvReader,
  head: string,
  rest: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<Chunk, void, undefined> {
  let isSuspect = LOST.test(head);
  yield { rows: reader.push(head), isSuspect };
  for await (const text of rest) {
    isSuspect ||= LOST.test(text);
    yield { rows: reader.push(text), isSuspect };
  }
  yield { rows: reader.end(), isSuspect };
}

const isEmptyRow = ({ cells }: CsvRow) => cells.every((cell) => cell === '');

class Table implements List {
  readonly #chunks: AsyncGenerator<Chunk, void, undefined>;
  readonly #options: ListOptions;
  /** Chunks that were read to find the columns. */
  readonly #opened: Chunk[] = [];
  #header: Header = { names: [], isMade: false };
  #headerRow = 0;
  #missing: ReadonlyMap<string, number> = new Map();
  #emptyRows = 0;
  columns: readonly Column[] = [];
  columnProblem: string | null = null;
  sample: readonly (readonly string[])[] = [];

  constructor(chunks: AsyncGenerator<Chunk, void, undefined>, options: ListOptions) {
    this.#chunks = chunks;
    this.#options = options;
  }

  get names() {
    return this.#header.names;
  }

  get hasHeader() {
    return !this.#header.isMade;
  }

  get counts() {
    return { emptyRows: this.#emptyRows, missing: this.#missing };
  }

  async open(): Promise<void> {
    const rows: CsvRow[] = [];
    while (rows.length <= SAMPLE_ROWS) {
      const { done, value } = await this.#chunks.next();
      if (done === true) break;
      this.#opened.push(value);
      for (const row of value.rows) if (!isEmptyRow(row)) rows.push(row);
    }
    const [first] = rows;
    if (first === undefined)
      throw new ListError('It is empty: there is no row with a value in it.');
    this.#header = readHeader(first.cells, first, this.#options);
    this.#headerRow = this.#header.isMade ? 0 : first.row;
    const sample = this.#header.isMade ? rows : rows.slice(1);
    this.sample = sample.slice(0, SAMPLE_ROWS).map(({ cells }) => cells);
    const { columns, problem } = proposeColumns(this.#header, this.sample, this.#options);
    this.columns = columns;
    this.columnProblem = problem;
  }

  async *rows(
    columns: readonly Column[] = this.columns,
  ): AsyncGenerator<readonly ListRow[], void, undefined> {
    const twins = findTwins(this.names, columns);
    if (twins !== null) throw new ListError(twins);
    const reader = new RowReader(this.names, columns, this.#options.country);
    this.#missing = reader.missing;
    let count = 0;
    for await (const { rows, isSuspect } of this.#all()) {
      reader.isSuspect = isSuspect;
      const read = this.#readRows(rows, reader);
      count += read.length;
      if (read.length > 0) yield read;
    }
    if (count === 0)
      throw new ListError(
        `There are no rows below the first one, ${this.names.map(quote).join(', ')}, which has the names of the columns.`,
      );
  }

  #readRows(rows: readonly CsvRow[], reader: RowReader): ListRow[] {
    const read: ListRow[] = [];
    for (const row of rows) {
      if (row.row <= this.#headerRow) continue;
      if (isEmptyRow(row)) this.#emptyRows += 1;
      else {
        const { line, row: number, cells } = row;
        const { recipient, problem } = reader.read(cells);
        read.push({ line, row: number, cells, recipient, problem });
      }
    }
    return read;
  }

  async *#all(): AsyncGenerator<Chunk, void, undefined> {
    yield* this.#opened.splice(0);
    yield* this.#chunks;
  }
}

/** Lines of JSON, which have no common columns. */
function openLines(
  head: string,
  rest: AsyncGenerator<string, void, undefined>,
  options: ListOptions,
): List {
  const reader = new LineReader(options);
  let emptyRows = 0;
  return {
    names: [],
    hasHeader: false,
    columns: [],
    columnProblem: null,
    sample: [],
    get counts() {
      return { emptyRows, missing: reader.missing };
    },
    async *rows() {
      let number = 0;
      for await (const lines of readLines(head, rest)) {
        const rows: ListRow[] = [];
        for (const text of lines) {
          number += 1;
          if (text.trim() === '') emptyRows += 1;
          else rows.push({ line: number, row: number, cells: [text], ...reader.read(text.trim()) });
        }
        if (rows.length > 0) yield rows;
      }
    },
  };
}

/** Complete lines of chunks, and the last line. */
async function* readLines(
  head: string,
  rest: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<string[], void, undefined> {
  let left = '';
  const split = (text: string) => {
    const all = left + text;
    // A CR at the end may be half of a CRLF.
    const whole = all.endsWith('\r') ? all.slice(0, -1) : all;
    const lines = whole.split(/\r\n|\n|\r/);
    left = (lines.pop() ?? '') + all.slice(whole.length);
    return lines;
  };
  yield split(head);
  for await (const text of rest) yield split(text);
  if (left !== '') yield [left];
}
