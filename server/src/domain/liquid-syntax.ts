/**
 * Strict syntax check of outputs and of tags with expressions. LiquidJS skips what it does not understand
 * (`{{ a , {{ b }}` is `{{ a }}` to it), so text would disappear without an error. LiquidJS checks everything else.
 * Pure.
 */

/** Tokens of an expression, in order; anything else is stray. */
const TOKEN =
  // oxlint-disable-next-line no-control-regex
  /\s*(?:("(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|(-?\d+(?:\.\d+)?(?![\w-]))|(\.\.|==|!=|<=|>=|<|>|[|:,.()[\]=])|((?:[\w$]|[^\x00-\xa0\s])(?:[\w$?-]|[^\x00-\xa0\s])*))/y;
const OPERATORS = new Set(['==', '!=', '<', '>', '<=', '>=', 'contains', 'and', 'or']);
/** Expressions within brackets within each other. */
const DEPTH_MAX = 20;

/** A position where the source is not a valid expression. */
class Stray extends Error {}

type Token = { readonly kind: 'quoted' | 'number' | 'sign' | 'name'; readonly text: string };

/** Tags with the way to read their arguments. LiquidJS alone checks other tags. */
const TAGS: Readonly<Record<string, (reader: Reader) => void>> = {
  if: (reader) => reader.value(),
  elsif: (reader) => reader.value(),
  unless: (reader) => reader.value(),
  case: (reader) => reader.value(),
  echo: (reader) => reader.filtered(),
  assign(reader) {
    reader.path();
    reader.expect('=');
    reader.filtered();
  },
  when(reader) {
    do reader.operand();
    while (reader.take(',') || reader.take('or'));
  },
  for(reader) {
    reader.path();
    reader.expect('in');
    reader.operand();
    while (!reader.isAtEnd) {
      reader.take(',');
      if (reader.take('reversed')) continue;
      if (!reader.take('limit') && !reader.take('offset')) throw new Stray();
      if (reader.take(':')) reader.operand();
    }
  },
};

/** The problem of a source that LiquidJS accepts, with its position; null if there is none. */
export function findSyntaxProblem(source: string): string | null {
  let verbatim: string | null = null;
  const opening = /\{\{-?|\{%-?/g;
  for (let found = opening.exec(source); found !== null; found = opening.exec(source)) {
    const isTag = found[0].startsWith('{%');
    const from = found.index + found[0].length;
    const end = findEnd(source, from, isTag ? '%}' : '}}', verbatim !== null);
    if (end === -1) return null;
    const inside = source.slice(from, end).replace(/-$/, '');
    const [, name = '', rest = ''] = isTag ? (/^\s*(\w+|#)([\s\S]*)$/.exec(inside) ?? []) : [];
    if (verbatim !== null) {
      if (name === `end${verbatim}`) verbatim = null;
      else {
        opening.lastIndex = from;
        continue;
      }
    } else if (name === 'raw' || name === 'comment') verbatim = name;
    else {
      const read = isTag ? TAGS[name] : (reader: Reader) => reader.filtered();
      const problem = read === undefined ? null : tryRead(isTag ? rest : inside, read);
      if (problem !== null) {
        const whole = source.slice(found.index, end + 2);
        return `"${whole.length > 80 ? `${whole.slice(0, 80)}…` : whole}" ${problem}, ${placeOf(source, found.index)}`;
      }
    }
    opening.lastIndex = end + 2;
  }
  return null;
}

/** A variable with one brace before it and two after it. LiquidJS takes this for text; style sheets do not contain it. */
const HALF_OPENED = /(?<!\{)\{[ \t]*[\w$][\w$.-]*[ \t]*(?:\|[^{}]{0,200})?\}\}/;

/** The problem of `{ name }}`, which would be sent unchanged; null if the source has none. */
export function findHalfOpened(source: string): string | null {
  if (!source.includes('}}') || /\{%-?\s*raw\b/.test(source)) return null;
  const found = HALF_OPENED.exec(source);
  return found === null
    ? null
    : `"${found[0].slice(0, 80)}" begins with one brace and ends with two, ${placeOf(source, found.index)}`;
}

/** The end of a tag: an end within quotes does not count. */
function findEnd(source: string, from: number, end: string, ignoresQuotes: boolean): number {
  if (ignoresQuotes) return source.indexOf(end, from);
  for (let at = from; at < source.length; at += 1) {
    const char = source[at];
    if (char === '"' || char === "'") {
      for (at += 1; at < source.length && source[at] !== char; at += 1)
        if (source[at] === '\\') at += 1;
    } else if (char === end[0] && source[at + 1] === end[1]) return at;
  }
  return -1;
}

function placeOf(source: string, at: number): string {
  const before = source.slice(0, at).split('\n');
  return `line:${before.length}, col:${(before.at(-1)?.length ?? 0) + 1}`;
}

function tryRead(text: string, read: (reader: Reader) => void): string | null {
  const tokens: Token[] = [];
  const kinds = ['quoted', 'number', 'sign', 'name'] as const;
  TOKEN.lastIndex = 0;
  const whole = text.trimEnd();
  for (let at = 0; at < whole.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(whole);
    if (found === null)
      return `has "${whole.slice(at).trim().slice(0, 20)}", which means nothing here`;
    const place = kinds.findIndex((_, i) => found[i + 1] !== undefined);
    tokens.push({ kind: kinds[place] ?? 'sign', text: found[place + 1] ?? '' });
  }
  const reader = createReader(tokens);
  try {
    read(reader);
    if (reader.isAtEnd) return null;
  } catch (error) {
    if (!(error instanceof Stray)) throw error;
  }
  return reader.isAtEnd
    ? 'ends too early'
    : `has "${reader.rest.slice(0, 20)}" where nothing of the kind can stand`;
}

/** Reads tokens from left to right. Each method throws `Stray` if it does not find its token. */
interface Reader {
  readonly isAtEnd: boolean;
  readonly rest: string;
  take(text: string): boolean;
  expect(text: string): void;
  path(): void;
  operand(): void;
  /** Operands with operators between them. */
  value(): void;
  /** A value and its filters. */
  filtered(): void;
}

function createReader(tokens: readonly Token[]): Reader {
  let at = 0;
  let depth = 0;
  const isSign = (text: string) => tokens[at]?.text === text && tokens[at]?.kind !== 'quoted';
  const nextIs = (kind: Token['kind']) => tokens[at]?.kind === kind;
  const step = (holds: boolean) => {
    if (!holds) throw new Stray();
    at += 1;
  };
  const reader: Reader = {
    get isAtEnd() {
      return at >= tokens.length;
    },
    get rest() {
      return tokens
        .slice(at)
        .map(({ text }) => text)
        .join(' ');
    },
    take(text) {
      if (!isSign(text)) return false;
      at += 1;
      return true;
    },
    expect: (text) => step(isSign(text)),
    path() {
      step(nextIs('name') || nextIs('number'));
      access();
    },
    operand() {
      depth += 1;
      if (depth > DEPTH_MAX) throw new Stray();
      if (reader.take('(')) {
        reader.operand();
        reader.expect('..');
        reader.operand();
        reader.expect(')');
      } else if (isSign('[')) access();
      else step(nextIs('quoted') || nextIs('number') || nextIs('name'));
      access();
      depth -= 1;
    },
    value() {
      reader.take('not');
      reader.operand();
      while (nextIs('name') || nextIs('sign')) {
        if (!OPERATORS.has(tokens[at]?.text ?? '')) return;
        at += 1;
        reader.take('not');
        reader.operand();
      }
    },
    filtered() {
      reader.value();
      while (reader.take('|')) {
        step(nextIs('name'));
        if (!reader.take(':')) continue;
        do {
          if (nextIs('name') && tokens[at + 1]?.text === ':') at += 2;
          reader.operand();
        } while (reader.take(','));
      }
    },
  };
  function access(): void {
    for (;;)
      if (reader.take('.')) step(nextIs('name') || nextIs('number'));
      else if (reader.take('[')) {
        reader.operand();
        reader.expect(']');
      } else return;
  }
  return reader;
}
