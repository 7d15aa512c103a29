/** Lists the options of a table: for the environment, for masking and for the manual. */
import type { TSchema } from 'typebox';
import type { Notes } from './parts.ts';

/** An option and where it stands, `limits.requestsPerSecond`. */
export interface OptionPlace {
  readonly path: string;
  readonly schema: TSchema & Partial<Notes> & { readonly default?: unknown };
  readonly required: boolean;
}

/** Every option without further options in it, in order. */
export function listOptions(schema: TSchema, prefix = ''): OptionPlace[] {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, OptionPlace['schema']>;
    required?: readonly string[];
  };
  return Object.entries(properties).flatMap(([name, each]) => {
    const path = prefix + name;
    const inner = listOptions(each, `${path}.`);
    const isRequired = required.includes(name) && each.default === undefined;
    return inner.length > 0 ? inner : [{ path, schema: each, required: isRequired }];
  });
}
