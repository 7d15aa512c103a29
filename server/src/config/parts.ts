/** Small parts that the tables of options are made of. */
import { Type, type TSchema } from 'typebox';

/** Keywords of our own: `env` names the environment variable, `secret` hides the value when printed. */
export type Notes = {
  readonly description: string;
  readonly env?: string;
  readonly secret?: boolean;
};

export const integer = (value: number, [minimum, maximum]: [number, number], notes: Notes) =>
  Type.Integer({ default: value, minimum, maximum, ...notes });
/** An integer, or null when there is none. */
export const optionalInteger = ([minimum, maximum]: [number, number], notes: Notes) =>
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    default: null,
    minimum,
    maximum,
    ...notes,
  });
export const flag = (value: boolean, notes: Notes) => Type.Boolean({ default: value, ...notes });
/** A share of 0 to 1. */
export const share = (value: number, notes: Notes) =>
  Type.Number({ default: value, minimum: 0, maximum: 1, ...notes });
/** Text, or null when there is none. */
export const optionalText = ({ pattern, ...notes }: Notes & { readonly pattern?: string }) =>
  Type.Union(
    [Type.String({ minLength: 1, ...(pattern === undefined ? {} : { pattern }) }), Type.Null()],
    { default: null, ...notes },
  );
/** One of some words. */
export const choice = <Value extends string>(
  values: readonly Value[],
  notes: Notes & { default?: Value },
) => Type.Unsafe<Value>({ type: 'string', enum: values, ...notes });
/** Options that belong together. */
export const group = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  description: string,
) => Type.Object(properties, { additionalProperties: false, default: {}, description });
/** A range of milliseconds. */
export const delays = (min: number, max: number, description: string) =>
  group(
    {
      min: integer(min, [0, 600_000], { description: 'Minimum, in milliseconds.' }),
      max: integer(max, [0, 600_000], { description: 'Maximum, in milliseconds.' }),
    },
    description,
  );
