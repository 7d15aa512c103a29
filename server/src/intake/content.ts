/**
 * Checks the content of a request: problems for all recipients, reported once, and problems for
 * single recipients. A plain text is not rendered for each of ten thousand recipients here: their
 * variables are only counted. Pure.
 */
import {
  checkConstants,
  chooseContent,
  hasMedia,
  isConstantField,
  isSameForAll,
  messageIdOf,
  needsRendering,
  parseContent,
  renderContent,
  requiredOf,
  type ModulesContent,
  type OperationContent,
  type ParsedContent,
} from '../domain/content.ts';
import { fitContent, narrowestText, type Route } from '../domain/carriage.ts';
import type { ContentTemplate } from '../domain/content-template.ts';
import type { Problem } from '../domain/errors.ts';
import type { RequestedContent } from '../domain/send-request.ts';
import type { Places } from './places.ts';
import { FirstSeen } from '../lib/first-seen.ts';
import { invalid, NO_PROBLEMS, problem, valid, type Checked } from './problems.ts';

/** The values of one recipient for placeholders. */
export type Variables = Readonly<Record<string, string>> | null;

/** How templates of a request are rendered. */
export interface Rendering {
  /** The time that templates see as "now". */
  readonly renderAt: Date;
  /** Whether a variable without value and default is refused. */
  readonly requireVariables: boolean;
  /** Names recipients in problems. */
  readonly places: Places;
}

/** Reads the content of a request. `template` is the one that `contentId` names. */
export function readContent(
  requested: RequestedContent,
  template: ContentTemplate | null,
): Checked<OperationContent | null> {
  if ('contentId' in requested)
    return template === null
      ? invalid(
          problem(
            'contentTemplate',
            `There is no content template ${requested.contentId.slice(0, 60)}; GET /v1/Content lists the existing ones.`,
            '$.content.contentId',
          ),
        )
      : valid({ contentId: template.id, types: template.types, variables: template.variables });
  if ('email' in requested) return valid(requested);
  if ('modules' in requested) return readModules(requested);
  return valid({
    text: requested.text ?? null,
    mediaUrls: (requested.media ?? []).map((each) => each.url),
  });
}

function readModules(requested: ModulesContent): Checked<ModulesContent | null> {
  const channels = requested.modules.map((each) => ('sms' in each ? 'sms' : 'rcs'));
  const again = channels.findIndex((channel, i) => channels.indexOf(channel) !== i);
  if (again === -1) return valid(requested);
  return invalid(
    problem(
      'invalid',
      `There is a module for ${channels[again]} already; give one for each channel.`,
      `$.content.modules[${again}].${channels[again]}`,
    ),
  );
}

/** Parses a content at the JSON path `base`, and checks everything that is the same for all recipients. */
export function openContent(
  content: OperationContent,
  base: string,
): Checked<ParsedContent | null> {
  const parsed = parseContent(content);
  if (!parsed.ok)
    return invalid(
      ...parsed.problems.map(({ path, message }) =>
        problem('template', message, `${base}.${path}`),
      ),
    );
  const problems = checkConstants(parsed.content);
  if (problems.length === 0) return valid(parsed.content);
  return invalid(
    ...problems.map(({ path, message, isTooLong }) =>
      problem(isTooLong ? 'textTooLong' : 'invalid', message, `${base}.${path}`),
    ),
  );
}

/**
 * Reports a Message-ID that all recipients would share, for a request of several. Their e-mails differ, and mail programs and reports tell e-mails
 * apart by it.
 */
export function checkMessageId(parsed: ParsedContent): readonly Problem[] {
  const own = messageIdOf(parsed.source);
  if (own === null || !isConstantField(parsed, own.path)) return NO_PROBLEMS;
  return [
    problem(
      'invalid',
      `Each recipient would get the same Message-ID. Write a variable into it, such as <{{ order }}@example.com>, or leave it out.`,
      `$.content.${own.path}`,
    ),
  ];
}

/** Checks the content for a recipient, which can be reached over `routes`. */
export type ContentCheck = (
  variables: Variables,
  ordinal: number,
  routes: readonly Route[],
) => readonly Problem[];

/** Pass the same list of routes for the same routes: a content without variables is checked once for each list. */
export function createContentCheck(parsed: ParsedContent, rendering: Rendering): ContentCheck {
  return isSameForAll(parsed) ? checkOnce(parsed, rendering) : checkEach(parsed, rendering);
}

/** For a content that is the same for all recipients. A problem is returned once. */
function checkOnce(parsed: ParsedContent, rendering: Rendering): ContentCheck {
  const checked = new Set<readonly Route[]>();
  const reported = new Set<string>();
  return (_variables, _ordinal, routes) => {
    if (checked.has(routes)) return NO_PROBLEMS;
    checked.add(routes);
    const fault = findFault(parsed, null, routes, rendering);
    if (fault === null || reported.has(fault.message)) return NO_PROBLEMS;
    reported.add(fault.message);
    return [
      problem(
        fault.isTooLong ? 'textTooLong' : 'invalid',
        fault.message,
        `$.content.${fault.path}`,
      ),
    ];
  };
}

/** For a content with variables. */
function checkEach(parsed: ParsedContent, rendering: Rendering): ContentCheck {
  const required = rendering.requireVariables ? requiredOf(parsed) : null;
  const withMedia = hasMedia(parsed);
  const { places } = rendering;
  const findShared = createSharedCheck(parsed, places);
  return (variables, ordinal, routes) => {
    if (required !== null && !needsRendering(parsed, variables, narrowestText(routes, withMedia)))
      return findMissing(required, variables, places, ordinal);
    const fault = findFault(parsed, variables, routes, rendering, (content) =>
      findShared(content, ordinal),
    );
    if (fault === null) return NO_PROBLEMS;
    return fault.missing === null
      ? [problem(fault.isTooLong ? 'textTooLong' : 'template', fault.message, places.path(ordinal))]
      : [missingVariable(places, ordinal, fault.missing)];
  };
}

function findMissing(
  required: Iterable<string>,
  variables: Variables,
  places: Places,
  ordinal: number,
): readonly Problem[] {
  let problems: Problem[] | null = null;
  for (const name of required)
    if (variables === null || !Object.hasOwn(variables, name))
      (problems ??= []).push(missingVariable(places, ordinal, name));
  return problems ?? NO_PROBLEMS;
}

/** The reason why a content cannot be rendered or carried. */
interface Fault {
  /** In `content`. */
  readonly path: string;
  /** The name of a variable without a value. */
  readonly missing: string | null;
  /** Whether the text exceeds the maximum of every channel. */
  readonly isTooLong?: boolean | undefined;
  readonly message: string;
}

function findFault(
  parsed: ParsedContent,
  variables: Variables,
  routes: readonly Route[],
  { renderAt, requireVariables }: Rendering,
  findShared: (content: OperationContent) => Fault | null = () => null,
): Fault | null {
  const rendered = renderContent(parsed, variables, renderAt, { requireVariables });
  if (rendered.ok) return findMisfit(rendered.content, routes) ?? findShared(rendered.content);
  // The field is of the template, not of the request.
  const { path, missing, isTooLong, problem: reason } = rendered;
  const name = 'contentId' in parsed.source ? `contentId: ${path}` : path;
  const message = `content.${name} cannot be rendered for this recipient: ${reason}`;
  return { path, missing, isTooLong, message };
}

/** Finds a rendered Message-ID that another recipient has. One that is the same for all is reported once, elsewhere. */
function createSharedCheck(
  parsed: ParsedContent,
  places: Places,
): (content: OperationContent, ordinal: number) => Fault | null {
  const own = messageIdOf(parsed.source);
  if (own === null || isConstantField(parsed, own.path)) return () => null;
  const seen = new FirstSeen();
  return (content, ordinal) => {
    const value = messageIdOf(content)?.value ?? '';
    const other = seen.add(value, ordinal);
    if (other === undefined) return null;
    const message = `The Message-ID ${value} belongs to ${places.name(other)} already; make it different for each recipient.`;
    return { path: own.path, missing: null, message };
  };
}

/** Why a rendered content cannot be sent over one of these routes; null if each of them can carry it. */
function findMisfit(content: OperationContent, routes: readonly Route[]): Fault | null {
  for (const { channel, carrier, carriage } of routes) {
    const fit = fitContent(chooseContent(content, channel), carriage);
    if (fit.ok) continue;
    const [path, cure] = cureOf(content, fit.field);
    const message = `As ${channel} over the carrier ${carrier} ${fit.problem}. ${cure}`;
    return { path, missing: null, message };
  }
  return null;
}

/** The field to change, and how. */
function cureOf(content: OperationContent, field: string): readonly [path: string, cure: string] {
  if ('contentId' in content)
    return ['contentId', 'Use a template that fits, or name other channels in "from".'];
  if ('modules' in content)
    return ['modules', 'Give that channel words of its own, or name other channels in "from".'];
  return [
    field,
    'Split it, give channels contents of their own in modules, or name other channels in "from".',
  ];
}

/** The problem of a variable that a recipient lacks. */
export function missingVariable(places: Places, ordinal: number, name: string): Problem {
  return problem(
    'missingVariable',
    `The variable "${name}" is missing for ${places.name(ordinal)}. Add it to the recipient's variables or give the template a default: {{ ${name} | default: '…' }}.`,
    `${places.path(ordinal)}.variables.${name}`,
  );
}
