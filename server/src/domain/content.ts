/**
 * Content of an operation, for all channels or for each channel. It is parsed once per operation, rendered for each
 * recipient, and chosen for each channel:
 *
 * ```
 *  OperationContent ──parse──▶ ParsedContent ──render──▶ OperationContent ──choose──▶ ChannelContent
 *   templates, stored           once                      one recipient's words        what one channel gets
 * ```
 * Pure.
 */
import { checkCarousel } from './carousel.ts';
import {
  exceedsText,
  findValueProblem,
  isMessageText,
  mapFields,
  type ContentProblem,
  type FieldRule,
} from './content-fields.ts';
import { readPlainType, readRichType, type TemplateTypes } from './content-template.ts';
import type { EmailContent } from './email-content.ts';
import {
  findHeader,
  findOneClickLinkProblem,
  headerValue,
  LIST_UNSUBSCRIBE,
  LIST_UNSUBSCRIBE_POST,
  MESSAGE_ID,
} from './email-headers.ts';
import { readInstant } from './instant.ts';
import { stepOf } from './json-path.ts';
import {
  isConstant,
  parseTemplate,
  renderTemplate,
  requiredVariables,
  TEMPLATE_LENGTH_MAX,
  type Template,
} from './liquid.ts';
import type { Channel, Content } from './message.ts';
import { degradeRcs, fileOf, listSuggestions, withoutBody, wordsOf, type RcsBody } from './rcs.ts';

/** Entries of `content.modules`. */
export const MODULES_MAX = 4;
/** Media of a plain content or an SMS module. */
export const MEDIA_MAX = 10;

export interface SmsModule {
  readonly text?: string;
  readonly media?: readonly { readonly url: string }[];
}

export type ContentModule = { readonly sms: SmsModule } | { readonly rcs: RcsBody };

/** Contents by channel, as requested; at most one for each channel. */
export interface ModulesContent {
  readonly modules: readonly ContentModule[];
}

/** A stored template as it was when the operation was accepted. */
export interface TemplateContent {
  /** UUID of the template, which may be gone. */
  readonly contentId: string;
  readonly types: TemplateTypes;
  /** Values of variables that a recipient does not bring. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The stored content of an operation. `modules`, `contentId` and `email` distinguish the kinds. */
export type OperationContent = Content | ModulesContent | TemplateContent | EmailContent;

/** The content for one channel. */
export interface ChannelContent extends Content {
  /** Null: only text and media. Otherwise it is the content to send, and the text is its plain form. */
  readonly rich: RcsBody | null;
}

/** A field of a content with its template. */
interface Field {
  readonly path: string;
  readonly rule: FieldRule;
  readonly template: Template;
  /** The rendered value when it is the same for all. */
  readonly constant: string | null;
  /** Places of a plain template where a variable goes. */
  readonly slots: number;
}

export interface ParsedContent {
  readonly source: OperationContent;
  readonly fields: readonly Field[];
}

/** Parses the templates of a content, and reports all syntax errors. */
export function parseContent(
  source: OperationContent,
): { ok: true; content: ParsedContent } | { ok: false; problems: ContentProblem[] } {
  const problems: ContentProblem[] = [];
  const fields: Field[] = [];
  mapFields(source, (value, rule, found) => {
    // Stored plain media are URLs, requested ones are objects. Requests for e-mails have no `kind`.
    const path = found.replace(/^mediaUrls(\[\d+\])$/, 'media$1.url').replace(/^email\./, '');
    const parsed = parseTemplate(value, Math.max(TEMPLATE_LENGTH_MAX, rule.max));
    if (!parsed.ok) problems.push({ path, message: parsed.problem.message });
    else {
      const { template } = parsed;
      const constant = isConstant(template) ? (template.plain ?? []).join('') : null;
      const slots = template.plain?.filter((part) => typeof part !== 'string').length ?? 0;
      fields.push({ path, rule, template, constant, slots });
    }
    return value;
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, content: { source, fields } };
}

/** Problems of values that are the same for all recipients: checked once, before rendering. */
export function checkConstants({ source, fields }: ParsedContent): ContentProblem[] {
  const problems = fields.flatMap(({ path, rule, constant }) => {
    const message = constant === null ? null : findValueProblem(constant, rule);
    if (message === null) return [];
    return [{ path, message, isTooLong: exceedsText(constant ?? '', rule) }];
  });
  if ('contentId' in source) {
    const constants = new Map(fields.map(({ path, constant }) => [path, constant]));
    return [
      ...problems,
      ...checkCarousel(source.types, (_value, path) => constants.get(path) ?? null),
    ];
  }
  if (problems.length > 0 || !('email' in source)) return [...problems, ...checkModules(source)];
  return checkOneClick(
    Object.fromEntries(
      fields.flatMap(({ rule, constant }) =>
        rule.kind === 'header' ? [[rule.name ?? '', constant]] : [],
      ),
    ),
  );
}

/** Problems of several fields of a rendered content together. */
function checkRendered(content: OperationContent): ContentProblem[] {
  if ('contentId' in content) return checkCarousel(content.types, (value) => value);
  return 'email' in content ? checkOneClick(content.email.headers) : checkModules(content);
}

/** A problem of two headers together. A header is null before it is rendered. */
function checkOneClick(headers: Readonly<Record<string, string | null>>): ContentProblem[] {
  const links = headerValue(headers, LIST_UNSUBSCRIBE);
  const post = findHeader(headers, LIST_UNSUBSCRIBE_POST);
  if (post === undefined || links === null) return [];
  const message = findOneClickLinkProblem(links);
  return message === null ? [] : [{ path: `headers${stepOf(post[0])}`, message }];
}

/** The Message-ID that a content brings, with its path; null if it brings none. */
export function messageIdOf(
  content: OperationContent,
): { readonly path: string; readonly value: string } | null {
  if (!('email' in content)) return null;
  const found = findHeader(content.email.headers, MESSAGE_ID);
  return found === undefined ? null : { path: `headers${stepOf(found[0])}`, value: found[1] };
}

/** Whether the field at this path is the same for all recipients. */
export function isConstantField({ fields }: ParsedContent, path: string): boolean {
  return fields.some((field) => field.path === path && field.constant !== null);
}

/** Problems of several fields together: empty cards, events that end before they begin. */
function checkModules(content: OperationContent): ContentProblem[] {
  if (!('modules' in content)) return [];
  return content.modules.flatMap((each, i) => {
    if (!('rcs' in each)) return [];
    const base = `modules[${i}].rcs`;
    const problems: ContentProblem[] = [];
    if ('richCard' in each.rcs && wordsOf(each.rcs) === '' && fileOf(each.rcs) === null)
      problems.push({
        path: `${base}.richCard.standaloneCard.cardContent`,
        message: 'A card needs a title, a description or media.',
      });
    const { path, suggestions } = listSuggestions(each.rcs);
    for (const [k, suggestion] of suggestions.entries()) {
      const event = 'action' in suggestion && suggestion.action.createCalendarEventAction;
      if (!event) continue;
      const [start, end] = [readInstant(event.startTime), readInstant(event.endTime)];
      if (start !== null && end !== null && end <= start)
        problems.push({
          path: `${base}.${path}[${k}].action.createCalendarEventAction.endTime`,
          message: 'Must be later than startTime.',
        });
    }
    return problems;
  });
}

/** Whether a content has media in any form. */
export function hasMedia({ fields }: ParsedContent): boolean {
  return fields.some(({ rule }) => rule.kind === 'url');
}

/** Whether a content is the same for all recipients. */
export function isSameForAll({ fields }: ParsedContent): boolean {
  return fields.every((field) => field.constant !== null);
}

/** Variables that every recipient must have; null if only rendering can find them. */
export function requiredOf({ source, fields }: ParsedContent): ReadonlySet<string> | null {
  const names = new Set<string>();
  const defaults = defaultsOf(source);
  for (const { template } of fields) {
    const required = requiredVariables(template);
    if (required === null) return null;
    for (const name of required)
      if (defaults === null || !Object.hasOwn(defaults, name)) names.add(name);
  }
  return names;
}

/**
 * Whether values could break a rule, so that each recipient must be rendered. It is false if only plain texts vary and
 * the variables cannot make them too long. So 10,000 recipients of a short text cost little.
 * @param textMax maximum length of a text over all senders
 */
export function needsRendering(
  { source, fields }: ParsedContent,
  variables: Readonly<Record<string, string>> | null,
  textMax: number,
): boolean {
  const length = lengthOf(variables) + lengthOf(defaultsOf(source));
  return fields.some(
    ({ constant, template, rule, slots }) =>
      constant === null &&
      (template.plain === null ||
        rule.empty !== 'kept' ||
        template.source.length + slots * length > Math.min(rule.max, textMax)),
  );
}

function lengthOf(variables: Readonly<Record<string, string>> | null): number {
  let length = 0;
  if (variables !== null) for (const name in variables) length += variables[name]?.length ?? 0;
  return length;
}

function defaultsOf(source: OperationContent): Readonly<Record<string, string>> | null {
  return 'contentId' in source ? source.variables : null;
}

export type RenderedContent =
  | { readonly ok: true; readonly content: OperationContent }
  | {
      readonly ok: false;
      readonly path: string;
      readonly missing: string | null;
      /** Whether the text of a message exceeds its maximum. */
      readonly isTooLong?: boolean;
      readonly problem: string;
    };

/**
 * Renders a content for one recipient. The same arguments give the same text, so that a retry, a resend
 * after a crash and a later read of the message agree.
 */
export function renderContent(
  { source, fields }: ParsedContent,
  given: Readonly<Record<string, string>> | null,
  at: Date,
  options: { readonly requireVariables: boolean },
): RenderedContent {
  const defaults = defaultsOf(source);
  const variables = defaults === null ? given : { ...defaults, ...given };
  const values: (string | undefined)[] = [];
  for (const { path, rule, template, constant } of fields) {
    if (constant !== null) {
      values.push(constant === '' && rule.empty === 'dropped' ? undefined : constant);
      continue;
    }
    const rendered = renderTemplate(template, variables, at, {
      requireVariables: options.requireVariables,
      lengthMax: rule.max,
    });
    if (!rendered.ok)
      return 'missing' in rendered
        ? {
            ok: false,
            path,
            missing: rendered.missing,
            problem: `The variable "${rendered.missing}" has no value.`,
          }
        : {
            ok: false,
            path,
            missing: null,
            isTooLong: rendered.isTooLong === true && isMessageText(rule),
            problem: rendered.problem,
          };
    const problem = findValueProblem(rendered.text, rule);
    if (problem !== null) return { ok: false, path, missing: null, problem };
    values.push(rendered.text === '' && rule.empty === 'dropped' ? undefined : rendered.text);
  }
  const content = fillIn(source, values);
  const [problem] = checkRendered(content);
  return problem === undefined
    ? { ok: true, content }
    : { ok: false, path: problem.path, missing: null, problem: problem.message };
}

/** A copy of a content with values in its fields, in their order. */
function fillIn(
  source: OperationContent,
  values: readonly (string | undefined)[],
): OperationContent {
  let next = 0;
  // Nearly every message is plain: walking it like the others would cost a twentieth of the throughput.
  if ('mediaUrls' in source)
    return {
      text: source.text === null ? null : (values[next++] ?? null),
      mediaUrls: source.mediaUrls.flatMap(() => values[next++] ?? []),
    };
  return mapFields(source, () => values[next++]);
}

/**
 * The content for a channel: its own module, or else the text of the other one. From a template, SMS gets the media or
 * the text; RCS and WHATSAPP get the richest type. If a template has only a rich type, SMS gets its text. RCS gets a
 * carousel without the text above its cards, which is in the plain text only.
 */
export function chooseContent(content: OperationContent, channel: Channel): ChannelContent {
  if ('modules' in content) {
    const [sms] = content.modules.flatMap((each) => ('sms' in each ? each.sms : []));
    const [rcs] = content.modules.flatMap((each) => ('rcs' in each ? each.rcs : []));
    const plain: Content | null =
      sms === undefined
        ? null
        : { text: sms.text ?? null, mediaUrls: (sms.media ?? []).map(({ url }) => url) };
    return chooseBetween(plain, rcs ?? null, channel === 'RCS');
  }
  if ('contentId' in content) {
    const chosen = chooseBetween(
      readPlainType(content.types),
      readRichType(content.types),
      channel !== 'SMS',
    );
    return channel === 'RCS' && chosen.rich !== null
      ? { ...chosen, rich: withoutBody(chosen.rich) }
      : chosen;
  }
  // All of an e-mail is more than words for a channel.
  if ('email' in content) return { text: null, mediaUrls: [], rich: null };
  return { ...content, rich: null };
}

function chooseBetween(
  plain: Content | null,
  rich: RcsBody | null,
  showsRich: boolean,
): ChannelContent {
  if (rich !== null && (showsRich || plain === null))
    return { text: degradeRcs(rich), mediaUrls: [], rich: showsRich ? rich : null };
  return { ...(plain ?? { text: null, mediaUrls: [] }), rich: null };
}
