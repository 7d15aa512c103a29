/** The tables of options are schemas that mean what they say: the program itself does not check them. */
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { CARRIER_SCHEMAS, HTTP_SETTINGS } from '../../src/config/carriers.ts';
import { CONFIG_SCHEMA } from '../../src/config/config.ts';
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
});
