/**
 * Strings that can be kept: PostgreSQL's text takes no NUL, its jsonb no lone surrogates either, and no carrier would
 * take them. Pure.
 */
import { stepOf } from './json-path.ts';

/** What is said of a string that cannot be kept. */
export const UNSTORABLE = 'Contains a NUL character or half of a surrogate pair; remove it.';

export function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** JSON paths of all strings and names in a value that stands at `path` which cannot be kept. */
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
 * What a peer says, as it can be kept: without NUL, without halves of surrogate pairs, of at most `lengthMax` UTF-16
 * units. For words that nobody can be asked to correct.
 */
export function keepable(text: string, lengthMax: number): string {
  return text
    .slice(0, lengthMax * 2)
    .replaceAll('\0', '')
    .slice(0, lengthMax)
    .toWellFormed();
}
