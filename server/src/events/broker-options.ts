/**
 * The options of sinks to message brokers, with their defaults. The option tables
 * (`config/sinks.ts`) use both.
 */

/** TLS towards a broker. */
export interface BrokerTls {
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca: string | null;
  /** Our own certificate, PEM, and its key; both or neither. */
  readonly certificate: string | null;
  readonly privateKey: string | null;
  /** Name in the broker's certificate, when it is not the host. */
  readonly servername: string | null;
  readonly rejectUnauthorized: boolean;
}

/** A NATS server with JetStream. */
export interface NatsOptions {
  /** `nats://host:port`, or `tls://host:port` to require TLS; any of one cluster. */
  readonly servers: readonly string[];
  /** Template of subjects: see `subject.ts`. */
  readonly subject: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly token: string | null;
  /** Content of a `.creds` file: a JWT and its seed. */
  readonly credentials: string | null;
  /** Null: TLS where the server has it. */
  readonly tls: BrokerTls | null;
  /** For a batch to be acknowledged, connecting included. */
  readonly timeoutMs: number;
  /** Events without an acknowledgement, of all deliveries together. */
  readonly windowMax: number;
  /** The same of one key in one delivery. More than 1 gives up their order when one of them fails. */
  readonly windowPerKey: number;
}

export const NATS_DEFAULTS = {
  subject: 'fanfare.{type}',
  timeoutMs: 10_000,
  windowMax: 256,
  windowPerKey: 1,
} as const;

/** Ways to prove an account to Kafka. */
export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

export interface KafkaSasl {
  readonly mechanism: (typeof SASL_MECHANISMS)[number];
  readonly username: string;
  readonly password: string;
}

/** A Kafka cluster. */
export interface KafkaOptions {
  /** `host:port`; any brokers of the cluster, the others are learnt from them. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly clientId: string;
  readonly tls: BrokerTls | null;
  readonly sasl: KafkaSasl | null;
  readonly compression: 'none' | 'gzip';
  /** Bytes of events in one request, uncompressed: below the `max.message.bytes` of the topic. */
  readonly requestBytesMax: number;
  /** For a batch to be acknowledged, connecting included. */
  readonly timeoutMs: number;
}

export const KAFKA_DEFAULTS = {
  topic: 'fanfare',
  clientId: 'fanfare',
  compression: 'none',
  requestBytesMax: 900_000,
  timeoutMs: 10_000,
} as const;

/** As Node.js takes it. */
export function toTlsOptions(tls: BrokerTls): {
  ca?: string;
  cert?: string;
  key?: string;
  servername?: string;
  rejectUnauthorized: boolean;
} {
  return {
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.certificate === null ? {} : { cert: tls.certificate }),
    ...(tls.privateKey === null ? {} : { key: tls.privateKey }),
    ...(tls.servername === null ? {} : { servername: tls.servername }),
    rejectUnauthorized: tls.rejectUnauthorized,
  };
}
