/**
 * The HTTP carrier, for any provider with an HTTP API. A description in the configuration defines the API
 * (`description.ts`; ready descriptions in `preset-*.ts`). This file submits; `receipt-parser.ts` reads callbacks. A
 * submission is sent at most once. Without an answer it is `unknown`; if it was certainly not sent it is `throttled`, so
 * that an outage costs no attempts.
 */
import { ERRORS } from '../../domain/errors.ts';
import type { Channel } from '../../domain/message.ts';
import { EXPIRED, hasExpired, type Carrier, type SendResult, type Submission } from '../carrier.ts';
import { createUnderWay } from '../under-way.ts';
import { createTokenSource, type AccessToken } from './access-token.ts';
import { createBackoff } from '../backoff.ts';
import { createClassifier, type Verdict } from './classify.ts';
import { createClient, type Client, type ClientLimits, type Exchange } from './client.ts';
import type { AuthDescription, HttpDescription } from './description.ts';
import { createComposer } from './request.ts';
import type { Scope } from './template.ts';

/** Dependencies of an HTTP carrier. */
export interface HttpOptions {
  readonly name: string;
  readonly channels: readonly Channel[];
  /** `resend` only where the provider recognises our reference, and takes the same message once. */
  readonly ambiguous: 'hold' | 'resend';
  readonly windowMax: number;
  readonly description: HttpDescription;
  readonly limits: ClientLimits;
  /** Where the provider reaches our receipts route, `https://fanfare.example/carriers/x/receipts`; null: it does not. */
  readonly receiptsUrl: string | null;
}

/** Default limits. */
export const HTTP_LIMITS: ClientLimits = {
  connectionsMax: 50,
  connectTimeoutMs: 10_000,
  answerTimeoutMs: 30_000,
  keepAliveMs: 4_000,
};

/** Rendered at the start, to find the errors that every message would have. */
const TRIAL: Submission = {
  reference: '1-00000000000010008000000000000001',
  channel: 'SMS',
  from: '+15005550100',
  to: '+15005550101',
  text: 'A trial that is never sent',
  mediaUrls: [],
  rich: null,
  email: null,
  expireAt: null,
};

/** After a stop, submissions are throttled for this long. */
const STOPPED_AFTER_MS = 1_000;

/**
 * A carrier of a description.
 * @throws Error when the description cannot work, with a sentence for its author.
 */
export function createHttpCarrier(options: HttpOptions): Carrier {
  const { description, limits } = options;
  const composer = createComposer(description.request, options.receiptsUrl);
  const trial = composer.compose(TRIAL, new Date());
  if (!trial.ok) throw new Error(`${options.name}: ${trial.problem}`);
  const classify = createClassifier(description);
  const credentials = createCredentials(description.request.auth, limits);
  const backoff = createBackoff();
  const underWay = createUnderWay<SendResult>();
  let client: Client | null = null;
  let lastFailure: string | null = null;

  function throttle(detail: string, afterMs: number | null): SendResult {
    lastFailure = detail;
    const now = performance.now();
    return {
      kind: 'throttled',
      afterMs: Math.max(1, afterMs === null ? backoff.fail(now) : backoff.hold(now, afterMs)),
    };
  }

  function conclude(verdict: Verdict): SendResult {
    if (verdict.kind === 'throttled') return throttle(verdict.detail, verdict.afterMs);
    if (verdict.kind === 'accepted') lastFailure = null;
    else lastFailure = verdict.detail;
    if (verdict.kind !== 'unknown') backoff.succeed();
    return verdict;
  }

  function read(exchange: Exchange, scope: Scope): SendResult {
    if (exchange.kind === 'answer') return conclude(classify(exchange, scope, Date.now()));
    if (exchange.kind === 'unsent') return throttle(`Not connected: ${exchange.detail}`, null);
    return conclude({ kind: 'unknown', detail: `No answer: ${exchange.detail}` });
  }

  async function send(submission: Submission): Promise<SendResult> {
    // Kept: a stop may come while the credentials are fetched.
    const open = client;
    if (open === null) return { kind: 'throttled', afterMs: STOPPED_AFTER_MS };
    // While it wants to be left alone it is not even asked.
    const waitMs = backoff.remaining(performance.now());
    if (waitMs > 0) return { kind: 'throttled', afterMs: waitMs };
    const auth = await credentials.get();
    if (!auth.ok) return throttle(auth.detail, null);
    if (hasExpired(submission, Date.now())) return EXPIRED;
    const composed = composer.compose(submission, new Date());
    if (!composed.ok)
      return { kind: 'rejected', code: ERRORS.templateFailed.code, detail: composed.problem };
    const { request, scope } = composed;
    const exchange = await open.exchange({
      ...request,
      headers: { ...request.headers, ...auth.headers },
    });
    if (exchange.kind === 'answer' && exchange.status === 401) auth.refused();
    return read(exchange, scope);
  }

  return {
    name: options.name,
    channels: new Set(options.channels),
    ambiguous: options.ambiguous,
    quotesOwnIds: description.receipts?.statuses.providerId !== undefined,
    windowMax: options.windowMax,
    async start() {
      client = createClient(composer.origin, limits);
    },
    send: (submission) => underWay.track(send(submission)),
    async stop() {
      const closing = client;
      client = null;
      await underWay.settled();
      await closing?.close();
      await credentials.close();
    },
    state: () => ({
      connections: limits.connectionsMax,
      connected: client?.connected ?? 0,
      detail: lastFailure,
    }),
  };
}

type Credentials =
  | {
      readonly ok: true;
      readonly headers: Readonly<Record<string, string>>;
      /** The provider did not take them. */
      readonly refused: () => void;
    }
  | { readonly ok: false; readonly detail: string };

/** The authentication headers of a request. */
function createCredentials(
  auth: AuthDescription,
  limits: ClientLimits,
): { get(): Promise<Credentials>; close(): Promise<void> } {
  if (auth.kind !== 'oauth-jwt') {
    const fixed: Credentials = { ok: true, headers: fixedHeaders(auth), refused: () => undefined };
    return { get: async () => fixed, close: async () => undefined };
  }
  const tokens = createTokenSource(auth, limits);
  const describe = (answer: AccessToken): Credentials =>
    answer.ok
      ? {
          ok: true,
          headers: { authorization: `Bearer ${answer.token}` },
          refused: () => tokens.forget(answer.token),
        }
      : answer;
  return { get: async () => describe(await tokens.get()), close: () => tokens.close() };
}

function fixedHeaders(
  auth: Exclude<AuthDescription, { kind: 'oauth-jwt' }>,
): Readonly<Record<string, string>> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'basic':
      return {
        authorization: `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`,
      };
    case 'bearer':
      return { authorization: `Bearer ${auth.token}` };
    case 'header':
      return { [auth.name.toLowerCase()]: auth.value };
  }
}
