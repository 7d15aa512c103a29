/** Subscriptions: event types, secrets, and the result of a test. Pure. */
import { closest, distance } from 'fastest-levenshtein';
import { EVENT_TYPES, matchEventType, type EventName } from './event.ts';

/** A subscriber to test. */
export interface TestTarget {
  /** As its owner knows it. */
  readonly id: string;
  readonly kind: 'WEBHOOK' | 'CALLBACK' | 'SINK';
  /** A URL, or the name of a sink. */
  readonly target: string;
  /** The secrets that sign calls, the newest first. */
  readonly secrets: readonly string[];
  /** The key of the compatible signature; null: the newest secret. */
  readonly authToken: string | null;
}

/** The result of a test. */
export interface TestResult {
  readonly delivered: boolean;
  /** Null where no answer came. */
  readonly httpStatus: number | null;
  /** The error, in words; null if there is none. */
  readonly detail: string | null;
  readonly tookMs: number;
}

/** Types and patterns of a subscription. */
export const TYPES_MAX = 50;
export const TYPE_LENGTH_MAX = 100;
/** Maximum validity of the previous secret after a rotation, in seconds. */
export const OVERLAP_SECONDS_DEFAULT = 86_400;
export const OVERLAP_SECONDS_MAX = 604_800;

/** All valid values: types, and groups of types at their dots. */
const WRITABLE = [
  ...EVENT_TYPES,
  ...new Set(
    EVENT_TYPES.flatMap((type) =>
      [...type.matchAll(/\./g)].map(({ index }) => `${type.slice(0, index + 1)}*`),
    ),
  ),
];
/** Maximum number of different letters between a typing error and a suggestion. */
const SLIP_MAX = 3;

/** The problem of a type or a pattern, or null: it must match an existing event. */
export function findTypeProblem(pattern: string): string | null {
  if (matchEventType(pattern).length > 0) return null;
  const quoted = `"${pattern.slice(0, TYPE_LENGTH_MAX)}"`;
  if (pattern.slice(0, -1).includes('*'))
    return `${quoted} has a "*" before its end; only the end may be left open.`;
  const best = WRITABLE.find((each) => each.endsWith(`.${pattern}`)) ?? closest(pattern, WRITABLE);
  return best.endsWith(`.${pattern}`) || distance(pattern, best) <= SLIP_MAX
    ? `There is no event type ${quoted}. Did you mean "${best}"?`
    : `There is no event type ${quoted}. There are ${EVENT_TYPES.join(', ')}; "*" means all.`;
}

/** The names that types and patterns match, in the order of the table. */
export function namesOfTypes(types: readonly string[]): EventName[] {
  const names = new Set(types.flatMap(matchEventType));
  return matchEventType('*').filter((name) => names.has(name));
}

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/;
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
/** Characters of the longest secret. */
export const SECRET_LENGTH_MAX = 6 + Math.ceil(SECRET_BYTES_MAX / 3) * 4;

/** The problem of a secret (Standard Webhooks, "Signature scheme"), or null. The message does not quote the secret. */
export function findSecretProblem(secret: string): string | null {
  const base64 = SECRET.exec(secret)?.[1] ?? '';
  const bytes = (base64.length / 4) * 3 - (base64.length - base64.replaceAll('=', '').length);
  return bytes >= SECRET_BYTES_MIN && bytes <= SECRET_BYTES_MAX
    ? null
    : `Must be "whsec_" and the base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} bytes, with its padding; or omit it for a generated secret.`;
}
