/**
 * Reads pasted and uploaded lists in the same way as the command line: recipients, and rejected rows with their places. A list
 * of a million rows is kept as lines of a request, which browsers hold outside the memory of the page.
 */
import type { SendMessagesRequest } from '@fanfare/client';
import type { AddressKind } from '../../server/src/lists/addresses.ts';
import { isAddressColumn, type Column } from '../../server/src/lists/columns.ts';
import { isWhatsappName } from '../../server/src/lists/column-names.ts';
import { parseCountry } from '../../server/src/lists/countries.ts';
import { openList, type List } from '../../server/src/lists/list.ts';
import type { ListRow } from '../../server/src/lists/recipients.ts';
import { PlaceList } from '../../server/src/lists/place-list.ts';
import {
  describePlace,
  ListError,
  type Cure,
  type Problem,
} from '../../server/src/lists/problem.ts';
import { REJECT_COLUMNS, rejectedCells, writeCsv } from '../../server/src/lists/write-csv.ts';

export type { Column } from '../../server/src/lists/columns.ts';

/** A recipient in a request, of either kind. */
export type Recipient = SendMessagesRequest['to'][number] & { readonly name?: string };

/** The user's choices for reading a list. */
export interface Choices {
  readonly encoding: string | null;
  readonly separator: string | null;
  /** Two-letter country of numbers without +; null: such numbers are rejected. */
  readonly country: string | null;
}

export const NO_CHOICES: Choices = { encoding: null, separator: null, country: null };

/** A list with known columns. It can be read again when the columns change. */
export interface Table {
  readonly blob: Blob;
  readonly kind: AddressKind;
  readonly choices: Choices;
  readonly names: readonly string[];
  readonly columns: readonly Column[];
  readonly columnProblem: string | null;
  readonly sample: readonly (readonly string[])[];
  /** Whether its rows have columns: lines of JSON do not. */
  readonly hasColumns: boolean;
}

export interface Recipients {
  readonly count: number;
  /** The recipients as lines of JSON. */
  readonly lines: Blob;
  /** The first ones. */
  readonly first: readonly Recipient[];
  /** The place of each in the list, of a `PlaceList`; empty if they do not come from a list. */
  readonly places: Uint32Array<ArrayBuffer>;
  readonly rejected: number;
  /** Reasons of the first rejected rows. */
  readonly reasons: readonly string[];
  /** All rejected rows as a CSV file. */
  readonly rejectFile: Blob;
  /** Number of rows without a value, for each variable. */
  readonly missing: readonly (readonly [name: string, rows: number])[];
  /** Examples of addresses that were rewritten. */
  readonly cleaned: readonly (readonly [given: string, address: string])[];
}

/** Recipients that do not come from a list. */
export function toRecipients(to: readonly Recipient[]): Recipients {
  return {
    count: to.length,
    lines: new Blob(to.map(toLine)),
    first: to.slice(0, FIRST_MAX),
    places: new Uint32Array(),
    rejected: 0,
    reasons: [],
    rejectFile: new Blob(),
    missing: [],
    cleaned: [],
  };
}

const toLine = (value: object) => `${JSON.stringify(value)}\n`;

/** Recipients for previews. */
const FIRST_MAX = 100;
/** Characters that are put into one part of the lines. */
const PART_LENGTH = 1_048_576;
const REASONS_MAX = 3;
const CLEANED_MAX = 3;
/** Milliseconds between two progress reports. */
const REPORT_MS = 150;

/** Instructions to fix a problem on this page. */
const CURES: Readonly<Record<Cure, string>> = {
  encoding: 'Choose the encoding, or save the file as “CSV UTF-8”.',
  separator: 'Choose the separator.',
  'address-column': 'Choose the column with the addresses.',
  country: 'Or choose the country of numbers without +.',
};

export const explainProblem = ({ reason, cure }: Problem): string =>
  cure === null ? reason : `${reason} ${CURES[cure]}`;

/** Why a list cannot be read, with the line, and the choice that may fix it. */
export interface ListFailure {
  readonly words: string;
  readonly cure: Cure | null;
}

export function explainFailure(error: unknown): ListFailure {
  if (!(error instanceof ListError))
    return { words: error instanceof Error ? error.message : String(error), cure: null };
  const { place, problem } = error;
  const words = explainProblem(problem);
  const where = place === null ? '' : `${capitalise(describePlace(place))}: `;
  return { words: `${where}${words}`, cure: problem.cure };
}

export const capitalise = (words: string) => words.charAt(0).toUpperCase() + words.slice(1);

function open(blob: Blob, kind: AddressKind, choices: Choices): Promise<List> {
  const { encoding, separator, country } = choices;
  return openList(bytesOf(blob), {
    kind,
    country: country === null ? null : parseCountry(country),
    toColumn: null,
    map: {},
    encoding,
    separator,
    format: null,
  });
}

/** Not every browser can iterate a stream. */
async function* bytesOf(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = blob.stream().getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel();
  }
}

/** Reads the beginning of a list. @throws ListError */
export async function readTable(blob: Blob, kind: AddressKind, choices: Choices): Promise<Table> {
  const { names, columns, columnProblem, sample } = await open(blob, kind, choices);
  return {
    blob,
    kind,
    choices,
    names,
    // The column name says that it holds WhatsApp numbers.
    columns: columns.map((column, i) =>
      column.use === 'PHONE' && isWhatsappName(names[i] ?? '') ? { use: 'WHATSAPP' } : column,
    ),
    columnProblem,
    sample,
    hasColumns: names.length > 0,
  };
}

/** Whether a column of it has addresses. */
export const hasAddresses = ({ columns, hasColumns }: Table) =>
  !hasColumns || columns.some(isAddressColumn);

/** Reads the whole list. `onCount` gets the number of rows so far. @throws ListError */
export async function readRecipients(
  { blob, kind, choices, columns, hasColumns }: Table,
  onCount: (rows: number) => void,
): Promise<Recipients> {
  const found = await open(blob, kind, choices);
  const taken = new Taken(columns.findIndex(isAddressColumn));
  let reportedAt = performance.now();
  for await (const rows of found.rows(hasColumns ? columns : undefined)) {
    for (const row of rows) taken.add(row);
    if (performance.now() - reportedAt < REPORT_MS) continue;
    reportedAt = performance.now();
    onCount(taken.rows);
  }
  return taken.finish([...found.counts.missing]);
}

/** The rows of a list so far. */
class Taken {
  readonly #addressAt: number;
  readonly #lines = new TextParts();
  readonly #rejects = new TextParts();
  readonly #first: Recipient[] = [];
  readonly #reasons: string[] = [];
  readonly #cleaned: [string, string][] = [];
  readonly #places = new PlaceList();
  #rejected = 0;

  constructor(addressAt: number) {
    this.#addressAt = addressAt;
  }

  get rows(): number {
    return this.#places.length + this.#rejected;
  }

  add(row: ListRow): void {
    const { recipient, cells } = row;
    if (recipient === null) return this.#reject(row);
    this.#lines.add(toLine(recipient));
    if (this.#first.length < FIRST_MAX) this.#first.push(recipient as unknown as Recipient);
    this.#places.add(row);
    const given = cells[this.#addressAt] ?? '';
    const { address } = recipient;
    if (address !== undefined && given !== address && this.#cleaned.length < CLEANED_MAX)
      this.#cleaned.push([given, address]);
  }

  finish(missing: Recipients['missing']): Recipients {
    return {
      count: this.#places.length,
      lines: this.#lines.toBlob(),
      first: this.#first,
      places: this.#places.toNumbers(),
      rejected: this.#rejected,
      reasons: this.#reasons,
      rejectFile: this.#rejects.toBlob(),
      missing,
      cleaned: this.#cleaned,
    };
  }

  #reject(row: ListRow): void {
    const why = row.problem === null ? '' : explainProblem(row.problem);
    if (this.#rejected === 0) this.#rejects.add(writeCsv([REJECT_COLUMNS]));
    this.#rejected += 1;
    this.#rejects.add(writeCsv([rejectedCells(row, why)]));
    if (this.#reasons.length < REASONS_MAX) this.#reasons.push(`${describePlace(row)}: ${why}`);
  }
}

/** A long text, of which only the last part is in memory. */
class TextParts {
  readonly #parts: Blob[] = [];
  #text = '';

  add(text: string): void {
    this.#text += text;
    if (this.#text.length < PART_LENGTH) return;
    this.#parts.push(new Blob([this.#text]));
    this.#text = '';
  }

  toBlob(): Blob {
    return new Blob([...this.#parts, this.#text]);
  }
}

/** The recipients again, in groups of this size. */
export async function* readBack(
  { lines }: Pick<Recipients, 'lines'>,
  size: number,
): AsyncGenerator<readonly Recipient[]> {
  const decoder = new TextDecoder();
  let group: Recipient[] = [];
  let left = '';
  for await (const bytes of bytesOf(lines)) {
    const whole = (left + decoder.decode(bytes, { stream: true })).split('\n');
    left = whole.pop() ?? '';
    for (const line of whole) {
      group.push(JSON.parse(line) as Recipient);
      if (group.length < size) continue;
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}
