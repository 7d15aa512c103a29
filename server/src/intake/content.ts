/**
 * The content of a request: what is wrong with it for all, told once, and what is wrong with it for one recipient. Ten
 * thousand recipients of a plain text are not rendered here: their variables are only counted. Pure.
 */
import {
  checkConstants,
  findMisfit,
  isSameForAll,
  needsRendering,
  parseContent,
  renderContent,
  requiredOf,
  type ModulesContent,
  type OperationContent,
  type ParsedContent,
} from '../domain/content.ts';
import type { ContentTemplate } from '../domain/content-template.ts';
import { ERRORS } from '../domain/errors.ts';
import type { Channel } from '../domain/message.ts';
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

/** Looks at one recipient, at index `ordinal` of `to`. */
export type CheckRecipient = (
  variables: Readonly<Record<string, string>> | null,
  ordinal: number,
) => void;

/** How the content is checked for each recipient; one that is the same for all is checked here, once. */
export function createRecipientCheck(
  parsed: ParsedContent,
  options: {
    readonly list: ProblemList;
    /** Channels that may be sent over. */
    readonly channels: ReadonlySet<Channel>;
    readonly renderAt: Date;
    readonly requireVariables: boolean;
  },
): CheckRecipient {
  const { list, channels, renderAt } = options;
  /** `media[2].url`; of a template its field, which the request does not have. */
  const nameOf = (path: string) =>
    'contentId' in parsed.source && path !== 'contentId' ? `contentId: ${path}` : path;

  function render(variables: Readonly<Record<string, string>> | null) {
    const rendered = renderContent(parsed, variables, renderAt, options);
    if (!rendered.ok) return rendered;
    const misfit = findMisfit(rendered.content, channels);
    return misfit && { path: misfit.path, missing: null, problem: misfit.message };
  }

  if (isSameForAll(parsed)) {
    const wrong = render(null);
    if (wrong) list.add(ERRORS.invalid.code, wrong.problem, `$.content.${wrong.path}`);
    return () => undefined;
  }
  const required = options.requireVariables ? requiredOf(parsed) : null;
  return (variables, ordinal) => {
    if (required !== null && !needsRendering(parsed, variables)) {
      for (const name of required)
        if (variables === null || !Object.hasOwn(variables, name))
          reportMissing(list, ordinal, name);
      return;
    }
    const wrong = render(variables);
    if (!wrong) return;
    if (wrong.missing !== null) reportMissing(list, ordinal, wrong.missing);
    else
      list.add(
        ERRORS.template.code,
        `content.${nameOf(wrong.path)} cannot be rendered for this recipient: ${wrong.problem}`,
        `$.to[${ordinal}]`,
      );
  };
}

/** Reports a variable that a recipient lacks. */
export function reportMissing(list: ProblemList, ordinal: number, name: string): void {
  list.add(
    ERRORS.missingVariable.code,
    `The variable "${name}" is missing for to[${ordinal}]. Add it to the recipient's variables or give the template a default: {{ ${name} | default: '…' }}.`,
    `$.to[${ordinal}].variables.${name}`,
  );
}
