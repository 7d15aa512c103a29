/**
 * Every option once: name, environment variable, type, default, limits and one sentence. From this table come the
 * types, the checks, the defaults and `docs/config.md`.
 *
 * A value comes from the environment, else from the config file, else from here. Whatever is wrong is told at
 * once, each with where it stands and what to do; an unknown key is never ignored.
 */
import { existsSync, readFileSync } from 'node:fs';
import { Ajv, type ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import { Type, type Static, type TSchema } from 'typebox';
import { CHANNELS } from './domain/message.ts';
import { DAILY_CAP_MAX, PACE_UNITS, THROUGHPUT_MAX, THROUGHPUT_MIN } from './domain/pace.ts';
import { findQuietProblem, TIME_OF_DAY } from './domain/quiet-hours.ts';
import { LOG_LEVELS } from './lib/log.ts';

/** The configuration is wrong; the message lists everything that is. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Keywords of our own: `env` names the environment variable, `secret` hides the value when printed. */
type Notes = { readonly description: string; readonly env?: string; readonly secret?: boolean };

const integer = (value: number, [minimum, maximum]: [number, number], notes: Notes) =>
  Type.Integer({ default: value, minimum, maximum, ...notes });
const flag = (value: boolean, notes: Notes) => Type.Boolean({ default: value, ...notes });
const share = (value: number, notes: Notes) =>
  Type.Number({ default: value, minimum: 0, maximum: 1, ...notes });
const optionalText = ({ pattern, ...notes }: Notes & { readonly pattern?: string }) =>
  Type.Union(
    [Type.String({ minLength: 1, ...(pattern === undefined ? {} : { pattern }) }), Type.Null()],
    { default: null, ...notes },
  );
const choice = <Value extends string>(
  values: readonly Value[],
  notes: Notes & { default?: Value },
) => Type.Unsafe<Value>({ type: 'string', enum: values, ...notes });
const group = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  description: string,
) => Type.Object(properties, { additionalProperties: false, default: {}, description });
const delays = (min: number, max: number, description: string) =>
  group(
    {
      min: integer(min, [0, 600_000], { description: 'Shortest, in milliseconds.' }),
      max: integer(max, [0, 600_000], { description: 'Longest, in milliseconds.' }),
    },
    description,
  );

const simulator = Type.Object(
  {
    kind: choice(['simulator'], { default: 'simulator', description: 'Kind of carrier.' }),
    channels: Type.Array(choice(CHANNELS, { description: 'Channel.' }), {
      default: [...CHANNELS],
      uniqueItems: true,
      description: 'Channels it takes.',
    }),
    ambiguous: choice(['hold', 'resend'], {
      default: 'hold',
      description:
        'What becomes of a message that was being submitted when the server was killed: `hold` ends it UNDELIVERED (error 30050), `resend` submits it again.',
    }),
    windowMax: integer(250, [1, 10_000], {
      description: 'Submissions that may be unanswered at one moment.',
    }),
    seed: integer(1, [0, 2 ** 31 - 1], { description: 'Seed of its chances.' }),
    answerDelayMs: delays(5, 50, 'Time until it answers a submission.'),
    receiptDelayMs: delays(50, 1_000, 'Time from a submission to its receipt.'),
    throughputPerSecond: integer(0, [0, 1_000_000], {
      description: 'Submissions it takes per second before it throttles; 0 is unlimited.',
    }),
    failureRate: share(0, { description: 'Share refused at submit (FAILED).' }),
    lossRate: share(0, { description: 'Share accepted that never gets a receipt (stays SENT).' }),
    undeliveredRate: share(0, { description: 'Share accepted, then UNDELIVERED.' }),
    readRate: share(0, { description: 'Share READ after delivery.' }),
    journalFile: optionalText({
      description: 'File that gets a line of JSON for each submission it takes.',
    }),
  },
  { additionalProperties: false, description: 'A simulated carrier.' },
);

const paceUnit = choice(PACE_UNITS, {
  description: 'What throughput and daily cap count: SEGMENTS for SMS when not given.',
});

const sender = Type.Object(
  {
    address: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'Number, short code or agent id.',
    }),
    channel: choice(CHANNELS, { description: 'Channel.' }),
    carrier: Type.String({
      minLength: 1,
      description: 'Name of the carrier that submits for it, a key of `carriers`.',
    }),
    default: flag(false, {
      description: 'Used when a request names no sender; else the first of its channel is.',
    }),
    throughput: Type.Optional(
      Type.Number({
        minimum: THROUGHPUT_MIN,
        maximum: THROUGHPUT_MAX,
        description: 'Units it may send per second, over all nodes; without it there is no limit.',
      }),
    ),
    throughputUnit: Type.Optional(paceUnit),
    dailyCap: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: DAILY_CAP_MAX,
        description: 'Units it may send per day of UTC.',
      }),
    ),
    quietHours: Type.Optional(
      Type.Object(
        {
          start: Type.String({ pattern: TIME_OF_DAY, description: 'First minute, `HH:MM`.' }),
          end: Type.String({ pattern: TIME_OF_DAY, description: 'First minute after, `HH:MM`.' }),
        },
        {
          additionalProperties: false,
          description: "Nothing is sent between these, by the recipient's clock.",
        },
      ),
    ),
  },
  { additionalProperties: false, description: 'A sender.' },
);

/** The table. */
export const CONFIG_SCHEMA = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      minLength: 1,
      env: 'FANFARE_HOST',
      description: 'Address to listen on; `0.0.0.0` for all.',
    }),
    port: integer(8420, [0, 65_535], {
      env: 'FANFARE_PORT',
      description: 'Port to listen on; 0 is any free one.',
    }),
    dataDir: Type.String({
      default: './data',
      minLength: 1,
      env: 'FANFARE_DATA_DIR',
      description: 'Folder of the embedded PostgreSQL. Unused with `databaseUrl`.',
    }),
    databaseUrl: optionalText({
      env: 'DATABASE_URL',
      secret: true,
      pattern: '^postgres(ql)?://',
      description:
        'A PostgreSQL 15 or later to use instead of the embedded one, `postgres://user:password@host:5432/database`.',
    }),
    accountSid: optionalText({
      env: 'FANFARE_ACCOUNT_SID',
      pattern: '^AC[0-9a-f]{32}$',
      description:
        "The first account's SID, `AC` and 32 hex digits, instead of a generated one. Needs `authToken`.",
    }),
    authToken: optionalText({
      env: 'FANFARE_AUTH_TOKEN',
      secret: true,
      pattern: '^.{16,128}$',
      description:
        "The first account's token, 16 to 128 characters, instead of a generated one. Needs `accountSid`.",
    }),
    logLevel: choice(LOG_LEVELS, {
      default: 'info',
      env: 'FANFARE_LOG_LEVEL',
      description: 'Least important lines to log.',
    }),
    publicUrl: optionalText({
      env: 'FANFARE_PUBLIC_URL',
      pattern: '^https?://[^/]+$',
      description:
        "Origin for links in answers, `https://fanfare.example`; else the request's own.",
    }),
    trustProxy: flag(false, {
      env: 'FANFARE_TRUST_PROXY',
      description: 'Believe X-Forwarded-* headers. Only behind a proxy that sets them.',
    }),
    retentionDays: integer(7, [1, 3650], {
      env: 'FANFARE_RETENTION_DAYS',
      description: 'Whole days for which operations and messages are kept.',
    }),
    requireVariables: flag(true, {
      env: 'FANFARE_REQUIRE_VARIABLES',
      description:
        'Refuse a request when a recipient lacks a template variable that has no default; else it is empty text.',
    }),
    drainTimeoutMs: integer(10_000, [0, 600_000], {
      description: "How long a stop waits for carriers' answers, in milliseconds.",
    }),
    limits: group(
      {
        requestsPerSecond: integer(500, [1, 1_000_000], {
          description: 'Requests per second and account before 429.',
        }),
        requestBytesMax: integer(10_485_760, [1024, 104_857_600], {
          description: 'Bytes of a request before 413.',
        }),
        inFlightBytesMax: integer(67_108_864, [1024, 4_294_967_296], {
          description: 'Bytes of all request bodies at work together before 503.',
        }),
      },
      'What the API takes.',
    ),
    retry: group(
      {
        triesMax: integer(5, [1, 15], {
          description:
            'Tries of a message with one sender when its carrier answers with a temporary error.',
        }),
        delayMs: integer(1_000, [0, 3_600_000], {
          description:
            'Delay before the second try, in milliseconds; it doubles with each further one.',
        }),
        delayMaxMs: integer(60_000, [0, 3_600_000], {
          description: 'Longest delay, in milliseconds.',
        }),
      },
      'Retries after temporary errors.',
    ),
    dispatch: group(
      {
        leaseMs: integer(10_000, [2_000, 600_000], {
          description: 'How long a batch stays with a node that has died, in milliseconds.',
        }),
        batchesPerLaneMax: integer(8, [1, 100], {
          description: 'Batches (of up to 500 messages) that one carrier works on at once.',
        }),
        settleDelayMs: integer(10, [0, 1_000], {
          description: 'How long outcomes are collected before they are written, in milliseconds.',
        }),
        unsettledMax: integer(2_000, [1, 100_000], {
          description:
            'Outcomes that may wait to be written before sending waits. A crash makes at most these doubtful, besides what is at the carriers.',
        }),
        databaseConnections: integer(8, [2, 100], {
          description: 'Connections to PostgreSQL, besides one to listen.',
        }),
      },
      'Sending.',
    ),
    receipts: group(
      {
        flushDelayMs: integer(10, [0, 1_000], {
          description: 'How long receipts are collected before they are applied, in milliseconds.',
        }),
        batchMax: integer(1_000, [1, 10_000], { description: 'Receipts applied together.' }),
        bufferMax: integer(20_000, [1, 1_000_000], {
          description: 'Receipts held in memory before carriers must wait.',
        }),
      },
      'Receipts.',
    ),
    carriers: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_-]{0,62}$' }), simulator, {
      default: { simulator: {} },
      description: 'Carriers by name (lower-case letters, digits, `_` and `-`).',
    }),
    senders: Type.Array(sender, {
      default: [
        { address: '+15005550100', channel: 'SMS', carrier: 'simulator' },
        { address: 'fanfare_demo_agent', channel: 'RCS', carrier: 'simulator' },
        { address: '+15005550100', channel: 'WHATSAPP', carrier: 'simulator' },
      ],
      description: 'Identities to send from.',
    }),
  },
  { additionalProperties: false },
);

export type Config = Static<typeof CONFIG_SCHEMA>;

/** Looked for in the working directory when no `--config` is given. */
export const CONFIG_FILE = 'fanfare.config.json';
/** Environment variables that are no options of the server but read by the command line. */
const OTHER_ENV = new Set(['FANFARE_CONFIG']);

interface OptionPlace {
  readonly path: string;
  readonly schema: TSchema & Partial<Notes> & { readonly default?: unknown };
}

function listOptions(schema: TSchema, prefix = ''): OptionPlace[] {
  const properties =
    (schema as { properties?: Record<string, OptionPlace['schema']> }).properties ?? {};
  return Object.entries(properties).flatMap(([name, each]) => {
    const path = prefix + name;
    const inner = listOptions(each, `${path}.`);
    return inner.length > 0 ? inner : [{ path, schema: each }];
  });
}

const OPTIONS = listOptions(CONFIG_SCHEMA);
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
  const fromEnv = readEnvironment(env, problems);
  if (problems.length > 0) throw refuse(problems);
  const raw: Record<string, unknown> = { ...fromFile, ...fromEnv, ...flags };
  const ajv = new Ajv({ allErrors: true, useDefaults: true, allowUnionTypes: true, verbose: true });
  for (const keyword of ['env', 'secret']) ajv.addKeyword({ keyword });
  const validate = ajv.compile(CONFIG_SCHEMA);
  if (!validate(raw))
    for (const error of validate.errors ?? []) {
      const text = describeError(error, path, fromEnv);
      if (text !== null) problems.push(text);
    }
  if (problems.length > 0) throw refuse(problems);
  const config = raw as Config;
  problems.push(...checkTogether(config));
  if (problems.length > 0) throw refuse(problems);
  return config;
}

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
    problems.push(`${path}: must hold a JSON object.`);
  } catch (error) {
    problems.push(`${path}: cannot be read: ${(error as Error).message}.`);
  }
  return {};
}

function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(env)) {
    const option = BY_ENV.get(name);
    if (option === undefined) {
      if (name.startsWith('FANFARE_') && !OTHER_ENV.has(name))
        problems.push(
          `${name}: no such setting.${suggest(name, [...BY_ENV.keys(), ...OTHER_ENV])}`,
        );
    } else if (text !== undefined && text !== '')
      values[option.path] = parseText(text, option.schema);
  }
  return values;
}

/** Text of the environment as the type its option has; what does not fit is left for the check to refuse. */
function parseText(text: string, schema: TSchema): unknown {
  const { type } = schema as { type?: string };
  if (type === 'integer' || type === 'number')
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'boolean')
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  return text;
}

function suggest(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const best = closest(name, known);
  return distance(name, best) <= Math.max(2, name.length / 3)
    ? ` Did you mean ${best}?`
    : ` Known are: ${known.join(', ')}.`;
}

function describeError(
  error: ErrorObject,
  file: string | null,
  fromEnv: Record<string, unknown>,
): string | null {
  // A union's own line says less than those of its members.
  if (error.keyword === 'anyOf' || (error.keyword === 'type' && error.params['type'] === 'null'))
    return null;
  const path = error.instancePath.slice(1).replaceAll('/', '.');
  const first = path.split('.')[0] ?? '';
  const option = OPTIONS.find((each) => each.path === first);
  const place =
    first in fromEnv
      ? (option?.schema.env ?? first)
      : `${file ?? 'options'}: $${path === '' ? '' : `.${path}`}`;
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty']);
    const known = Object.keys(
      (error.parentSchema as { properties?: object } | undefined)?.properties ?? {},
    );
    return known.length === 0
      ? `${place}: "${name}" is no valid name; use lower-case letters, digits, _ and -.`
      : `${place}: there is no setting "${name}".${suggest(name, known)}`;
  }
  if (error.keyword === 'enum')
    return `${place}: must be one of ${(error.params['allowedValues'] as string[]).join(', ')}.`;
  const notes = error.parentSchema as Partial<Notes> | undefined;
  const about = option?.schema.description ?? notes?.description;
  return `${place}: ${error.message ?? 'is not valid'}.${about === undefined ? '' : ` (${about})`}`;
}

/** What no single option can tell. */
function checkTogether(config: Config): string[] {
  const problems: string[] = [];
  if ((config.accountSid === null) !== (config.authToken === null))
    problems.push('FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN: set both or neither.');
  for (const [i, each] of config.senders.entries()) {
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
  for (const [name, { answerDelayMs, receiptDelayMs }] of Object.entries(config.carriers))
    for (const [option, { min, max }] of Object.entries({ answerDelayMs, receiptDelayMs }))
      if (max < min)
        problems.push(`$.carriers.${name}.${option}: max (${max}) is below min (${min}).`);
  return problems;
}

/** The configuration for people to read: secrets are masked. */
export function describeConfig(config: Config): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...config };
  for (const { path, schema } of OPTIONS)
    if (schema.secret && shown[path] !== null) shown[path] = '********';
  return shown;
}

/** `docs/config.md`. */
export function renderConfigMarkdown(): string {
  const row = ({ path, schema }: OptionPlace) =>
    `| \`${path}\` | ${schema.env ? `\`${schema.env}\`` : ''} | ${describeType(schema)} | ${schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``} | ${schema.description ?? ''} |`;
  const table = (options: readonly OptionPlace[]) =>
    `| Option | Environment | Type | Default | What it does |\n|---|---|---|---|---|\n${options.map(row).join('\n')}\n`;
  return `# Configuration

Generated from \`server/src/config.ts\` by \`npm run generate\`.

A setting comes from the environment, else from the config file (\`--config FILE\`, \`FANFARE_CONFIG\`, or
\`${CONFIG_FILE}\` in the working directory), else it has its default. An unknown key or \`FANFARE_\` variable
refuses to start, with a suggestion. \`fanfare config print\` shows what would be used.

${table(OPTIONS)}
## A carrier (\`carriers.<name>\`)

${table(listOptions(simulator))}
## A sender (\`senders[]\`)

${table(listOptions(sender))}`;
}

function describeType(schema: TSchema): string {
  const {
    type,
    enum: values,
    minimum,
    maximum,
    anyOf,
  } = schema as {
    type?: string;
    enum?: string[];
    minimum?: number;
    maximum?: number;
    anyOf?: { type?: string }[];
  };
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (anyOf !== undefined) return 'text or null';
  if (type === 'string') return 'text';
  return minimum === undefined ? (type ?? 'list') : `${type} ${minimum} to ${maximum}`;
}
