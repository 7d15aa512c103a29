/** CSV (RFC 4180) to be opened in a spreadsheet, and the file of what was rejected. Pure. */
import type { ListRow } from './recipients.ts';

/** Quoted where they must be, whichever of the usual separators a reader splits by. What a spreadsheet takes for a formula is text. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(writeCell).join(',')).join('\r\n') + '\r\n';
}

const SPECIAL = /[",;\t|\r\n]/;
/** What begins a formula; numbers with a sign do not. */
const FORMULA = '=|@|[+-](?!\\d+(?:[;\\t|]|$))';
/** At the start of a cell, which spreadsheets may trim. */
const AT_START = new RegExp(`^(?=${FORMULA}|[\\t\\r])`);
/** Behind a separator of others: a spreadsheet that splits by it knows nothing of our quotes. */
const BEHIND_SEPARATOR = new RegExp(`([;\\t|])(?=${FORMULA})`, 'g');

function writeCell(cell: string): string {
  return quoteCell(cell.replace(BEHIND_SEPARATOR, "$1'").replace(AT_START, "'"));
}

export const REJECT_COLUMNS = ['row', 'line', 'column', 'reason', 'content'] as const;

/** A rejected row: where it stands, which column, why, and the row itself as CSV or JSON. `reason` has what to do with it. */
export function rejectedCells({ row, line, problem, cells }: ListRow, reason: string): string[] {
  const content = cells.length === 1 ? (cells[0] ?? '') : cells.map(quoteCell).join(',');
  return [`${row}`, `${line}`, problem?.column ?? '', reason, content];
}

const quoteCell = (cell: string) => (SPECIAL.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
