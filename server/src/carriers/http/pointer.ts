/**
 * Pointers into answers, events and our own submissions: JSON Pointers (RFC 6901) with two additions. Pure; a pointer
 * without a match is not an error.
 *
 * ```
 *  /messages/0/id       down from here; "" is here itself
 *  /entries/*          every member of a list, where a pointer may have several matches
 *  2/metadata/name      first two steps up from an event, then down (a Relative JSON Pointer)
 *  ?reference           a parameter of the request's URL
 * ```
 */

/** A pointer, read once. */
export interface Pointer {
  readonly source: string;
  /** Name of a query parameter; null for a pointer into a document. */
  readonly parameter: string | null;
  readonly up: number;
  readonly steps: readonly string[];
}

/** A value and the values that hold it, the nearest last. */
export interface Place {
  readonly value: unknown;
  readonly holders: readonly unknown[];
}

const FORM = /^(?:\?[^/]+|(?:\d{1,2})?(?:\/(?:[^~/]|~[01])*)*)$/;

/**
 * Reads a pointer.
 * @throws Error for an invalid pointer.
 */
export function parsePointer(source: string): Pointer {
  if (!FORM.test(source))
    throw new Error(`"${source}" is not a pointer; write it like /messages/0/id.`);
  if (source.startsWith('?')) return { source, parameter: source.slice(1), up: 0, steps: [] };
  const [up = '', ...steps] = source.split('/');
  return {
    source,
    parameter: null,
    up: Number(up),
    steps: steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
  };
}

/** The root: the whole document. */
export function placeOf(document: unknown): Place {
  return { value: document, holders: [] };
}

/** All matches of a pointer; `*` stands only for each member of a list. */
export function findPlaces(from: Place, pointer: Pointer): Place[] {
  let places = climb(from, pointer.up);
  for (const step of pointer.steps)
    places = places.flatMap(({ value, holders }) =>
      membersOf(value, step).map((member) => ({ value: member, holders: [...holders, value] })),
    );
  return places;
}

/** The first match of a pointer that is not null; undefined if there is none. */
export function findValue(from: Place, pointer: Pointer): unknown {
  return findPlaces(from, pointer).find(({ value }) => value !== null && value !== undefined)
    ?.value;
}

function climb(from: Place, up: number): Place[] {
  if (up === 0) return [from];
  const at = from.holders.length - up;
  return at < 0 ? [] : [{ value: from.holders[at], holders: from.holders.slice(0, at) }];
}

function membersOf(value: unknown, step: string): readonly unknown[] {
  if (Array.isArray(value)) {
    if (step === '*') return value;
    return /^(?:0|[1-9]\d{0,8})$/.test(step) && Number(step) < value.length
      ? [value[Number(step)]]
      : [];
  }
  // Own members only: names such as "constructor" lead nowhere.
  return typeof value === 'object' && value !== null && Object.hasOwn(value, step)
    ? [(value as Record<string, unknown>)[step]]
    : [];
}
