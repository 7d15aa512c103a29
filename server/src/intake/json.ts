/**
 * Reads the JSON of requests strictly: it refuses input that two parsers could read differently.
 */
import { isUtf8 } from 'node:buffer';
import { problemOf, type Problem } from '../domain/errors.ts';
import { stepOf } from '../domain/json-path.ts';
import { Refusal, refuse } from '../shapes/refusal.ts';

/**
 * The value that bytes are. @throws Refusal when they are not JSON, not UTF-8 (RFC 8259, section 8.1: no character is replaced by
 * another), have more values than they may, or name a field twice, of which readers choose differently (section 4). Messages name `subject`.
 */
export function parseJson(bytes: Uint8Array, valuesMax = Infinity, subject = 'The body'): unknown {
  if (!isUtf8(bytes))
    throw new Refusal(400, [
      problemOf(
        'malformedJson',
        `${subject} is not UTF-8: byte ${findBadByte(bytes)} cannot be read.`,
      ),
    ]);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const { fields, values, depth } = measure(text);
  if (depth > DEPTH_MAX)
    throw refuse('invalid', `Lists and objects are nested more than ${DEPTH_MAX} deep.`);
  if (values > valuesMax)
    throw refuse('invalid', `${subject} has more than ${valuesMax} values; split it.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, [
      problemOf('malformedJson', `${subject} is not JSON: ${(error as Error).message}`),
    ]);
  }
  if (fields !== countKept(value)) throw new Refusal(400, findTwins(text));
  return value;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const [OPEN_BRACE, CLOSE_BRACE] = [0x7b, 0x7d];
const [OPEN_BRACKET, CLOSE_BRACKET] = [0x5b, 0x5d];
/** Maximum number of reported duplicates. */
const TWINS_MAX = 10;

/** Deeper than any valid body. Parsing and checking a hostile body would take long. */
const DEPTH_MAX = 64;

/** Counts of a JSON text outside of strings: fields, each with one colon; values, by their commas; and the depth. */
function measure(text: string): { fields: number; values: number; depth: number } {
  let [fields, values, depth, level] = [0, 1, 0, 0];
  for (let i = 0; i < text.length; i += 1) {
    switch (text.charCodeAt(i)) {
      case COLON:
        fields += 1;
        break;
      case COMMA:
        values += 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        level += 1;
        if (level > depth) depth = level;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        level -= 1;
        break;
      case QUOTE:
        i = findEnd(text, i);
        // An unterminated string: the text is not JSON.
        if (i < 0) i = text.length;
        break;
      default:
    }
  }
  return { fields, values, depth };
}

/** The place of the quote that ends the string which begins at `start`; -1 when none does. */
function findEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (text.charCodeAt(end - 1) === BACKSLASH) {
    let slashes = 1;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) break;
    end = text.indexOf('"', end + 1);
  }
  return end;
}

/** Fields that are left: of twins, `JSON.parse` keeps one. Values wait in a list, as they may be nested as deep as they like. */
function countKept(value: unknown): number {
  let count = 0;
  const waiting = [value];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (typeof each !== 'object' || each === null) continue;
    if (Array.isArray(each)) {
      for (const entry of each)
        if (typeof entry === 'object' && entry !== null) waiting.push(entry);
      continue;
    }
    for (const key in each) {
      count += 1;
      const field: unknown = (each as Record<string, unknown>)[key];
      if (typeof field === 'object' && field !== null) waiting.push(field);
    }
  }
  return count;
}

function isFollowedByColon(text: string, end: number): boolean {
  let place = end + 1;
  while (' \t\r\n'.includes(text[place] ?? '-')) place += 1;
  return text[place] === ':';
}

/** Duplicate fields, with their places. For text that is JSON. */
function findTwins(text: string): Problem[] {
  const twins: Problem[] = [];
  /** Of each object around the place its names so far, of each list null; and the step that is being read. */
  const around: { readonly names: Set<string> | null; step: string | number }[] = [];
  const pathOf = () =>
    `$${around.map(({ step }) => (typeof step === 'number' ? `[${step}]` : stepOf(step))).join('')}`;
  for (let i = 0; i < text.length && twins.length < TWINS_MAX; i += 1) {
    const inner = around.at(-1);
    const sign = text[i];
    if (sign === '{') around.push({ names: new Set(), step: '' });
    else if (sign === '[') around.push({ names: null, step: 0 });
    else if (sign === '}' || sign === ']') around.pop();
    else if (sign === ',' && typeof inner?.step === 'number') inner.step += 1;
    else if (sign === '"') {
      const end = findEnd(text, i);
      if (inner?.names && isFollowedByColon(text, end)) {
        const name = JSON.parse(text.slice(i, end + 1)) as string;
        inner.step = name;
        if (inner.names.has(name))
          twins.push({
            ...problemOf(
              'malformedJson',
              `The field "${name.slice(0, 60)}" occurs twice. Use it once.`,
            ),
            context: pathOf(),
          });
        inner.names.add(name);
      }
      i = end;
    }
  }
  return twins;
}

/** The first byte that no UTF-8 can have where it stands, counted from 0. */
function findBadByte(bytes: Uint8Array): number {
  /** The longest beginning of whole characters up to a length, or -1: a character has at most four bytes. */
  const wholeUpTo = (length: number) =>
    [0, 1, 2, 3].map((less) => length - less).find((n) => n >= 0 && isUtf8(bytes.subarray(0, n))) ??
    -1;
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (wholeUpTo(middle) >= 0) good = middle;
    else bad = middle;
  }
  return wholeUpTo(good);
}
