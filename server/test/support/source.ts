/** Reads TypeScript as its grammar has it: functions, strings and words of a file, however they are laid out. */
import { parseAst } from 'rolldown/parseAst';

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A function, method or arrow function of a file. */
export interface SourceFunction {
  readonly name: string;
  /** From its first parameter's line, or its name's, to its last brace's. */
  readonly lines: number;
  /** The same without the lines that belong to functions inside it. */
  readonly ownLines: number;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';

const childrenOf = (node: Node): Node[] => Object.values(node).flat().filter(isNode);

const parse = (source: string, lang: 'ts' | 'tsx' = 'ts') =>
  parseAst(source, { lang }) as unknown as Node;

/** All functions in a source, the nested too. */
export function functionsOf(source: string): SourceFunction[] {
  const found: { name: string; first: number; last: number; inside: Set<number> }[] = [];
  const lineOf = (offset: number) => source.slice(0, offset).split('\n').length;

  function visit(node: Node, name: string, around: (typeof found)[number] | null): void {
    let here = around;
    if (FUNCTIONS.has(node.type)) {
      const [first, last] = [lineOf(node.start), lineOf(node.end)];
      for (let line = first; line <= last; line += 1) around?.inside.add(line);
      here = { name: textOf(node['id']) ?? name, first, last, inside: new Set() };
      found.push(here);
    }
    for (const child of childrenOf(node)) visit(child, nameOf(node, child) ?? name, here);
  }

  visit(parse(source), '(nameless)', null);
  return found.map(({ name, first, last, inside }) => {
    // The lines on which it begins and ends are its own, also where a function inside shares them.
    inside.delete(first);
    inside.delete(last);
    const lines = last - first + 1;
    return { name, lines, ownLines: lines - inside.size };
  });
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** The name of a function: of the variable, property or method whose value it is. */
function nameOf(parent: Node, child: Node): string | null {
  if (parent['value'] === child) return textOf(parent['key']);
  return parent['init'] === child ? textOf(parent['id']) : null;
}

function textOf(node: unknown): string | null {
  if (!isNode(node)) return null;
  return typeof node['name'] === 'string' ? node['name'] : null;
}

/** All strings and templates in a source; inserted code is `$0`. */
export function stringsOf(source: string): string[] {
  const found: string[] = [];
  function visit(node: Node): void {
    if (node.type === 'Literal' && typeof node['value'] === 'string') found.push(node['value']);
    if (node.type === 'TemplateLiteral') {
      const parts = node['quasis'] as { value: { cooked: string | null } }[];
      found.push(parts.map(({ value }) => value.cooked ?? '').join('$0'));
    }
    for (const child of childrenOf(node)) visit(child);
  }
  visit(parse(source));
  return found;
}

/** A text of a program, for people or not. */
export interface SourceText {
  /** Inserted code is `${code}`, or `${…}` if it is long. */
  readonly text: string;
  readonly line: number;
  /** Whether an expression around it asks for the number one. */
  readonly asksForOne: boolean;
}

/** All strings, templates and texts between the tags of JSX in a source; elements within a text are left out. */
export function textsOf(source: string, lang: 'ts' | 'tsx'): SourceText[] {
  const found: SourceText[] = [];
  const codeOf = (node: Node) => source.slice(node.start, node.end);
  const placeOf = (node: Node) => {
    const code = codeOf(node);
    return `\${${/[{}<>]/.test(code) ? '…' : code}}`;
  };

  function textIn(node: Node): string {
    if (node.type === 'TemplateLiteral') {
      const values = node['expressions'] as Node[];
      return (node['quasis'] as { value: { cooked: string | null } }[])
        .map(({ value }, i) => {
          const put = values[i];
          return `${value.cooked ?? ''}${put === undefined ? '' : placeOf(put)}`;
        })
        .join('');
    }
    return (node['children'] as Node[])
      .map((child) => {
        if (child.type === 'JSXText') return String(child['value']).replaceAll(/\s+/g, ' ');
        return child.type === 'JSXExpressionContainer' ? placeOf(child['expression'] as Node) : '';
      })
      .join('');
  }

  function visit(node: Node, asksForOne: boolean): void {
    const add = (text: string) =>
      found.push({ text, line: source.slice(0, node.start).split('\n').length, asksForOne });
    if (node.type === 'Literal' && typeof node['value'] === 'string') add(node['value']);
    if (node.type === 'TemplateLiteral' || isNode(node['openingElement'])) add(textIn(node));
    const asks =
      asksForOne ||
      (node.type === 'ConditionalExpression' && /[=<>] ?1\b/.test(codeOf(node['test'] as Node)));
    for (const child of childrenOf(node)) visit(child, asks);
  }

  visit(parse(source, lang), false);
  return found;
}

/**
 * How statements of SQL begin. One word may begin English as well: what follows tells them apart, and that English
 * begins sentences with one capital letter where SQL has all or none.
 */
const OBJECT =
  '(?:or replace |unique |temp(?:orary)? |unlogged |materialized |event )*' +
  '(?:table|index|view|function|procedure|trigger|type|schema|sequence|extension|database|role|user|domain|policy|publication|subscription|rule|aggregate|cast|collation|server|statistics|tablespace)';
const NAME = '[\\w."$]+';
const STATEMENTS = [
  `select\\s+(?:(?:all|distinct)\\s+)?(?:\\*|'|"|\\$|\\(|\\d|exists|case\\s|null|true|false|${NAME}\\s*(?:[(,:]|$)|(?:.*\\s)?from\\s|${NAME}\\s+as\\s)`,
  'insert\\s+into\\s',
  `update\\s+(?:only\\s+)?${NAME}\\s+(?:(?:as\\s+)?${NAME}\\s+)?set\\s`,
  `delete\\s+from\\s`,
  `merge\\s+into\\s`,
  `with\\s+(?:recursive\\s+)?${NAME}\\s*(?:\\([^)]*\\)\\s*)?as\\s+(?:(?:not\\s+)?materialized\\s+)?\\(`,
  // Inserted code may be the names.
  `with\\s+\\$0.*\\s(?:select|insert\\s+into|update|delete\\s+from)\\s`,
  'values\\s*\\(',
  `table\\s+${NAME}\\s*$`,
  `lock\\s+(?:table\\s|${NAME}\\s+in\\s|${NAME}\\s*$)`,
  `truncate\\s+(?:table\\s|only\\s|${NAME}\\s*(?:,|$|cascade|restart))`,
  `copy\\s+(?:\\(|${NAME}\\s*(?:\\([^)]*\\)\\s*)?(?:from|to)\\s+(?:std|'|program))`,
  `(?:un)?listen\\s+(?:\\*|${NAME})\\s*$`,
  `notify\\s+${NAME}\\s*(?:,|$)`,
  `(?:create|alter|drop)\\s+${OBJECT}\\s`,
  `comment\\s+on\\s+${OBJECT}\\s`,
  `(?:grant|revoke)\\s+.*\\son\\s.*\\s(?:to|from)\\s`,
  '(?:begin|commit|rollback)(?:\\s+(?:work|transaction))?(?:\\s+(?:isolation\\s+level|read\\s+(?:only|write)|and\\s+(?:no\\s+)?chain|to\\s+savepoint|prepared)\\b.*)?\\s*$',
  'start\\s+transaction',
  `(?:release\\s+)?savepoint\\s+${NAME}`,
  `set\\s+(?:(?:local|session)\\s+)?${NAME}\\s*(?:=|to\\s)`,
  'set\\s+(?:constraints|transaction|session characteristics|role)\\s',
  `reset\\s+(?:all|role|${NAME}_${NAME})\\s*$`,
  `show\\s+(?:all|server_version|${NAME}_${NAME})\\s*$`,
  `(?:vacuum|analyze|reindex|cluster|checkpoint|discard)(?:\\s+(?:\\(.*\\)|full|all|concurrently|${OBJECT}))*(?:\\s+${NAME})?\\s*$`,
  `explain\\s+(?:\\(|analyze\\s|verbose\\s|select\\s)`,
  `refresh\\s+materialized\\s+view`,
  `(?:prepare\\s+${NAME}.*\\sas|declare\\s+${NAME}\\s.*cursor|fetch\\s+.*\\sfrom|execute\\s+${NAME}\\s*\\()`,
  `call\\s+${NAME}\\s*\\(`,
  `do\\s+(?:language\\s+\\w+\\s+)?(?:\\$|')`,
];
const BEGINNINGS = STATEMENTS.map((each) => new RegExp(`^${each}`, 's'));
/** Said alone these are words of other languages too: names of commands, of events, of tags. */
const PLAIN_WORDS = new Set([
  'select',
  'update',
  'delete',
  'lock',
  'analyze',
  'cluster',
  'prepare',
]);

/** Whether a text is a statement of SQL, or begins with one or with a part that has one in brackets. */
export function isSql(text: string): boolean {
  const bare = text.replaceAll(/--[^\n]*\n|\/\*.*?\*\//gs, ' ').replace(/^[\s;(]+/, '');
  const brackets = [...bare.matchAll(/\(\s*(?=(?:select|insert|update|delete|with)\s)/gi)];
  const inBrackets = brackets.map((each) => bare.slice(each.index + each[0].length));
  return [bare, ...inBrackets].some(beginsWithStatement);
}

function beginsWithStatement(text: string): boolean {
  const [first = ''] = text.split(';');
  const statement = first.trim();
  const verb = /^[A-Za-z]+/.exec(statement)?.[0] ?? '';
  if (verb !== verb.toLowerCase() && verb !== verb.toUpperCase()) return false;
  if (PLAIN_WORDS.has(statement.toLowerCase())) return false;
  return BEGINNINGS.some((pattern) => pattern.test(statement.toLowerCase()));
}
