/**
 * A strict CSV reader (RFC 4180) for text in chunks. Line ends may be CRLF, LF and CR in any mix; quotes only around whole
 * cells. It records the line and the spreadsheet row of each row. Pure; Node and browsers.
 */
import { countLineBreaks } from './encoding.ts';
import { ListError, type Place } from './problem.ts';

export const SEPARATORS = [',', ';', '\t', '|'] as const;

/** Maximum length of a row. */
const ROW_LENGTH_MAX = 1_048_576;
const [LF, CR, QUOTE, SPACE, TAB] = [10, 13, 34, 32, 9];

export interface CsvRow extends Place {
  readonly cells: readonly string[];
}

/** Turns chunks of text into rows. A row that ends with a chunk is returned with the next one, or at the end. */
export class CsvReader {
  readonly #separator: number;
  #text = '';
  #at = 0;
  #line: number;
  #row = 1;
  #isLast = false;

  /** `line` is the line of the first character. */
  constructor(separator: string, line = 1) {
    this.#separator = separator.charCodeAt(0);
    this.#line = line;
  }

  /** Rows that `text` completes; empty ones too. @throws ListError */
  push(text: string): CsvRow[] {
    this.#text = this.#text.slice(this.#at) + text;
    this.#at = 0;
    return this.#read();
  }

  /** The last row. @throws ListError */
  end(): CsvRow[] {
    this.#isLast = true;
    return this.#read();
  }

  #read(): CsvRow[] {
    const rows: CsvRow[] = [];
    while (this.#at < this.#text.length) {
      const start = this.#at;
      const cells = this.#readRow();
      if (cells === null) {
        this.#at = start;
        if (this.#text.length - start > ROW_LENGTH_MAX) throw this.#tooLong();
        break;
      }
      // Independent of the division into chunks.
      if (this.#at - start > ROW_LENGTH_MAX) throw this.#tooLong();
      rows.push({ cells, line: this.#line, row: this.#row });
      // Cells with line breaks are rare, so they are looked for by their text.
      this.#line += 1 + countInside(cells);
      this.#row += 1;
    }
    return rows;
  }

  /** The cells of the row that begins here; the position is then its end. Null if its remainder is still to come. */
  #readRow(): string[] | null {
    const cells: string[] = [];
    for (;;) {
      const cell = this.#startsQuoted() ? this.#readQuoted(cells) : this.#readBare(cells);
      if (cell === null) return null;
      cells.push(cell);
      const char = this.#text.charCodeAt(this.#at);
      if (char === this.#separator) {
        this.#at += 1;
        continue;
      }
      // A CR at the end of a chunk may be half of a CRLF.
      if (char === CR && this.#at + 1 === this.#text.length && !this.#isLast) return null;
      this.#at += char === CR && this.#text.charCodeAt(this.#at + 1) === LF ? 2 : 1;
      return cells;
    }
  }

  #skipBlanks(): void {
    for (;;) {
      const char = this.#text.charCodeAt(this.#at);
      if (char !== SPACE && (char !== TAB || this.#separator === TAB)) return;
      this.#at += 1;
    }
  }

  /** Steps behind the quote that opens a cell, if there is one. */
  #startsQuoted(): boolean {
    const start = this.#at;
    this.#skipBlanks();
    if (this.#text.charCodeAt(this.#at) === QUOTE) return true;
    this.#at = start;
    return false;
  }

  #readBare(before: readonly string[]): string | null {
    const start = this.#at;
    const text = this.#text;
    for (let i = start; i < text.length; i += 1) {
      const char = text.charCodeAt(i);
      if (char === this.#separator || char === LF || char === CR) {
        this.#at = i;
        return text.slice(start, i).trim();
      }
      if (char === QUOTE)
        throw this.#refuse(
          before,
          'a quotation mark stands inside a cell without quotation marks around it. Write the cell as "…", and each " in it as "".',
        );
    }
    if (!this.#isLast) return null;
    this.#at = text.length;
    return text.slice(start).trim();
  }

  #readQuoted(before: readonly string[]): string | null {
    const text = this.#text;
    const start = this.#at + 1;
    let from = start;
    for (;;) {
      const close = text.indexOf('"', from);
      if (close < 0 && this.#isLast) throw this.#refuse(before, NOT_CLOSED);
      // The next character decides whether the cell ends.
      if (close < 0 || (close + 1 === text.length && !this.#isLast)) return null;
      if (text.charCodeAt(close + 1) === QUOTE) {
        from = close + 2;
        continue;
      }
      this.#at = close + 1;
      this.#skipBlanks();
      if (this.#at === text.length && !this.#isLast) return null;
      const char = text.charCodeAt(this.#at);
      if (this.#at < text.length && char !== this.#separator && char !== LF && char !== CR)
        throw this.#refuse(
          before,
          'text follows the quotation mark that ends the cell. Write each " inside a cell as "".',
        );
      return text.slice(start, close).replaceAll('""', '"');
    }
  }

  #refuse(before: readonly string[], reason: string): ListError {
    const line = this.#line + countInside(before);
    const inLine = line === this.#line ? '' : `line ${line}, `;
    return new ListError(`${inLine}column ${before.length + 1}: ${reason}`, this.#place());
  }

  #tooLong(): ListError {
    const most = ROW_LENGTH_MAX.toLocaleString('en');
    return new ListError(
      `the row is longer than ${most} characters: a quotation mark in it is not closed, or the file is no CSV.`,
      this.#place(),
    );
  }

  #place(): Place {
    return { line: this.#line, row: this.#row };
  }
}

const NOT_CLOSED = 'the quotation mark that opens the cell is not closed.';

function countInside(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells)
    if (cell.includes('\n') || cell.includes('\r')) count += countLineBreaks(cell)[0];
  return count;
}

/** Length of the first line, quoted line breaks not counted; -1 when it has not ended. */
export function endOfFirstLine(text: string): number {
  let isQuoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && (char === LF || char === CR)) return i;
  }
  return -1;
}

/**
 * The most frequent separator of a line outside quotes, a comma if there is none. @throws ListError if two are equally
 * frequent
 */
export function findSeparator(line: string, place: Place): string {
  const bare = line.replaceAll(/"[^"]*"/g, '');
  const counts = SEPARATORS.map((each) => [each, bare.split(each).length - 1] as const).toSorted(
    ([, a], [, b]) => b - a,
  );
  const [[best, most] = [',', 0] as const, [other, next] = [',', 0] as const] = counts;
  if (most > 0 && most === next)
    throw new ListError(
      `the columns may be separated by ${nameSeparator(best)} or by ${nameSeparator(other)}: there are as many of one as of the other.`,
      place,
      'separator',
    );
  return most === 0 ? ',' : best;
}

const nameSeparator = (separator: string) =>
  ({ ',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'vertical bars' })[separator] ??
  separator;
