/** Streamed requests: NDJSON whose first line is the request without `to`. */
import { request as httpRequest, type ClientRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { Answer, FanfareClient, Json } from './fanfare.ts';

export const NDJSON = { 'content-type': 'application/x-ndjson' };

export const toLines = (...values: readonly unknown[]): string =>
  values.map((each) => `${JSON.stringify(each)}\n`).join('');

/** Posts lines in one piece. */
export const stream = (
  fanfare: FanfareClient,
  lines: string,
  headers: Readonly<Record<string, string>> = {},
  path = '/v1/Messages',
): Promise<Answer> => fanfare.request('POST', path, lines, { ...NDJSON, ...headers });

/** The same, packed. */
export async function streamPacked(
  fanfare: FanfareClient,
  packed: Buffer | string,
): Promise<Answer> {
  const answer = await fetch(`${fanfare.url}/v1/Messages`, {
    method: 'POST',
    headers: { ...headersOf(fanfare), 'content-encoding': 'gzip' },
    body: new Uint8Array(typeof packed === 'string' ? gzipSync(packed) : packed),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
}

export const headersOf = ({ sid, token }: FanfareClient): Record<string, string> => ({
  ...NDJSON,
  authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}`,
});

/** A request whose body the test writes piece by piece. */
export function openRequest(
  fanfare: FanfareClient,
  headers: Readonly<Record<string, string>> = {},
): { readonly request: ClientRequest; readonly answer: Promise<{ status: number; body: Json }> } {
  const request = httpRequest(`${fanfare.url}/v1/Messages`, {
    method: 'POST',
    headers: { ...headersOf(fanfare), ...headers },
  });
  const answer = new Promise<{ status: number; body: Json }>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Json }),
      );
    });
  });
  answer.catch(() => undefined);
  return { request, answer };
}
