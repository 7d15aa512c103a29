/** Turns the cells of a row into a recipient of the API, or into a problem. Pure. */
import { cleanAddress, type AddressKind } from './addresses.ts';
import { isAddressColumn, type Column } from './columns.ts';
import type { Country } from './countries.ts';
import type { Place, Problem } from './problem.ts';

/** One recipient of the API; recipients of e-mails have no channel. */
export interface Recipient {
  readonly address?: string;
  readonly channel?: AddressKind;
  readonly variables?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** The result for a row: a recipient or a problem. */
export interface ListRow extends Place {
  readonly recipient: Recipient | null;
  readonly problem: RowProblem | null;
  /** The row itself, for a file of rejected rows. */
  readonly cells: readonly string[];
}

export interface RowProblem extends Problem {
  /** Name of the column; null where it is about the whole row. */
  readonly column: string | null;
}

type Read =
  | { readonly recipient: Recipient; readonly problem: null }
  | { readonly recipient: null; readonly problem: RowProblem };

const reject = (column: string | null, reason: string): Read => ({
  recipient: null,
  problem: { column, reason, cure: null },
});

/** Reads rows of one table. */
export class RowReader {
  readonly #names: readonly string[];
  readonly #columns: readonly Column[];
  readonly #country: Country | null;
  readonly #addresses: readonly { readonly at: number; readonly kind: AddressKind }[];
  /** Empty cells by the variable that they leave without a value. */
  readonly missing = new Map<string, number>();
  /** Whether cells are searched for letters that were lost. */
  isSuspect = false;

  constructor(names: readonly string[], columns: readonly Column[], country: Country | null) {
    this.#names = names;
    this.#columns = columns;
    this.#country = country;
    this.#addresses = columns.flatMap((column, at) =>
      isAddressColumn(column) ? [{ at, kind: column.use as AddressKind }] : [],
    );
  }

  read(cells: readonly string[]): Read {
    const width = this.#columns.length;
    if (cells.length !== width)
      return reject(
        null,
        `It has ${countCells(cells.length)}, and the first row has ${width}. Write a cell with a separator in it in quotation marks.`,
      );
    const lost = this.isSuspect ? cells.findIndex((cell) => LOST.test(cell)) : -1;
    if (lost >= 0)
      return {
        recipient: null,
        problem: { column: this.#names[lost] ?? null, reason: LOST_REASON, cure: 'encoding' },
      };
    const found = this.#readAddresses(cells);
    if ('problem' in found) return { recipient: null, problem: found.problem };
    return this.#compose(cells, found.addresses);
  }

  #readAddresses(
    cells: readonly string[],
  ): { addresses: { address: string; channel: AddressKind }[] } | { problem: RowProblem } {
    const addresses: { address: string; channel: AddressKind }[] = [];
    for (const { at, kind } of this.#addresses) {
      const cell = cells[at] ?? '';
      // One of several addresses of a person may be missing.
      if (cell === '' && this.#addresses.length > 1) continue;
      const { address, problem } = cleanAddress(kind, cell, this.#country);
      if (problem !== null) return { problem: { ...problem, column: this.#names[at] ?? null } };
      addresses.push({ address, channel: kind });
    }
    return addresses.length === 0
      ? { problem: { column: null, reason: 'There is no address.', cure: null } }
      : { addresses };
  }

  #compose(
    cells: readonly string[],
    addresses: readonly { address: string; channel: AddressKind }[],
  ): Read {
    let variables: Record<string, string> | null = null;
    let name = '';
    for (let i = 0; i < this.#columns.length; i += 1) {
      const column = this.#columns[i];
      const cell = cells[i] ?? '';
      if (column?.use === 'NAME') name = cell;
      if (column?.use === 'none' && cell !== '' && this.#names[i] === '')
        return reject(
          null,
          `Cell ${i + 1} has a value, but its column has no name in the first row.`,
        );
      if (column?.use !== 'variable') continue;
      // An empty cell is no value: the template's default stands in.
      if (cell.trim() === '')
        this.missing.set(column.name, (this.missing.get(column.name) ?? 0) + 1);
      else variables = setVariable(variables, column.name, cell);
    }
    const recipient = addressRecipient(addresses, name);
    if (variables !== null) recipient.variables = variables;
    return { recipient, problem: null };
  }
}

/** A recipient without variables. Copies of objects would take a quarter of the time of a list. */
function addressRecipient(
  addresses: readonly { address: string; channel: AddressKind }[],
  name: string,
): { -readonly [Field in keyof Recipient]: Recipient[Field] } {
  const [first] = addresses;
  if (first === undefined || addresses.length > 1) return { addresses };
  const { address, channel } = first;
  if (channel !== 'EMAIL' && channel !== 'ANY') return { address, channel };
  return name === '' ? { address } : { address, name };
}

/** A column may have any name, so `__proto__` must be an ordinary name. */
function setVariable(
  variables: Record<string, string> | null,
  name: string,
  value: string,
): Record<string, string> {
  const all = variables ?? {};
  if (name === '__proto__')
    Object.defineProperty(all, name, { value, enumerable: true, configurable: true });
  else all[name] = value;
  return all;
}

const countCells = (count: number) => (count === 1 ? '1 cell' : `${count} cells`);

/** Replacement characters and control characters: signs of a wrong encoding. */
// oxlint-disable-next-line no-control-regex
export const LOST = /[\0-\x08\x0e-\x1f\x7f\ufffd\u0080-\u0084\u0086-\u009f]/;
const LOST_REASON =
  'A letter was lost when the file was converted, or the encoding is another one: save it anew as UTF-8.';
