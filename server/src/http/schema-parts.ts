/** Small parts that the shapes of the API are made of. */
import { Type, type TSchema } from 'typebox';

/** One of some words. */
export const choice = (values: readonly string[], notes: object = {}) =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], ...notes });
/** An object that has these fields and no others. */
export const shape = <Properties extends Record<string, TSchema>>(
  properties: Properties,
  notes: object = {},
) => Type.Object(properties, { additionalProperties: false, ...notes });
export const instant = (description: string) => Type.String({ format: 'date-time', description });
export const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
/** A number or null, as one schema: what is wrong is said once. */
export const numberOrNull = (
  type: 'number' | 'integer',
  [minimum, maximum]: readonly [number, number],
  description: string,
) => Type.Unsafe<number | null>({ type: [type, 'null'], minimum, maximum, description });
/** A shape by its name. */
export const ref = (id: string) => Type.Unsafe<unknown>({ $ref: `${id}#` });
/** A page of a list. */
export const listOf = (name: string, item: TSchema, id: string) =>
  Type.Object({ [name]: Type.Array(item), pagination: ref('Pagination') }, { $id: id });

export const E164 = '^\\+[1-9]\\d{1,14}$';

/**
 * An object of several forms, told apart by a key that only one form has. Which form is meant shows by its key, so that
 * what is wrong is said of that form (`anyOf` would complain of all). Without any of the keys: `hint` is said.
 */
export function forms(
  list: readonly (readonly [key: string, form: TSchema])[],
  hint: string,
): TSchema {
  let rest: object = { not: {}, 'x-hint': hint };
  for (const [key, form] of list.toReversed())
    // A word of JSON Schema (2020-12, core, section 10.2.2); nobody awaits a schema.
    // oxlint-disable-next-line unicorn/no-thenable
    rest = { type: 'object', if: { type: 'object', required: [key] }, then: form, else: rest };
  return Type.Unsafe<unknown>(rest);
}
