/** Bodies of providers as text: unpacked, and decoded from whatever encoding they are in. Pure. */
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

/** Bytes that a body may have once it is unpacked. */
const UNPACKED_BYTES_MAX = 1_048_576;
/** Encodings of one body, one around the other. */
const PACKINGS_MAX = 3;

/** A body as text; null where it is packed in a way that nobody here knows, or is too long. A packed one may lack its end. */
export function readBodyText(body: Buffer, headers: Headers): string | null {
  const bytes = unpack(body, firstOf(headers['content-encoding']) ?? '');
  return bytes === null ? null : decodeDocument(bytes, charsetOf(firstOf(headers['content-type'])));
}

/** The last encoding was the last to be applied (RFC 9110, 8.4). Bytes that are not packed, though they are said to be, stay. */
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

/** It begins as JSON does, which no packed body does by chance: their first bytes say what they are. */
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
