/** From rows of a table to recipients: which column is what, and what cannot be an address. Pure. */
import type { SendMessagesRequest } from '@fanfare/client';
import type { Kind } from './counters.ts';

/** What a column is: an address of some kind, a variable by its name, or nothing. */
export type Column =
  | { readonly use: 'PHONE' | 'WHATSAPP' | 'EMAIL' | 'NAME' | 'none' }
  | { readonly use: 'variable'; readonly name: string };

export interface Table {
  /** Words of the first line, or made up where it holds no names. */
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly columns: readonly Column[];
}

const PHONE = /^\+?[\d\s().-]{6,22}$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

const isAddress = (cell: string) => PHONE.test(cell) || EMAIL.test(cell);

/** Reads cells as a table, and guesses what its columns are. The first line has names unless it holds an address. */
export function readTable(cells: readonly (readonly string[])[], kind: Kind): Table {
  const [first = []] = cells;
  const hasHeader = first.length > 0 && !first.some(isAddress);
  const width = cells.reduce((most, row) => Math.max(most, row.length), 0);
  const header = Array.from(
    { length: width },
    (_, i) => (hasHeader && first[i]) || `column ${i + 1}`,
  );
  const rows = hasHeader ? cells.slice(1) : cells;
  return { header, rows, columns: guessColumns(header, rows, kind) };
}

function guessColumns(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  kind: Kind,
): Column[] {
  const sample = rows.slice(0, 20);
  let hasAddress = false;
  return header.map((words, i) => {
    const cells = sample.map((row) => row[i] ?? '').filter((cell) => cell !== '');
    const fits = (pattern: RegExp) => cells.length > 0 && cells.every((cell) => pattern.test(cell));
    if (kind === 'emails' ? fits(EMAIL) : fits(PHONE) && cells.some((cell) => cell.length >= 7)) {
      const use = kind === 'emails' ? 'EMAIL' : /whats/i.test(words) ? 'WHATSAPP' : 'PHONE';
      // Only the first one is sure to be meant.
      if (!hasAddress) {
        hasAddress = true;
        return { use };
      }
    }
    return { use: 'variable', name: variableName(words, i) };
  });
}

/** A name that Liquid takes. */
export function variableName(words: string, i: number): string {
  const name = words
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^[a-z_]/.test(name) ? name.slice(0, 128) : `column_${i + 1}`;
}

export interface Recipients {
  readonly list: readonly Recipient[];
  /** Lines whose address is missing or is none, by their number in the file's rows. */
  readonly bad: readonly { readonly row: number; readonly cell: string }[];
}

/** As requests take them, of either kind. */
export type Recipient = SendMessagesRequest['to'][number] & { readonly name?: string };

/** Recipients of a table; null while no column is an address. */
export function readRecipients({ rows, columns }: Table): Recipients | null {
  const places = columns.flatMap((column, i) =>
    ['PHONE', 'WHATSAPP', 'EMAIL'].includes(column.use) ? [{ i, channel: column.use }] : [],
  );
  if (places.length === 0) return null;
  const list: Recipient[] = [];
  const bad: { row: number; cell: string }[] = [];
  for (const [row, cells] of rows.entries()) {
    const addresses = places.flatMap(({ i, channel }) => {
      const address = readAddress(cells[i] ?? '', channel);
      return address === null ? [] : [{ address, channel }];
    });
    const [first] = addresses;
    if (first === undefined) {
      bad.push({ row: row + 1, cell: cells[places[0]?.i ?? 0] ?? '' });
      continue;
    }
    const variables: Record<string, string> = {};
    let name: string | undefined;
    for (const [i, column] of columns.entries()) {
      if (column.use === 'variable' && column.name !== '') variables[column.name] = cells[i] ?? '';
      if (column.use === 'NAME') name = cells[i];
    }
    list.push({
      ...(first.channel === 'EMAIL'
        ? { address: first.address, ...(name ? { name } : {}) }
        : addresses.length > 1
          ? { addresses }
          : first),
      ...(Object.keys(variables).length === 0 ? {} : { variables }),
    } as Recipient);
  }
  return { list, bad };
}

/** In E.164 where it is a number: people write spaces and brackets, and spreadsheets eat the plus. */
function readAddress(cell: string, channel: string): string | null {
  if (channel === 'EMAIL') return EMAIL.test(cell) ? cell : null;
  const digits = cell.replaceAll(/[\s().-]/g, '').replace(/^00/, '+');
  const number = digits.startsWith('+') ? digits : `+${digits}`;
  return /^\+[1-9]\d{5,14}$/.test(number) ? number : null;
}
