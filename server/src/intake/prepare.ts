/**
 * Prepare: from a request whose shape is right to the messages it means, or to all that is wrong with it. Pure:
 * no database, the time is given. What it refuses leaves nothing behind, because nothing was begun.
 */
import { parseContent, renderContent, type ParsedContent } from '../domain/content.ts';
import { ERRORS, type Problem } from '../domain/errors.ts';
import {
  parseTemplate,
  renderTemplate,
  requiredVariables,
  isConstant,
  type Template,
} from '../domain/liquid.ts';
import type { Address, Content, Recipient } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { firstCandidate, type Candidate } from '../domain/routing.ts';
import { planSenders, type SenderChoice } from '../domain/sender.ts';
import { readSchedule } from '../domain/schedule.ts';
import { isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { RequestedRecipient, SendRequest } from '../domain/send-request.ts';

/** A recipient with the first way to reach it; without one it is unaddressable, for the reason of `code`. */
export interface PreparedRecipient {
  /** Position in `to`. */
  readonly ordinal: number;
  readonly recipient: Recipient;
  readonly first: Candidate | null;
  /** Error code of an unaddressable recipient. */
  readonly code: number | null;
  /** Rendered tags, when they are not the same for all. */
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface PreparedSend {
  readonly content: Content;
  readonly parsed: ParsedContent;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  /** Null: at once. */
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
  /** The time templates see as "now". */
  readonly renderAt: Date;
  readonly recipients: readonly PreparedRecipient[];
}

export type PrepareResult =
  | { readonly ok: true; readonly send: PreparedSend }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly total: number };

/** Problems kept in full; further ones are only counted. */
export const PROBLEMS_MAX = 100;

/** Collects problems up to a bound. */
export interface ProblemList {
  readonly problems: Problem[];
  total: number;
  add(code: number, message: string, context: string): void;
}

export function createProblemList(): ProblemList {
  return {
    problems: [],
    total: 0,
    add(code, message, context) {
      this.total += 1;
      if (this.problems.length < PROBLEMS_MAX) this.problems.push({ code, message, context });
    },
  };
}

export interface PrepareOptions {
  /** The senders that the request may mean. */
  readonly choice: SenderChoice;
  readonly now: Date;
  /** Whether a variable without value and default is refused. */
  readonly requireVariables: boolean;
}

const TAG_VALUE = /^[a-zA-Z0-9._~-]{1,256}$/;

/** Checks and plans a request. All problems of all recipients are found, the first hundred told in full. */
export function prepareSend(request: SendRequest, options: PrepareOptions): PrepareResult {
  const list = createProblemList();
  const content = readContent(request, list);
  const parsed = parseContent(content);
  if (!parsed.ok)
    for (const problem of parsed.problems)
      list.add(ERRORS.template.code, problem.message, `$.content.${problem.path}`);
  const tagTemplates = readTags(request, list);
  const plan = planSenders(request.from ?? null, options.choice);
  if (!plan.ok) list.add(plan.code, plan.message, plan.path);
  const schedule = readSchedule(request.schedule?.sendAt, request.expireAt, options.now);
  for (const problem of schedule.problems) list.add(problem.code, problem.message, problem.path);
  const renderAt = schedule.scheduledFor ?? options.now;
  const check: RecipientCheck = {
    list,
    plan: plan.ok ? plan.plan : { senders: [] },
    parsed: parsed.ok ? parsed.content : null,
    tagTemplates,
    renderAt,
    requireVariables: options.requireVariables,
    required: parsed.ok && options.requireVariables ? requiredOf(parsed.content) : null,
  };
  const recipients = checkRecipients(request, check);
  if (list.total > 0 || !parsed.ok || !plan.ok)
    return { ok: false, problems: list.problems, total: list.total };
  return {
    ok: true,
    send: {
      content,
      parsed: parsed.content,
      plan: plan.plan,
      tags: request.tags ?? {},
      scheduledFor: schedule.scheduledFor,
      expireAt: schedule.expireAt,
      renderAt,
      recipients,
    },
  };
}

/** Rendering for all recipients of a request may take this long; else one request could hold up all others. */
const RENDER_TOTAL_MS_MAX = 2_000;

function checkRecipients(request: SendRequest, check: RecipientCheck): PreparedRecipient[] {
  const startedAt = performance.now();
  const prepared: PreparedRecipient[] = [];
  for (const [ordinal, each] of request.to.entries()) {
    const one = checkRecipient(each, ordinal, check);
    if (one !== null) prepared.push(one);
    if (ordinal % 32 === 0 && performance.now() - startedAt > RENDER_TOTAL_MS_MAX) {
      check.list.add(
        ERRORS.template.code,
        `Rendering takes too long: ${ordinal + 1} of ${request.to.length} recipients took ${RENDER_TOTAL_MS_MAX} ms. Simplify the templates or split the request.`,
        '$.content',
      );
      break;
    }
  }
  return prepared;
}

function readContent(request: SendRequest, list: ProblemList): Content {
  const { content } = request;
  if ('contentId' in content) {
    list.add(
      ERRORS.unsupported.code,
      'Stored content is not supported yet; send content.text or content.media.',
      '$.content.contentId',
    );
    return { text: null, mediaUrls: [] };
  }
  if ('modules' in content) {
    list.add(
      ERRORS.unsupported.code,
      'Content modules are not supported yet; send content.text or content.media.',
      '$.content.modules',
    );
    return { text: null, mediaUrls: [] };
  }
  const parts: [string, string][] = [
    ...(content.text === undefined
      ? []
      : ([['$.content.text', content.text]] as [string, string][])),
    ...(content.media ?? []).map((each, i): [string, string] => [
      `$.content.media[${i}].url`,
      each.url,
    ]),
  ];
  for (const [path, value] of parts)
    if (!isStorable(value)) list.add(ERRORS.invalid.code, UNSTORABLE, path);
  return { text: content.text ?? null, mediaUrls: (content.media ?? []).map((each) => each.url) };
}

const UNSTORABLE = 'Contains a NUL character or half of a surrogate pair; remove it.';

/** PostgreSQL's jsonb takes neither NUL nor lone surrogates, and no carrier would either. */
function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

/** Tags with Liquid in their values, parsed; null when all are literal. */
function readTags(request: SendRequest, list: ProblemList): ReadonlyMap<string, Template> | null {
  const templates = new Map<string, Template>();
  let literal = true;
  for (const [key, value] of Object.entries(request.tags ?? {})) {
    const parsed = parseTemplate(value);
    if (!parsed.ok) list.add(ERRORS.template.code, parsed.problem.message, `$.tags.${key}`);
    else {
      templates.set(key, parsed.template);
      literal &&= isConstant(parsed.template);
    }
  }
  return literal ? null : templates;
}

/** Variables that every recipient must bring; null when only rendering can tell. */
function requiredOf(content: ParsedContent): ReadonlySet<string> | null {
  const names = new Set<string>();
  for (const template of [content.text, ...content.mediaUrls]) {
    if (template === null) continue;
    const required = requiredVariables(template);
    if (required === null) return null;
    for (const name of required) names.add(name);
  }
  return names;
}

interface RecipientCheck {
  readonly list: ProblemList;
  readonly plan: SendPlan;
  readonly parsed: ParsedContent | null;
  readonly tagTemplates: ReadonlyMap<string, Template> | null;
  readonly renderAt: Date;
  readonly requireVariables: boolean;
  readonly required: ReadonlySet<string> | null;
}

/** Made where something is wrong only: ten thousand of them cost a millisecond. */
function pathOf(ordinal: number): string {
  return `$.to[${ordinal}]`;
}

function checkRecipient(
  requested: RequestedRecipient,
  ordinal: number,
  check: RecipientCheck,
): PreparedRecipient | null {
  const { list } = check;
  if ('profileId' in requested) {
    list.add(
      ERRORS.unsupported.code,
      'Profiles are not supported yet; give an address or addresses.',
      `${pathOf(ordinal)}.profileId`,
    );
    return null;
  }
  const recipient = toRecipient(requested);
  const { variables } = recipient;
  if (variables !== null)
    for (const name of Object.keys(variables))
      if (!isStorable(variables[name] ?? '') || !isStorable(name))
        list.add(ERRORS.invalid.code, UNSTORABLE, `${pathOf(ordinal)}.variables.${name}`);
  checkVariables(variables, ordinal, check);
  const first = firstCandidate(recipient.addresses, check.plan);
  const code = first === null ? ERRORS.unaddressable.code : null;
  return { ordinal, recipient, first, code, tags: renderTags(variables, ordinal, check) };
}

function toRecipient(requested: Exclude<RequestedRecipient, { profileId: string }>): Recipient {
  const connected = 'addresses' in requested;
  const addresses = (connected
    ? requested.addresses.map(({ address, channel }) => ({ address, channel }))
    : [{ address: requested.address, channel: requested.channel }]) as unknown as [
    Address,
    ...Address[],
  ];
  const { variables } = requested;
  const empty = variables === undefined || Object.keys(variables).length === 0;
  return { addresses, connected, variables: empty ? null : variables };
}

function checkVariables(
  variables: Readonly<Record<string, string>> | null,
  ordinal: number,
  { list, parsed, required, requireVariables, renderAt }: RecipientCheck,
): void {
  if (parsed === null) return;
  if (required !== null && !mayOverflow(parsed, variables)) {
    for (const name of required)
      if (variables === null || !Object.hasOwn(variables, name)) reportMissing(list, ordinal, name);
    return;
  }
  const rendered = renderContent(parsed, variables, renderAt, { requireVariables });
  if (rendered.ok) return;
  if (rendered.missing !== null) reportMissing(list, ordinal, rendered.missing);
  else
    list.add(
      ERRORS.template.code,
      `content.${rendered.path} cannot be rendered for this recipient: ${rendered.problem}`,
      pathOf(ordinal),
    );
}

function reportMissing(list: ProblemList, ordinal: number, name: string): void {
  const path = pathOf(ordinal);
  list.add(
    ERRORS.missingVariable.code,
    `The variable "${name}" is missing for ${path.slice(2)}. Add it to the recipient's variables or give the template a default: {{ ${name} | default: '…' }}.`,
    `${path}.variables.${name}`,
  );
}

/** Whether a rendered text could come near the limits: then it is rendered to see. */
function mayOverflow(
  parsed: ParsedContent,
  variables: Readonly<Record<string, string>> | null,
): boolean {
  let length = 0;
  if (variables !== null) for (const name in variables) length += variables[name]?.length ?? 0;
  const source = parsed.text?.source ?? '';
  return source.length + length * 3 > 1_000 || (parsed.mediaUrls.length > 0 && length > 500);
}

function renderTags(
  variables: Readonly<Record<string, string>> | null,
  ordinal: number,
  { list, tagTemplates, renderAt, requireVariables }: RecipientCheck,
): Readonly<Record<string, string>> | null {
  if (tagTemplates === null) return null;
  const tags: [string, string][] = [];
  for (const [key, template] of tagTemplates) {
    const rendered = renderTemplate(template, variables, renderAt, {
      requireVariables,
      lengthMax: 256,
    });
    if (!rendered.ok) {
      if ('missing' in rendered) reportMissing(list, ordinal, rendered.missing);
      else
        list.add(
          ERRORS.template.code,
          `The tag cannot be rendered for ${pathOf(ordinal).slice(2)}: ${rendered.problem}`,
          `$.tags.${key}`,
        );
    } else if (!TAG_VALUE.test(rendered.text))
      list.add(
        ERRORS.tag.code,
        `For ${pathOf(ordinal).slice(2)} the tag's value is "${rendered.text.slice(0, 60)}"; use 1 to 256 of letters, digits and . _ ~ -.`,
        `$.tags.${key}`,
      );
    else tags.push([key, rendered.text]);
  }
  return Object.fromEntries(tags);
}

/** Takes those who have opted out off a prepared send: they become unaddressable. */
export function leaveOutSuppressed(send: PreparedSend, index: SuppressionIndex): PreparedSend {
  if (index.size === 0) return send;
  return {
    ...send,
    recipients: send.recipients.map((each) =>
      isSuppressed(each.recipient.addresses, send.plan, index)
        ? { ...each, first: null, code: ERRORS.suppressed.code }
        : each,
    ),
  };
}
