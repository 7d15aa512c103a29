/**
 * The client of the Communications API as Fanfare speaks it, with the method names of the API's own samples.
 *
 * ```ts
 * import { TwilioClient } from '@fanfare/client';
 * const client = new TwilioClient({ accountId, authToken, baseUrl: 'http://127.0.0.1:8420' });
 * const { operationId } = await client.messages.send({
 *   to: [{ address: '+15005550123', channel: 'PHONE' }],
 *   content: { text: 'Hello!' },
 * });
 * for await (const { status, stats } of client.messages.watchOperation(operationId)) console.log(status, stats);
 * ```
 */
import { ApiKeys } from './api-keys.ts';
import { Contents } from './contents.ts';
import { Emails } from './emails.ts';
import { FanfareError } from './errors.ts';
import { Messages } from './messages.ts';
import type { Hooks } from './hooks.ts';
import { checkOptions, type OptionNames } from './options.ts';
import { SenderPools, Senders } from './senders.ts';
import { Subscriptions } from './subscriptions.ts';
import { Suppressions } from './suppressions.ts';
import { System } from './system.ts';
import { authorizeByPair, Transport, type TransportOptions } from './transport.ts';
import { VERSION } from './version.ts';

export type * from './api.ts';
export {
  ApiError,
  AuthenticationError,
  ConflictError,
  ConnectionError,
  FanfareError,
  InvalidRequestError,
  NotFoundError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts';
export {
  EVENT_TYPES,
  type CloudEvent,
  type EmailEventData,
  type EventData,
  type EventType,
  type FanfareEvent,
  type InboundEventData,
  type MessageEventData,
  type OperationEventData,
  type ProgressEventData,
  type TestEventData,
} from './events.ts';
export type { Hooks, RequestNotice, ResponseNotice, RetryNotice } from './hooks.ts';
export type { Listing } from './listing.ts';
export { indexOfRecipient, type Recipients } from './lines.ts';
export type { EmailRecipient, Recipient, SendOptions } from './messages.ts';
export {
  isSettled,
  type ExportChoice,
  type DryRunAllOptions,
  type DryRunLine,
  type SendAllRequest,
  type SendLinesOptions,
} from './operations.ts';
export type { Acceptance, SendAll, SendAllOptions } from './send-all.ts';
export type { CallOptions } from './transport.ts';
export { VERSION } from './version.ts';
export { isComplete, type WatchOptions } from './watch.ts';
export {
  verifyWebhook,
  WebhookError,
  type WebhookFault,
  type WebhookHeaders,
  type WebhookOptions,
} from './webhooks.ts';

/** Missing options come from the environment, where there is one. */
export interface ClientOptions extends Hooks {
  /** Account SID, `AC…`. `FANFARE_ACCOUNT_SID` unless given. */
  readonly accountId?: string | undefined;
  /** `FANFARE_AUTH_TOKEN` unless given. */
  readonly authToken?: string | undefined;
  /** SID of an API key, `SK…`, instead of account and token. `FANFARE_API_KEY` unless given. */
  readonly apiKey?: string | undefined;
  /** `FANFARE_API_KEY_SECRET` unless given. */
  readonly apiKeySecret?: string | undefined;
  /**
   * An access token, instead of these, or a function that returns one and is called before each request.
   * `FANFARE_ACCESS_TOKEN` unless given.
   */
  readonly accessToken?: string | (() => string | Promise<string>) | undefined;
  /** In a page that the server itself serves: no credentials are sent, but the cookie of the page's session. */
  readonly session?: boolean | undefined;
  /** The address of the server, with or without `/v1` or `/preview`. Default: `FANFARE_BASE_URL`, else `http://127.0.0.1:8420`. */
  readonly baseUrl?: string | undefined;
  /** Milliseconds for one answer to arrive whole. 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** Repetitions of a call after its first try. 4 unless given. */
  readonly retriesMax?: number | undefined;
  /** A replacement for the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
}

const CLIENT_OPTIONS: OptionNames<ClientOptions> = {
  accountId: true,
  authToken: true,
  apiKey: true,
  apiKeySecret: true,
  accessToken: true,
  session: true,
  baseUrl: true,
  timeoutMs: true,
  retriesMax: true,
  fetch: true,
  onRequest: true,
  onResponse: true,
  onRetry: true,
};

/** Says that the page itself asks, which a form of another page cannot. */
const SESSION = { 'x-fanfare-session': '1' };
const BASE_URL = 'http://127.0.0.1:8420';
const TIMEOUT_MS = 60_000;
const RETRIES_MAX = 4;

export class FanfareClient {
  readonly messages: Messages;
  readonly emails: Emails;
  readonly senders: Senders;
  readonly senderPools: SenderPools;
  readonly suppressions: Suppressions;
  readonly contents: Contents;
  readonly subscriptions: Subscriptions;
  readonly apiKeys: ApiKeys;
  readonly system: System;

  /** @throws FanfareError if there are no credentials, the base URL is invalid, or an option is unknown */
  constructor(options: ClientOptions = {}) {
    checkOptions('The client', options, CLIENT_OPTIONS);
    const env = readEnvironment();
    const { onRequest, onResponse, onRetry } = options;
    const transport = new Transport({
      headers: nameProgram(),
      authorize: options.session === true ? () => SESSION : chooseCredentials(options, env),
      baseUrl: readBaseUrl(options.baseUrl ?? env['FANFARE_BASE_URL'] ?? BASE_URL),
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      retriesMax: options.retriesMax ?? RETRIES_MAX,
      fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
      hooks: { onRequest, onResponse, onRetry },
    });
    this.messages = new Messages(transport);
    this.emails = new Emails(transport);
    this.senders = new Senders(transport);
    this.senderPools = new SenderPools(transport);
    this.suppressions = new Suppressions(transport);
    this.contents = new Contents(transport);
    this.subscriptions = new Subscriptions(transport);
    this.apiKeys = new ApiKeys(transport);
    this.system = new System(transport);
  }
}

/** The name that the API's own samples know. */
export { FanfareClient as TwilioClient };

function readEnvironment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  try {
    return process?.env ?? {};
  } catch {
    // Deno asks before it lets a program read them.
    return {};
  }
}

/** Browsers have a name of their own, and would ask the server whether they may send another. */
function nameProgram(): Readonly<Record<string, string>> {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  // Node.js, Bun and Deno.
  return process?.versions?.node === undefined ? {} : { 'user-agent': `fanfare-client/${VERSION}` };
}

function chooseCredentials(
  options: ClientOptions,
  env: Readonly<Record<string, string | undefined>>,
): TransportOptions['authorize'] {
  const { accountId, apiKey, accessToken } = options;
  const isGiven = [accountId, apiKey, accessToken].some((each) => each !== undefined);
  const from = isGiven
    ? options
    : {
        accountId: env['FANFARE_ACCOUNT_SID'],
        authToken: env['FANFARE_AUTH_TOKEN'],
        apiKey: env['FANFARE_API_KEY'],
        apiKeySecret: env['FANFARE_API_KEY_SECRET'],
        accessToken: env['FANFARE_ACCESS_TOKEN'],
      };
  const pair =
    from.apiKey && from.apiKeySecret
      ? authorizeByPair(from.apiKey, from.apiKeySecret)
      : from.accountId && from.authToken
        ? authorizeByPair(from.accountId, from.authToken)
        : null;
  if (pair !== null) return () => pair;
  const { accessToken: token } = from;
  if (token)
    return async () => ({
      authorization: `Bearer ${typeof token === 'string' ? token : await token()}`,
    });
  throw new FanfareError(
    'There are no credentials. Give accountId and authToken, apiKey and apiKeySecret, or accessToken; or set FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN, FANFARE_API_KEY and FANFARE_API_KEY_SECRET, or FANFARE_ACCESS_TOKEN.',
  );
}

/** Without a slash at the end, and without the `/v1` or `/preview` that some write. */
function readBaseUrl(text: string): string {
  if (!/^https?:\/\/[^/]/i.test(text))
    throw new FanfareError(`"${text}" is no base URL. Write it as http://host:port.`);
  // They would get into the URLs of log lines.
  if (/^https?:\/\/[^/]*@/i.test(text))
    throw new FanfareError('The base URL must not have credentials. Give them as options.');
  return text.replace(/\/+$/, '').replace(/\/(v1|preview)$/i, '');
}
