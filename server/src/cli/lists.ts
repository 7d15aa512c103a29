/** Lists for commands: arguments, a file of any length, or standard input, row by row, each with its place in words. */
import { createReadStream } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { cleanAddress, type AddressKind } from '../lists/addresses.ts';
import { escapeControls } from '../lib/printable.ts';
import { openList, type ListCounts } from '../lists/list.ts';
import { describePlace, ListError, type Cure, type Problem } from '../lists/problem.ts';
import type { ListRow, Recipient } from '../lists/recipients.ts';
import { REJECT_COLUMNS, rejectedCells, writeCsv } from '../lists/write-csv.ts';
import { failUsage } from './globals.ts';
import type { ListFlags } from './list-options.ts';

export interface Row {
  /** Where it stands: `people.csv, line 17`. */
  readonly where: string;
  readonly recipient: Recipient | null;
  /** The problem, and its remedy. */
  readonly problem: string | null;
  readonly row: ListRow;
}

export interface ReadOptions extends ListFlags {
  readonly kind: AddressKind;
  /** Variable by variable the column it comes from. */
  readonly map: Readonly<Record<string, string>>;
}

/** A file that is read. */
export interface OpenFile {
  rows(): AsyncGenerator<readonly Row[], void, undefined>;
  counts(): ListCounts;
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
export function readArguments(
  addresses: readonly string[],
  { kind, countryCode }: ReadOptions,
): Row[] {
  return addresses.map((given, i) => {
    const { address, problem } = cleanAddress(kind, given, countryCode ?? null);
    const where = `argument ${i + 1}`;
    const place = { line: i + 1, row: i + 1, cells: [given] };
    return problem === null
      ? toRow(where, {
          ...place,
          recipient: { address, ...(kind === 'EMAIL' ? {} : { channel: kind }) },
          problem: null,
        })
      : toRow(where, { ...place, recipient: null, problem: { ...problem, column: null } });
  });
}

function toRow(where: string, row: ListRow): Row {
  const { recipient, problem } = row;
  return { where, recipient, problem: problem === null ? null : explainProblem(problem), row };
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

/** Opens a file, or standard input for `-`. It is NDJSON if its name says so or it begins with a brace, else CSV. */
export async function openFile(path: string, options: ReadOptions): Promise<OpenFile> {
  const name = path === '-' ? 'standard input' : path;
  const source =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: PIECE_BYTES });
  const list = await explainErrors(name, source, () =>
    openList(source as AsyncIterable<Uint8Array>, {
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
    async *rows() {
      const all = list.rows();
      try {
        for (;;) {
          const next = await explainErrors(name, source, () => all.next());
          if (next.done === true) return;
          yield next.value.map((row) => toRow(placeOf(name, row), row));
        }
      } finally {
        // Standard input that is not read to its end would keep the process.
        source.destroy();
      }
    },
  };
}

function placeOf(name: string, row: ListRow): string {
  const column = row.problem?.column ?? null;
  return escapeControls(
    `${name}, ${describePlace(row)}${column === null ? '' : `, column "${column}"`}`,
  );
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

  async write(rows: readonly Row[]): Promise<void> {
    const rejected = rows.filter(({ problem }) => problem !== null);
    if (this.#file === null || rejected.length === 0) return;
    await this.#file.write(
      writeCsv(rejected.map(({ row, problem }) => rejectedCells(row, problem ?? ''))),
    );
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
