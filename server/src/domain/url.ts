/** URLs in requests: of media, buttons and subscriptions. Pure; fetches nothing. */

/** Maximum length of a URL: accepted by browsers, carriers and handsets. */
export const URL_LENGTH_MAX = 2_048;

/** A scheme and the start of a host, before anything that `URL` would repair. */
const START = /^https?:\/\/[^/?#@]/i;
/** Whitespace, control characters, and the backslash that `URL` takes for a slash. */
const FORBIDDEN = /[\s\p{Cc}\\]/u;

/**
 * The problem of a URL, or null. A valid URL is absolute, http or https, with a host, without user and password (RFC 3986,
 * section 3.2.1), without whitespace and control characters, at most 2,048 characters.
 */
export function findUrlProblem(text: string): string | null {
  if (text.length > URL_LENGTH_MAX)
    return `The URL has ${text.length} characters (UTF-16 units); at most ${URL_LENGTH_MAX} are allowed.`;
  if (FORBIDDEN.test(text))
    return 'A URL has no spaces, control characters or backslashes; percent-encode them.';
  if (!START.test(text) || !URL.canParse(text))
    return `"${text.slice(0, 60)}" is not an absolute URL; write it like https://example.com/path.`;
  const { username, password } = new URL(text);
  return username === '' && password === ''
    ? null
    : 'A URL must not carry a user name or a password.';
}
