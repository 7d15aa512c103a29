/** Additional headers of an e-mail: valid names and values. Pure. */
import { parseAttemptReference } from './ids.ts';
import { findUrlProblem } from './url.ts';

/** RFC 5322, 2.2: any visible ASCII but the colon. */
const NAME = /^[\x21-\x39\x3b-\x7e]{1,76}$/;
/** Characters of a line (RFC 5322, 2.1.1): of a rendered value or subject. */
export const HEADER_VALUE_MAX = 998;
/** Further headers of one e-mail. */
export const HEADERS_MAX = 30;
/** Headers that Fanfare sets itself: sender, date, content. */
const OWN =
  /^(from|sender|to|cc|bcc|subject|date|mime-version|content-.*|dkim-signature|arc-.*|authentication-results|return-path|received(-.*)?|resent-.*|delivered-to|fanfare-reference)$/i;

/** Headers that Fanfare sets unless the request does, by lower-case name. Their values have a syntax. */
export const MESSAGE_ID = 'message-id';
export const LIST_UNSUBSCRIBE = 'list-unsubscribe';
export const LIST_UNSUBSCRIBE_POST = 'list-unsubscribe-post';
/** Reports return up to 300 characters of a Message-ID. */
export const MESSAGE_ID_MAX = 255;
const SYNTAX: ReadonlyMap<string, (value: string) => string | null> = new Map([
  [MESSAGE_ID, findMessageIdProblem],
  [LIST_UNSUBSCRIBE, findUnsubscribeProblem],
  [LIST_UNSUBSCRIBE_POST, findOneClickProblem],
]);

/** The problem of a header's name as a sentence; null if it is valid. */
export function findHeaderNameProblem(name: string): string | null {
  if (!NAME.test(name))
    return 'A header is named by 1 to 76 visible ASCII characters without a colon.';
  return OWN.test(name) ? `"${name.slice(0, 40)}" is set by the server.` : null;
}

/** The problem of a header with its rendered value; null if it is valid. */
export function findHeaderProblem(name: string, value: string): string | null {
  return (
    findHeaderNameProblem(name) ?? findHeaderValueProblem(value) ?? findSyntaxProblem(name, value)
  );
}

/** The problem of a rendered value for the syntax of this header; null if it is valid, or if any value is. */
export function findSyntaxProblem(name: string, value: string): string | null {
  return SYNTAX.get(name.toLowerCase())?.(value) ?? null;
}

/** RFC 5322, 3.6.4: `dot-atom-text`, and a domain literal. */
const ATOM = "[\\w!#$%&'*+/=?^`{|}~-]+";
const DOT_ATOM = `${ATOM}(?:\\.${ATOM})*`;
const MESSAGE_ID_PATTERN = new RegExp(`^<(${DOT_ATOM})@(?:${DOT_ATOM}|\\[[!-Z^-~]*\\])>$`);

function findMessageIdProblem(value: string): string | null {
  const left = MESSAGE_ID_PATTERN.exec(value)?.[1];
  if (left === undefined)
    return 'A Message-ID is one id in angle brackets, without spaces: <order-77@example.com> (RFC 5322, 3.6.4).';
  if (value.length > MESSAGE_ID_MAX)
    return `A Message-ID has at most ${MESSAGE_ID_MAX} characters.`;
  // Reports on other e-mails would be taken for reports on this one.
  return parseAttemptReference(left.toLowerCase()) === null
    ? null
    : 'This Message-ID has the form of those that the server makes; use one of your own.';
}

/** One link with comments around it, and a comma or the end (RFC 2369, 2). */
const LINK = /[ \t]*(?:\([^()]*\)[ \t]*)*<([^<>]*)>[ \t]*(?:\([^()]*\)[ \t]*)*(?:,|$)/y;

/** The links of a List-Unsubscribe; null if it is malformed. */
function readLinks(value: string): readonly string[] | null {
  const links: string[] = [];
  for (let at = 0; at < value.length; at = LINK.lastIndex) {
    LINK.lastIndex = at;
    const found = LINK.exec(value);
    if (found === null) return null;
    links.push(found[1] ?? '');
  }
  return links.length === 0 || value.endsWith(',') ? null : links;
}

function findUnsubscribeProblem(value: string): string | null {
  const links = readLinks(value);
  if (links === null)
    return 'A List-Unsubscribe has links in angle brackets, separated by commas: <https://example.com/u/77>, <mailto:leave@example.com> (RFC 2369).';
  for (const link of links) {
    const wrong = findLinkProblem(link);
    if (wrong !== null) return `Its link <${link.slice(0, 80)}> is not valid: ${wrong}`;
  }
  return null;
}

function findLinkProblem(link: string): string | null {
  if (!/^[!-~]+$/.test(link))
    return 'it has only visible ASCII characters; percent-encode others, with {{ value | url_encode }}.';
  if (/^mailto:/i.test(link))
    return /^mailto:[^?@]+@[^?@]+(\?|$)/i.test(link) ? null : 'write mailto:leave@example.com.';
  return /^https?:/i.test(link) ? findUrlProblem(link) : 'it is neither https, http nor mailto.';
}

function findOneClickProblem(value: string): string | null {
  return value === 'List-Unsubscribe=One-Click'
    ? null
    : 'A List-Unsubscribe-Post is "List-Unsubscribe=One-Click" and nothing else (RFC 8058, 3.1).';
}

/** A header as it is written, in any case of its name; undefined if it is absent. */
export function findHeader<Value>(
  headers: Readonly<Record<string, Value>>,
  name: string,
): readonly [name: string, value: Value] | undefined {
  return Object.entries(headers).find(([each]) => each.toLowerCase() === name);
}

/** The value of a header, in any case of its name; undefined if it is absent. */
export function headerValue<Value>(
  headers: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined {
  return findHeader(headers, name)?.[1];
}

/** Why a link cannot be opened by one click (RFC 8058, 3.1); null if it can. */
export function findOneClickLinkProblem(unsubscribe: string | undefined): string | null {
  if (unsubscribe === undefined)
    return 'List-Unsubscribe-Post needs a List-Unsubscribe with an https link; add it, or leave out both.';
  return readLinks(unsubscribe)?.some((link) => /^https:/i.test(link))
    ? null
    : 'List-Unsubscribe-Post needs an https link in List-Unsubscribe (RFC 8058, 3.1); add one, or leave out List-Unsubscribe-Post.';
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
