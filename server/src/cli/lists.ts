/** Lists for commands: arguments, a file of any length, or standard input, row by row. */
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { cleanAddress, type AddressKind } from '../lists/addresses.ts';
import { escapeControls } from '../lib/printable.ts';
import { openList, type ListCounts } from '../lists/list.ts';
import { describePlace, ListError, type Cure, type Place, type Problem } from '../lists/problem.ts';
import type { ListRow } from '../lists/recipients.ts';
import { REJECT_COLUMNS, rejectedCells, writeCsv } from '../lists/write-csv.ts';
import { failUsage } from './globals.ts';
import type { ListFlags } from './list-options.ts';

/** Rows, from a file or from arguments. */
export interface RowSource {
  rows(): AsyncGenerator<readonly ListRow[], void, undefined>;
  /** Where a row stands: `people.csv, line 17`. */
  placeOf(place: Place, column?: string | null): string;
  /** Rows that were left out silently so far. */
  counts(): ListCounts;
  /** Reads nothing more. Standard input that is not read to its end would keep the process. */
  close(): void;
}

export interface ReadOptions extends ListFlags {
  readonly kind: AddressKind;
  /** Variable by variable the column it comes from. */
  readonly map: Readonly<Record<string, string>>;
}

const PIECE_BYTES = 262_144;

/** How the command line puts things right. */
const CURES: Readonly<Record<Cure, string>> = {
  encoding:
    'Save it as "CSV UTF-8", or set its encoding, such as --encoding windows-1252 for Excel in Western Europe.',
  separator: 'Set it with --separator.',
  'address-column': 'Set the column with --to-column.',
  country: 'Or set --country-code, such as +49, for all numbers without +.',
};

export const explainProblem = ({ reason, cure }: Problem) =>
  cure === null ? reason : `${reason} ${CURES[cure]}`;

/** Cleans an address that was given to a command. */
export function readAddress(kind: AddressKind, given: string): string {
  const { address, problem } = cleanAddress(kind, given, null);
  return address ?? failUsage(problem.reason);
}

/** Addresses given as arguments. */
export function openArguments(
  addresses: readonly string[],
  { kind, countryCode }: ReadOptions,
): RowSource {
  return {
    counts: () => ({ emptyRows: 0, missing: new Map() }),
    close: () => undefined,
    placeOf: ({ line }) => `argument ${line}`,
    async *rows() {
      yield addresses.map((given, i) => {
        const { address, problem } = cleanAddress(kind, given, countryCode ?? null);
        const place = { line: i + 1, row: i + 1, cells: [given] };
        if (problem !== null)
          return { ...place, recipient: null, problem: { ...problem, column: null } };
        const channel = kind === 'EMAIL' ? {} : { channel: kind };
        return { ...place, recipient: { address, ...channel }, problem: null };
      });
    },
  };
}

/** Whether a file can be read twice: standard input and pipes cannot. */
export async function isReadOnce(path: string): Promise<boolean> {
  if (path === '-') return true;
  try {
    return !(await stat(path)).isFile();
  } catch (error) {
    return failUsage(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

/**
 * Opens a file, or standard input for `-`. It is NDJSON if its name says so or it begins with a brace, else CSV. `onBytes` gets
 * its bytes.
 */
export async function openFile(
  path: string,
  options: ReadOptions,
  onBytes?: (bytes: Uint8Array) => void,
): Promise<RowSource> {
  const name = path === '-' ? 'standard input' : path;
  const source =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: PIECE_BYTES });
  const list = await explainErrors(name, source, () =>
    openList(onBytes === undefined ? source : watchBytes(source, onBytes), {
      kind: options.kind,
      country: options.countryCode ?? null,
      toColumn: options.toColumn ?? null,
      map: options.map,
      encoding: options.encoding ?? null,
      separator: options.separator ?? null,
      format: options.format ?? (/\.(ndjson|jsonl|json)$/i.test(path) ? 'ndjson' : null),
    }),
  );
  if (list.columnProblem !== null) {
    source.destroy();
    failUsage(`${name}: ${list.columnProblem} ${CURES['address-column']}`);
  }
  return {
    counts: () => list.counts,
    close: () => void source.destroy(),
    placeOf: (place, column = null) =>
      escapeControls(
        `${name}, ${describePlace(place)}${column === null ? '' : `, column "${column}"`}`,
      ),
    async *rows() {
      const all = list.rows();
      try {
        for (;;) {
          const next = await explainErrors(name, source, () => all.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        source.destroy();
      }
    },
  };
}

async function* watchBytes(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    onBytes(bytes);
    yield bytes;
  }
}

async function explainErrors<Result>(
  name: string,
  source: Readable,
  read: () => Promise<Result>,
): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    source.destroy();
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof ListError) {
      const { place, problem } = error;
      const where = place === null ? name : `${name}, ${describePlace(place)}`;
      failUsage(`${where}: ${explainProblem(problem)}`);
    }
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR')
      failUsage(`${name} cannot be read: ${message}.`);
    throw error;
  }
}

/** The file of rejected rows: `row,line,column,reason,content`. Does nothing without a path. */
export class RejectFile {
  readonly #file: FileHandle | null;

  private constructor(file: FileHandle | null) {
    this.#file = file;
  }

  static async open(path: string | undefined): Promise<RejectFile> {
    if (path === undefined) return new RejectFile(null);
    const file = await open(path, 'w').catch((error: Error) =>
      failUsage(`${path} cannot be written: ${error.message}.`),
    );
    await file.write(writeCsv([REJECT_COLUMNS]));
    return new RejectFile(file);
  }

  async write(rows: readonly ListRow[]): Promise<void> {
    if (this.#file === null) return;
    const rejected = rows.flatMap((row) =>
      row.problem === null ? [] : [rejectedCells(row, explainProblem(row.problem))],
    );
    if (rejected.length > 0) await this.#file.write(writeCsv(rejected));
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
