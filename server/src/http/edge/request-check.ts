/**
 * The check for all parts of all requests: their shape, by the documented schema, and whether the
 * database can store them.
 */
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import { ERRORS, type Problem } from '../../domain/errors.ts';
import { findUnstorable, UNSTORABLE } from '../../domain/storable.ts';
import { compileCheck } from '../../shapes/check.ts';
import { Refusal } from '../../shapes/refusal.ts';

type CheckResult = { readonly value: unknown } | { readonly error: Error };

/** One check for all parts of all requests; parameters of URLs are turned into the numbers and booleans they mean. */
export function compileFor(
  app: FastifyInstance,
  schema: TSchema,
  httpPart: string | undefined,
): (value: unknown) => CheckResult {
  const named = (schema as { $ref?: string }).$ref;
  const own = named === undefined ? schema : (app.getSchema(named.replace('#', '')) as TSchema);
  const check = compileCheck(own);
  return (value) => {
    const read =
      httpPart === 'querystring' ? readValues(value as Record<string, unknown>, own) : value;
    const problems = check(read, '$');
    if (httpPart === 'querystring')
      problems.push(...findEmpty(read as Record<string, unknown>, problems));
    // Checked only for values of the right shape, because the shape bounds their depth.
    if (problems.length === 0)
      for (const context of findUnstorable(read, '$'))
        problems.push({ code: ERRORS.invalid.code, message: UNSTORABLE, context });
    return problems.length > 0 ? { error: new Refusal(400, problems) } : { value: read };
  };
}

/** Positions in a list. An empty value means its beginning. */
const PLACES = ['pageToken', 'lastEventId'];

/** An empty filter would select everything, which no client intends. */
function findEmpty(query: Record<string, unknown>, known: readonly Problem[]): Problem[] {
  return Object.entries(query)
    .filter(([name, value]) => value === '' && !PLACES.includes(name))
    .map(([name]) => ({
      code: ERRORS.invalid.code,
      message: 'It is empty: give a value, or leave it out.',
      context: `$.${name}`,
    }))
    .filter(({ context }) => !known.some((each) => each.context === context));
}

function readValues(query: Record<string, unknown>, schema: TSchema): Record<string, unknown> {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> };
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, readValue(value, properties[name]?.type)]),
  );
}

function readValue(value: unknown, type: string | undefined): unknown {
  if (typeof value !== 'string') return value;
  if (type === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
