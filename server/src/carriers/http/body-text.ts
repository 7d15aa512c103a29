/** Bodies of providers as text: decompressed, and decoded from any encoding. Pure. */
import { isUtf8 } from 'node:buffer';
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';
import { charsetOf, decodeDocument } from '../../lib/decode-text.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Maximum size of a decompressed body in bytes. */
const UNPACKED_BYTES_MAX = 1_048_576;
/** Maximum number of nested encodings of one body. */
const PACKINGS_MAX = 3;

/** A body as text; null if its compression is unknown, or if it is too long. A compressed body may lack its end. */
export function readBodyText(body: Buffer, headers: Headers): string | null {
  const bytes = unpack(body, firstOf(headers['content-encoding']) ?? '');
  return bytes === null ? null : decodeDocument(bytes, charsetOf(firstOf(headers['content-type'])));
}

/** The last encoding was applied last (RFC 9110, 8.4). Bytes that are not compressed despite the header stay unchanged. */
function unpack(body: Buffer, encodings: string): Buffer | null {
  const names = encodings
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > PACKINGS_MAX) return null;
  let bytes: Buffer | null = body;
  for (const name of names.toReversed()) {
    if (bytes === null || bytes.length === 0) return bytes;
    bytes = isPlain(bytes) ? bytes : unpackOnce(bytes, name);
  }
  return bytes;
}

/** It starts like JSON. Compressed bodies never do: their first bytes identify the format. */
function isPlain(bytes: Buffer): boolean {
  return /^\s*[{[]/.test(bytes.toString('latin1', 0, 16)) && isUtf8(bytes);
}

function unpackOnce(bytes: Buffer, encoding: string): Buffer | null {
  const max = { maxOutputLength: UNPACKED_BYTES_MAX };
  const zlib = { ...max, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, zlib);
      case 'deflate':
        // Some send it without its head (RFC 9110, 8.4.1.2).
        return ((bytes[0] ?? 0) & 0x0f) === 8
          ? inflateSync(bytes, zlib)
          : inflateRawSync(bytes, zlib);
      case 'br':
        return brotliDecompressSync(bytes, {
          ...max,
          finishFlush: constants.BROTLI_OPERATION_FLUSH,
        });
      default:
        return null;
    }
  } catch {
    return null;
  }
}

function firstOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ');
}
