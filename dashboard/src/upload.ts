/** Uploads a body and reports how much of it has gone, which `fetch` of browsers does not. */

/** As `fetch`, for one body. `onProgress` gets the part that has gone, 0 to 1. */
export function uploadWith(onProgress: (share: number) => void): typeof fetch {
  return (input, init) =>
    new Promise((resolve, reject) => {
      const { method = 'POST', headers, body, signal } = init ?? {};
      const request = new XMLHttpRequest();
      request.open(method, String(input as string | URL));
      for (const [name, value] of new Headers(headers)) request.setRequestHeader(name, value);
      const end = () => request.abort();
      request.upload.addEventListener('progress', ({ loaded, total }) =>
        onProgress(total === 0 ? 0 : loaded / total),
      );
      request.addEventListener('load', () => resolve(toResponse(request)));
      request.addEventListener('error', () => reject(new TypeError('The connection broke.')));
      request.addEventListener('abort', () => reject(signal?.reason as Error));
      request.addEventListener('loadend', () => signal?.removeEventListener('abort', end));
      signal?.addEventListener('abort', end);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else request.send(body as XMLHttpRequestBodyInit);
    });
}

function toResponse(request: XMLHttpRequest): Response {
  const headers = new Headers();
  for (const line of request
    .getAllResponseHeaders()
    .trim()
    .split(/[\r\n]+/)) {
    const at = line.indexOf(':');
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 1).trim());
  }
  return new Response(request.responseText, { status: request.status, headers });
}
