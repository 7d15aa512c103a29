/** Bodies of providers as text: unpacked, and decoded from whatever encoding they are in. Pure. */
import {
  brotliDecompressSync,
  constants,
  gunzipSync,
  inflateRawSync,
  inflateSync,
} from 'node:zlib';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Bytes that a body may have once it is unpacked. */
const UNPACKED_BYTES_MAX = 1_048_576;
/** Encodings of one body, one around the other. */
const PACKINGS_MAX = 3;

/** A body as text; null where it is packed in a way that nobody here knows, or is too long. A packed one may lack its end. */
export function readBodyText(body: Buffer, headers: Headers): string | null {
  const bytes = unpack(body, firstOf(headers['content-encoding']) ?? '');
  return bytes === null ? null : decodeBytes(bytes, charsetOf(headers));
}

/** The charset that a Content-Type names; null where it names none. */
export function charsetOf(headers: Headers): string | null {
  const type = firstOf(headers['content-type']) ?? '';
  return /;\s*charset\s*=\s*["']?([^\s"';,]+)/i.exec(type)?.[1] ?? null;
}

/**
 * By its byte order mark; by its NULs, for what is sent here begins with a character of ASCII; by the charset that it is said to be in;
 * as UTF-8; and what is none of these, as Windows-1252.
 */
export function decodeBytes(bytes: Buffer, charset: string | null): string {
  const [first, second] = bytes;
  const wide =
    bytes.length % 2 !== 0
      ? null
      : (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
        ? 'utf-16le'
        : (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
          ? 'utf-16be'
          : null;
  const named = charset !== null && /^utf-?16/i.test(charset) ? null : charset;
  return (
    (wide === null ? null : tryDecode(bytes, wide)) ??
    (bytes.subarray(0, 3).equals(UTF8_MARK) || named === null ? null : tryDecode(bytes, named)) ??
    tryDecode(bytes, 'utf-8') ??
    new TextDecoder('windows-1252').decode(bytes)
  );
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

function tryDecode(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
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
  return /^\s*[{[]/.test(bytes.toString('latin1', 0, 16)) && tryDecode(bytes, 'utf-8') !== null;
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
