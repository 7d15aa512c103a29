/** Additional headers of an e-mail: valid names and values. Pure. */

/** RFC 5322, 2.2: any visible ASCII but the colon. */
const NAME = /^[\x21-\x39\x3b-\x7e]{1,76}$/;
/** Characters of a line (RFC 5322, 2.1.1): of a rendered value or subject. */
export const HEADER_VALUE_MAX = 998;
/** Further headers of one e-mail. */
export const HEADERS_MAX = 30;
/** Headers that Fanfare sets itself: sender, date, content, unsubscription. */
const OWN =
  /^(from|sender|to|cc|bcc|subject|date|message-id|mime-version|content-.*|dkim-signature|arc-.*|authentication-results|return-path|received(-.*)?|list-unsubscribe(-.*)?|resent-.*|delivered-to)$/i;

/** The problem of a header as a sentence; null if it is valid. Rendered values need this check, too. */
export function findHeaderProblem(name: string, value: string): string | null {
  if (!NAME.test(name))
    return 'A header is named by 1 to 76 visible ASCII characters without a colon.';
  if (OWN.test(name)) return `"${name.slice(0, 40)}" is set by the server.`;
  return findHeaderValueProblem(value);
}

/** A line break would start another header. */
export function findHeaderValueProblem(value: string): string | null {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value))
    return 'A header has no line breaks or other control characters.';
  return value.length > HEADER_VALUE_MAX
    ? `A header's value has at most ${HEADER_VALUE_MAX} characters.`
    : null;
}

/**
 * Stricter than the rules for headers. It also excludes characters that some readers take for a line end, and overrides
 * of the writing direction, which disguise the rest of a line.
 */
const NOT_OF_A_LINE = '\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';
const NOT_ONE_LINE = new RegExp(`[${NOT_OF_A_LINE}]`);
/** A regular expression for texts in a header line: names, addresses. */
export const LINE_PATTERN = `^[^${NOT_OF_A_LINE}]*$`;
export const LINE_HINT =
  'it must be one line, without control characters and overrides of the direction of writing';

/** The problem of a text in a header line, or null. */
export function findLineProblem(text: string): string | null {
  return NOT_ONE_LINE.test(text) || !text.isWellFormed()
    ? 'It must be one line without control characters, overrides of the direction of writing and halves of surrogate pairs.'
    : null;
}
