/**
 * Options of carriers, by kind: each once, with default, limits and one sentence, like the server's options in
 * `config.ts`. Secrets may be given as `{"env": "NAME"}` or `{"file": "path"}` anywhere in a carrier's options.
 */
import { createPrivateKey } from 'node:crypto';
import { Type, type Static } from 'typebox';
import type { HttpDescription } from '../carriers/http/description.ts';
import { createHttpCarrier, HTTP_LIMITS } from '../carriers/http/http-carrier.ts';
import { PRESETS } from '../carriers/http/presets.ts';
import { createReceiptParser } from '../carriers/http/receipt-parser.ts';
import { SMPP_DEFAULTS, type Numbering, type SmppTls } from '../carriers/smpp/options.ts';
import { bounceAddressOf, REFERENCE_LENGTH_MAX } from '../carriers/smtp/verp.ts';
import { SMTP_DEFAULTS, SMTP_SECURITY, type DkimKey } from '../carriers/smtp/options.ts';
import { findEmailAddressProblem } from '../domain/email-address.ts';
import { CHANNELS, MESSAGE_CHANNELS, type Channel } from '../domain/message.ts';
import { check, suggest, type Finding } from './check.ts';
import { HTTP_DESCRIPTION, HTTP_SETTINGS } from './http-description.ts';
import { choice, delays, flag, integer, optionalInteger, optionalText, share } from './parts.ts';
import { readSecrets } from './secrets.ts';

const AMBIGUOUS =
  'Treatment of in-doubt messages, whose submission was interrupted by a crash or whose answer was lost: `hold` ends them UNDELIVERED (error 30050), `resend` submits them again.';
const kind = <Kind extends string>(name: Kind) =>
  choice([name], { description: 'Kind of carrier.' });
/** A default makes it optional. */
const channels = (of: readonly Channel[], value?: readonly Channel[]) =>
  Type.Unsafe<Channel[]>(
    Type.Array(choice(of, { description: 'Channel.' }), {
      ...(value === undefined ? {} : { default: [...value] }),
      minItems: 1,
      uniqueItems: true,
      description: 'Channels that the carrier supports.',
    }),
  );
const ambiguous = choice(['hold', 'resend'], { default: 'hold', description: AMBIGUOUS });
const words = (maxLength: number, description: string, value?: string) =>
  Type.String({ maxLength, description, ...(value === undefined ? {} : { default: value }) });
const ms = (value: number, [min, max]: [number, number], description: string) =>
  integer(value, [min, max], { description: `${description}, in milliseconds.` });

const SIMULATOR = Type.Object(
  {
    kind: choice(['simulator'], { default: 'simulator', description: 'Kind of carrier.' }),
    channels: channels(CHANNELS, CHANNELS),
    ambiguous,
    windowMax: integer(250, [1, 10_000], {
      description: 'Maximum unanswered submissions.',
    }),
    seed: integer(1, [0, 2 ** 31 - 1], { description: 'Seed of its random choices.' }),
    answerDelayMs: delays(5, 50, 'Time until it answers a submission.'),
    receiptDelayMs: delays(50, 1_000, 'Time from a submission to its receipt.'),
    throughputPerSecond: integer(0, [0, 1_000_000], {
      description: 'Maximum submissions per second before it throttles; 0 for no limit.',
    }),
    failureRate: share(0, { description: 'Share of submissions that it refuses (FAILED).' }),
    lossRate: share(0, {
      description: 'Share of accepted messages without a receipt (they stay SENT).',
    }),
    undeliveredRate: share(0, { description: 'Share of accepted messages that end UNDELIVERED.' }),
    readRate: share(0, { description: 'Share of delivered messages that become READ.' }),
    journalFile: optionalText({
      description: 'File to which it writes a line of JSON for each accepted submission.',
    }),
  },
  { additionalProperties: false, description: 'A simulated carrier.' },
);

/** A union of its own would get no defaults. */
const TLS = Type.Unsafe<SmppTls | null>({
  type: ['object', 'null'],
  properties: {
    ca: {
      type: ['string', 'null'],
      default: null,
      description: "Certificates to trust instead of the system's, PEM.",
    },
    servername: {
      type: ['string', 'null'],
      default: null,
      description: 'Name in the certificate, if it differs from the host.',
    },
    rejectUnauthorized: {
      type: 'boolean',
      default: true,
      description: 'Verify the certificate. TLS is used with `"tls": {}` or any of these options.',
    },
  },
  additionalProperties: false,
  default: null,
  description:
    "`{}` for TLS, with the options `ca` (certificates to trust instead of the system's, PEM), `servername` (if it differs from the host) and `rejectUnauthorized`.",
});
const OCTET = { type: 'integer', minimum: 0, maximum: 255 };
const NUMBERING = Type.Unsafe<Numbering>({
  anyOf: [
    { type: 'string', enum: ['auto'] },
    {
      type: 'object',
      properties: { ton: OCTET, npi: OCTET },
      required: ['ton', 'npi'],
      additionalProperties: false,
    },
  ],
  default: 'auto',
  description: '`auto`: by the form of the address; or a fixed `{"ton", "npi"}`.',
});

const SMPP = Type.Object(
  {
    kind: kind('smpp'),
    channels: channels(['SMS'], ['SMS']),
    host: Type.String({ minLength: 1, description: 'Name or address of the SMSC.' }),
    port: integer(SMPP_DEFAULTS.port, [1, 65_535], { description: 'Port.' }),
    tls: TLS,
    systemId: Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Account at the SMSC (`system_id`).',
    }),
    password: Type.String({ maxLength: 64, description: 'Password.' }),
    systemType: words(12, '`system_type`, which some SMSCs require.', SMPP_DEFAULTS.systemType),
    addressRange: words(
      40,
      '`address_range`: addresses whose inbound messages are requested.',
      SMPP_DEFAULTS.addressRange,
    ),
    bindMode: choice(['transceiver', 'pair'], {
      default: SMPP_DEFAULTS.bindMode,
      description:
        '`transceiver`: one session for each bind; `pair`: a transmitter and a receiver.',
    }),
    binds: integer(SMPP_DEFAULTS.binds, [1, 32], { description: 'Number of binds of each node.' }),
    bindsMax: optionalInteger([1, 1_000], {
      description:
        'Maximum binds of all nodes together, shared evenly; null: `binds` on each node.',
    }),
    windowPerBind: integer(SMPP_DEFAULTS.windowPerBind, [1, 1_000], {
      description: 'Maximum unanswered requests on one session.',
    }),
    ambiguous,
    bindTimeoutMs: ms(
      SMPP_DEFAULTS.bindTimeoutMs,
      [100, 600_000],
      'Time limit for TCP, TLS and the bind together',
    ),
    responseTimeoutMs: ms(
      SMPP_DEFAULTS.responseTimeoutMs,
      [100, 600_000],
      'Time limit for the answer to a request',
    ),
    enquireLinkMs: ms(
      SMPP_DEFAULTS.enquireLinkMs,
      [100, 3_600_000],
      'Idle time before an `enquire_link`',
    ),
    reconnectMinMs: ms(
      SMPP_DEFAULTS.reconnectMinMs,
      [10, 600_000],
      'Maximum of the first delay before a reconnect',
    ),
    reconnectMaxMs: ms(SMPP_DEFAULTS.reconnectMaxMs, [10, 3_600_000], 'Maximum of later delays'),
    unboundWaitMs: ms(
      SMPP_DEFAULTS.unboundWaitMs,
      [0, 60_000],
      'How long a submission waits for a bound session',
    ),
    throttledMs: ms(
      SMPP_DEFAULTS.throttledMs,
      [1, 60_000],
      'Backoff after the SMSC reported throttling',
    ),
    partRetryMs: ms(
      SMPP_DEFAULTS.partRetryMs,
      [0, 600_000],
      'How long the later parts of a message are retried',
    ),
    stopTimeoutMs: ms(
      SMPP_DEFAULTS.stopTimeoutMs,
      [0, 60_000],
      'How long a stop, or an unbind from the SMSC, waits for outstanding answers',
    ),
    alphabet: choice(['gsm-7', 'latin-1'], {
      default: SMPP_DEFAULTS.alphabet,
      description:
        'Default alphabet of the SMSC: `gsm-7` (`data_coding` 0) or `latin-1` (`data_coding` 3).',
    }),
    longMessages: choice(['udh', 'sar', 'payload'], {
      default: SMPP_DEFAULTS.longMessages,
      description:
        'How long texts are submitted: in parts with a header (`udh`) or with SAR parameters (`sar`), or whole in `message_payload` (`payload`).',
    }),
    sourceNumbering: NUMBERING,
    destinationNumbering: NUMBERING,
    serviceType: words(5, '`service_type`.', SMPP_DEFAULTS.serviceType),
    inboundCountryCode: optionalText({
      pattern: '^[1-9][0-9]{0,2}$',
      description:
        'Country calling code, in digits, that the SMSC leaves out of the senders of inbound messages; null: it leaves out none.',
    }),
    inboundTrunkPrefix: Type.String({
      default: SMPP_DEFAULTS.inboundTrunkPrefix,
      pattern: '^[0-9]{0,3}$',
      description: 'National trunk prefix of those numbers; empty: they have none.',
    }),
    registeredDelivery: flag(SMPP_DEFAULTS.registeredDelivery, {
      description: 'Request receipts.',
    }),
    receiptSource: choice(['recipient', 'any'], {
      default: SMPP_DEFAULTS.receiptSource,
      description:
        'Address in receipts: `recipient`, and a receipt with another address is not applied; or `any`, and addresses are not compared.',
    }),
    unmarkedReceipts: flag(SMPP_DEFAULTS.unmarkedReceipts, {
      description:
        'Treat messages from a recipient that look like a receipt, but are not marked as one, as receipts.',
    }),
    receiptGroup: optionalText({
      description:
        "Carriers of one group accept receipts for each other's messages; null: carriers with the same host, port and `systemId` form a group.",
    }),
  },
  { additionalProperties: false, description: 'An SMSC, over SMPP 3.4.' },
);

const SMTP = Type.Object(
  {
    kind: kind('smtp'),
    channels: channels(['EMAIL'], ['EMAIL']),
    host: Type.String({ minLength: 1, description: 'Name or address of the mail server.' }),
    port: integer(SMTP_DEFAULTS.port, [1, 65_535], { description: 'Port.' }),
    security: choice(SMTP_SECURITY, {
      default: SMTP_DEFAULTS.security,
      description:
        '`starttls`: required; `starttls-optional`: used if the server offers it; `tls`: TLS from the start (port 465); `none`: no TLS.',
    }),
    ca: optionalText({ description: "Certificates to trust instead of the system's, PEM." }),
    servername: optionalText({
      description: 'Name in the certificate, if it differs from the host.',
    }),
    rejectUnauthorized: flag(SMTP_DEFAULTS.rejectUnauthorized, {
      description: 'Verify the certificate.',
    }),
    username: optionalText({ description: 'Account at the server; null: no authentication.' }),
    password: optionalText({ description: 'Password.' }),
    clientName: optionalText({
      description: 'Name in the greeting (EHLO); null: the name of this machine.',
    }),
    connections: integer(SMTP_DEFAULTS.connections, [1, 100], {
      description: 'Maximum connections; each carries one e-mail at a time.',
    }),
    messagesPerConnection: integer(SMTP_DEFAULTS.messagesPerConnection, [1, 100_000], {
      description: 'Maximum e-mails over one connection before it is replaced.',
    }),
    connectTimeoutMs: ms(
      SMTP_DEFAULTS.connectTimeoutMs,
      [10, 600_000],
      'Time limit for a connection',
    ),
    greetingTimeoutMs: ms(
      SMTP_DEFAULTS.greetingTimeoutMs,
      [10, 600_000],
      'Time limit for the greeting',
    ),
    answerTimeoutMs: ms(SMTP_DEFAULTS.answerTimeoutMs, [10, 600_000], 'Time limit for an answer'),
    retryAfterMs: ms(
      SMTP_DEFAULTS.retryAfterMs,
      [0, 86_400_000],
      'Delay before a temporarily refused e-mail is retried (greylisting)',
    ),
    ambiguous,
    deliveredOn: Type.Optional(
      choice(['accept', 'report'], {
        description:
          'When an e-mail is DELIVERED: `accept`, when the server accepts it; `report`, when it reports success. Default: `report` with a `bounceAddress`, `accept` without.',
      }),
    ),
    bounceAddress: optionalText({
      description:
        'Address for delivery reports, `bounces@example.com`; each e-mail uses `bounces+{reference}@example.com`. Null: the sender.',
    }),
    bounceListen: Type.Unsafe<{ host: string; port: number } | null>({
      type: ['object', 'null'],
      properties: {
        host: {
          type: 'string',
          minLength: 1,
          default: '0.0.0.0',
          description: 'Address to listen on for mail to `bounceAddress`.',
        },
        port: { type: 'integer', minimum: 0, maximum: 65_535, default: 25, description: 'Port.' },
      },
      additionalProperties: false,
      default: null,
      description: 'Accepts mail to `bounceAddress` by SMTP, `{"host", "port"}`.',
    }),
    bounceSecret: optionalText({
      description:
        'Accepts reports at `/carriers/{name}/receipts` with `Authorization: Bearer {secret}`.',
    }),
    dkim: Type.Unsafe<DkimKey | null>({
      type: ['object', 'null'],
      properties: {
        domain: { type: 'string', minLength: 1, description: 'Domain that signs.' },
        selector: { type: 'string', minLength: 1, description: 'Selector of the key in DNS.' },
        privateKey: { type: 'string', minLength: 1, description: 'RSA private key, PEM.' },
      },
      required: ['domain', 'selector', 'privateKey'],
      additionalProperties: false,
      default: null,
      description: 'Key (PEM) for DKIM signatures: `{"domain", "selector", "privateKey"}`.',
    }),
  },
  { additionalProperties: false, description: 'A mail server, over SMTP.' },
);

const HTTP = Type.Object(
  {
    kind: kind('http'),
    channels: channels(MESSAGE_CHANNELS),
    ambiguous,
    windowMax: integer(100, [1, 10_000], {
      description: 'Maximum unanswered submissions.',
    }),
    limits: Type.Object(
      {
        connectionsMax: integer(HTTP_LIMITS.connectionsMax, [1, 1_000], {
          description: 'Maximum connections to the provider.',
        }),
        connectTimeoutMs: ms(
          HTTP_LIMITS.connectTimeoutMs,
          [10, 600_000],
          'Time limit for a connection',
        ),
        answerTimeoutMs: ms(HTTP_LIMITS.answerTimeoutMs, [10, 600_000], 'Time limit for an answer'),
        keepAliveMs: ms(
          HTTP_LIMITS.keepAliveMs,
          [1, 600_000],
          'How long an idle connection is kept',
        ),
      },
      { additionalProperties: false, default: {}, description: 'Limits on connections and time.' },
    ),
    preset: Type.Optional(
      choice(['classic', 'cloud', 'rbm'], { description: 'A built-in description of a provider.' }),
    ),
    settings: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'Settings of the preset.' }),
    ),
    description: Type.Optional(HTTP_DESCRIPTION),
  },
  { additionalProperties: false, description: 'A provider with an HTTP API.' },
);

/** Schemas by kind. */
export const CARRIER_SCHEMAS = {
  simulator: SIMULATOR,
  smpp: SMPP,
  smtp: SMTP,
  http: HTTP,
} as const;
/** Schemas of `settings`, by preset. */
export { HTTP_SETTINGS };

export type SimulatorConfig = Static<typeof SIMULATOR>;
export type SmppConfig = Static<typeof SMPP>;
export type SmtpConfig = Static<typeof SMTP>;
/** With its description, which a preset has made where there is one. */
export type HttpConfig = Omit<Static<typeof HTTP>, 'description'> & {
  readonly description: HttpDescription;
};
export type CarrierConfig = SimulatorConfig | SmppConfig | SmtpConfig | HttpConfig;

/** Reads the secrets of all carriers and checks each by its kind; the result is complete if there are no findings. */
export function readCarriers(
  carriers: Readonly<Record<string, object>>,
  env: Readonly<Record<string, string | undefined>>,
): {
  readonly read: Record<string, CarrierConfig>;
  readonly secrets: ReadonlySet<string>;
  readonly findings: readonly Finding[];
} {
  const findings: Finding[] = [];
  const secrets = new Set<string>();
  const read: Record<string, CarrierConfig> = {};
  for (const [name, given] of Object.entries(carriers)) {
    const path = `carriers.${name}`;
    const found = { secrets, findings };
    const options = readSecrets(given, path, env, found) as { kind?: unknown };
    const own = checkByKind(options).map((each) => ({
      path: each.path === '' ? path : `${path}.${each.path}`,
      text: each.text,
    }));
    findings.push(...own);
    read[name] = options as CarrierConfig;
  }
  return { read, secrets, findings };
}

/** Fills in defaults, in place. */
function checkByKind(options: { kind?: unknown }): Finding[] {
  options.kind ??= 'simulator';
  const kinds = Object.keys(CARRIER_SCHEMAS);
  const schema = CARRIER_SCHEMAS[options.kind as keyof typeof CARRIER_SCHEMAS];
  if (typeof options.kind !== 'string' || !kinds.includes(options.kind))
    return [
      {
        path: 'kind',
        text: `there is no kind ${JSON.stringify(options.kind)}.${suggest(String(options.kind), kinds)}`,
      },
    ];
  const findings = check(schema, options);
  if (findings.length > 0) return findings;
  const carrier = options as CarrierConfig;
  switch (carrier.kind) {
    case 'simulator':
      return checkSimulator(carrier);
    case 'smpp':
      return carrier.reconnectMaxMs < carrier.reconnectMinMs
        ? [{ path: 'reconnectMaxMs', text: 'is below reconnectMinMs.' }]
        : [];
    case 'smtp':
      return checkSmtp(carrier);
    case 'http':
      return checkHttp(carrier);
  }
}

function checkSimulator({ answerDelayMs, receiptDelayMs }: SimulatorConfig): Finding[] {
  return Object.entries({ answerDelayMs, receiptDelayMs })
    .filter(([, { min, max }]) => max < min)
    .map(([path, { min, max }]) => ({ path, text: `max (${max}) is below min (${min}).` }));
}

function checkSmtp(carrier: SmtpConfig): Finding[] {
  const findings: Finding[] = [];
  const { username, password, bounceAddress, dkim } = carrier;
  if ((username === null) !== (password === null))
    findings.push({ path: 'username', text: 'set both username and password, or neither.' });
  const problem = bounceAddress === null ? null : findEmailAddressProblem(bounceAddress);
  if (problem !== null) findings.push({ path: 'bounceAddress', text: problem });
  else if (bounceAddress !== null) {
    // The address in e-mails contains the reference (RFC 5321, 4.5.3.1.1).
    const longest = bounceAddressOf(bounceAddress, 'x'.repeat(REFERENCE_LENGTH_MAX));
    const tooLong = findEmailAddressProblem(longest);
    if (tooLong !== null)
      findings.push({
        path: 'bounceAddress',
        text: `leaves no room for the ${REFERENCE_LENGTH_MAX + 1} characters that identify an e-mail: ${tooLong}`,
      });
  }
  if (carrier.bounceListen !== null && bounceAddress === null)
    findings.push({ path: 'bounceListen', text: 'requires a bounceAddress.' });
  if (carrier.deliveredOn === 'report' && bounceAddress === null)
    findings.push({ path: 'deliveredOn', text: '"report" requires a bounceAddress.' });
  if (dkim !== null && !isKey(dkim.privateKey))
    findings.push({ path: 'dkim.privateKey', text: 'is not an RSA private key in PEM.' });
  return findings;
}

/** The only supported kind of key: signatures with another would be wrong, or omitted silently. */
function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}

/** Describes by the preset where there is one, in place, and tries the description out. */
function checkHttp(carrier: Static<typeof HTTP>): Finding[] {
  const { preset } = carrier;
  if ((preset === undefined) === (carrier.description === undefined))
    return [{ path: '', text: 'requires a "preset" or a "description", but not both.' }];
  if (preset === undefined && carrier.settings !== undefined)
    return [{ path: 'settings', text: 'require a preset.' }];
  if (preset !== undefined) {
    carrier.settings ??= {};
    const findings = check(HTTP_SETTINGS[preset], carrier.settings);
    if (findings.length > 0)
      return findings.map(({ path, text }) => ({
        path: path === '' ? 'settings' : `settings.${path}`,
        text,
      }));
    // Each preset's settings were checked by its own schema.
    carrier.description = PRESETS[preset](carrier.settings as never);
  }
  return tryOut(carrier as HttpConfig);
}

function tryOut(carrier: HttpConfig): Finding[] {
  try {
    // Neither connects to anything.
    createReceiptParser(carrier.description);
    createHttpCarrier({ ...carrier, name: 'it', receiptsUrl: null });
    return [];
  } catch (error) {
    return [{ path: 'description', text: (error as Error).message }];
  }
}
