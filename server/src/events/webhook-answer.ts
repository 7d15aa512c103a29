/**
 * The outcome of a delivery, from the end of its request: the result, and words for people. Pure:
 * time is an argument.
 *
 * The words go to the owner of the subscription. They name the requested host and its failure.
 * They quote an answer only from hosts on the internet, because answers of internal hosts are
 * confidential. They contain no addresses, URLs or secrets.
 */
import { readRetryAfter } from '../lib/retry-after.ts';
import { TargetDeniedError } from '../net/address-guard.ts';
import { failedDelivery, type DeliveryResult } from './sink.ts';
import type { WebhookOutcome } from './webhook-request.ts';

/** Further values for the words. */
export interface DeliveryFacts {
  /** Of the URL, as `URL` has it in `host`. */
  readonly host: string;
  readonly timeoutMs: number;
  /** Whether words of the answer may be shown. */
  readonly quotes: boolean;
  readonly nowMs: number;
}

const DETAIL_LENGTH_MAX = 500;
const QUOTE_LENGTH_MAX = 200;
/** Bodies of other types are not readable text. */
const TEXT_TYPE = /^(text\/|application\/([\w.-]+\+)?(json|xml)\b)/i;
/** RFC 9110, section 15.4. */
const REDIRECTS: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308]);
/** Asks to come back later (RFC 6585, section 4, and RFC 9110, section 15.6.4). */
const ASKS_TO_WAIT: ReadonlySet<number> = new Set([429, 503]);

/** Errors by their meaning to people; `%` is the host. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_NONAME|ENONAME)$/, 'The name of % is not known in DNS'],
  [
    /^(EAI_|ENODATA$|ESERVFAIL$|EFORMERR$|ENOTIMP$|EREFUSED$|ETIMEOUT$|EBADRESP$)/,
    'DNS did not answer for %',
  ],
  [/^ECONNREFUSED$/, '% refused the connection'],
  // It is not the receiver's fault, and the operator can mend it.
  [
    /^(EMFILE|ENFILE|ENOBUFS|ENOMEM|EADDRINUSE)$/,
    'Fanfare had no more files or memory for a connection to %',
  ],
  [
    /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|E(HOST|NET)(UNREACH|DOWN)|EADDRNOTAVAIL|EAFNOSUPPORT|EACCES|EPERM|EINVAL|ERR_SOCKET_CONNECTION_TIMEOUT)$/,
    '% cannot be reached',
  ],
  [
    /^(ECONNRESET|ECONNABORTED|ENETRESET|ENOTCONN|EPIPE|UND_ERR_SOCKET)$/,
    '% closed the connection before it answered',
  ],
  // Names of X509_verify_cert_error_string (OpenSSL), as Node.js has them.
  [
    /^(CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERROR_IN_C|ERR_TLS_CERT|INVALID_(CA|PURPOSE)|PATH_LENGTH|HOSTNAME_|IP_ADDRESS_MIS|(CA|EE)_(KEY|MD)_)/,
    'The certificate of % is not good',
  ],
  [/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO)/, 'TLS with % failed'],
  [
    /^(HPE_|HTTPParserError|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES)/,
    '% did not answer in proper HTTP',
  ],
];

/** The result of a delivery whose request ended so. A 2xx counts from when its status is there. */
export function judgeOutcome(outcome: WebhookOutcome, facts: DeliveryFacts): DeliveryResult {
  switch (outcome.kind) {
    case 'answer':
      return judgeAnswer(outcome, facts);
    case 'error':
      return failDelivery(describeError(outcome.error, facts.host));
    case 'late':
      return failDelivery(
        outcome.connected
          ? `${facts.host} did not answer within ${facts.timeoutMs} ms.`
          : `There was no connection to ${facts.host} within ${facts.timeoutMs} ms.`,
      );
  }
}

/** A failure without an answer, in words that fit. */
export function failDelivery(detail: string): DeliveryResult {
  return failedDelivery(fit(detail, DETAIL_LENGTH_MAX));
}

function judgeAnswer(
  answer: Extract<WebhookOutcome, { kind: 'answer' }>,
  { host, quotes, nowMs }: DeliveryFacts,
): DeliveryResult {
  const { status, headers } = answer;
  if (status < 300) return { kind: 'delivered', status, detail: null, retryAfterMs: null };
  const words = REDIRECTS.has(status) ? ', a redirect, which is not followed' : '';
  const quote = quotes ? quoteAnswer(answer) : '';
  return {
    kind: status === 410 ? 'gone' : 'failed',
    status,
    detail: fit(
      `${host} answered HTTP ${status}${words}${quote === '' ? '.' : `: ${quote}`}`,
      DETAIL_LENGTH_MAX,
    ),
    retryAfterMs: ASKS_TO_WAIT.has(status) ? readRetryAfter(headers['retry-after'], nowMs) : null,
  };
}

/** The start of a text, or the target of a redirect; empty if there is nothing to read. */
function quoteAnswer({
  status,
  headers,
  start,
}: Extract<WebhookOutcome, { kind: 'answer' }>): string {
  const location = firstOf(headers['location']);
  if (REDIRECTS.has(status) && location !== undefined) return fit(location, QUOTE_LENGTH_MAX);
  const type = firstOf(headers['content-type']);
  const isText = type === undefined || TEXT_TYPE.test(type);
  return isText && headers['content-encoding'] === undefined
    ? fit(start.toString('utf8'), QUOTE_LENGTH_MAX)
    : '';
}

function describeError(error: Error, host: string): string {
  if (error instanceof TargetDeniedError) return error.message;
  // Where several addresses were tried, the first stands for all.
  const { errors } = error as { errors?: readonly Error[] };
  const first = (errors?.[0] ?? error) as { code?: unknown; name: string };
  // Not the message: it may contain addresses, or names from a certificate of an internal host.
  const code = typeof first.code === 'string' ? first.code : first.name;
  const words = WORDS.find(([pattern]) => pattern.test(code))?.[1] ?? 'The request to % failed';
  return `${words.replace('%', () => host)} (${code}).`;
}

/** One line of printable text, whatever was sent. */
function fit(text: string, lengthMax: number): string {
  return text
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, lengthMax)
    .toWellFormed();
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
