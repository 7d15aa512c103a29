/**
 * Strings that can be stored. PostgreSQL's text accepts no NUL, its jsonb also no lone surrogates, and carriers accept
 * neither. Pure.
 */
import { stepOf } from './json-path.ts';

/** The message for a string that cannot be stored. */
export const UNSTORABLE = 'Contains a NUL character or half of a surrogate pair; remove it.';

export function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** JSON paths of all strings and names in a value at `path` that cannot be stored. */
export function findUnstorable(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string') return isStorable(value) ? NONE : [path];
  if (typeof value !== 'object' || value === null) return NONE;
  let found = NONE;
  for (const key in value) {
    const each = (value as Record<string, unknown>)[key];
    if (isStorable(key) && (typeof each === 'string' ? isStorable(each) : typeof each !== 'object'))
      continue;
    const place = path + stepOf(key);
    const within = isStorable(key) ? findUnstorable(each, place) : [place];
    if (within.length > 0) found = [...found, ...within];
  }
  return found;
}

const NONE: readonly string[] = [];

/**
 * Makes a peer's text storable: without NUL, without lone surrogates, at most `lengthMax` UTF-16 units. For texts that
 * nobody can correct.
 */
export function keepable(text: string, lengthMax: number): string {
  return text
    .slice(0, lengthMax * 2)
    .replaceAll('\0', '')
    .slice(0, lengthMax)
    .toWellFormed();
}
