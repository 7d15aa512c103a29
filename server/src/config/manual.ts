/** `docs/config.md`, made of the tables. */
import type { TSchema } from 'typebox';
import { CARRIER_SCHEMAS, HTTP_SETTINGS } from './carriers.ts';
import { CONFIG_SCHEMA, SENDER_SCHEMA } from './config.ts';
import { CONFIG_FILE } from './defaults.ts';
import { listOptions, type OptionPlace } from './options.ts';
import { SINK_SCHEMAS } from './sinks.ts';

/** The text above the table of a kind. */
const KINDS: Readonly<Record<keyof typeof CARRIER_SCHEMAS, string>> = {
  simulator:
    'A simulated carrier, see [simulator](api.md#the-simulator). This is the default kind.',
  smpp: 'An SMSC, see [SMPP](carriers/smpp.md).',
  smtp: 'A mail server, see [SMTP](carriers/smtp.md).',
  http: 'A provider with an HTTP API. [HTTP providers](carriers/http.md) explains `description` and the\n`settings` of presets.',
};

const SINK_KINDS: Readonly<Record<keyof typeof SINK_SCHEMAS, string>> = {
  nats: 'A NATS server with JetStream, see [brokers](events-brokers.md#nats).',
  kafka: 'A Kafka cluster, see [brokers](events-brokers.md#kafka).',
};

/** The text of the page. */
export function renderConfigMarkdown(): string {
  const carriers = Object.entries(KINDS).map(
    ([kind, about]) =>
      `### \`kind: "${kind}"\`\n\n${about}\n\n${tableOf(CARRIER_SCHEMAS[kind as keyof typeof KINDS])}`,
  );
  const sinks = Object.entries(SINK_KINDS).map(
    ([kind, about]) =>
      `### \`kind: "${kind}"\`\n\n${about}\n\n${tableOf(SINK_SCHEMAS[kind as keyof typeof SINK_KINDS])}`,
  );
  const presets = Object.entries(HTTP_SETTINGS).map(
    ([preset, schema]) => `#### \`preset: "${preset}"\`, \`settings\`\n\n${tableOf(schema)}`,
  );
  return `# Configuration

Generated from \`server/src/config/\` by \`npm run generate\`.

Fanfare reads each setting from the environment, then from the config file, and otherwise uses the
default. The config file is \`--config FILE\`, \`FANFARE_CONFIG\`, or \`${CONFIG_FILE}\` in the
working directory. The server does not start with an unknown key or \`FANFARE_\` variable; the error
suggests a name. \`fanfare config print\` shows the effective configuration with masked secrets.

${tableOf(CONFIG_SCHEMA)}
## A carrier (\`carriers.<name>\`)

You can configure any number of carriers of each kind. To keep secrets out of the config file, write
\`{"env": "NAME"}\` instead of a text to read it from the environment, or \`{"file": "path"}\` to read
it from a file.

${[...carriers, ...presets].join('\n')}
## A sink (\`sinks.<name>\`)

You can configure any number of sinks of each kind. Secrets work as for carriers.

${sinks.join('\n')}
## A sender (\`senders[]\`)

${tableOf(SENDER_SCHEMA)}`;
}

function tableOf(schema: TSchema): string {
  const rows = listOptions(schema).map(rowOf).join('\n');
  return `| Option | Environment | Type | Default | Description |\n|---|---|---|---|---|\n${rows}\n`;
}

function rowOf({ path, schema, required }: OptionPlace): string {
  const value = required
    ? 'required'
    : schema.default === undefined
      ? ''
      : `\`${JSON.stringify(schema.default)}\``;
  return `| \`${path}\` | ${schema.env ? `\`${schema.env}\`` : ''} | ${describeType(schema)} | ${value} | ${schema.description ?? ''} |`;
}

function describeType(schema: TSchema): string {
  const {
    type,
    enum: values,
    minimum,
    maximum,
    anyOf,
  } = schema as {
    type?: string | string[];
    enum?: string[];
    minimum?: number;
    maximum?: number;
    anyOf?: { type?: string }[];
  };
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(', ');
  if (anyOf !== undefined)
    return anyOf
      .map((each) => (each.type === 'string' ? 'text' : (each.type ?? 'one of')))
      .join(' or ');
  if (Array.isArray(type)) return type.join(' or ');
  if (type === 'string') return 'text';
  if (type === 'array') return 'list';
  return minimum === undefined ? (type ?? '') : `${type} ${minimum} to ${maximum}`;
}
