/**
 * Checks the content of a request: errors for all recipients, reported once, and errors for single
 * recipients. A plain text is not rendered for each of ten thousand recipients here: their
 * variables are only counted. Pure.
 */
import {
  checkConstants,
  chooseContent,
  hasMedia,
  isSameForAll,
  needsRendering,
  parseContent,
  renderContent,
  requiredOf,
  type ModulesContent,
  type OperationContent,
  type ParsedContent,
} from '../domain/content.ts';
import { fitContent, narrowestText, type Way } from '../domain/carriage.ts';
import type { ContentTemplate } from '../domain/content-template.ts';
import { ERRORS } from '../domain/errors.ts';
import type { RequestedContent } from '../domain/send-request.ts';
import type { ProblemList } from './problems.ts';

/** Reads what a request says. Null when nothing can be made of it; the problems are in the list then. */
export function readContent(
  requested: RequestedContent,
  template: ContentTemplate | null,
  list: ProblemList,
): OperationContent | null {
  if ('contentId' in requested) {
    if (template !== null)
      return { contentId: template.id, types: template.types, variables: template.variables };
    list.add(
      ERRORS.contentTemplate.code,
      `There is no content template ${requested.contentId.slice(0, 60)}; GET /v1/Content lists those that there are.`,
      '$.content.contentId',
    );
    return null;
  }
  if ('email' in requested) return requested;
  if ('modules' in requested) return readModules(requested, list);
  return {
    text: requested.text ?? null,
    mediaUrls: (requested.media ?? []).map((each) => each.url),
  };
}

function readModules(requested: ModulesContent, list: ProblemList): ModulesContent | null {
  const channels = requested.modules.map((each) => ('sms' in each ? 'sms' : 'rcs'));
  const again = channels.findIndex((channel, i) => channels.indexOf(channel) !== i);
  if (again === -1) return requested;
  list.add(
    ERRORS.invalid.code,
    `There is a module for ${channels[again]} already; give one for each channel.`,
    `$.content.modules[${again}].${channels[again]}`,
  );
  return null;
}

/** Parses a content and checks what is the same for all. Null when something is wrong with it. */
export function openContent(
  content: OperationContent,
  base: string,
  list: ProblemList,
): ParsedContent | null {
  const parsed = parseContent(content);
  if (!parsed.ok) {
    for (const { path, message } of parsed.problems)
      list.add(ERRORS.template.code, message, `${base}.${path}`);
    return null;
  }
  const problems = checkConstants(parsed.content);
  for (const { path, message } of problems)
    list.add(ERRORS.invalid.code, message, `${base}.${path}`);
  return problems.length > 0 ? null : parsed.content;
}

/** Looks at one recipient, at index `ordinal` of `to`, that may be reached over `routes`. */
export type CheckRecipient = (
  variables: Readonly<Record<string, string>> | null,
  ordinal: number,
  routes: readonly Way[],
) => void;

/** What is wrong for one recipient. */
interface Wrong {
  /** In `content`. */
  readonly path: string;
  readonly code: number;
  readonly missing: string | null;
  readonly message: string;
}

/**
 * How the content is checked for each recipient; one that is the same for all is looked at once for each of the lists of
 * routes, which are few: pass the same list for the same routes.
 */
export function createRecipientCheck(
  parsed: ParsedContent,
  options: {
    readonly list: ProblemList;
    readonly renderAt: Date;
    readonly requireVariables: boolean;
  },
): CheckRecipient {
  const { list, renderAt } = options;

  function render(
    variables: Readonly<Record<string, string>> | null,
    routes: readonly Way[],
  ): Wrong | null {
    const rendered = renderContent(parsed, variables, renderAt, options);
    if (rendered.ok) return findMisfit(rendered.content, routes);
    // Of a template the request does not have the field.
    const { path, missing, problem } = rendered;
    const name = 'contentId' in parsed.source ? `contentId: ${path}` : path;
    const message = `content.${name} cannot be rendered for this recipient: ${problem}`;
    return { path, missing, code: ERRORS.template.code, message };
  }

  if (isSameForAll(parsed)) {
    const seen = new Set<readonly Way[]>();
    const found = new Set<string>();
    return (_variables, _ordinal, routes) => {
      if (seen.has(routes)) return;
      seen.add(routes);
      const wrong = render(null, routes);
      if (wrong === null || found.has(wrong.message)) return;
      found.add(wrong.message);
      list.add(ERRORS.invalid.code, wrong.message, `$.content.${wrong.path}`);
    };
  }
  const required = options.requireVariables ? requiredOf(parsed) : null;
  const withMedia = hasMedia(parsed);
  return (variables, ordinal, routes) => {
    if (required !== null && !needsRendering(parsed, variables, narrowestText(routes, withMedia))) {
      for (const name of required)
        if (variables === null || !Object.hasOwn(variables, name))
          reportMissing(list, ordinal, name);
      return;
    }
    const wrong = render(variables, routes);
    if (wrong === null) return;
    if (wrong.missing !== null) reportMissing(list, ordinal, wrong.missing);
    else list.add(wrong.code, wrong.message, `$.to[${ordinal}]`);
  };
}

/** What a rendered content has that cannot be sent over one of these routes; null: all arrives, whichever is taken. */
function findMisfit(content: OperationContent, routes: readonly Way[]): Wrong | null {
  for (const { channel, carrier, carriage } of routes) {
    const fit = fitContent(chooseContent(content, channel), carriage);
    if (fit.ok) continue;
    const [path, cure] =
      'contentId' in content
        ? ['contentId', 'Use a template that fits, or name other channels in "from".']
        : 'modules' in content
          ? ['modules', 'Give that channel words of its own, or name other channels in "from".']
          : [
              fit.field,
              'Split it, give channels contents of their own in modules, or name other channels in "from".',
            ];
    return {
      path,
      missing: null,
      code: ERRORS.template.code,
      message: `As ${channel} over the carrier ${carrier} ${fit.problem}. ${cure}`,
    };
  }
  return null;
}

/** Reports a variable that a recipient lacks. */
export function reportMissing(list: ProblemList, ordinal: number, name: string): void {
  list.add(
    ERRORS.missingVariable.code,
    `The variable "${name}" is missing for to[${ordinal}]. Add it to the recipient's variables or give the template a default: {{ ${name} | default: '…' }}.`,
    `$.to[${ordinal}].variables.${name}`,
  );
}
