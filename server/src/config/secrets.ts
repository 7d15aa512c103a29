/**
 * Secrets of carriers and sinks. The config file can name their source instead: `{"env": "NAME"}` or `{"file": "path"}`.
 * Printed configurations never contain secrets.
 */
import { readFileSync } from 'node:fs';
import type { Finding } from './check.ts';

/** A body template is the provider's JSON, in which such objects are not sources of secrets. */
const LITERAL = 'template';
/** Names of options that hold secrets. */
const SECRET_NAME = /(password|secret|token|privatekey|credentials|^value)$/i;
export const MASK = '********';

type Source = { readonly env: string } | { readonly file: string };

function sourceOf(value: object): Source | null {
  const entries = Object.entries(value);
  const [name, text] = entries[0] ?? [];
  if (entries.length !== 1 || typeof text !== 'string') return null;
  return name === 'env' ? { env: text } : name === 'file' ? { file: text } : null;
}

/** The environment variables that are used as sources. */
export function listSecretVariables(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const source = sourceOf(value);
  if (source !== null) return 'env' in source ? [source.env] : [];
  return Object.entries(value).flatMap(([name, each]) =>
    name === LITERAL ? [] : listSecretVariables(each),
  );
}

/** The value with every source replaced by its secret. A file's last line break is not part of the secret. */
export function readSecrets(
  value: unknown,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  found: { readonly secrets: Set<string>; readonly findings: Finding[] },
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value))
    return value.map((each, i) => readSecrets(each, `${path}.${i}`, env, found));
  const source = sourceOf(value);
  if (source !== null) {
    const secret = readSource(source, path, env, found.findings);
    found.secrets.add(secret);
    return secret;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      name === LITERAL ? each : readSecrets(each, `${path}.${name}`, env, found),
    ]),
  );
}

function readSource(
  source: Source,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  findings: Finding[],
): string {
  if ('env' in source) {
    const text = env[source.env];
    if (text !== undefined && text !== '') return text;
    findings.push({ path, text: `the environment variable ${source.env} is not set.` });
    return '';
  }
  try {
    return readFileSync(source.file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    findings.push({
      path,
      text: `${source.file} cannot be read: ${(error as Error).message}.`,
    });
    return '';
  }
}

/** A copy for printing: secret options, and values read from sources, are masked. */
export function maskSecrets(value: unknown, secrets: ReadonlySet<string>, name = ''): unknown {
  if (typeof value === 'string')
    return value !== '' && (SECRET_NAME.test(name) || secrets.has(value)) ? MASK : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => maskSecrets(each, secrets, name));
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, maskSecrets(each, secrets, key)]),
  );
}
