/**
 * Reads the text of receipts (SMPP 3.4, appendix B). The form differs between SMSCs; some write JSON, XML, or no separators:
 *
 * ```
 *  id:IIIIIIIIII sub:SSS dlvrd:DDD submit date:YYMMDDhhmm done date:YYMMDDhhmm stat:DDDDDDD err:E text:…
 * ```
 * A field with two different values is ignored. Pure.
 */
import { parseJsonText } from '../http/json.ts';

/** Maximum length of text that is searched for fields; a payload could have 64 kB. */
export const TEXT_LENGTH_MAX = 2_048;
const NAMES =
  '(?:(?:message|msg)[ _]?)?id|(?:message[ _]?)?stat(?:us|e)?|err(?:or)?|sub|dlvrd|submit[ _]?date|done[ _]?date|text';
const FIELD = new RegExp(`(?:^|[\\s;,|&/])(${NAMES})\\s{0,4}[:=]`, 'gi');

/** Fields by name without spaces, in lower case. The values are trimmed, without quotes. */
export function readReceiptFields(text: string): ReadonlyMap<string, string> {
  const limited = text.slice(0, TEXT_LENGTH_MAX).replaceAll('\0', ' ');
  const pairs = listPairs(limited);
  return pairs.length > 0 ? readPairs(pairs) : (readPacked(limited) ?? readWords(limited));
}

/** Fields of JSON or XML; none for other texts. */
function listPairs(text: string): readonly Pair[] {
  switch (text.trimStart()[0]) {
    case '{':
    case '[':
      return listMembers(parseJsonText(text));
    case '<':
      return listElements(text);
    default:
      return [];
  }
}

/** Fields with separators; the first value of each counts. */
function readWords(limited: string): ReadonlyMap<string, string> {
  const found: { name: string; from: number; at: number }[] = [];
  const names = new Set<string>();
  for (const match of limited.matchAll(FIELD)) {
    const name = nameOf(match[1] ?? '');
    // A second one is part of the message's own words.
    if (names.has(name)) continue;
    names.add(name);
    found.push({ name, at: match.index, from: match.index + match[0].length });
  }
  return new Map(
    found.map(({ name, from }, i) => [
      name,
      limited
        .slice(from, found[i + 1]?.at)
        .replace(/[\s,;|]+$/, '')
        .trimStart()
        .replace(/^(["'])(.*)\1$/s, '$2')
        .trim(),
    ]),
  );
}

/** All fields of appendix B without separators: the name of the next field ends a field. */
const PACKED =
  /^\s*id:(\S{1,65}?)sub:(\d{1,3})dlvrd:(\d{1,3})submit ?date:(\d{10,14})done ?date:(\d{10,14})stat:([A-Z]{2,20}?)err:(\w{1,8}?)(?:text:|\s|$)/i;

function readPacked(text: string): ReadonlyMap<string, string> | null {
  const [whole, id, sub, dlvrd, submitdate, donedate, stat, err] = PACKED.exec(text) ?? [];
  if (whole === undefined) return null;
  return new Map(
    Object.entries({ id, sub, dlvrd, submitdate, donedate, stat, err } as Record<string, string>),
  );
}

type Pair = readonly [name: string, value: string];

/** A repeated field counts only if its values are equal. */
function readPairs(pairs: readonly Pair[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of pairs) {
    const field = nameOf(name);
    const known = fields.get(field);
    fields.set(field, known === undefined || known === value.trim() ? value.trim() : '');
  }
  return fields;
}

/** Maximum nesting of objects, as in `{"dlr": {"id": …}}`. */
const NESTING_MAX = 3;

function listMembers(value: unknown, depth = 0): Pair[] {
  if (typeof value !== 'object' || value === null || depth > NESTING_MAX) return [];
  return Object.entries(value).flatMap(([name, each]: [string, unknown]): Pair[] =>
    typeof each === 'string' || typeof each === 'number'
      ? [[name, String(each)]]
      : listMembers(each, depth + 1),
  );
}

const ELEMENT = /<([\w:.-]{1,40})(?:\s[^<>]*)?>(?:<!\[CDATA\[([^<>]*)\]\]>|([^<>]*))<\/\1\s*>/g;
const ATTRIBUTE = /\s([\w:.-]{1,40})\s{0,4}=\s{0,4}(?:"([^"<>]*)"|'([^'<>]*)')/g;

/** XML elements that contain only text, and all attributes. */
function listElements(text: string): Pair[] {
  const inTags = text.replaceAll(/>[^<]*/g, '>').replace(/<[?!][^>]*>/g, '');
  return [...text.matchAll(ELEMENT), ...inTags.matchAll(ATTRIBUTE)].map(
    ([, name = '', one = '', other = '']): Pair => [name.replace(/^.*:/, ''), one || other],
  );
}

function nameOf(word: string): string {
  const name = word
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/^(message|msg)/, '');
  return name.startsWith('stat') ? 'stat' : /^err(or)?(code)?$/.test(name) ? 'err' : name;
}
