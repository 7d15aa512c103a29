/** Decodes text from programs that may not use UTF-8. Pure. */

/** The charset of a Content-Type; null if there is none. */
export function charsetOf(contentType: string | undefined): string | null {
  return /;\s*charset\s*=\s*["']?([^\s"';,]+)/i.exec(contentType ?? '')?.[1] ?? null;
}

/**
 * Decodes a document that starts with an ASCII character, like JSON: by its byte order mark, by its NULs, or like `decodeText`.
 */
export function decodeDocument(bytes: Buffer, charset: string | null): string {
  const [first, second] = bytes;
  const wide =
    bytes.length % 2 !== 0
      ? null
      : (first === 0xff && second === 0xfe) || (first !== 0 && second === 0)
        ? 'utf-16le'
        : (first === 0xfe && second === 0xff) || (first === 0 && second !== 0)
          ? 'utf-16be'
          : null;
  const isMarked = bytes.subarray(0, 3).equals(UTF8_MARK);
  const named = isMarked || /^utf-?16/i.test(charset ?? '') ? null : charset;
  return (wide === null ? null : tryDecode(bytes, wide)) ?? decodeText(bytes, named);
}

/** Decodes by the given charset, or as UTF-8, or else as Windows-1252. */
export function decodeText(bytes: Buffer, charset: string | null): string {
  return (
    (charset === null ? null : tryDecode(bytes, charset)) ??
    tryDecode(bytes, 'utf-8') ??
    new TextDecoder('windows-1252').decode(bytes)
  );
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Decodes by a charset; null if the bytes are invalid in it, or the charset is unknown. */
export function tryDecode(bytes: Buffer, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Fields of a form or a query by name, repeated ones as a list. `_charset_` is the charset (HTML, 4.10.22.5). */
export function parseForm(
  form: string,
  charset: string | null,
): Readonly<Record<string, string | readonly string[]>> {
  const pairs = form.split('&').flatMap((pair) => {
    const [name = '', ...value] = pair.split('=');
    return pair === '' ? [] : [[octetsOf(name), octetsOf(value.join('='))] as const];
  });
  const said = pairs.find(([name]) => name.equals(CHARSET_NAME))?.[1].toString('latin1');
  const fields = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const key = decodeText(name, charset ?? said ?? null);
    const text = decodeText(value, charset ?? said ?? null);
    const known = fields.get(key);
    if (known === undefined) fields.set(key, [text]);
    else known.push(text);
  }
  return Object.fromEntries(
    [...fields].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  );
}

const CHARSET_NAME = Buffer.from('_charset_');

/** Escapes are octets; invalid ones stay unchanged. Other characters are octets as Latin-1. */
function octetsOf(text: string): Buffer {
  const plain = text
    .replaceAll('+', ' ')
    .replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(plain, 'latin1');
}
