/** Reads NDJSON. Each line is an address, a recipient of the API, or a flat object with fields like columns. Pure. */
import type { AddressKind } from './addresses.ts';
import { cleanAddress } from './addresses.ts';
import { findTwins, proposeColumns, type ColumnOptions } from './columns.ts';
import { ListError } from './problem.ts';
import { RowReader, type ListRow, type RowProblem } from './recipients.ts';

type Read = Pick<ListRow, 'recipient' | 'problem'>;

const reject = (reason: string, column: string | null = null): Read => ({
  recipient: null,
  problem: { reason, column, cure: null },
});

/** Reads lines of one list. */
export class LineReader {
  readonly #options: ColumnOptions;
  readonly missing = new Map<string, number>();

  constructor(options: ColumnOptions) {
    this.#options = options;
  }

  read(line: string): Read {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      return reject(`It is not JSON: ${(error as Error).message}.`);
    }
    const twin = findTwinKey(line);
    if (twin !== null) return reject(`Two fields are called "${twin}".`, twin);
    if (typeof value === 'string') return this.#readAddress(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return reject('It is neither an address nor an object.');
    const fields = value as Record<string, unknown>;
    const isWhole =
      'addresses' in fields || 'channel' in fields || typeof fields['variables'] === 'object';
    return isWhole ? this.#readWhole(fields) : this.#readFields(fields, line);
  }

  #readAddress(given: string): Read {
    const { address, problem } = cleanAddress(this.#options.kind, given, this.#options.country);
    return problem === null
      ? { recipient: { address, ...channelOf(this.#options.kind) }, problem }
      : { recipient: null, problem: { ...problem, column: null } };
  }

  /** As the API takes it, which checks all but the spelling of the address. */
  #readWhole(fields: Record<string, unknown>): Read {
    const given = fields['address'];
    if (typeof given !== 'string') return { recipient: fields, problem: null };
    const { kind, country } = this.#options;
    const channel = fields['channel'];
    const { address, problem } = cleanAddress(isKind(channel) ? channel : kind, given, country);
    return problem === null
      ? { recipient: { ...channelOf(kind), ...fields, address }, problem }
      : { recipient: null, problem: { ...problem, column: 'address' } };
  }

  #readFields(fields: Record<string, unknown>, line: string): Read {
    const names = Object.keys(fields);
    const hasNumber = Object.values(fields).some((value) => typeof value === 'number');
    const written = hasNumber ? (JSON.parse(quoteNumbers(line)) as typeof fields) : fields;
    const cells = Object.entries(fields).map(([name, value]) =>
      typeof value === 'number' ? String(written[name]) : toText(value),
    );
    try {
      const { columns, problem } = proposeColumns({ names, isMade: false }, [cells], this.#options);
      const wrong = problem ?? findTwins(names, columns);
      if (wrong !== null)
        return {
          recipient: null,
          problem: {
            reason: wrong,
            column: null,
            cure: problem === null ? null : 'address-column',
          },
        };
      const reader = new RowReader(names, columns, this.#options.country);
      reader.isSuspect = true;
      const read = reader.read(cells);
      for (const [name, count] of reader.missing)
        this.missing.set(name, (this.missing.get(name) ?? 0) + count);
      return read;
    } catch (error) {
      if (!(error instanceof ListError)) throw error;
      const problem: RowProblem = { ...error.problem, column: null };
      return { recipient: null, problem };
    }
  }
}

const channelOf = (kind: AddressKind) =>
  kind === 'PHONE' || kind === 'WHATSAPP' ? { channel: kind } : {};

const isKind = (channel: unknown): channel is AddressKind =>
  channel === 'PHONE' || channel === 'WHATSAPP' || channel === 'EMAIL';

/** Valid JSON with each number as a text: JSON.parse would make 12.5 of 12.50, and drop digits of long ones. */
const quoteNumbers = (json: string) =>
  json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );

function toText(field: unknown): string {
  if (field === null || field === undefined) return '';
  return typeof field === 'object' ? JSON.stringify(field) : String(field as string | boolean);
}

/** A duplicate key of valid JSON at any depth: JSON.parse would use the last one. */
function findTwinKey(json: string): string | null {
  const open: (Set<string> | null)[] = [];
  for (const [token, key] of json.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (key !== undefined) {
      const name = JSON.parse(key) as string;
      const keys = open.at(-1);
      if (keys?.has(name)) return name;
      keys?.add(name);
    }
  }
  return null;
}
