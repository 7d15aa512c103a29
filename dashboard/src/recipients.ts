/** Lists that are pasted or uploaded, read as the command line reads them: recipients, and what was rejected with its place. */
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

/** As requests take them, of either kind. */
export type Recipient = SendMessagesRequest['to'][number] & { readonly name?: string };

/** How a list is to be read, where it does not tell itself. */
export interface Choices {
  readonly encoding: string | null;
  readonly separator: string | null;
  /** Country of numbers without +, two letters; null: such numbers are rejected. */
  readonly country: string | null;
}

export const NO_CHOICES: Choices = { encoding: null, separator: null, country: null };

/** A list whose columns are known, and which can be read as often as they change. */
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
  /** Where each stands in the list; empty when they come from elsewhere. */
  readonly places: readonly Place[];
  readonly rejected: number;
  /** The first that were rejected, in words. */
  readonly reasons: readonly string[];
  /** All that were rejected, as a CSV file; empty when none was. */
  readonly rejectFile: string;
  /** Rows in which a variable has no value, by its name. */
  readonly missing: readonly (readonly [name: string, rows: number])[];
  /** Numbers that were written differently, and what was made of them. */
  readonly cleaned: readonly (readonly [given: string, address: string])[];
}

const REASONS_MAX = 3;
const CLEANED_MAX = 3;
/** Milliseconds between two words on how far it is. */
const TELL_MS = 150;

/** How the dashboard puts things right. */
const CURES: Readonly<Record<Cure, string>> = {
  encoding: 'Choose its encoding, or save it as “CSV UTF-8”.',
  separator: 'Choose the separator.',
  'address-column': 'Say which column has them.',
  country: 'Or choose the country of numbers without +.',
};

export const explainProblem = ({ reason, cure }: Problem): string =>
  cure === null ? reason : `${reason} ${CURES[cure]}`;

/** What is wrong with a list as a whole, with its line, and which choice may put it right. */
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
    // What its name says is a WhatsApp number is one.
    columns: columns.map((column, i) =>
      column.use === 'PHONE' && isWhatsappName(names[i] ?? '') ? { use: 'WHATSAPP' } : column,
    ),
    columnProblem,
    sample,
    hasColumns: names.length > 0,
  };
}

/** Reads all of a list; null while no column has addresses. `onCount` hears of the rows so far. @throws ListError */
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
  let toldAt = performance.now();
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
    if (performance.now() - toldAt < TELL_MS) continue;
    toldAt = performance.now();
    onCount(list.length + rejects.length);
    // Lets the browser draw.
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
