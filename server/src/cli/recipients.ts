/**
 * Recipients for `fanfare send`: arguments, a CSV or NDJSON file of any length, or standard input, row by row. Each knows the line it
 * came from, so that whatever is wrong with it can be told.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { failUsage } from './globals.ts';

export type Kind = 'PHONE' | 'WHATSAPP' | 'EMAIL';

/** One recipient as the API takes it; `channel` is left out of e-mails. */
export interface Recipient {
  readonly address?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export interface Row {
  /** Where it stands, for people: `people.csv, line 17`. */
  readonly where: string;
  readonly recipient: Recipient;
  /** What is wrong with it. */
  readonly problem: string | null;
}

export interface RecipientOptions {
  readonly kind: Kind;
  /** Column with the address; guessed when not given. */
  readonly column: string | null;
  /** Variable by variable the column it comes from. */
  readonly map: Readonly<Record<string, string>>;
  /** What numbers that begin with a single 0 get instead of it, as `+49`. */
  readonly countryCode: string | null;
}

/** Rows longer than this are no rows. */
const ROW_LENGTH_MAX = 1_048_576;
const PHONE_COLUMNS =
  /^(phone|phone[ _-]?number|mobile|mobile[ _-]?number|msisdn|number|address|to|tel|telephone|cell)$/i;
const EMAIL_COLUMNS = /^(e-?mail|e-?mail[ _-]?address|address|to|mailbox)$/i;
const E164 = /^\+[1-9]\d{1,14}$/;
/** Whatever people put between digits to read them better. */
const DECORATION = /[\s().\-/\u00a0\u2010-\u2015]/g;

/** Addresses given as arguments. */
export async function* readArguments(
  addresses: readonly string[],
  options: RecipientOptions,
): AsyncGenerator<Row> {
  for (const [i, address] of addresses.entries())
    yield makeRow(`argument ${i + 1}`, address, {}, options);
}

/** Rows of a file, or of standard input for `-`. What comes is NDJSON when it is called so or begins with a brace, else CSV. */
export async function* readFile(
  path: string,
  format: 'csv' | 'ndjson' | null,
  options: RecipientOptions,
): AsyncGenerator<Row> {
  const name = path === '-' ? 'standard input' : path;
  const source: Readable = path === '-' ? process.stdin : createReadStream(path);
  const failed = new Promise<never>((_, reject) => source.once('error', reject));
  failed.catch(() => undefined);
  try {
    const known = format ?? (/\.(ndjson|jsonl|json)$/i.test(path) ? 'ndjson' : null);
    const isJson =
      known === 'ndjson' || (known === null && (await beginsWithBrace(source, failed)));
    yield* isJson ? readNdjson(source, name, options) : readCsv(source, name, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR')
      failUsage(`${name} cannot be read: ${message}.`);
    throw error;
  } finally {
    source.destroy();
  }
}

async function beginsWithBrace(source: Readable, failed: Promise<never>): Promise<boolean> {
  await Promise.race([
    failed,
    new Promise<void>((resolve) => {
      source.once('readable', resolve).once('end', resolve);
    }),
  ]);
  const head = source.read() as Buffer | null;
  if (head === null) return false;
  source.unshift(head);
  return /^\ufeff?\s*\{/.test(head.toString('utf8', 0, 200));
}

async function* readCsv(
  source: Readable,
  name: string,
  options: RecipientOptions,
): AsyncGenerator<Row> {
  const parser = source.pipe(
    parse({
      bom: true,
      columns: true,
      info: true,
      trim: true,
      delimiter: [',', ';', '\t'],
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: ROW_LENGTH_MAX,
    }),
  );
  source.on('error', (error) => parser.destroy(error));
  let columns: Columns | null = null;
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRow>) {
      columns ??= chooseColumns(Object.keys(record), name, options);
      const variables = columns.variables
        .map(([variable, column]) => [variable, record[column] ?? ''] as const)
        // An empty cell is no value: the template's default stands in.
        .filter(([, value]) => value !== '');
      yield makeRow(
        `${name}, line ${info.lines}`,
        record[columns.address] ?? '',
        Object.fromEntries(variables),
        options,
      );
    }
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (code.startsWith('CSV_')) failUsage(`${name} is not CSV: ${message}.`);
    throw error;
  }
}

interface CsvRow {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

interface Columns {
  readonly address: string;
  /** Variable and column. */
  readonly variables: readonly (readonly [string, string])[];
}

function chooseColumns(
  names: readonly string[],
  file: string,
  { kind, column, map }: RecipientOptions,
): Columns {
  const all = names.map((each) => `"${each}"`).join(', ');
  for (const each of [...Object.values(map), ...(column === null ? [] : [column])])
    if (!names.includes(each)) failUsage(`${file} has no column "${each}"; it has ${all}.`);
  const pattern = kind === 'EMAIL' ? EMAIL_COLUMNS : PHONE_COLUMNS;
  const guessed = column === null ? names.filter((each) => pattern.test(each)) : [column];
  const [address, ...others] = guessed;
  if (address === undefined || others.length > 0)
    failUsage(
      `${address === undefined ? 'No column' : 'More than one column'} of ${file} is called like an address. Say which one is, with --to-column: ${all}.`,
    );
  const mapped = new Set(Object.values(map));
  return {
    address,
    variables: [
      ...Object.entries(map),
      ...names
        .filter((each) => each !== address && !mapped.has(each))
        .map((each) => [toVariable(each), each] as const),
    ],
  };
}

/** A name that a template can say: `First name` is `first_name`. */
function toVariable(column: string): string {
  if (/^[A-Za-z_]\w*$/.test(column) || /^\d+$/.test(column)) return column;
  return column
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_+|_+$/g, '');
}

async function* readNdjson(
  source: Readable,
  name: string,
  options: RecipientOptions,
): AsyncGenerator<Row> {
  let line = 0;
  for await (const text of createInterface({ input: source, crlfDelay: Infinity })) {
    line += 1;
    const where = `${name}, line ${line}`;
    const trimmed = text.replace(/^\ufeff/, '').trim();
    if (trimmed === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(trimmed);
    } catch (error) {
      failUsage(`${where} is not JSON: ${(error as Error).message}. Each line must be one value.`);
    }
    yield readValue(where, value, options);
  }
}

/** An address, a recipient as the API has it, or a flat object whose fields are like columns. */
function readValue(where: string, value: unknown, options: RecipientOptions): Row {
  if (typeof value === 'string') return makeRow(where, value, {}, options);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { where, recipient: {}, problem: 'It is neither an address nor an object.' };
  const fields = value as Record<string, unknown>;
  const isWhole =
    'addresses' in fields || 'channel' in fields || typeof fields['variables'] === 'object';
  if (isWhole) {
    const channel = options.kind === 'EMAIL' ? {} : { channel: options.kind };
    return {
      where,
      recipient: { ...('addresses' in fields ? {} : channel), ...fields },
      problem: null,
    };
  }
  const columns = chooseColumns(Object.keys(fields), where, options);
  const text = (field: unknown) =>
    field === null || field === undefined
      ? ''
      : typeof field === 'object'
        ? JSON.stringify(field)
        : String(field as string | number | boolean);
  const variables = columns.variables
    .map(([variable, column]) => [variable, text(fields[column])] as const)
    .filter(([, each]) => each !== '');
  return makeRow(where, text(fields[columns.address]), Object.fromEntries(variables), options);
}

function makeRow(
  where: string,
  given: string,
  variables: Readonly<Record<string, string>>,
  { kind, countryCode }: RecipientOptions,
): Row {
  const address = kind === 'EMAIL' ? given.trim() : toE164(given, countryCode);
  const recipient: Recipient = {
    address,
    ...(kind === 'EMAIL' ? {} : { channel: kind }),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
  };
  return { where, recipient, problem: findProblem(kind, given, address) };
}

function toE164(given: string, countryCode: string | null): string {
  const plain = given.replaceAll(DECORATION, '').replace(/^00/, '+');
  return countryCode !== null && /^0[1-9]/.test(plain) ? `${countryCode}${plain.slice(1)}` : plain;
}

function findProblem(kind: Kind, given: string, address: string): string | null {
  if (given.trim() === '') return 'There is no address.';
  if (kind === 'EMAIL')
    return /^[^@\s]+@[^@\s]+$/.test(address) ? null : `"${given}" is not an e-mail address.`;
  if (E164.test(address)) return null;
  return /^0?\d+$/.test(address)
    ? `"${given}" has no country code: write it with +, or give --country-code for numbers that begin with 0.`
    : `"${given}" is not a number in E.164: + and up to 15 digits.`;
}
