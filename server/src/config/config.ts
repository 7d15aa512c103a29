/**
 * Every option once: name, environment variable, type, default, limits and one sentence. From this table come the
 * types, the checks, the defaults and `docs/config.md`.
 *
 * A value comes from the environment, else from the config file, else from here. All problems are reported at
 * once, each with its place and the action to take; an unknown key is never ignored.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Type, type Static, type TSchema } from 'typebox';
import { CHANNELS } from '../domain/message.ts';
import { DAILY_CAP_MAX, RATE_UNITS, THROUGHPUT_MAX, THROUGHPUT_MIN } from '../domain/rate-limit.ts';
import { findQuietProblem, TIME_OF_DAY } from '../domain/quiet-hours.ts';
import { findSenderAddressProblem } from '../domain/sender.ts';
import { findOriginProblem } from '../domain/url.ts';
import { findAllowTargetProblem } from '../net/address-guard.ts';
import { LOG_LEVELS } from '../lib/log.ts';
import { readCarriers, type CarrierConfig } from './carriers.ts';
import { check, suggest, type Finding } from './check.ts';
import { CONFIG_FILE, DATA_DIR_DEFAULT } from './defaults.ts';
import { listOptions, type OptionPlace } from './options.ts';
import { choice, flag, group, integer, optionalText } from './parts.ts';
import { listSecretVariables, MASK, maskSecrets } from './secrets.ts';
import { readSinks, type SinkConfig } from './sinks.ts';
import { readTrustProxy, type TrustProxy } from './trust-proxy.ts';

/** The configuration is wrong; the message lists everything that is. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const rateUnit = choice(RATE_UNITS, {
  description:
    'Unit of throughput and daily cap; by default SEGMENTS for SMS and MESSAGES for other channels.',
});

const words = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
    default: [],
    maxItems: 50,
    description,
  });
/** An answer is not a template: it has no variables. */
const answer = (description: string) =>
  Type.String({ default: '', maxLength: 1_000, pattern: '^((?!\\{\\{|\\{%)[^])*$', description });
const KEYWORDS = Type.Object(
  {
    stop: words('Keywords that stop messages.'),
    start: words('Keywords that allow messages again.'),
    help: words('Keywords that request help.'),
    stopReply: answer('Answer to the first stop keyword; empty: none.'),
    startReply: answer('Answer to a start keyword that follows a stop keyword.'),
    helpReply: answer('Answer to help keywords, at most once a minute.'),
  },
  { additionalProperties: false, description: 'Keywords of a language.' },
);

/** One of `senders`. */
export const SENDER_SCHEMA = Type.Object(
  {
    address: Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'Phone number, short code, agent id, e-mail address, or `*@domain` for all addresses of a domain.',
    }),
    channel: choice(CHANNELS, { description: 'Channel.' }),
    carrier: Type.String({
      minLength: 1,
      description: 'Name of the carrier that submits its messages, a key of `carriers`.',
    }),
    default: flag(false, {
      description:
        'Use this sender when a request names none. Without a default, the first sender of the channel is used.',
    }),
    throughput: Type.Optional(
      Type.Number({
        minimum: THROUGHPUT_MIN,
        maximum: THROUGHPUT_MAX,
        description: 'Maximum units per second, over all nodes. Unlimited if not set.',
      }),
    ),
    throughputUnit: Type.Optional(rateUnit),
    dailyCap: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: DAILY_CAP_MAX,
        description: 'Maximum units per day (UTC).',
      }),
    ),
    quietHours: Type.Optional(
      Type.Object(
        {
          start: Type.String({ pattern: TIME_OF_DAY, description: 'Start, `HH:MM`.' }),
          end: Type.String({
            pattern: TIME_OF_DAY,
            description: 'End, `HH:MM`; this minute is not quiet any more.',
          }),
        },
        {
          additionalProperties: false,
          description: "Nothing is sent in this period, in the recipient's time zone.",
        },
      ),
    ),
  },
  { additionalProperties: false, description: 'A sender.' },
);

/** The parts of a node's work. */
export const ROLES = ['api', 'dispatch', 'events'] as const;

/** The table. */
export const CONFIG_SCHEMA = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      env: 'FANFARE_HOST',
      description: 'Address to listen on; `0.0.0.0` for all addresses.',
    }),
    port: integer(8420, [0, 65_535], {
      env: 'FANFARE_PORT',
      description: 'Port to listen on; 0 for any free port.',
    }),
    roles: Type.Array(choice(ROLES, { description: 'Role.' }), {
      default: [...ROLES],
      minItems: 1,
      uniqueItems: true,
      env: 'FANFARE_ROLES',
      description:
        'Roles of this node, separated by commas in the environment: `api` answers requests, `dispatch` sends messages and accepts receipts, `events` delivers events to subscribers. At least one node must have each role.',
    }),
    dataDir: Type.String({
      default: DATA_DIR_DEFAULT,
      minLength: 1,
      env: 'FANFARE_DATA_DIR',
      description: 'Data directory of the embedded PostgreSQL. Not used with `databaseUrl`.',
    }),
    databaseUrl: optionalText({
      env: 'DATABASE_URL',
      secret: true,
      pattern: '^postgres(ql)?://',
      description:
        'A PostgreSQL, version 15 or later, to use instead of the embedded one: `postgres://user:password@host:5432/database`.',
    }),
    accountSid: optionalText({
      env: 'FANFARE_ACCOUNT_SID',
      pattern: '^AC[0-9a-f]{32}$',
      description:
        'SID of the first account, `AC` and 32 hex digits, instead of a generated one. Requires `authToken`.',
    }),
    authToken: optionalText({
      env: 'FANFARE_AUTH_TOKEN',
      secret: true,
      pattern: '^.{16,128}$',
      description:
        'Auth token of the first account, 16 to 128 characters, instead of a generated one. Requires `accountSid`.',
    }),
    logLevel: choice(LOG_LEVELS, {
      default: 'info',
      env: 'FANFARE_LOG_LEVEL',
      description: 'Lowest level to log.',
    }),
    publicUrl: optionalText({
      env: 'FANFARE_PUBLIC_URL',
      pattern: '^https?://[^/]+$',
      description:
        'Origin of links in responses, `https://fanfare.example`. By default the origin of the request is used. Required for links in e-mails.',
    }),
    trustProxy: Type.Unsafe<TrustProxy>({
      default: false,
      env: 'FANFARE_TRUST_PROXY',
      description:
        'Proxies whose X-Forwarded-* headers are trusted: the number of proxies in front of the server (`1`), or a list of their addresses and networks (`10.0.0.0/8`).',
    }),
    retentionDays: integer(7, [1, 3650], {
      env: 'FANFARE_RETENTION_DAYS',
      description: 'Number of whole days to keep operations and messages.',
    }),
    requireVariables: flag(true, {
      env: 'FANFARE_REQUIRE_VARIABLES',
      description:
        'Refuse a request if a recipient lacks a template variable that has no default. Otherwise the variable is empty text.',
    }),
    shutdownDelayMs: integer(0, [0, 600_000], {
      description:
        'During a stop, how long `/readyz` answers 503 before requests are refused, in milliseconds. Set it to the time that a load balancer needs to notice.',
    }),
    databaseWaitMs: integer(60_000, [0, 3_600_000], {
      description:
        'How long a start waits for an unavailable PostgreSQL before it fails, in milliseconds.',
    }),
    drainTimeoutMs: integer(10_000, [0, 600_000], {
      description: "How long a stop waits for carriers' answers, in milliseconds.",
    }),
    tls: group(
      {
        certFile: optionalText({
          env: 'FANFARE_TLS_CERT_FILE',
          description:
            'File with the certificate chain, PEM; read at the start. Requires `tls.keyFile`.',
        }),
        keyFile: optionalText({
          env: 'FANFARE_TLS_KEY_FILE',
          description: 'File with the private key of the certificate, PEM.',
        }),
      },
      'HTTPS instead of HTTP, TLS 1.2 or later. Null: plain HTTP, for use behind a proxy.',
    ),
    dashboard: group(
      {
        enabled: flag(true, {
          env: 'FANFARE_DASHBOARD',
          description: 'Serve the dashboard at `/` and its sessions at `/session`.',
        }),
      },
      'The dashboard.',
    ),
    cors: group(
      {
        origins: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
          default: [],
          maxItems: 100,
          description:
            'Origins of web pages whose programs may call the API with an API key, such as `https://app.example.com`. `*` is refused. See [security](security.md#programs-in-browsers).',
        }),
      },
      'Requests of programs in browsers to `/v1`.',
    ),
    limits: group(
      {
        requestsPerSecond: integer(500, [1, 1_000_000], {
          description: 'Maximum requests per second of an account; more get 429.',
        }),
        requestBytesMax: integer(10_485_760, [1024, 104_857_600], {
          description:
            'Maximum bytes of a request to send; more get 413. Other requests are limited to 2,097,152 bytes, or to this value if it is lower.',
        }),
        recipientsMax: integer(1_000_000, [10_000, 16_777_214], {
          description:
            'Maximum recipients of a streamed request. A request as JSON has at most 10,000.',
        }),
        streamTimeoutMs: integer(3_600_000, [1_000, 86_400_000], {
          description: 'Time limit for a whole streamed request to arrive, in milliseconds.',
        }),
        headersTimeoutMs: integer(20_000, [100, 600_000], {
          description: 'Time limit for the headers of a request to arrive, in milliseconds.',
        }),
        requestTimeoutMs: integer(120_000, [100, 3_600_000], {
          description:
            'Time limit for a whole request to arrive, in milliseconds. In a streamed request, the time limit between two parts of it.',
        }),
        wrongCredentialsPerMinute: integer(60, [1, 1_000_000], {
          description:
            'Maximum failed sign-ins per minute from one address (IPv6: a /64) with one SID, or ten times as many with any SIDs; more get 429 instead of 401. Valid credentials always pass.',
        }),
        accessTokenSeconds: integer(3_600, [1, 86_400], {
          description:
            'Lifetime of an access token of `POST /v2/token`. It ends earlier with its API key.',
        }),
        inFlightBytesMax: integer(67_108_864, [1024, 4_294_967_296], {
          description: 'Maximum bytes of all request bodies in progress; more get 503.',
        }),
        accountInFlightBytesMax: integer(33_554_432, [1024, 4_294_967_296], {
          description: 'Maximum bytes of these for one account; more get 429.',
        }),
        inFlightRequestsMax: integer(10_000, [1, 1_000_000], {
          description: 'Maximum requests in progress, including open streams; more get 503.',
        }),
        accountInFlightRequestsMax: integer(1_000, [1, 1_000_000], {
          description: 'Maximum requests of these for one account; more get 429.',
        }),
        unreadTimeoutMs: integer(30_000, [100, 3_600_000], {
          description:
            'Closes the connection of a client that reads no byte of a waiting answer for this time, in milliseconds.',
        }),
        streamsPerAccount: integer(100, [1, 10_000], {
          description: 'Maximum live streams of one account on a node; more get 429.',
        }),
        unreadBytesMax: integer(134_217_728, [1024, 4_294_967_296], {
          description:
            'Maximum bytes of answers and streams that clients have not read. Beyond it, a node closes unread streams and answers 503 to accounts whose clients do not read.',
        }),
        accountUnreadBytesMax: integer(33_554_432, [1024, 4_294_967_296], {
          description:
            'Maximum bytes of these for one account. Beyond it, its unread streams are closed and its requests get 429.',
        }),
      },
      'Limits of the API.',
    ),
    retry: group(
      {
        triesMax: integer(5, [1, 15], {
          description:
            'Maximum tries of a message with one sender when its carrier answers with temporary errors.',
        }),
        delayMs: integer(1_000, [0, 3_600_000], {
          description:
            'Delay before the second try, in milliseconds; it doubles with each further try.',
        }),
        delayMaxMs: integer(60_000, [0, 3_600_000], {
          description: 'Maximum delay between tries, in milliseconds.',
        }),
      },
      'Retries after temporary errors.',
    ),
    dispatch: group(
      {
        leaseMs: integer(10_000, [2_000, 600_000], {
          description:
            'Duration of the lease on a batch, in milliseconds. A stalled node keeps its batches for this time; batches of a dead node are released at once.',
        }),
        batchesPerCarrierMax: integer(8, [1, 100], {
          description:
            'Maximum active messages for each carrier, in batches of 500. A batch may have fewer.',
        }),
        settleDelayMs: integer(10, [0, 1_000], {
          description:
            'Time for which outcomes are collected before they are written, in milliseconds.',
        }),
        unsettledMax: integer(2_000, [1, 100_000], {
          description: 'Maximum unwritten outcomes of all carriers; beyond it, sending waits.',
        }),
        databaseConnections: integer(8, [2, 100], {
          description:
            'Connections to PostgreSQL, besides two for LISTEN and for the presence of the node.',
        }),
      },
      'Sending.',
    ),
    receipts: group(
      {
        flushDelayMs: integer(10, [0, 1_000], {
          description:
            'Time for which receipts are collected before they are applied, in milliseconds.',
        }),
        batchMax: integer(1_000, [1, 10_000], {
          description: 'Maximum receipts applied in one batch.',
        }),
        bufferMax: integer(20_000, [1, 1_000_000], {
          description: 'Maximum receipts in memory; beyond it, carriers are asked to retry.',
        }),
      },
      'Receipts.',
    ),
    events: group(
      {
        allowTargets: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
          default: [],
          maxItems: 100,
          description:
            'Targets inside your network that subscriptions may use: addresses (`127.0.0.1`), networks (`10.0.0.0/8`), host names (`hooks.internal`, `*.internal`). All other targets must be public.',
        }),
        timeoutMs: integer(15_000, [100, 120_000], {
          description: 'Time limit for the answer of a subscriber, in milliseconds.',
        }),
        retryDelaysMs: Type.Array(Type.Integer({ minimum: 0, maximum: 604_800_000 }), {
          default: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
          maxItems: 50,
          description:
            'Delay before each further try of a failed delivery, in milliseconds. Up to 20% is added at random.',
        }),
        subscriptionsAtOnceMax: integer(50, [1, 1_000], {
          description: 'Maximum subscriptions that a node delivers to at the same time.',
        }),
        databaseConnections: integer(4, [2, 100], {
          description: 'Connections to PostgreSQL.',
        }),
      },
      'Delivery of events.',
    ),
    inbound: group(
      {
        keywords: flag(true, {
          description: 'Process keywords such as STOP: update the suppressions and send an answer.',
        }),
        scope: choice(['account', 'sender'], {
          default: 'account',
          description:
            'What STOP stops: all messages of the account, or only those from the sender that received it.',
        }),
        languages: Type.Record(
          Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' }),
          KEYWORDS,
          {
            default: {},
            description:
              'Keywords and answers of other languages, `{"de": {"stop": ["STOPP"], …}}`; `en` replaces the English defaults.',
          },
        ),
      },
      'Inbound messages.',
    ),
    emails: group(
      {
        unsubscribe: flag(true, {
          description:
            'Add a one-click unsubscribe link to e-mails, unless the request disables it. Requires `publicUrl`; without it no link is added.',
        }),
        trackOpens: flag(false, {
          description:
            'Add an image to e-mails that records when they are opened, unless the request disables it. Requires `publicUrl`.',
        }),
        requestBytesMax: integer(5_242_880, [1024, 104_857_600], {
          description:
            'Maximum bytes of a request to send e-mails; more get 413. `limits.requestBytesMax` applies too.',
        }),
      },
      'E-mails.',
    ),
    // Each entry is checked by its kind: `carriers.ts`.
    carriers: Type.Unsafe<Record<string, CarrierConfig>>({
      type: 'object',
      patternProperties: { '^[a-z][a-z0-9_-]{0,62}$': { type: 'object' } },
      additionalProperties: false,
      default: { simulator: {} },
      description: 'Carriers by name (lower-case letters, digits, `_` and `-`).',
    }),
    // As carriers: `sinks.ts`.
    sinks: Type.Unsafe<Record<string, SinkConfig>>({
      type: 'object',
      patternProperties: { '^[a-z][a-z0-9_-]{0,62}$': { type: 'object' } },
      additionalProperties: false,
      default: {},
      description: 'Message brokers for events, by name (lower-case letters, digits, `_` and `-`).',
    }),
    senders: Type.Array(SENDER_SCHEMA, {
      default: [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator' },
        { address: 'fanfare_demo_agent', channel: 'RCS', carrier: 'simulator' },
        { address: '+15005550100', channel: 'WHATSAPP', carrier: 'simulator' },
        { address: 'fanfare@example.com', channel: 'EMAIL', carrier: 'simulator' },
      ],
      description: 'Senders that every account can use.',
    }),
  },
  { additionalProperties: false },
);

export type Config = Static<typeof CONFIG_SCHEMA>;

/** Environment variables that are no options of the server but read by the command line and the client. */
const OTHER_ENV = new Set([
  'FANFARE_CONFIG',
  'FANFARE_BASE_URL',
  'FANFARE_API_KEY',
  'FANFARE_API_KEY_SECRET',
  'FANFARE_ACCESS_TOKEN',
]);

const OPTIONS = listOptions(CONFIG_SCHEMA);
const BY_PATH = new Map(OPTIONS.map((each) => [each.path, each]));
const BY_ENV = new Map(
  OPTIONS.flatMap((each) => (each.schema.env ? [[each.schema.env, each]] : [])) as [
    string,
    OptionPlace,
  ][],
);

/**
 * Reads the configuration. `file` is the `--config` argument or null; `flags` override everything.
 * @throws ConfigError listing all that is wrong.
 */
export function loadConfig(
  file: string | null,
  env: Readonly<Record<string, string | undefined>>,
  flags: Readonly<Record<string, unknown>> = {},
): Config {
  const problems: string[] = [];
  const path = file ?? env['FANFARE_CONFIG'] ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : null);
  const fromFile = path === null ? {} : readConfigFile(path, problems);
  const sources = listSecretVariables([fromFile['carriers'], fromFile['sinks']]);
  const fromEnv = readEnvironment(env, sources, problems);
  if (problems.length > 0) throw refuse(problems);
  const raw: Record<string, unknown> = { ...fromFile, ...fromEnv, ...flags };
  const place = (finding: Finding) => describe(finding, path, fromEnv);
  const findings = check(CONFIG_SCHEMA, raw);
  // A value that is no object of objects was reported already.
  const byName = (key: string) =>
    findings.some(({ path: at }) => at.startsWith(key)) ? {} : (raw[key] as Record<string, object>);
  const carriers = readCarriers(byName('carriers'), env);
  const sinks = readSinks(byName('sinks'), env);
  const trustProxy = readTrustProxy(raw['trustProxy'] ?? false);
  if (trustProxy === null)
    findings.push({
      path: 'trustProxy',
      text: 'must be false, the number of proxies in front of the server (1 to 10), or a list of their addresses and networks ("10.0.0.0/8").',
    });
  problems.push(...[...findings, ...carriers.findings, ...sinks.findings].map(place));
  if (problems.length > 0) throw refuse(problems);
  const config = { ...raw, trustProxy, carriers: carriers.read, sinks: sinks.read } as Config;
  problems.push(...checkTogether(config));
  if (problems.length > 0) throw refuse(problems);
  SECRETS.set(config, new Set([...carriers.secrets, ...sinks.secrets]));
  return config;
}

/** Values from files and the environment, which are masked when a configuration is printed. */
const SECRETS = new WeakMap<Config, ReadonlySet<string>>();

function refuse(problems: readonly string[]): ConfigError {
  return new ConfigError(
    `The configuration is not valid:\n${[...new Set(problems)].map((each) => `  - ${each}`).join('\n')}`,
  );
}

function readConfigFile(path: string, problems: string[]): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
    problems.push(`${path}: must contain a JSON object.`);
  } catch (error) {
    problems.push(`${path}: cannot be read: ${(error as Error).message}.`);
  }
  return {};
}

function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  secretVariables: readonly string[],
  problems: string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    const option = BY_ENV.get(name);
    if (option === undefined) {
      if (name.startsWith('FANFARE_') && !OTHER_ENV.has(name) && !secretVariables.includes(name))
        problems.push(
          `${name}: no such setting.${suggest(name, [...BY_ENV.keys(), ...OTHER_ENV])}`,
        );
    } else if (text !== undefined && text !== '')
      values[option.path] = parseText(text, option.schema);
  }
  return values;
}

/** Converts a text of the environment to the type of its option. Invalid texts stay, and the check refuses them. */
function parseText(text: string, schema: TSchema): unknown {
  const { type } = schema as { type?: string };
  if (type === 'integer' || type === 'number')
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'array') return text.split(',').map((each) => each.trim());
  if (type === 'boolean')
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  return text;
}

/** A finding as a line: with the variable or the file that it stands in. */
function describe(
  { path, text }: Finding,
  file: string | null,
  fromEnv: Record<string, unknown>,
): string {
  const first = path.split('.')[0] ?? '';
  const env = first in fromEnv ? BY_PATH.get(first)?.schema.env : undefined;
  return `${env ?? `${file ?? 'options'}: $${path === '' ? '' : `.${path}`}`}: ${text}`;
}

/** As the driver reads it (pg-connection-string): a host may be named in the query, and text that is no %-code stands for itself. */
function isDatabaseUrl(url: string): boolean {
  const isLoose = / |%[^a-f0-9]|%[a-f0-9][^a-f0-9]/i.test(url);
  const coded = isLoose ? encodeURI(url).replace(/%25(\d\d)/g, '%$1') : url;
  try {
    const { username, password, pathname } = new URL(coded.replace('@/', '@host/'));
    // The outcome must be used: the bundler removes unused code.
    return [username, password, pathname].every((each) => decodeURIComponent(each).isWellFormed());
  } catch {
    return false;
  }
}

/** Problems that only several options show together. */
function checkTogether(config: Config): string[] {
  const problems: string[] = [];
  if ((config.accountSid === null) !== (config.authToken === null))
    problems.push('FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN: set both or neither.');
  if (config.databaseUrl !== null && !isDatabaseUrl(config.databaseUrl))
    problems.push(
      'DATABASE_URL: is not a valid URL; use the form postgres://user:password@host:5432/database and percent-encode special characters in the password.',
    );
  if (config.emails.trackOpens && config.publicUrl === null)
    problems.push('$.emails.trackOpens: requires publicUrl, because the image is loaded from it.');
  for (const [i, each] of config.events.allowTargets.entries()) {
    const wrong = findAllowTargetProblem(each);
    if (wrong !== null) problems.push(`$.events.allowTargets[${i}]: ${wrong}`);
  }
  for (const [i, each] of config.cors.origins.entries()) {
    const wrong = findOriginProblem(each);
    if (wrong !== null) problems.push(`$.cors.origins[${i}]: ${wrong}`);
  }
  for (const [i, each] of config.senders.entries()) {
    const wrong = findSenderAddressProblem(each.channel, each.address);
    if (wrong !== null) problems.push(`$.senders[${i}].address: ${wrong}`);
    const carrier = config.carriers[each.carrier];
    if (carrier === undefined)
      problems.push(
        `$.senders[${i}].carrier: there is no carrier "${each.carrier}".${suggest(each.carrier, Object.keys(config.carriers))}`,
      );
    else if (!carrier.channels.includes(each.channel))
      problems.push(
        `$.senders[${i}].channel: the carrier "${each.carrier}" does not take ${each.channel}; it takes ${carrier.channels.join(', ')}.`,
      );
    const quiet = each.quietHours && findQuietProblem(each.quietHours);
    if (quiet) problems.push(`$.senders[${i}].quietHours: ${quiet}`);
  }
  return problems;
}

/** The configuration for people to read: secrets are masked. */
export function describeConfig(config: Config): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...config };
  for (const { path, schema } of OPTIONS)
    if (schema.secret && shown[path] !== null) shown[path] = MASK;
  const secrets = SECRETS.get(config) ?? new Set();
  shown['carriers'] = maskSecrets(config.carriers, secrets);
  shown['sinks'] = maskSecrets(config.sinks, secrets);
  return shown;
}
