/**
 * Watches the connection to the server. Every request uses `watchedFetch`, so that the dashboard never presents old
 * numbers as live.
 *
 * ```
 *  up ──a request or stream breaks, the browser is offline, a stream is silent──▶ down ──an answer──▶ up
 * ```
 */
import { signal } from '@preact/signals';

export interface Connection {
  readonly isUp: boolean;
  /** When the server last responded; null before the first response. */
  readonly heardAt: Date | null;
}

export const connection = signal<Connection>({ isUp: true, heardAt: null });
/** Whether a response said that the session has ended. */
export const isSignedOut = signal(false);

/** A stream sends something every 15 seconds. After this long in silence it counts as broken. */
const SILENCE_MS = 20_000;

function hear(): void {
  connection.value = { isUp: true, heardAt: new Date() };
}

function lose(): void {
  if (connection.value.isUp) connection.value = { ...connection.value, isUp: false };
}

addEventListener('offline', lose);

export const watchedFetch: typeof fetch = (input, init) => watchRequest(fetch, input, init);

/** A request that is made by `send`. */
export async function watchRequest(
  send: typeof fetch,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  let response: Response;
  try {
    response = await send(input, init);
  } catch (error) {
    if (init?.signal?.aborted !== true) lose();
    throw error;
  }
  if (response.status >= 502) lose();
  else hear();
  if (response.status === 401) isSignedOut.value = true;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  return isStream && response.body !== null
    ? new Response(watchBody(response.body, init?.signal ?? null), response)
    : response;
}

/** Passes a stream on, and records when it breaks or falls silent. */
function watchBody(
  body: ReadableStream<Uint8Array>,
  abort: AbortSignal | null,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let timer = setTimeout(lose, SILENCE_MS);
  const end = () => clearTimeout(timer);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        clearTimeout(timer);
        if (done) return controller.close();
        hear();
        timer = setTimeout(lose, SILENCE_MS);
        controller.enqueue(value);
      } catch (error) {
        end();
        if (abort?.aborted !== true) lose();
        controller.error(error);
      }
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  });
}
