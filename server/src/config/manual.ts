/** `docs/config.md`, made of the tables. */
import type { TSchema } from 'typebox';
import { CARRIER_SCHEMAS, HTTP_SETTINGS } from './carriers.ts';
import { CONFIG_SCHEMA, SENDER_SCHEMA } from './config.ts';
import { CONFIG_FILE } from './defaults.ts';
import { listOptions, type OptionPlace } from './options.ts';
import { SINK_SCHEMAS } from './sinks.ts';

/** What stands above the table of a kind. */
const KINDS: Readonly<Record<keyof typeof CARRIER_SCHEMAS, string>> = {
  simulator:
    'Stands in for a carrier: see [simulator](api.md#the-simulator). The kind when none is given.',
  smpp: 'An SMSC: see [SMPP](carriers/smpp.md).',
  smtp: 'A mail server: see [SMTP](carriers/smtp.md).',
  http: 'A provider with an HTTP API: see [HTTP providers](carriers/http.md).',
};

const SINK_KINDS: Readonly<Record<keyof typeof SINK_SCHEMAS, string>> = {
  nats: 'A NATS server with JetStream: see [brokers](events-brokers.md#nats).',
  kafka: 'A Kafka cluster: see [brokers](events-brokers.md#kafka).',
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

A setting comes from the environment, else from the config file (\`--config FILE\`, \`FANFARE_CONFIG\`, or
\`${CONFIG_FILE}\` in the working directory), else it has its default. An unknown key or \`FANFARE_\` variable
refuses to start, with a suggestion. \`fanfare config print\` shows what would be used, secrets masked.

${tableOf(CONFIG_SCHEMA)}
## A carrier (\`carriers.<name>\`)

Any number of each kind. Wherever text is expected, \`{"env": "NAME"}\` takes it from the environment and
\`{"file": "path"}\` from a file, so that no secret stands in the config file.

${[...carriers, ...presets].join('\n')}
## A sink (\`sinks.<name>\`)

Any number of each kind. Secrets are given as those of carriers.

${sinks.join('\n')}
## A sender (\`senders[]\`)

${tableOf(SENDER_SCHEMA)}`;
}

function tableOf(schema: TSchema): string {
  const rows = listOptions(schema).map(rowOf).join('\n');
  return `| Option | Environment | Type | Default | What it does |\n|---|---|---|---|---|\n${rows}\n`;
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
