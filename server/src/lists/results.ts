/** Columns of an exported operation, for spreadsheets: a row for each recipient, with its result. Pure. */
import { writeCsv } from './write-csv.ts';

/** Each is a field of `RecipientResult` in the API. */
const COLUMNS = [
  'ordinal',
  'address',
  'channel',
  'status',
  'from',
  'errorCode',
  'error',
  'attempts',
  'attemptedAt',
  'updatedAt',
  'id',
  'variables',
  'pageToken',
] as const;

/** A recipient with its result. */
export type ResultFields = Readonly<Record<(typeof COLUMNS)[number], unknown>>;

/** The header row. */
export const RESULTS_HEADER = writeCsv([COLUMNS]);

/** Rows without the header row. */
export function writeResults(results: readonly ResultFields[]): string {
  return results.length === 0
    ? ''
    : writeCsv(results.map((result) => COLUMNS.map((name) => writeValue(result[name]))));
}

function writeValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
