/**
 * Pages of lists. A page starts after an id, so it stays the same when newer entries arrive. Its
 * token is that id, opaque and short. Links to further pages repeat the filters.
 */
import { uuidOfHex } from '../../domain/ids.ts';

/** Tokens begin with this byte, to tell them from those of later formats. */
const FORMAT = 1;

/** The token of what lies beyond an id. */
export function encodePageToken(uuid: string): string {
  return Buffer.from(
    FORMAT.toString(16).padStart(2, '0') + uuid.replaceAll('-', ''),
    'hex',
  ).toString('base64url');
}

/** The id of a token, or null when it is none of ours. */
export function decodePageToken(token: string): string | null {
  if (!/^[\w-]{23}$/.test(token)) return null;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== 17 || bytes[0] !== FORMAT) return null;
  return uuidOfHex(bytes.toString('hex', 1));
}

/**
 * Cuts a page off rows that were read one beyond its size.
 * @param start the id that this page lies beyond
 */
export function cutPage<Row>(
  rows: readonly Row[],
  pageSize: number,
  start: string,
  idOf: (row: Row) => string,
): { readonly rows: readonly Row[]; readonly pagination: { next: string | null; self: string } } {
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  return {
    rows: page,
    pagination: {
      next: rows.length > pageSize && last !== undefined ? encodePageToken(idOf(last)) : null,
      self: encodePageToken(start),
    },
  };
}
