/** CSV (RFC 4180) to be opened in a spreadsheet, and the file of what was rejected. Pure. */
import type { ListRow } from './recipients.ts';

/** Quoted where they must be. What a spreadsheet would take for a formula is written as text. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => row.map(writeCell).join(',')).join('\r\n') + '\r\n';
}

function writeCell(cell: string): string {
  const safe = /^[=@\t\r]|^[+-](?!\d+$)/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const REJECT_COLUMNS = ['row', 'line', 'column', 'reason', 'content'] as const;

/** A rejected row: where it stands, which column, why, and the row itself as CSV or JSON. `reason` has what to do with it. */
export function rejectedCells({ row, line, problem, cells }: ListRow, reason: string): string[] {
  const content = cells.length === 1 ? (cells[0] ?? '') : cells.map(quoteCell).join(',');
  return [`${row}`, `${line}`, problem?.column ?? '', reason, content];
}

const quoteCell = (cell: string) =>
  /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
