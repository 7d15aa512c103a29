/** The columns of a list: the one with addresses, and the variables of the others. Pure. */
import { cleanAddress, holdsAddress, looksLikeAddress, type AddressKind } from './addresses.ts';
import { findOtherRecipient } from '../domain/other-recipients.ts';
import { isDate } from './numbers.ts';
import { quote, stripInvisible } from './characters.ts';
import { isAddressName } from './column-names.ts';
import type { Country } from './countries.ts';
import { ListError, type Place } from './problem.ts';

/** The use of a column. NAME is the name of an e-mail's recipient. */
export type Column =
  | { readonly use: AddressKind | 'NAME' | 'none' }
  | { readonly use: 'variable'; readonly name: string };

export const isAddressColumn = ({ use }: Column) =>
  use === 'PHONE' || use === 'WHATSAPP' || use === 'EMAIL' || use === 'ANY';

export interface Header {
  readonly names: readonly string[];
  /** Names were made up: the first row has an address already. */
  readonly isMade: boolean;
}

export interface ColumnOptions {
  readonly kind: AddressKind;
  readonly country: Country | null;
  /** Column with the address; found when null. */
  readonly toColumn: string | null;
  /** Variable by variable the column it comes from. */
  readonly map: Readonly<Record<string, string>>;
}

/** Reads the first row. @throws ListError when two columns have one name. */
export function readHeader(cells: readonly string[], place: Place, options: ColumnOptions): Header {
  const names = cells.map((cell) => stripInvisible(cell));
  const isNamed = options.toColumn !== null && names.includes(options.toColumn);
  // Beside a usual name of a column with addresses a day is the name of another one.
  const hasUsual = names.some((name) => isAddressName(options.kind, name, 'sure'));
  const isAddress = (name: string) =>
    holdsAddress(options.kind, name) && !(hasUsual && isDate(name));
  if (!isNamed && names.some(isAddress))
    return { names: names.map((_, i) => `column ${i + 1}`), isMade: true };
  for (const [i, name] of names.entries()) {
    const first = names.indexOf(name);
    if (name !== '' && first < i)
      throw new ListError(
        `columns ${first + 1} and ${i + 1} are both called ${quote(name)}. Rename one of them.`,
        place,
      );
  }
  return { names, isMade: false };
}

/** A column name as a template variable: `First name` becomes `first_name`. Empty if nothing of it can be used. */
export function toVariable(column: string): string {
  if (/^[A-Za-z_]\w*$/.test(column) || /^\d+$/.test(column)) return column;
  return column
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '');
}

export interface Proposal {
  readonly columns: readonly Column[];
  /** Why no column has the addresses; null when one has. */
  readonly problem: string | null;
}

/** The use of each column, from the options, the names and most of the rows. @throws ListError for options that do not fit. */
export function proposeColumns(
  header: Header,
  sample: readonly (readonly string[])[],
  options: ColumnOptions,
): Proposal {
  const { names } = header;
  const { kind, toColumn, map } = options;
  for (const each of [...Object.values(map), ...(toColumn === null ? [] : [toColumn])])
    if (!names.includes(each))
      throw new ListError(`There is no column "${each}"; there are ${listNames(names)}.`);
  const found = toColumn === null ? findAddress(header, sample, options) : names.indexOf(toColumn);
  const mapped = new Map(Object.entries(map).map(([variable, column]) => [column, variable]));
  const columns = names.map((name, i): Column => {
    if (i === found) return { use: kind };
    const variable = mapped.get(name) ?? toVariable(name);
    return variable === '' ? { use: 'none' } : { use: 'variable', name: variable };
  });
  return { columns, problem: typeof found === 'string' ? found : null };
}

/** Two columns that give one variable, as a sentence; null when each has its own. */
export function findTwins(names: readonly string[], columns: readonly Column[]): string | null {
  const seen = new Map<string, number>();
  for (const [i, column] of columns.entries()) {
    if (column.use !== 'variable') continue;
    const first = seen.get(column.name);
    if (first !== undefined)
      return `Columns ${quote(names[first] ?? '')} and ${quote(names[i] ?? '')} both become the variable "${column.name}". Rename one of them.`;
    seen.set(column.name, i);
  }
  return null;
}

const listNames = (names: readonly string[]) => names.map((each) => `"${each}"`).join(', ');

/** The column with the addresses, or the reason why there is none, as a sentence. */
function findAddress(
  header: Header,
  sample: readonly (readonly string[])[],
  { kind, country }: ColumnOptions,
): number | string {
  const { names, isMade } = header;
  const at = names.map((_, i) => i);
  const where = (isIt: (i: number) => boolean) => at.filter(isIt);
  const looks = where((i) => isMajority(sample, i, (cell) => looksLikeAddress(kind, cell)));
  const valid = where((i) =>
    isMajority(sample, i, (cell) => cleanAddress(kind, cell, country).problem === null),
  );
  const named = isMade ? [] : where((i) => isAddressName(kind, names[i] ?? '', 'sure'));
  const perhaps = isMade
    ? []
    : where((i) => looks.includes(i) && isAddressName(kind, names[i] ?? '', 'perhaps'));
  const [candidates = []] = [named, perhaps, valid, looks].filter(({ length }) => length > 0);
  const [found, ...others] = candidates;
  if (found === undefined)
    return (
      findOtherRecipient(names)?.message ??
      `No column has addresses. The columns are ${listNames(names)}.`
    );
  // Every address of a list of opt-outs counts, so a second column with some is no variable.
  const more = kind === 'ANY' ? valid.filter((i) => i !== found) : others;
  const all = [...new Set([found, ...others, ...more])].map((i) => names[i] ?? '');
  if (all.length > 1) return `More than one column has addresses: ${listNames(all)}.`;
  if (kind === 'ANY' && !isMade && candidates !== named && candidates !== perhaps)
    return `The first row, ${listNames(names)}, has neither an address nor a usual name of a column with addresses.`;
  return found;
}

/** Whether most cells of a column that are not empty are such ones. */
function isMajority(
  sample: readonly (readonly string[])[],
  column: number,
  isIt: (cell: string) => boolean,
): boolean {
  const cells = sample.map((row) => row[column] ?? '').filter((cell) => cell !== '');
  return cells.filter(isIt).length * 2 > cells.length;
}
