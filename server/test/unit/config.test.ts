/** The tables of options are valid schemas: the program itself does not check them. */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { CARRIER_SCHEMAS, HTTP_SETTINGS } from '../../src/config/carriers.ts';
import { check } from '../../src/config/check.ts';
import { CONFIG_SCHEMA, loadConfig } from '../../src/config/config.ts';
import { SINK_SCHEMAS } from '../../src/config/sinks.ts';

const tables = {
  config: CONFIG_SCHEMA,
  ...CARRIER_SCHEMAS,
  ...HTTP_SETTINGS,
  ...SINK_SCHEMAS,
};

describe('the table of options', () => {
  it.each(Object.entries(tables))('%s is a JSON schema', (_, schema) => {
    const ajv = new Ajv({ allowUnionTypes: true, strictRequired: false });
    for (const keyword of ['env', 'secret']) ajv.addKeyword({ keyword });
    expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
    expect(() => ajv.compile(schema)).not.toThrow();
  });

  it.each(Object.entries(tables))('%s has defaults that it allows', (_, schema) => {
    const { properties } = schema as unknown as { properties: Record<string, object> };
    const withDefault = Object.entries(properties).filter(([, each]) => 'default' in each);
    const ajv = new Ajv({ allowUnionTypes: true, useDefaults: true, strict: false });
    const only = { type: 'object', properties: Object.fromEntries(withDefault) };
    const byAjv = {};
    expect([ajv.validate(only, byAjv), ajv.errors]).toEqual([true, null]);
    // Filled without a check compiled for it, as ajv would.
    const filled = {};
    expect(check(only as never, filled)).toEqual([]);
    expect(filled).toEqual(byAjv);
  });
});

describe('DATABASE_URL', () => {
  const load = (url: string) => loadConfig(null, { DATABASE_URL: url }, {}).databaseUrl;

  it.each([
    'postgres://u:p@h:5432/d',
    'postgresql://u:p@[::1]/d?sslmode=require',
    'postgres:///d?host=/var/run/postgresql',
    'postgres://u:p@/d?host=/tmp',
    'postgres://u:50%off@h/d',
    'postgres://u:a b@h/d',
    'postgres://u:p%40x@h/d',
  ])('may be %s', (url) => {
    expect(load(url)).toBe(url);
  });

  it.each(['postgres://u:p@h:99999/d', 'postgres://u:%ff@h/d', 'postgres://u:p@[::1/d', 'h/d'])(
    'cannot be %s',
    (url) => {
      expect(() => load(url)).toThrow(/DATABASE_URL/);
    },
  );
});

describe('cors.origins', () => {
  const load = (origin: string) => loadConfig(null, {}, { cors: { origins: [origin] } });

  it.each(['https://app.example.com', 'http://localhost:5173', 'http://[::1]:8080'])(
    'may have %s',
    (origin) => expect(load(origin).cors.origins).toEqual([origin]),
  );

  it.each([
    ['*', 'pages of everybody'],
    ['https://*.example.com', 'pages of everybody'],
    ['app.example.com', 'write it like https://app.example.com'],
    ['null', 'write it like'],
    ['https://app.example.com/', 'write "https://app.example.com"'],
    ['https://App.example.com:443', 'write "https://app.example.com"'],
  ])('may not have %s', (origin, words) => {
    expect(() => load(origin)).toThrow(words);
  });
});
