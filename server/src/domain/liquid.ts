/**
 * Liquid: personalises texts, media URLs and tag values with LiquidJS. A template is parsed once and rendered for each
 * recipient. Rendering is a pure function of template, variables and time, so that a retry, a resend and a later read
 * agree. Its length, time and memory are limited, so that no template can block or exhaust the server.
 *
 * Plain templates (text and variables, with optional defaults) use our own fast path: 10,000 renderings take a few
 * milliseconds instead of about eighty.
 */
import { Context, Liquid, Output, type Template as LiquidNode } from 'liquidjs';
import { countParts, limitSteps } from './liquid-steps.ts';
import { findHalfOpened, findSyntaxProblem } from './liquid-syntax.ts';
import { isStorable } from './storable.ts';

/** Default maximum length of a template's source. */
export const TEMPLATE_LENGTH_MAX = 65_536;
/** The maximum length for any field. */
const SOURCE_LENGTH_MAX = 262_144;
/** Maximum of LiquidJS's count of created characters and elements in one rendering. */
const MEMORY_MAX = 200_000;
/** Maximum nesting of tags. */
const DEPTH_MAX = 20;

/** Tags that read files, or make tables for browsers. */
const TAGS_REMOVED = ['include', 'render', 'layout', 'block', 'tablerow'];
/** Filters that are random, or run expressions of their own. */
const FILTERS_REMOVED = [
  'sample',
  'where_exp',
  'reject_exp',
  'group_by_exp',
  'has_exp',
  'find_exp',
  'find_index_exp',
];

/** Arithmetic filters. LiquidJS takes text for 0, so "12,50" plus 1 would be 1. */
const ARITHMETIC = [
  'abs',
  'at_least',
  'at_most',
  'ceil',
  'divided_by',
  'floor',
  'minus',
  'modulo',
  'plus',
  'round',
  'times',
];

/** Filters whose first arguments are numbers, and how many. LiquidJS would read text as a number for each character. */
const COUNTING = { slice: 2, truncate: 1, truncatewords: 1 };

export interface Template {
  readonly source: string;
  /** Literal parts and variables, when there is nothing else; else null. */
  readonly plain: readonly PlainPart[] | null;
  readonly nodes: LiquidNode[];
}

type PlainPart = string | { readonly name: string; readonly fallback: string | null };

export type ParseResult =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly problem: { readonly message: string } };

let engine: Liquid | null = null;

/** Created with the first template, because it takes time. */
const useEngine = () => (engine ??= createEngine());

function createEngine(): Liquid {
  const liquid = new Liquid({
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    dynamicPartials: false,
    timezoneOffset: 0,
    parseLimit: SOURCE_LENGTH_MAX,
    memoryLimit: MEMORY_MAX,
  });
  countParts(liquid);
  for (const name of TAGS_REMOVED) delete liquid.tags[name];
  for (const name of FILTERS_REMOVED) delete liquid.filters[name];
  for (const name of Object.keys(liquid.filters).filter((each) => each.startsWith('date'))) {
    // "now" is the time the message is meant for, not the time it happens to be rendered.
    wrapFilter(liquid, name, (original, context, [value, ...rest]) => {
      const now = value === 'now' || value === 'today';
      return original([now ? context.globals['now'] : value, ...rest]);
    });
  }
  for (const name of ARITHMETIC)
    wrapFilter(liquid, name, (original, _, values) => {
      for (const each of values)
        if (typeof each === 'string' && !Number.isFinite(Number(each))) throw noNumber(each, name);
      const result = original(values);
      if (typeof result === 'number' && !Number.isFinite(result))
        throw new Error(`The result of "${name}" is no number`);
      return result;
    });
  for (const [name, numbers] of Object.entries(COUNTING))
    wrapFilter(liquid, name, (original, _, [value, ...rest]) =>
      original([value, ...rest.map((each, i) => (i < numbers ? toNumber(each, name) : each))]),
    );
  return liquid;
}

/** Replaces a filter by one that may call it with other values: the first is its input. */
function wrapFilter(
  liquid: Liquid,
  name: string,
  wrap: (
    original: (values: readonly unknown[]) => unknown,
    context: Context,
    values: readonly unknown[],
  ) => unknown,
): void {
  const original = liquid.filters[name];
  if (typeof original !== 'function') return;
  liquid.registerFilter(name, function (...values: unknown[]) {
    const call = (given: readonly unknown[]) =>
      original.apply(this, given as [unknown, ...unknown[]]);
    return wrap(call, this.context, values);
  });
}

function toNumber(value: unknown, filter: string): unknown {
  if (typeof value !== 'string') return value;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw noNumber(value, filter);
  return number;
}

function noNumber(value: string, filter: string): Error {
  return new Error(`${JSON.stringify(value.slice(0, 80))} is no number, which "${filter}" needs`);
}

/** Parses a template; a problem has a message and a position. */
export function parseTemplate(source: string, lengthMax = TEMPLATE_LENGTH_MAX): ParseResult {
  const halfOpened = findHalfOpened(source);
  if (halfOpened !== null) return refuse(halfOpened);
  if (!source.includes('{{') && !source.includes('{%'))
    return { ok: true, template: { source, plain: source === '' ? [] : [source], nodes: [] } };
  if (source.length > lengthMax)
    return refuse(
      `The template has ${source.length} characters (UTF-16 units); at most ${lengthMax} are allowed.`,
    );
  if (nestsTooDeep(source)) return refuse(`Tags are nested more than ${DEPTH_MAX} deep.`);
  try {
    const nodes = useEngine().parse(source);
    const problem = findSyntaxProblem(source);
    if (problem !== null) return refuse(problem);
    for (const node of nodes) readSlots(node);
    return { ok: true, template: { source, plain: readPlain(nodes), nodes } };
  } catch (error) {
    return refuse(describe(error));
  }
}

function refuse(message: string): ParseResult {
  return { ok: false, problem: { message } };
}

/** The first line of LiquidJS's message; the rest quotes the template. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? message;
}

/** Counted on the source: the parser itself recurses. */
function nestsTooDeep(source: string): boolean {
  let depth = 0;
  for (const [, end] of source.matchAll(
    /\{%-?\s*(end)?(?:if|unless|case|for|capture|comment|raw)\b/g,
  )) {
    depth = Math.max(0, depth + (end === undefined ? 1 : -1));
    if (depth > DEPTH_MAX) return true;
  }
  return false;
}

/** LiquidJS's tokens of `{{ name | default: 'x' }}`, which its types do not define. */
interface OutputNode {
  readonly value?: {
    readonly initial: { readonly postfix: Token[] };
    readonly filters: readonly { readonly name: string; readonly args: readonly unknown[] }[];
  };
  readonly str?: string;
  readonly branches?: readonly { readonly templates: LiquidNode[] }[];
  readonly templates?: LiquidNode[];
  readonly elseTemplates?: LiquidNode[];
}

interface Token {
  readonly kind: number;
  readonly content?: unknown;
  readonly props?: readonly Token[];
  readonly variable?: unknown;
}

/** LiquidJS's TokenKind. */
const NUMBER = 1;
const IDENTIFIER = 256;
const QUOTED = 1024;

/** `{{1}}` means the variable "1" (a slot of a template); Liquid would read a number. */
function readSlots(template: LiquidNode): void {
  const node = template as unknown as OutputNode;
  // Tags have values too: "{% assign x = 1 %}" means the number.
  const postfix = template instanceof Output ? node.value?.initial.postfix : undefined;
  const token = postfix?.[0];
  if (postfix?.length === 1 && token?.kind === NUMBER && Number.isInteger(token.content))
    postfix[0] = slotToken(String(token.content));
  const inner = [
    node.templates,
    node.elseTemplates,
    ...(node.branches ?? []).map((branch) => branch.templates),
  ];
  for (const each of inner.flat()) if (each !== undefined) readSlots(each);
}

function slotToken(name: string): Token {
  const [node] = useEngine().parse('{{ slot }}') as unknown as OutputNode[];
  const token = node?.value?.initial.postfix[0];
  const [identifier] = token?.props ?? [];
  if (token === undefined || identifier === undefined)
    throw new Error('LiquidJS changed its tokens.');
  (identifier as { content: unknown }).content = name;
  return token;
}

function readPlain(nodes: readonly LiquidNode[]): PlainPart[] | null {
  const parts: PlainPart[] = [];
  for (const each of nodes) {
    const part = readPlainPart(each);
    if (part === null) return null;
    parts.push(part);
  }
  return parts;
}

function readPlainPart(template: LiquidNode): PlainPart | null {
  const node = template as unknown as OutputNode;
  if (typeof node.str === 'string') return node.str;
  if (!(template instanceof Output)) return null;
  const [token, ...more] = node.value?.initial.postfix ?? [];
  const [identifier, ...deeper] = token?.props ?? [];
  if (
    node.value === undefined ||
    more.length > 0 ||
    deeper.length > 0 ||
    token?.variable !== undefined
  )
    return null;
  if (identifier?.kind !== IDENTIFIER || typeof identifier.content !== 'string') return null;
  const name = identifier.content;
  const [filter, ...others] = node.value.filters;
  if (filter === undefined) return { name, fallback: null };
  const [argument, ...rest] = filter.args as Token[];
  const literal = argument?.kind === QUOTED && typeof argument.content === 'string';
  if (filter.name !== 'default' || others.length > 0 || rest.length > 0 || !literal) return null;
  return { name, fallback: argument.content as string };
}

/** Whether a template has no Liquid at all. */
export function isConstant(template: Template): boolean {
  return template.plain?.every((part) => typeof part === 'string') ?? false;
}

/** Required variables of a plain template; null if only rendering can find them. */
export function requiredVariables(template: Template): readonly string[] | null {
  if (template.plain === null) return null;
  return template.plain.flatMap((part) =>
    typeof part !== 'string' && part.fallback === null ? part.name : [],
  );
}

export type RenderResult =
  | { readonly ok: true; readonly text: string }
  /** A variable has neither a value nor a default. */
  | { readonly ok: false; readonly missing: string }
  | { readonly ok: false; readonly problem: string; readonly isTooLong?: boolean };

export interface RenderOptions {
  /** Whether a variable without value and default is an error; otherwise it is empty. */
  readonly requireVariables: boolean;
  /** Characters the result may have. */
  readonly lengthMax: number;
}

/** Renders a template with one recipient's variables, as of the time `at`. Never throws. */
export function renderTemplate(
  template: Template,
  variables: Readonly<Record<string, string>> | null,
  at: Date,
  options: RenderOptions,
): RenderResult {
  const result =
    template.plain === null
      ? renderWithEngine(template.nodes, variables, at, options)
      : renderPlain(template.plain, variables, options);
  if (result.ok && result.text.length > options.lengthMax)
    return {
      ok: false,
      isTooLong: true,
      problem: `The text has ${result.text.length} characters (UTF-16 units); at most ${options.lengthMax} are allowed.`,
    };
  return result;
}

function renderPlain(
  parts: readonly PlainPart[],
  variables: Readonly<Record<string, string>> | null,
  { requireVariables }: RenderOptions,
): RenderResult {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const known = variables !== null && Object.hasOwn(variables, part.name);
    const value = known ? variables[part.name] : undefined;
    // Liquid's default also replaces an empty string.
    if (part.fallback !== null) text += value === undefined || value === '' ? part.fallback : value;
    else if (value !== undefined) text += value;
    else if (requireVariables) return { ok: false, missing: part.name };
  }
  return { ok: true, text };
}

function renderWithEngine(
  nodes: LiquidNode[],
  variables: Readonly<Record<string, string>> | null,
  at: Date,
  options: RenderOptions,
): RenderResult {
  try {
    const text: unknown = useEngine().renderSync(nodes, openContext(variables ?? {}, at, options));
    return isStorable(String(text))
      ? { ok: true, text: String(text) }
      : {
          ok: false,
          problem: 'The text has half of a character or a NUL, which a filter has made.',
        };
  } catch (error) {
    const missing = missingVariable(error);
    return missing === null ? { ok: false, problem: describe(error) } : { ok: false, missing };
  }
}

function openContext(
  variables: Readonly<Record<string, string>>,
  at: Date,
  { requireVariables }: RenderOptions,
): Context {
  // A copy: "increment" writes to them.
  const context = new Context({ ...variables }, useEngine().options, {
    globals: { now: at },
    strictVariables: requireVariables,
    sync: true,
  });
  limitSteps(context);
  return context;
}

function missingVariable(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'UndefinedVariableError') return null;
  return /^undefined variable: ([^,\n]+)/.exec(error.message)?.[1] ?? null;
}
