/** The API client of the dashboard, and the session of the signed-in user. */
import { signal } from '@preact/signals';
import { ApiError, ConnectionError, FanfareClient, RateLimitError } from '@fanfare/client';
import { connection, isSignedOut, watchedFetch, watchRequest } from './connection.ts';
import { fieldOf } from './fields.ts';
import { plural } from './format.ts';
import { uploadWith } from './upload.ts';

/** The URL of the server, without a slash at the end. */
export const BASE_URL = new URL('.', document.baseURI).href.replace(/\/$/, '');

/** Error message when the server does not respond. */
export const UNREACHABLE =
  'The server cannot be reached. Check that it is running, then try again.';

const OPTIONS = {
  session: true,
  baseUrl: BASE_URL,
  // A page soon reports that the server does not respond.
  retriesMax: 1,
  timeoutMs: 30_000,
} as const;

export const client = new FanfareClient({ ...OPTIONS, fetch: watchedFetch });

/** A client for one upload. `onProgress` gets the part of it that has gone, 0 to 1. */
export const uploader = (onProgress: (share: number) => void): FanfareClient =>
  new FanfareClient({
    ...OPTIONS,
    fetch: (input, init) => watchRequest(uploadWith(onProgress), input, init),
  });

export interface Session {
  readonly accountSid: string;
  /** The SID of the account or API key that opened it. */
  readonly credential: string;
}

/** The current session; null: signed out, undefined: not known yet. */
export const session = signal<Session | null | undefined>(undefined);

const HEADERS = { 'x-fanfare-session': '1' };

/** Reads the current session. Rejects when the server does not respond. */
export async function fetchSession(): Promise<void> {
  const response = await watchedFetch(`${BASE_URL}/session`, { headers: HEADERS });
  if (!response.ok) throw new Error(`${response.status}`);
  session.value = response.status === 204 ? null : ((await response.json()) as Session);
  isSignedOut.value = false;
}

/** Resolves with an error message, or with null on success. */
export async function signIn(sid: string, secret: string): Promise<string | null> {
  let response: Response;
  try {
    response = await watchedFetch(`${BASE_URL}/session`, {
      method: 'POST',
      headers: { ...HEADERS, 'content-type': 'application/json' },
      body: JSON.stringify({ sid, secret }),
    });
  } catch {
    return UNREACHABLE;
  }
  if (response.ok) {
    session.value = (await response.json()) as Session;
    isSignedOut.value = false;
    return null;
  }
  if (response.status === 401)
    return 'No account or API key matches this SID and secret. Check both, then try again.';
  if (response.status === 429)
    return `Too many failed sign-ins. Try again in ${plural(Number(response.headers.get('retry-after') ?? 60), 'second')}.`;
  return `The server could not sign you in (status ${response.status}). Try again, or check the log of the server.`;
}

export async function signOut(): Promise<void> {
  await watchedFetch(`${BASE_URL}/session`, { method: 'DELETE', headers: HEADERS }).catch(
    () => undefined,
  );
  session.value = null;
}

/** Problems of one answer that are listed. */
const PROBLEMS_SHOWN = 3;

/** An error message for users. */
export function explain(error: unknown): string {
  if (error instanceof RateLimitError) return 'Too many requests. Try again in a moment.';
  if (error instanceof ApiError) return explainRefusal(error);
  if (error instanceof ConnectionError || !connection.value.isUp) return UNREACHABLE;
  return error instanceof Error ? error.message : String(error);
}

/** The first problems of an answer, each with the field that it is about. */
function explainRefusal({ errors, message }: ApiError): string {
  if (errors.length === 0) return message;
  const lines = errors.slice(0, PROBLEMS_SHOWN).map((each) => {
    const field = fieldOf(each.context);
    return field === null ? each.message : `${field}: ${each.message}`;
  });
  const others = errors.length - lines.length;
  return [...lines, ...(others > 0 ? [`And ${plural(others, 'other problem')}.`] : [])].join(' ');
}
