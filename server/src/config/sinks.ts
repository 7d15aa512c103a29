/**
 * Options of sinks, by kind, like the options of carriers in `carriers.ts`: the message brokers that events can go to,
 * besides webhooks, which are configured by subscriptions. Secrets may be given as `{"env": "NAME"}` or `{"file":
 * "path"}` anywhere.
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
      'Time limit for a delivery to be acknowledged, including the connection, in milliseconds. After it, the delivery is retried.',
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
      certificate: part('Client certificate, PEM; requires `privateKey`.'),
      privateKey: part('Key of the client certificate, PEM.'),
      servername: part("Name in the broker's certificate, if it differs from the host."),
      rejectUnauthorized: {
        type: 'boolean',
        default: true,
        description: `Verify the broker's certificate. TLS is used with \`"tls": {}\` or any of these options; without \`tls\`: ${none}.`,
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
      'Servers of one cluster, `nats://host:4222`, or `tls://` to require TLS.',
    ),
    subject: Type.String({
      default: NATS_DEFAULTS.subject,
      minLength: 1,
      description:
        'Subject of events: `{type}` is the type of the event, `{key}` the id of the operation or of the inbound message.',
    }),
    username: optionalText({ description: 'User name; null: none.' }),
    password: optionalText({ description: 'Password.' }),
    token: optionalText({ description: 'Token instead of a user name.' }),
    credentials: optionalText({
      description:
        'Content of a `.creds` file instead; read it from the file with `{"file": "fanfare.creds"}`.',
    }),
    tls: TLS('TLS if the server offers it'),
    timeoutMs: timeoutMs(NATS_DEFAULTS.timeoutMs),
    windowMax: integer(NATS_DEFAULTS.windowMax, [1, 10_000], {
      description: 'Maximum unacknowledged events.',
    }),
    windowPerKey: integer(NATS_DEFAULTS.windowPerKey, [1, 1_000], {
      description:
        'Maximum unacknowledged events of one key. A value above 1 is faster, but after a failure later events may precede the failed one in the stream.',
    }),
  },
  { additionalProperties: false, description: 'A NATS server with JetStream.' },
);

const KAFKA = Type.Object(
  {
    kind: kind('kafka'),
    brokers: hosts(
      '^[A-Za-z0-9._-]+:[0-9]{1,5}$',
      'Bootstrap brokers of one cluster, `host:9092`.',
    ),
    topic: Type.String({
      default: KAFKA_DEFAULTS.topic,
      pattern: '^[A-Za-z0-9._-]{1,249}$',
      description: 'Topic of all events; it must exist.',
    }),
    clientId: Type.String({
      default: KAFKA_DEFAULTS.clientId,
      minLength: 1,
      maxLength: 200,
      description: 'Client id in logs and quotas of the brokers.',
    }),
    tls: TLS('no TLS'),
    sasl: Type.Unsafe<KafkaSasl | null>({
      type: ['object', 'null'],
      properties: {
        mechanism: {
          type: 'string',
          enum: [...SASL_MECHANISMS],
          default: 'scram-sha-512',
          description: 'Authentication mechanism. Without `sasl` there is no authentication.',
        },
        username: { type: 'string', minLength: 1, description: 'User name; required with `sasl`.' },
        password: { type: 'string', minLength: 1, description: 'Password.' },
      },
      required: ['username', 'password'],
      additionalProperties: false,
      default: null,
      description: 'Authentication.',
    }),
    compression: choice(['none', 'gzip'], {
      default: KAFKA_DEFAULTS.compression,
      description: 'Compression of requests.',
    }),
    requestBytesMax: integer(KAFKA_DEFAULTS.requestBytesMax, [1_000, 100_000_000], {
      description:
        'Maximum bytes of events in one request, uncompressed. Set it below the `max.message.bytes` of the topic.',
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

/** Reads the secrets of all sinks and checks each by its kind; the result is complete if there are no findings. */
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
    return [{ path: 'kind', text: `is missing; use ${kinds.join(' or ')}.` }];
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
      text: 'accepts only one of username with password, token, and credentials.',
    });
  return findings;
}
