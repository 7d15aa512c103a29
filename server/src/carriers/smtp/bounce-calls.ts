/** Bounces over HTTP: a mail server or a service posts each report unchanged, with a shared secret. */
import type { ReceiptAnswer, ReceiptParser } from '../../domain/receipt-call.ts';
import { headerOf, sameText } from '../http/verify.ts';
import { readBounce } from './bounces.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

/** Reads `POST`s of `message/rfc822` with `Authorization: Bearer {secret}`. */
export function createBounceReader(secret: string, bounceAddress: string | null): ReceiptParser {
  return async (request) => {
    if (request.method.toUpperCase() !== 'POST') return answer(405, 'Post the report.');
    const given = /^bearer (.+)$/i.exec(headerOf(request, 'authorization') ?? '')?.[1];
    if (!sameText(given, secret)) return answer(403, 'The secret is missing or wrong.');
    const { receipt, problem } = await readBounce(request.rawBody, bounceAddress, null);
    return {
      ...answer(200, receipt === null ? 'It reports nothing.' : 'Taken.'),
      receipts: receipt === null ? [] : [receipt],
      ...(problem === null ? {} : { unreadable: problem }),
    };
  };
}

function answer(status: number, body: string): ReceiptAnswer {
  return { answer: { status, headers: TEXT, body }, receipts: [], inbound: [] };
}
