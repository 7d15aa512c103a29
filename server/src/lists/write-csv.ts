/** Writes CSV (RFC 4180) for spreadsheets, and the file of rejected rows. Pure. */
import type { ListRow } from './recipients.ts';

/** Quotes cells for readers with any common separator. Text that looks like a formula stays text. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(writeCell).join(',')).join('\r\n') + '\r\n';
}

const SPECIAL = /[",;\t|\r\n]/;
/** The start of a formula; numbers with a sign do not count. */
const FORMULA = '=|@|[+-](?!\\d+(?:[;\\t|]|$))';
/** At the start of a cell, which spreadsheets may trim. */
const AT_START = new RegExp(`^(?=${FORMULA}|[\\t\\r])`);
/** After another separator: a spreadsheet that splits there ignores our quotes. */
const BEHIND_SEPARATOR = new RegExp(`([;\\t|])(?=${FORMULA})`, 'g');

function writeCell(cell: string): string {
  return quoteCell(cell.replace(BEHIND_SEPARATOR, "$1'").replace(AT_START, "'"));
}

export const REJECT_COLUMNS = ['row', 'line', 'column', 'reason', 'content'] as const;

/** A rejected row: place, column, reason with advice, and the row itself as CSV or JSON. */
export function rejectedCells({ row, line, problem, cells }: ListRow, reason: string): string[] {
  const content = cells.length === 1 ? (cells[0] ?? '') : cells.map(quoteCell).join(',');
  return [`${row}`, `${line}`, problem?.column ?? '', reason, content];
}

const quoteCell = (cell: string) => (SPECIAL.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
