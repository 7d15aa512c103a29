/** Reads JSON of providers. Pure. */

/** Strings, which may have digits in them, and integers that a number may not hold exactly. */
const STRING_OR_LONG = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/**
 * Reads JSON; undefined when it is none. A byte order mark may stand before it (RFC 8259, 8.1). Integers of 16 digits and more become
 * strings: rounded, the ids of two messages would be one, and a receipt for one would count for the other.
 */
export function parseJsonText(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '');
  const quote = (token: string) => (token.startsWith('"') ? token : `"${token}"`);
  try {
    return JSON.parse(
      /\d{16}/.test(plain) ? plain.replace(STRING_OR_LONG, quote) : plain,
    ) as unknown;
  } catch {
    return undefined;
  }
}
