/** The part of the English rules that a program can check. */
import { proseOf, withoutCode, type Line } from './markdown.ts';
import { isSql, textsOf } from './source.ts';

/** A fault of a text, and its line. */
export interface Blemish {
  readonly line: number;
  readonly what: string;
}

const COLUMNS_MAX = 100;

/**
 * Words that only Fanfare has used, and phrases that have to be read twice, each with its replacement. Names of the code are in
 * inline code, which is not checked.
 */
const PHRASES: readonly (readonly [phrase: string, better: string])[] = [
  ['tell(?:s|ing)? (?:of|apart)|told', 'delivered, published, notified, reported'],
  ['news|newsWaiting', 'outbox events'],
  ['doubtful', 'in doubt'],
  ['frontiers?', 'high-water mark'],
  ['lanes?', 'carrier'],
  ['paces?|paced|pacing', 'rate limit'],
  ['strangers?', 'unmatched'],
  ['sort(?:s|ed|ing)? out', 'triage'],
  ['g[ia]ve(?:s|n)? back|giving back', 'requeue, return'],
  ['upkeep|housekeeping|chores?', 'maintenance'],
  ['hand(?:s|ed|ing)? (?:it |them )?over', 'submit, deliver'],
  ['guess(?:es)?|believed', 'failed sign-ins, credential cache'],
  ['truthful doubles?', 'local emulator, sandbox'],
  ['c[oa]mes? along', 'is bundled'],
  ['looked after', 'managed'],
  ['lets? go', 'release'],
  ['whoever|whomever', 'a noun: a client, a node'],
  ['(?<=[a-z,;:] )what (?:is|was|are|were|has|had)', 'a noun'],
  ['that of|those of', 'the noun again'],
  ['not only', 'two sentences'],
  ['half took|took at most', 'median'],
  ['with a head|head of a (?:CSV|list)', 'header row'],
  ['named twice', 'duplicates'],
  ['your own figures', 'your measurements'],
  ["the field’s|the field's", 'common'],
];

const BANNED = PHRASES.map(
  ([phrase, better]) => [new RegExp(`\\b(?:${phrase})\\b`, 'i'), better] as const,
);

/** Things that there may be one of. */
const COUNTED =
  'accounts|addresses|attempts|batches|bytes|carriers|cells|characters|columns|connections|days|deliveries|digits|e-mails|entries|errors|events|fields|files|hours|items|keys|lines|lists|messages|minutes|months|nodes|numbers|octets|operations|parts|people|problems|receipts|recipients|requests|rows|seconds|segments|senders|streams|subscriptions|templates|times|tries|values|variables|weeks|words';
/** Units of limits, which are more than one. */
const MEASURED = /bytes|cells|characters|columns|digits|octets/;
const ONE_OF_MANY = new RegExp(`(?<![\\w.,:–-])1 (?:${COUNTED})\\b`);
/** A number that may be one, with a noun that then is wrong. */
const MAYBE_ONE = new RegExp(`\\$\\{([^{}]*)\\} (?:${COUNTED})\\b`, 'g');
/** A limit is a constant, and more than one. */
const IS_LIMIT = /\b[A-Z][A-Z\d_]+\b|Max\b|\blimit(?:Of)?\b/;

function findIn(text: string): string[] {
  const words = BANNED.flatMap(([pattern, better]) => {
    const found = pattern.exec(text);
    return found === null ? [] : [`"${found[0]}": write ${better}`];
  });
  const one = ONE_OF_MANY.exec(text);
  const percent = /\d %(?![\w}])/.exec(text);
  return [
    ...words,
    ...(one === null ? [] : [`"${one[0]}": one is singular`]),
    ...(percent === null ? [] : [`"${percent[0]}": no space before %`]),
  ];
}

/** Blemishes of a page of Markdown. */
export function checkPage(text: string): Blemish[] {
  return proseOf(text).flatMap((line) => [
    ...(isTooWide(line) ? [{ line: line.number, what: `more than ${COLUMNS_MAX} columns` }] : []),
    ...findIn(withoutLinks(withoutCode(line.text))).map((what) => ({ line: line.number, what })),
  ]);
}

const withoutLinks = (line: string) =>
  line.replaceAll(/\]\([^)]*\)/g, ']').replaceAll(/<?https?:\/\/\S+/g, '');

/** Tables, HTML and the targets of links take the width that they need. */
const isTooWide = ({ text }: Line) =>
  !/^\s*(\||<|\[[^\]]+\]: )/.test(text) && [...withoutLinks(text)].length > COLUMNS_MAX;

const COMMENT = /^\s*(?:\/\/|\/\*\*|\*|--)(.*)|[;,{)] \/\/(.*)/;

/** Blemishes of the comments of a source in TypeScript or SQL. */
export function checkComments(source: string): Blemish[] {
  return source.split('\n').flatMap((line, i) => {
    const [, whole, trailing] = COMMENT.exec(line) ?? [];
    return findIn(withoutCode(whole ?? trailing ?? '')).map((what) => ({ line: i + 1, what }));
  });
}

/** Names that only callers of the API know. */
const API_WORD =
  /\bto\[\d|\$\.\w|(?<![\w.$/-])(?!e-mail)[a-z]+[A-Z]\w*|(?<![\w.$/-])[a-z]+_[a-z_]+\b/;

/**
 * Blemishes of the texts of a program: those that have words with a space between. `isPage` is for what is shown on a page, where words
 * of the API do not belong.
 */
export function checkSource(source: string, lang: 'ts' | 'tsx', isPage: boolean): Blemish[] {
  return textsOf(source, lang)
    .filter(
      ({ text }) => /[a-z] [a-z]/i.test(text) && !isSql(text) && !text.startsWith('case when '),
    )
    .flatMap(({ text, line, asksForOne }) => {
      const read = withoutCode(text.replaceAll(/\$\{[^{}]*\}/g, '…'));
      const counted = asksForOne
        ? []
        : [...text.matchAll(MAYBE_ONE)].filter(
            ([found, code = '']) => !IS_LIMIT.test(code) && !MEASURED.test(found),
          );
      const apiWord = isPage ? API_WORD.exec(read) : null;
      return [
        ...findIn(read),
        ...counted.map(([found]) => `"${found}": one is singular`),
        ...(apiWord === null ? [] : [`"${apiWord[0]}" is a word of the API`]),
      ].map((what) => ({ line, what }));
    });
}
