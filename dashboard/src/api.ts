/** The API as the dashboard calls it, and the session that it does so with. */
import { signal } from '@preact/signals';
import { ApiError, ConnectionError, FanfareClient, RateLimitError } from '@fanfare/client';
import { connection, isSignedOut, watchedFetch } from './connection.ts';

/** Where the server is, without a slash at the end. */
export const BASE_URL = new URL('.', document.baseURI).href.replace(/\/$/, '');

export const client = new FanfareClient({
  session: true,
  baseUrl: BASE_URL,
  // A page rather says that the server is away than wait for long.
  retriesMax: 1,
  timeoutMs: 30_000,
  fetch: watchedFetch,
});

export interface Session {
  readonly accountSid: string;
  /** What it was opened with: the account's SID or an API key's. */
  readonly credential: string;
}

/** Who is signed in; null: nobody, undefined: not known yet. */
export const session = signal<Session | null | undefined>(undefined);

const HEADERS = { 'x-fanfare-session': '1' };

/** Finds out who is signed in. Rejects when the server is away. */
export async function fetchSession(): Promise<void> {
  const response = await watchedFetch(`${BASE_URL}/session`, { headers: HEADERS });
  if (!response.ok) throw new Error(`${response.status}`);
  session.value = response.status === 204 ? null : ((await response.json()) as Session);
  isSignedOut.value = false;
}

/** Resolves with what went wrong, in words; null when all is well. */
export async function signIn(sid: string, secret: string): Promise<string | null> {
  let response: Response;
  try {
    response = await watchedFetch(`${BASE_URL}/session`, {
      method: 'POST',
      headers: { ...HEADERS, 'content-type': 'application/json' },
      body: JSON.stringify({ sid, secret }),
    });
  } catch {
    return 'The server cannot be reached.';
  }
  if (response.ok) {
    session.value = (await response.json()) as Session;
    isSignedOut.value = false;
    return null;
  }
  if (response.status === 401) return 'No account or API key has this SID and secret.';
  if (response.status === 429)
    return `Too many wrong tries. Wait ${response.headers.get('retry-after') ?? '60'} seconds.`;
  return `The server answered ${response.status}.`;
}

export async function signOut(): Promise<void> {
  await watchedFetch(`${BASE_URL}/session`, { method: 'DELETE', headers: HEADERS }).catch(
    () => undefined,
  );
  session.value = null;
}

/** What went wrong, in words for people. */
export function explain(error: unknown): string {
  if (error instanceof RateLimitError) return 'Too many requests; try again in a moment.';
  if (error instanceof ApiError) return error.message;
  if (error instanceof ConnectionError || !connection.value.isUp)
    return 'The server cannot be reached.';
  return error instanceof Error ? error.message : String(error);
}
