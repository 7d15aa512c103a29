/**
 * Options of sinks, by kind, as `carriers.ts` has those of carriers: the message brokers that events can go to, besides
 * webhooks, which are configured by subscriptions. Secrets may be given as `{"env": "NAME"}` or `{"file": "path"}` anywhere.
 */
import { Type, type Static } from 'typebox';
import {
  KAFKA_DEFAULTS,
  NATS_DEFAULTS,
  SASL_MECHANISMS,
  type BrokerTls,
  type KafkaSasl,
} from '../events/broker-options.ts';
import { findSubjectProblem } from '../events/subject.ts';
import { check, suggest, type Finding } from './check.ts';
import { choice, integer, optionalText } from './parts.ts';
import { readSecrets } from './secrets.ts';

const kind = <Kind extends string>(name: Kind) => choice([name], { description: 'Kind of sink.' });
const timeoutMs = (value: number) =>
  integer(value, [100, 600_000], {
    description:
      'For a delivery to be acknowledged, connecting included, in milliseconds; then it is tried again.',
  });
/** One of them answers for all. */
const hosts = (pattern: string, description: string) =>
  Type.Array(Type.String({ pattern, description }), {
    minItems: 1,
    maxItems: 50,
    uniqueItems: true,
    description,
  });
const part = (description: string) => ({ type: ['string', 'null'], default: null, description });
/** A union of its own would get no defaults. */
const TLS = (none: string) =>
  Type.Unsafe<BrokerTls | null>({
    type: ['object', 'null'],
    properties: {
      ca: part("Certificates to trust instead of the system's, PEM."),
      certificate: part('Our own certificate, PEM; with its key.'),
      privateKey: part('Its key, PEM.'),
      servername: part("Name in the broker's certificate, when it is not the host."),
      rejectUnauthorized: {
        type: 'boolean',
        default: true,
        description: `Whether that certificate must be verified. TLS is spoken with \`"tls": {}\` or any of these; without \`tls\`: ${none}.`,
      },
    },
    additionalProperties: false,
    default: null,
    description: 'TLS.',
  });

const NATS = Type.Object(
  {
    kind: kind('nats'),
    servers: hosts(
      '^(nats|tls)://[^\\s/@]+$',
      'Servers of one cluster, `nats://host:4222`, or `tls://` to insist on TLS.',
    ),
    subject: Type.String({
      default: NATS_DEFAULTS.subject,
      minLength: 1,
      description:
        "Subject of an event: `{type}` is its type, `{key}` the operation's or the inbound message's id.",
    }),
    username: optionalText({ description: 'Account at the server; null: none.' }),
    password: optionalText({ description: 'Its password.' }),
    token: optionalText({ description: 'A token instead of an account.' }),
    credentials: optionalText({
      description:
        'Content of a `.creds` file instead, as `{"file": "fanfare.creds"}` takes it from there.',
    }),
    tls: TLS('TLS where the server has it'),
    timeoutMs: timeoutMs(NATS_DEFAULTS.timeoutMs),
    windowMax: integer(NATS_DEFAULTS.windowMax, [1, 10_000], {
      description: 'Events that may be unacknowledged at one moment.',
    }),
    windowPerKey: integer(NATS_DEFAULTS.windowPerKey, [1, 1_000], {
      description:
        'The same of one key. With more than 1 it is faster, and when one fails, later ones may be in the stream before it.',
    }),
  },
  { additionalProperties: false, description: 'A NATS server with JetStream.' },
);

const KAFKA = Type.Object(
  {
    kind: kind('kafka'),
    brokers: hosts(
      '^[A-Za-z0-9._-]+:[0-9]{1,5}$',
      'Brokers of one cluster to begin with, `host:9092`.',
    ),
    topic: Type.String({
      default: KAFKA_DEFAULTS.topic,
      pattern: '^[A-Za-z0-9._-]{1,249}$',
      description: 'Topic of all events; it must be there.',
    }),
    clientId: Type.String({
      default: KAFKA_DEFAULTS.clientId,
      minLength: 1,
      maxLength: 200,
      description: 'What the brokers know us by, in logs and quotas.',
    }),
    tls: TLS('no TLS'),
    sasl: Type.Unsafe<KafkaSasl | null>({
      type: ['object', 'null'],
      properties: {
        mechanism: {
          type: 'string',
          enum: [...SASL_MECHANISMS],
          default: 'scram-sha-512',
          description: 'How our account is proved. Without `sasl`: not at all.',
        },
        username: { type: 'string', minLength: 1, description: 'Account; needed with `sasl`.' },
        password: { type: 'string', minLength: 1, description: 'Its password.' },
      },
      required: ['username', 'password'],
      additionalProperties: false,
      default: null,
      description: 'Our account.',
    }),
    compression: choice(['none', 'gzip'], {
      default: KAFKA_DEFAULTS.compression,
      description: 'How requests are compressed.',
    }),
    requestBytesMax: integer(KAFKA_DEFAULTS.requestBytesMax, [1_000, 100_000_000], {
      description:
        'Bytes of events in one request, uncompressed; below the `max.message.bytes` of the topic.',
    }),
    timeoutMs: timeoutMs(KAFKA_DEFAULTS.timeoutMs),
  },
  { additionalProperties: false, description: 'A Kafka cluster.' },
);

/** Schemas by kind. */
export const SINK_SCHEMAS = { nats: NATS, kafka: KAFKA } as const;

export type NatsConfig = Static<typeof NATS>;
export type KafkaConfig = Static<typeof KAFKA>;
export type SinkConfig = NatsConfig | KafkaConfig;

/** Reads the secrets of all sinks and checks each by its kind; what is read is complete when nothing was found. */
export function readSinks(
  sinks: Readonly<Record<string, object>>,
  env: Readonly<Record<string, string | undefined>>,
): {
  readonly read: Record<string, SinkConfig>;
  readonly secrets: ReadonlySet<string>;
  readonly findings: readonly Finding[];
} {
  const findings: Finding[] = [];
  const secrets = new Set<string>();
  const read: Record<string, SinkConfig> = {};
  for (const [name, given] of Object.entries(sinks)) {
    const path = `sinks.${name}`;
    const options = readSecrets(given, path, env, { secrets, findings }) as { kind?: unknown };
    findings.push(
      ...checkByKind(options).map((each) => ({
        path: each.path === '' ? path : `${path}.${each.path}`,
        text: each.text,
      })),
    );
    read[name] = options as SinkConfig;
  }
  return { read, secrets, findings };
}

/** Fills in defaults, in place. */
function checkByKind(options: { readonly kind?: unknown }): Finding[] {
  const kinds = Object.keys(SINK_SCHEMAS);
  if (options.kind === undefined)
    return [{ path: 'kind', text: `is missing; it is ${kinds.join(' or ')}.` }];
  if (typeof options.kind !== 'string' || !kinds.includes(options.kind))
    return [
      {
        path: 'kind',
        text: `there is no kind ${JSON.stringify(options.kind)}.${suggest(String(options.kind), kinds)}`,
      },
    ];
  const findings = check(SINK_SCHEMAS[options.kind as keyof typeof SINK_SCHEMAS], options);
  if (findings.length > 0) return findings;
  const sink = options as SinkConfig;
  return [...checkTls(sink), ...(sink.kind === 'nats' ? checkNats(sink) : [])];
}

function checkTls({ tls }: SinkConfig): Finding[] {
  return tls !== null && (tls.certificate === null) !== (tls.privateKey === null)
    ? [{ path: 'tls.certificate', text: 'set both certificate and privateKey, or neither.' }]
    : [];
}

function checkNats({ subject, username, password, token, credentials }: NatsConfig): Finding[] {
  const findings: Finding[] = [];
  const problem = findSubjectProblem(subject);
  if (problem !== null) findings.push({ path: 'subject', text: problem });
  if ((username === null) !== (password === null))
    findings.push({ path: 'username', text: 'set both username and password, or neither.' });
  if ([username, token, credentials].filter((each) => each !== null).length > 1)
    findings.push({
      path: '',
      text: 'takes one of username with password, token, and credentials.',
    });
  return findings;
}
