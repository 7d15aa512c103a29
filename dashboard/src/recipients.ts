/** Reads pasted and uploaded lists in the same way as the command line: recipients, and rejected rows with their places. */
import type { SendMessagesRequest } from '@fanfare/client';
import type { AddressKind } from '../../server/src/lists/addresses.ts';
import { isAddressColumn, type Column } from '../../server/src/lists/columns.ts';
import { isWhatsappName } from '../../server/src/lists/column-names.ts';
import { parseCountry } from '../../server/src/lists/countries.ts';
import { openList, type List } from '../../server/src/lists/list.ts';
import {
  describePlace,
  type ListError,
  type Cure,
  type Place,
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
  readonly list: readonly Recipient[];
  /** The place of each in the list; empty if they do not come from a list. */
  readonly places: readonly Place[];
  readonly rejected: number;
  /** Reasons of the first rejected rows. */
  readonly reasons: readonly string[];
  /** All rejected rows as a CSV file; empty if there are none. */
  readonly rejectFile: string;
  /** Number of rows without a value, for each variable. */
  readonly missing: readonly (readonly [name: string, rows: number])[];
  /** Examples of addresses that were rewritten. */
  readonly cleaned: readonly (readonly [given: string, address: string])[];
}

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

/** The problem of a whole list with its line, and the choice that may fix it. */
export function explainListError(error: ListError): { words: string; cure: Cure | null } {
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

/** Reads the whole list; null while no column has addresses. `onCount` gets the number of rows so far. @throws ListError */
export async function readRecipients(
  { blob, kind, choices, columns, hasColumns }: Table,
  onCount: (rows: number) => void,
  signal: AbortSignal,
): Promise<Recipients | null> {
  if (hasColumns && !columns.some(isAddressColumn)) return null;
  const found = await open(blob, kind, choices);
  const list: Recipient[] = [];
  const places: Place[] = [];
  const rejects: string[][] = [];
  const reasons: string[] = [];
  const cleaned: [string, string][] = [];
  const at = columns.findIndex(isAddressColumn);
  let reportedAt = performance.now();
  for await (const rows of found.rows(hasColumns ? columns : undefined)) {
    signal.throwIfAborted();
    for (const row of rows) {
      const { recipient, problem, line, row: number, cells } = row;
      if (recipient === null) {
        const why = problem === null ? '' : explainProblem(problem);
        rejects.push(rejectedCells(row, why));
        if (reasons.length < REASONS_MAX) reasons.push(`${describePlace(row)}: ${why}`);
        continue;
      }
      list.push(recipient as unknown as Recipient);
      places.push({ line, row: number });
      const given = cells[at] ?? '';
      const { address } = recipient;
      if (address !== undefined && given !== address && cleaned.length < CLEANED_MAX)
        cleaned.push([given, address]);
    }
    if (performance.now() - reportedAt < REPORT_MS) continue;
    reportedAt = performance.now();
    onCount(list.length + rejects.length);
    // Let the browser draw.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return {
    list,
    places,
    rejected: rejects.length,
    reasons,
    rejectFile: rejects.length === 0 ? '' : writeCsv([REJECT_COLUMNS, ...rejects]),
    missing: [...found.counts.missing],
    cleaned,
  };
}
