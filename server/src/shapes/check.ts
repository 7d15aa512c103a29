/**
 * Checks a value against a schema and reports each problem with its JSON path. The schemas are from
 * `/openapi.json`.
 *
 * The check finds all problems. In a value with very many entries it stops at the first one, so that a hostile body
 * costs no more than reading it.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import type { TSchema } from 'typebox';
import { ERRORS, type ErrorName, type Problem } from '../domain/errors.ts';
import { stepOf } from '../domain/json-path.ts';

/** Our own keywords in schemas: the error of a violation, and a hint. */
export interface Notes {
  readonly 'x-error'?: ErrorName;
  /** The error of a number above the maximum, where it is another one. */
  readonly 'x-error-above'?: ErrorName;
  readonly 'x-hint'?: string;
}

/** A value with more entries than this is checked up to its first problem. */
const ENTRIES_MAX = 200;

/** Maximum nesting of lists and objects. No request needs more than a dozen levels; code that walks a value recurses. */
const DEPTH_MAX = 32;

/** Validators, created on first use, by whether they look for all errors. */
const validators = new Map<boolean, Ajv>();

function useAjv(allErrors: boolean): Ajv {
  const known = validators.get(allErrors) ?? createAjv(allErrors);
  validators.set(allErrors, known);
  return known;
}

function createAjv(allErrors: boolean): Ajv {
  const ajv = new Ajv({
    allErrors,
    verbose: true,
    allowUnionTypes: true,
    strict: true,
    strictRequired: false,
    validateFormats: false,
    // The schemas are ours: a test checks that they are valid.
    meta: false,
    validateSchema: false,
  });
  for (const keyword of ['x-error', 'x-error-above', 'x-hint']) ajv.addKeyword({ keyword });
  // No two entries have the same value of this field.
  ajv.addKeyword({
    keyword: 'x-unique-by',
    type: 'array',
    validate: (field: string, entries: readonly (Readonly<Record<string, unknown>> | null)[]) => {
      const values = entries.map((each) => each?.[field]).filter((each) => each !== undefined);
      return new Set(values).size === values.length;
    },
  });
  return ajv;
}

/** Checks a value at `path`; an empty list means that it is valid. */
export type Check = (value: unknown, path: string) => Problem[];

/** Compiles on first use: most servers use only a part of the shapes, and start faster this way. */
export function compileCheck(schema: TSchema): Check {
  return (value, path) => {
    const entries = countEntries(value, 0);
    if (entries === Infinity)
      return [
        {
          code: ERRORS.invalid.code,
          message: `Lists and objects are nested more than ${DEPTH_MAX} deep.`,
          context: path,
        },
      ];
    // Ajv caches its compiled checks by the schema.
    const validate: ValidateFunction = useAjv(entries <= ENTRIES_MAX).compile(schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).flatMap((error) => describe(error, path) ?? []);
  };
}

/** Number of entries of a value at all levels, counted up to just above the limit; infinite if nested too deep. */
function countEntries(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depth === DEPTH_MAX) return Infinity;
  let count = 0;
  for (const key in value) {
    count += 1 + countEntries((value as Record<string, unknown>)[key], depth + 1);
    if (count > ENTRIES_MAX) break;
  }
  return count;
}

function describe(error: ErrorObject, base: string): Problem | null {
  const notes = (error.parentSchema ?? {}) as Notes;
  const text = wordsFor(error, notes);
  if (text === null) return null;
  return { code: ERRORS[nameOf(error, notes)].code, message: text, context: pathOf(error, base) };
}

function nameOf({ keyword }: ErrorObject, notes: Notes): ErrorName {
  const above = keyword === 'maximum' ? notes['x-error-above'] : undefined;
  return (
    above ?? notes['x-error'] ?? (keyword === 'additionalProperties' ? 'unknownField' : 'invalid')
  );
}

/** Lengths of values that are quoted back. */
const QUOTED_MAX = 60;

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `"${text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text}"`;
}

/** A sentence, or null if another error of the same value describes the problem better. */
function wordsFor(error: ErrorObject, notes: Notes): string | null {
  const { params, data } = error;
  const limit = String(params['limit'] ?? '');
  switch (error.keyword) {
    case 'required':
      return `"${params['missingProperty']}" is missing.`;
    case 'additionalProperties':
      return `There is no field ${quote(params['additionalProperty'])} here.${suggest(String(params['additionalProperty']).slice(0, QUOTED_MAX), error)}`;
    case 'type':
      return `Must be ${article(params['type'])}, not ${kindOf(data)}.`;
    case 'enum':
      return `Must be one of ${(params['allowedValues'] as string[]).join(', ')}, not ${quote(data)}.`;
    case 'pattern':
      return `${quote(data)} is not allowed here: ${notes['x-hint'] ?? `it must match ${params['pattern']}`}.`;
    case 'minLength':
      return 'Must not be empty.';
    case 'maxLength':
      return `Must have at most ${limit} characters, not ${(data as string).length}.`;
    case 'minItems':
      return `Must have at least ${limit} ${limit === '1' ? 'entry' : 'entries'}.`;
    case 'maxItems':
      return `Must have at most ${limit} entries, not ${(data as unknown[]).length}.`;
    case 'minProperties':
      return notes['x-hint'] === undefined
        ? 'Must not be empty.'
        : `Must not be empty: ${notes['x-hint']}.`;
    case 'maxProperties':
      return `Must have at most ${limit} entries, not ${Object.keys(data as object).length}.`;
    case 'minimum':
    case 'maximum':
      return `Must be ${error.message?.replace('must be ', '')}, not ${String(data)}.`;
    case 'not':
      return `A part is missing: ${notes['x-hint'] ?? 'this form is not allowed'}.`;
    case 'x-unique-by':
      return `Each ${String(error.schema)} may appear once.`;
    case 'propertyNames':
    case 'if':
      return null;
    default:
      return `${error.message ?? 'is not allowed'}.`;
  }
}

function suggest(name: string, error: ErrorObject): string {
  const known = Object.keys(
    (error.parentSchema as { properties?: object } | undefined)?.properties ?? {},
  );
  if (known.length === 0) return '';
  const best = closest(name, known);
  return distance(name, best) <= 2
    ? ` Did you mean "${best}"?`
    : ` Allowed are ${known.join(', ')}.`;
}

function article(type: unknown): string {
  if (Array.isArray(type)) return type.map(article).join(' or ');
  return type === 'null' ? 'null' : `${/^[aeio]/.test(String(type)) ? 'an' : 'a'} ${String(type)}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return article(Array.isArray(value) ? 'array' : typeof value);
}

function pathOf(error: ErrorObject, base: string): string {
  let path = base;
  for (const part of error.instancePath.split('/').slice(1))
    path += stepOf(part.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (error.keyword === 'required') path += stepOf(String(error.params['missingProperty']));
  if (error.keyword === 'additionalProperties')
    path += stepOf(String(error.params['additionalProperty']));
  if (error.propertyName !== undefined) path += stepOf(error.propertyName);
  return path;
}
