/** Checks a value against a table of options and reports each problem with its place and remedy. Defaults are filled in. */
import { Ajv, type ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import type { TSchema } from 'typebox';
import type { Notes } from './parts.ts';

/** A problem and its place. */
export interface Finding {
  /** From the root of the checked value, `senders.0.channel`; empty for the root. */
  readonly path: string;
  /** A sentence, with a suggestion where one is near. */
  readonly text: string;
}

const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  allowUnionTypes: true,
  verbose: true,
  // Each compiled check runs once, so an optimization does not pay.
  code: { optimize: false },
  // The tables are ours: a test checks that they are valid schemas.
  meta: false,
  validateSchema: false,
});
for (const keyword of ['env', 'secret']) ajv.addKeyword({ keyword });

/** Fills defaults into `value`, in place, and finds all that is wrong with it. */
export function check(schema: TSchema, value: object): Finding[] {
  const { properties = {} } = schema as WithDefault;
  const absent = Object.entries(properties).filter(
    ([name, each]) => !(name in value) && each.default !== undefined,
  );
  for (const [name, each] of absent) Object.assign(value, { [name]: defaultOf(each) });
  // Most options are absent at most starts. Defaults are known to be valid, so no check is compiled for them.
  const unchecked = Object.fromEntries(absent.map(([name]) => [name, {}]));
  if (ajv.compile({ ...schema, properties: { ...properties, ...unchecked } })(value)) return [];
  // Advice names all that could have been meant.
  const validate = ajv.compile(schema);
  return validate(value) ? [] : (validate.errors ?? []).flatMap((error) => describe(error) ?? []);
}

type WithDefault = TSchema & {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, WithDefault>>;
  readonly items?: WithDefault;
};

/** A default, and the defaults inside it. */
function defaultOf(schema: WithDefault): unknown {
  const value = structuredClone(schema.default);
  fill(schema, value);
  return value;
}

function fill({ properties = {}, items }: WithDefault, value: unknown): void {
  if (Array.isArray(value) && items !== undefined) for (const each of value) fill(items, each);
  else if (typeof value === 'object' && value !== null)
    for (const [name, each] of Object.entries(properties))
      if (!(name in value) && each.default !== undefined)
        Object.assign(value, { [name]: defaultOf(each) });
}

function describe(error: ErrorObject): Finding | null {
  // The problems of the members say more than the problem of their union or condition.
  if (error.keyword === 'anyOf' || error.keyword === 'if') return null;
  if (error.keyword === 'type' && error.params['type'] === 'null') return null;
  const path = error.instancePath.slice(1).replaceAll('/', '.');
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty']);
    const known = Object.keys(
      (error.parentSchema as { properties?: object } | undefined)?.properties ?? {},
    );
    const text =
      known.length === 0
        ? `"${name}" is not a valid name; use lower-case letters, digits, _ and -.`
        : `there is no setting "${name}".${suggest(name, known)}`;
    return { path, text };
  }
  if (error.keyword === 'enum')
    return {
      path,
      text: `must be one of ${(error.params['allowedValues'] as string[]).join(', ')}.`,
    };
  const about = (error.parentSchema as Partial<Notes> | undefined)?.description;
  return {
    path,
    text: `${error.message ?? 'is not valid'}.${about === undefined || error.keyword === 'required' ? '' : ` (${about})`}`,
  };
}

/** " Did you mean …?", or the list of valid names. */
export function suggest(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const best = closest(name, known);
  return distance(name, best) <= Math.max(2, name.length / 3)
    ? ` Did you mean ${best}?`
    : ` Known names: ${known.join(', ')}.`;
}
