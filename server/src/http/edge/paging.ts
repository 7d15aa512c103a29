/**
 * Pages of lists. A page starts after an id, so it stays the same when newer entries arrive. Its
 * token is that id, opaque and short. Links to further pages repeat the filters.
 */
import { uuidOfHex } from '../../domain/ids.ts';

/** The first byte of tokens, which later formats change. */
const FORMAT = 1;

/** The token of the page after an id. */
export function encodePageToken(uuid: string): string {
  return Buffer.from(
    FORMAT.toString(16).padStart(2, '0') + uuid.replaceAll('-', ''),
    'hex',
  ).toString('base64url');
}

/** The id of a token, or null for a text that is no token of ours. */
export function decodePageToken(token: string): string | null {
  if (!/^[\w-]{23}$/.test(token)) return null;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== 17 || bytes[0] !== FORMAT) return null;
  return uuidOfHex(bytes.toString('hex', 1));
}

/** One page of a list, and the link to the next one. */
export class Page {
  readonly #size: number;
  /** The id that the page lies beyond. */
  readonly start: string;

  constructor(size: number, start: string) {
    this.#size = size;
    this.start = start;
  }

  /** Rows to read: one more than the page has shows that there is a next page. */
  get limit(): number {
    return this.#size + 1;
  }

  /** The answer with the rows of the page, each as `serialize` makes it, in the field `name`. */
  answer<Name extends string, Row extends { readonly id: string }, Shape>(
    name: Name,
    rows: readonly Row[],
    serialize: (row: Row) => Shape,
  ): PageOf<Name, Shape> {
    return this.answerBy(name, rows, serialize, (row) => row.id);
  }

  /** The same for rows with another id, by which they are ordered. */
  answerBy<Name extends string, Row, Shape>(
    name: Name,
    rows: readonly Row[],
    serialize: (row: Row) => Shape,
    idOf: (row: Row) => string,
  ): PageOf<Name, Shape> {
    const own = this.rowsOf(rows);
    const last = own.at(-1);
    const hasNext = rows.length > own.length && last !== undefined;
    const pagination = {
      next: hasNext ? encodePageToken(idOf(last)) : null,
      self: encodePageToken(this.start),
    };
    return { [name]: own.map(serialize), pagination } as PageOf<Name, Shape>;
  }

  /** The rows of the page, without the one that was read beyond it. */
  rowsOf<Row>(rows: readonly Row[]): readonly Row[] {
    return rows.slice(0, this.#size);
  }
}

/** The answer of a list: rows in a field of their name, and the links to pages. */
type PageOf<Name extends string, Shape> = Record<Name, Shape[]> & {
  readonly pagination: { readonly next: string | null; readonly self: string };
};
