/** Reads JSON of providers. Pure. */

/** Strings, which may have digits in them, and integers that a number may not hold exactly. */
const STRING_OR_LONG = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/**
 * Reads JSON; undefined if the text is none. A byte order mark may stand before it (RFC 8259, 8.1), and text around an
 * object: warnings of a server's own programs, NULs, a comment of a proxy. Integers of 16 digits and more become
 * strings: if they were rounded, the ids of two messages could be equal, and a receipt for one would count for the
 * other.
 */
export function parseJsonText(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '');
  return parseStrictly(plain) ?? parseStrictly(findOnlyObject(plain));
}

function parseStrictly(text: string): unknown {
  const quote = (token: string) => (token.startsWith('"') ? token : `"${token}"`);
  try {
    return JSON.parse(/\d{16}/.test(text) ? text.replace(STRING_OR_LONG, quote) : text) as unknown;
  } catch {
    return undefined;
  }
}

/** The only object in a text; empty if there is none or more than one. */
function findOnlyObject(text: string): string {
  const start = text.indexOf('{');
  if (start === -1 || text.lastIndexOf('[', start) !== -1) return '';
  let depth = 0;
  // Brackets, and strings that may have some in them.
  for (const { 0: token, index } of text.slice(start).matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[{}]/g)) {
    depth += token === '{' ? 1 : token === '}' ? -1 : 0;
    if (depth > 0) continue;
    const end = start + index + 1;
    return text.includes('{', end) ? '' : text.slice(start, end);
  }
  return '';
}
