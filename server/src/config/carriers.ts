/**
 * Options of carriers, by kind: each once, with default, limits and one sentence, as `config.ts` has those of the
 * server. Secrets may be given as `{"env": "NAME"}` or `{"file": "path"}` anywhere in a carrier's options.
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
  'What becomes of a message that was being submitted when the server was killed, or whose answer was lost: `hold` ends it UNDELIVERED (error 30050), `resend` submits it again.';
const kind = <Kind extends string>(name: Kind) =>
  choice([name], { description: 'Kind of carrier.' });
/** A default makes it optional. */
const channels = (of: readonly Channel[], value?: readonly Channel[]) =>
  Type.Unsafe<Channel[]>(
    Type.Array(choice(of, { description: 'Channel.' }), {
      ...(value === undefined ? {} : { default: [...value] }),
      minItems: 1,
      uniqueItems: true,
      description: 'Channels it takes.',
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

/** A union of its own would get no defaults. */
const TLS = Type.Unsafe<SmppTls | null>({
  type: ['object', 'null'],
  properties: {
    ca: { type: ['string', 'null'], default: null },
    servername: { type: ['string', 'null'], default: null },
    rejectUnauthorized: { type: 'boolean', default: true },
  },
  additionalProperties: false,
  default: null,
  description:
    "`{}` for TLS; in it `ca` (certificates to trust instead of the system's, PEM), `servername` (when it is not the host) and `rejectUnauthorized`.",
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
  description: '`auto`: by the form of the address; or always `{"ton", "npi"}`.',
});

const SMPP = Type.Object(
  {
    kind: kind('smpp'),
    channels: channels(['SMS'], ['SMS']),
    host: Type.String({ minLength: 1, description: 'Name or address of the SMSC.' }),
    port: integer(SMPP_DEFAULTS.port, [1, 65_535], { description: 'Port.' }),
    tls: TLS,
    systemId: Type.String({ minLength: 1, maxLength: 64, description: 'Account at the SMSC.' }),
    password: Type.String({ maxLength: 64, description: 'Its password.' }),
    systemType: words(12, 'A word that some SMSCs want.', SMPP_DEFAULTS.systemType),
    addressRange: words(40, 'Addresses that messages are wanted for.', SMPP_DEFAULTS.addressRange),
    bindMode: choice(['transceiver', 'pair'], {
      default: SMPP_DEFAULTS.bindMode,
      description: '`pair`: a transmitter and a receiver for each bind.',
    }),
    binds: integer(SMPP_DEFAULTS.binds, [1, 32], { description: 'Sessions (or pairs) at once.' }),
    bindsMax: optionalInteger([1, 1_000], {
      description:
        'Most sessions (or pairs) of all nodes together, which share them evenly; null: `binds` on each node.',
    }),
    windowPerBind: integer(SMPP_DEFAULTS.windowPerBind, [1, 1_000], {
      description: 'Requests without an answer on one session.',
    }),
    ambiguous,
    bindTimeoutMs: ms(
      SMPP_DEFAULTS.bindTimeoutMs,
      [100, 600_000],
      'For TCP, TLS and the bind together',
    ),
    responseTimeoutMs: ms(
      SMPP_DEFAULTS.responseTimeoutMs,
      [100, 600_000],
      'For the answer to a request',
    ),
    enquireLinkMs: ms(
      SMPP_DEFAULTS.enquireLinkMs,
      [100, 3_600_000],
      'Silence before the SMSC is asked',
    ),
    reconnectMinMs: ms(
      SMPP_DEFAULTS.reconnectMinMs,
      [10, 600_000],
      'Longest first pause before connecting',
    ),
    reconnectMaxMs: ms(SMPP_DEFAULTS.reconnectMaxMs, [10, 3_600_000], 'Longest later pause'),
    unboundWaitMs: ms(
      SMPP_DEFAULTS.unboundWaitMs,
      [0, 60_000],
      'How long a submission waits for a session',
    ),
    throttledMs: ms(
      SMPP_DEFAULTS.throttledMs,
      [1, 60_000],
      'Rest after the SMSC said that we are too fast',
    ),
    partRetryMs: ms(
      SMPP_DEFAULTS.partRetryMs,
      [0, 600_000],
      'How long later parts of a message are tried',
    ),
    stopTimeoutMs: ms(
      SMPP_DEFAULTS.stopTimeoutMs,
      [0, 60_000],
      'How long a stop, or the answer to an unbind, waits for answers',
    ),
    alphabet: choice(['gsm-7', 'latin-1'], {
      default: SMPP_DEFAULTS.alphabet,
      description: 'What `data_coding` 0 means there, or `latin-1` for 3.',
    }),
    longMessages: choice(['udh', 'sar', 'payload'], {
      default: SMPP_DEFAULTS.longMessages,
      description: 'How texts of several parts go.',
    }),
    sourceNumbering: NUMBERING,
    destinationNumbering: NUMBERING,
    serviceType: words(5, '`service_type`.', SMPP_DEFAULTS.serviceType),
    inboundCountryCode: optionalText({
      pattern: '^[1-9][0-9]{0,2}$',
      description:
        'Calling code, digits, of the country whose numbers come without one in messages to you; null: none does.',
    }),
    inboundTrunkPrefix: Type.String({
      default: SMPP_DEFAULTS.inboundTrunkPrefix,
      pattern: '^[0-9]{0,3}$',
      description: 'What is dialled before such numbers inside that country; empty: nothing.',
    }),
    registeredDelivery: flag(SMPP_DEFAULTS.registeredDelivery, {
      description: 'Whether receipts are asked for.',
    }),
    receiptSource: choice(['recipient', 'any'], {
      default: SMPP_DEFAULTS.receiptSource,
      description:
        'What the addresses of a receipt say: `recipient`, and it counts for no other message; or `any`, nothing.',
    }),
    unmarkedReceipts: flag(SMPP_DEFAULTS.unmarkedReceipts, {
      description:
        'Whether a message from the recipient that reads like a receipt, and is not marked as one, is one.',
    }),
    receiptGroup: optionalText({
      description:
        "Carriers of one group take receipts on each other's messages; null: those with the same host, port and system id do.",
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
        '`starttls`: that or nothing is sent; `starttls-optional`: where it is offered; `tls`: from the start (port 465); `none`: never.',
    }),
    ca: optionalText({ description: "Certificates to trust instead of the system's, PEM." }),
    servername: optionalText({ description: 'Name in the certificate when it is not the host.' }),
    rejectUnauthorized: flag(SMTP_DEFAULTS.rejectUnauthorized, {
      description: 'Whether a certificate must be verified.',
    }),
    username: optionalText({ description: 'Account at the server; null: no log-in.' }),
    password: optionalText({ description: 'Its password.' }),
    clientName: optionalText({
      description: "Name that the server is greeted with; null: this machine's.",
    }),
    connections: integer(SMTP_DEFAULTS.connections, [1, 100], {
      description: 'Connections at once, each with one e-mail on its way.',
    }),
    messagesPerConnection: integer(SMTP_DEFAULTS.messagesPerConnection, [1, 100_000], {
      description: 'E-mails over one connection before it is made anew.',
    }),
    connectTimeoutMs: ms(SMTP_DEFAULTS.connectTimeoutMs, [10, 600_000], 'For a connection'),
    greetingTimeoutMs: ms(SMTP_DEFAULTS.greetingTimeoutMs, [10, 600_000], 'For the greeting'),
    answerTimeoutMs: ms(SMTP_DEFAULTS.answerTimeoutMs, [10, 600_000], 'For an answer'),
    retryAfterMs: ms(
      SMTP_DEFAULTS.retryAfterMs,
      [0, 86_400_000],
      'Until an e-mail is tried again that was refused for now (greylisting)',
    ),
    ambiguous,
    deliveredOn: Type.Optional(
      choice(['accept', 'report'], {
        description:
          'What counts as delivered: that the server has taken it, or its report of success; when not given, `report` with a `bounceAddress` and `accept` without.',
      }),
    ),
    bounceAddress: optionalText({
      description:
        'Where reports go, `bounces@example.com`; each e-mail has `bounces+{reference}@example.com`. Null: to the sender.',
    }),
    bounceListen: Type.Unsafe<{ host: string; port: number } | null>({
      type: ['object', 'null'],
      properties: {
        host: { type: 'string', minLength: 1, default: '0.0.0.0' },
        port: { type: 'integer', minimum: 0, maximum: 65_535, default: 25 },
      },
      additionalProperties: false,
      default: null,
      description: 'Takes mail to `bounceAddress` by SMTP, `{"host", "port"}`.',
    }),
    bounceSecret: optionalText({
      description:
        'Takes reports at `/carriers/{name}/receipts` with `Authorization: Bearer {secret}`.',
    }),
    dkim: Type.Unsafe<DkimKey | null>({
      type: ['object', 'null'],
      properties: {
        domain: { type: 'string', minLength: 1 },
        selector: { type: 'string', minLength: 1 },
        privateKey: { type: 'string', minLength: 1 },
      },
      required: ['domain', 'selector', 'privateKey'],
      additionalProperties: false,
      default: null,
      description: 'Signs with a key (PEM): `{"domain", "selector", "privateKey"}`.',
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
      description: 'Submissions that may be unanswered at one moment.',
    }),
    limits: Type.Object(
      {
        connectionsMax: integer(HTTP_LIMITS.connectionsMax, [1, 1_000], {
          description: 'Connections to the provider.',
        }),
        connectTimeoutMs: ms(HTTP_LIMITS.connectTimeoutMs, [10, 600_000], 'For a connection'),
        answerTimeoutMs: ms(HTTP_LIMITS.answerTimeoutMs, [10, 600_000], 'For an answer'),
        keepAliveMs: ms(HTTP_LIMITS.keepAliveMs, [1, 600_000], 'An idle connection is kept'),
      },
      { additionalProperties: false, default: {}, description: 'Connections and time.' },
    ),
    preset: Type.Optional(
      choice(['classic', 'cloud', 'rbm'], { description: 'A ready description.' }),
    ),
    settings: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: 'What the preset needs.' }),
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

/** Reads the secrets of all carriers and checks each by its kind; what is read is complete when nothing was found. */
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
    // What mail servers see has the reference in it (RFC 5321, 4.5.3.1.1).
    const longest = bounceAddressOf(bounceAddress, 'x'.repeat(REFERENCE_LENGTH_MAX));
    const tooLong = findEmailAddressProblem(longest);
    if (tooLong !== null)
      findings.push({
        path: 'bounceAddress',
        text: `has no room for the ${REFERENCE_LENGTH_MAX + 1} characters that name an e-mail: ${tooLong}`,
      });
  }
  if (carrier.bounceListen !== null && bounceAddress === null)
    findings.push({ path: 'bounceListen', text: 'needs a bounceAddress.' });
  if (carrier.deliveredOn === 'report' && bounceAddress === null)
    findings.push({ path: 'deliveredOn', text: '"report" needs a bounceAddress.' });
  if (dkim !== null && !isKey(dkim.privateKey))
    findings.push({ path: 'dkim.privateKey', text: 'is no RSA private key in PEM.' });
  return findings;
}

/** The only kind that is signed with: of others signatures would be wrong, or left out without a word. */
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
    return [{ path: '', text: 'needs a "preset" or a "description", and not both.' }];
  if (preset === undefined && carrier.settings !== undefined)
    return [{ path: 'settings', text: 'belong to a preset; there is none.' }];
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
