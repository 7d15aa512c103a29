/** Classifies a provider's answer to a submission. Pure. */
import { ERRORS, findError } from '../../domain/errors.ts';
import { keepableProviderId } from '../../domain/receipt.ts';
import { readRetryAfter } from '../../lib/retry-after.ts';
import type { SendResult } from '../carrier.ts';
import type { ErrorRule, HttpDescription, ResponseDescription } from './description.ts';
import type { Exchange } from './client.ts';
import { parseJsonText } from './json.ts';
import { findValue, parsePointer, placeOf, type Place, type Pointer } from './pointer.ts';
import { compileText, type Scope } from './template.ts';

/** Like `SendResult`, but `throttled` may have no delay. */
export type Verdict =
  | Exclude<SendResult, { kind: 'throttled' }>
  | { readonly kind: 'throttled'; readonly afterMs: number | null; readonly detail: string };

/** Reads one answer. Never throws, whatever its content. */
export type Classifier = (
  exchange: Extract<Exchange, { kind: 'answer' }>,
  scope: Scope,
  nowMs: number,
) => Verdict;

const DETAIL_LENGTH_MAX = 300;
const ID_LENGTH_MAX = 256;

/** Prepares the reading of answers. @throws Error for an invalid pointer or template. */
export function createClassifier(description: HttpDescription): Classifier {
  const { response } = description;
  const accepts = new Set(response.accepts ?? []);
  const readId = compileId(response.id);
  const codePointers = parsePointers(response.errorCode);
  const findPhrase = compilePhrases(response.phrases);
  const detailPointers = parsePointers(response.errorDetail);

  return ({ status, headers, body, isWhole }, scope, nowMs) => {
    const document = placeOf(readDocument(body, isWhole));
    const providerCode = readText(document, codePointers);
    const ruled =
      (status >= 400 ? findPhrase(body ?? '') : null) ??
      findRule(description, status, providerCode);
    const words =
      readText(document, detailPointers) ??
      (isWhole ? (body ?? 'the answer is encoded in an unknown way') : BROKEN_OFF);
    const detail = describeAnswer(status, providerCode, words);
    const accepted = accepts.size > 0 ? accepts.has(status) : status >= 200 && status < 300;
    if (ruled === null ? accepted : ruled.kind === 'accepted') {
      const providerId = readId(document, scope);
      if (providerId !== null) return { kind: 'accepted', providerId };
      return {
        kind: 'unknown',
        detail: shorten(`Accepted with HTTP ${status}, but without an id: ${words}`),
      };
    }
    const isRedirect = status >= 300 && status < 400 && ruled === null;
    return applyRule(ruled ?? defaultRule(status), {
      code: shareCode(description, providerCode),
      detail: isRedirect
        ? shorten(
            `HTTP ${status}: redirects are not followed; the URL should be ${String(headers['location'] ?? 'another one')}`,
          )
        : detail,
      afterMs: readRetryAfter(headers['retry-after'], nowMs),
    });
  };
}

const BROKEN_OFF = 'the answer broke off or was too long';

/** Of an answer that broke off only an object can be there whole: it says where it ends. */
function readDocument(body: string | null, isWhole: boolean): unknown {
  const document = body === null ? undefined : parseJsonText(body);
  return isWhole || typeof document === 'object' ? document : undefined;
}

/** The first phrase that an answer has counts. */
function compilePhrases(
  phrases: ResponseDescription['phrases'] = {},
): (body: string) => ErrorRule | null {
  const known = Object.entries(phrases).map(
    ([phrase, rule]) => [phrase.toLowerCase(), rule] as const,
  );
  if (known.length === 0) return () => null;
  return (body) => {
    const said = body.toLowerCase();
    return known.find(([phrase]) => said.includes(phrase))?.[1] ?? null;
  };
}

/** The provider's own code is more exact than the HTTP status. */
function findRule(
  { errors = {}, response: { statuses = {} } }: HttpDescription,
  status: number,
  code: string | null,
): ErrorRule | null {
  if (code !== null && Object.hasOwn(errors, code)) return errors[code] ?? null;
  return Object.hasOwn(statuses, status) ? (statuses[status] ?? null) : null;
}

/**
 * Not about one message: credentials, an account without money, a proxy or a network that wants a log-in, and "later". So is a
 * redirect: it leads to a page about maintenance, or the URL is an old one.
 */
const WAITING = new Set([401, 402, 407, 429, 503, 511]);
/**
 * Statuses of a server that has not processed the request: too late, the wrong server, too early (RFC 9110, 15.5.9 and
 * 15.5.20; RFC 8470, 5.2).
 */
const UNREAD = new Set([408, 421, 425]);

function defaultRule(status: number): ErrorRule {
  if (WAITING.has(status) || (status >= 300 && status < 400)) return { kind: 'throttled' };
  // The gateway does not know the outcome behind it.
  if (status === 502 || status === 504) return { kind: 'unknown' };
  if (UNREAD.has(status) || status >= 500) return { kind: 'retry' };
  return { kind: 'rejected' };
}

function applyRule(
  rule: ErrorRule,
  given: { code: number | null; detail: string; afterMs: number | null },
): Verdict {
  const { detail, afterMs } = given;
  const code = rule.code ?? given.code ?? ERRORS.carrierFault.code;
  switch (rule.kind) {
    case 'throttled':
      return { kind: 'throttled', afterMs, detail };
    // Accepted, but without a readable id.
    case 'accepted':
    case 'unknown':
      return { kind: 'unknown', detail };
    case 'rejected':
      return { kind: 'rejected', code, detail };
    case 'retry':
      return { kind: 'retry', code, detail, ...(afterMs === null ? {} : { afterMs }) };
  }
}

/** The provider's code if it has the same meaning in our error table; otherwise null. */
export function shareCode(description: HttpDescription, code: string | null): number | null {
  if (description.sharesCodes !== true || code === null || !/^\d{4,6}$/.test(code)) return null;
  return findError(Number(code)) === undefined ? null : Number(code);
}

function compileId(id: ResponseDescription['id']): (from: Place, scope: Scope) => string | null {
  if ('template' in id) {
    const render = compileText(id.template);
    return (_, scope) => render(scope) ?? null;
  }
  const pointers = [parsePointer(id.pointer)];
  return (from) => readProviderId(readText(from, pointers));
}

/** A provider's id as it is stored, from answers and callbacks; null if it is invalid. */
export function readProviderId(text: string | null): string | null {
  const id = text === null || text.length > ID_LENGTH_MAX ? '' : keepableProviderId(text);
  return id === '' ? null : id;
}

/** Reads one pointer or several. @throws Error as `parsePointer`. */
export function parsePointers(sources: string | readonly string[] | undefined): Pointer[] {
  if (sources === undefined) return [];
  return (typeof sources === 'string' ? [sources] : sources).map(parsePointer);
}

/** The first text or number that one of the pointers finds, as text; null if none finds one. */
export function readText(from: Place, pointers: readonly Pointer[]): string | null {
  for (const pointer of pointers) {
    const value = findValue(from, pointer);
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  }
  return null;
}

function describeAnswer(status: number, code: string | null, words: string): string {
  return shorten(`HTTP ${status}${code === null ? '' : `, code ${code}`}: ${words}`);
}

/** One line of printable text, whatever was sent. */
function shorten(text: string): string {
  return text
    .slice(0, DETAIL_LENGTH_MAX * 2)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, DETAIL_LENGTH_MAX)
    .toWellFormed();
}
