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

/** The problem of an origin as browsers send it (RFC 6454, section 6.2), or null: scheme and host, in lower case, and a port that is not the scheme's. */
export function findOriginProblem(text: string): string | null {
  if (text.includes('*'))
    return `"${text.slice(0, 60)}" would allow the pages of everybody; list each origin, such as https://app.example.com.`;
  const origin = START.test(text) && URL.canParse(text) ? new URL(text).origin : null;
  if (origin === text) return null;
  return `"${text.slice(0, 60)}" is not an origin; write ${origin === null ? 'it like https://app.example.com' : `"${origin}"`}.`;
}
