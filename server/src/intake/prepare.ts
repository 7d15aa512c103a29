/**
 * Turns a request with a correct shape into its messages, or into all of its errors. Pure: no
 * database, and the time is an argument. A refused request leaves nothing behind.
 */
import type { OperationContent, ParsedContent } from '../domain/content.ts';
import type { ContentTemplate } from '../domain/content-template.ts';
import { ERRORS, type Problem } from '../domain/errors.ts';
import {
  countSteps,
  isConstant,
  parseTemplate,
  renderTemplate,
  type Template,
} from '../domain/liquid.ts';
import type { Address, Recipient } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { firstCandidate, type Candidate } from '../domain/routing.ts';
import { createRouteFinder, type FindCarriage, type FindRoutes } from './routes.ts';
import { planSenders, type SenderChoice } from '../domain/sender.ts';
import { readSchedule } from '../domain/schedule.ts';
import { findUnstorable, UNSTORABLE } from '../domain/storable.ts';
import { isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { RequestedAddress, RequestedRecipient, SendRequest } from '../domain/send-request.ts';
import {
  createRecipientCheck,
  openContent,
  readContent,
  reportMissing,
  type CheckRecipient,
} from './content.ts';
import type { Work } from '../lib/fair-share.ts';
import { createProblemList, type ProblemList } from './problems.ts';
import { createTimetable, type Timetable } from './timetable.ts';

/** A recipient with its first candidate; without one it is unaddressable, for the reason of `code`. */
export interface PreparedRecipient {
  /** Position in `to`. */
  readonly ordinal: number;
  readonly recipient: Recipient;
  readonly first: Candidate | null;
  /** When the message over the first candidate is due; null is now. */
  readonly dueAt: Date | null;
  /** Error code of an unaddressable recipient. */
  readonly code: number | null;
  /** Rendered tags, when they are not the same for all. */
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface PreparedSend {
  readonly content: OperationContent;
  readonly parsed: ParsedContent;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  /** When all messages are due; null: at once, or not all at the same time. */
  readonly scheduledFor: Date | null;
  readonly expireAt: Date | null;
  readonly statusCallback: string | null;
  /** The time templates see as "now". */
  readonly renderAt: Date;
  readonly recipients: readonly PreparedRecipient[];
}

export type PrepareResult =
  | { readonly ok: true; readonly send: PreparedSend }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly total: number };

export interface PrepareOptions {
  /** The senders that the request may mean. */
  readonly choice: SenderChoice;
  /** The template that `content.contentId` names. */
  readonly template: ContentTemplate | null;
  readonly now: Date;
  /** Whether a variable without value and default is refused. */
  readonly requireVariables: boolean;
  /** Whether it goes to those who have opted out, too. */
  readonly ignoresSuppressions: boolean;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findTargetProblem: (url: string) => string | null;
  readonly findCarriage: FindCarriage;
}

const TAG_VALUE = /^[a-zA-Z0-9._~-]{1,256}$/;

/** Checks and plans a request. All problems of all recipients are found, the first hundred told in full. */
export function* prepareSend(request: SendRequest, options: PrepareOptions): Work<PrepareResult> {
  const list = createProblemList();
  const content = readContent(request.content, options.template, list);
  const parsed = content === null ? null : openContent(content, '$.content', list);
  const tagTemplates = readTags(request, list);
  const plan = planSenders(request.from ?? null, options.choice);
  if (!plan.ok) list.add(plan.code, plan.message, plan.path);
  const schedule = readSchedule(request.schedule?.sendAt, request.expireAt, options.now);
  for (const problem of schedule.problems) list.add(problem.code, problem.message, problem.path);
  const { statusCallback = null } = request;
  const problem = statusCallback && options.findTargetProblem(statusCallback);
  if (problem) list.add(ERRORS.invalid.code, problem, '$.statusCallback');
  const renderAt = schedule.scheduledFor ?? options.now;
  const check: RecipientCheck = {
    list,
    plan: plan.ok ? plan.plan : { senders: [] },
    checkContent:
      parsed === null
        ? null
        : createRecipientCheck(parsed, {
            list,
            renderAt,
            requireVariables: options.requireVariables,
          }),
    findRoutes: createRouteFinder(plan.ok ? plan.plan : { senders: [] }, options.findCarriage),
    tagTemplates,
    timetable: createTimetable(schedule, options.choice.senders, list, options.now),
    renderAt,
    requireVariables: options.requireVariables,
  };
  const recipients = yield* checkRecipients(request, check);
  if (list.total > 0 || content === null || parsed === null || !plan.ok)
    return { ok: false, problems: list.problems, total: list.total };
  return {
    ok: true,
    send: {
      content,
      parsed,
      plan: options.ignoresSuppressions ? { ...plan.plan, ignoresSuppressions: true } : plan.plan,
      tags: request.tags ?? {},
      scheduledFor: commonTime(recipients),
      expireAt: schedule.expireAt,
      statusCallback,
      renderAt,
      recipients,
    },
  };
}

/** When all that can be reached are due, if that is at the same time. */
function commonTime(recipients: readonly PreparedRecipient[]): Date | null {
  const reached = recipients.filter((each) => each.first !== null);
  const dueAt = reached[0]?.dueAt ?? null;
  return reached.every((each) => each.dueAt === dueAt) ? dueAt : null;
}

/** Steps of rendering that all recipients of a request may cost together; else one request could hold up all others. */
const STEPS_MAX = 2_000_000;

function* checkRecipients(request: SendRequest, check: RecipientCheck): Work<PreparedRecipient[]> {
  let steps = 0;
  const prepared: PreparedRecipient[] = [];
  for (const [ordinal, each] of request.to.entries()) {
    yield;
    const stepsBefore = countSteps();
    const one = checkRecipient(each, ordinal, check);
    if (one !== null) prepared.push(one);
    steps += countSteps() - stepsBefore;
    if (steps > STEPS_MAX) {
      check.list.add(
        ERRORS.template.code,
        `Rendering takes too long: ${ordinal + 1} of ${request.to.length} recipients took more than ${STEPS_MAX} steps. Simplify the templates or split the request.`,
        '$.content',
      );
      break;
    }
  }
  return prepared;
}

function describeTagValue(value: string): string {
  return `The tag's value is "${value.slice(0, 60)}"; use 1 to 256 of letters, digits and . _ ~ -.`;
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
      const constant = isConstant(parsed.template);
      literal &&= constant;
      if (constant && !TAG_VALUE.test(value)) {
        list.add(ERRORS.tag.code, describeTagValue(value), `$.tags.${key}`);
        templates.delete(key);
      }
    }
  }
  return literal ? null : templates;
}

interface RecipientCheck {
  readonly list: ProblemList;
  readonly plan: SendPlan;
  readonly checkContent: CheckRecipient | null;
  readonly findRoutes: FindRoutes;
  readonly tagTemplates: ReadonlyMap<string, Template> | null;
  readonly timetable: Timetable;
  readonly renderAt: Date;
  readonly requireVariables: boolean;
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
    for (const path of findUnstorable(variables, '.variables'))
      list.add(ERRORS.invalid.code, UNSTORABLE, pathOf(ordinal) + path);
  check.checkContent?.(variables, ordinal, check.findRoutes(recipient.addresses));
  const first = firstCandidate(recipient.addresses, check.plan);
  return {
    ordinal,
    recipient,
    first,
    dueAt: first === null ? null : check.timetable(first),
    code: first === null ? ERRORS.unaddressable.code : null,
    tags: renderTags(variables, ordinal, check),
  };
}

function toRecipient(requested: Exclude<RequestedRecipient, { profileId: string }>): Recipient {
  const connected = 'addresses' in requested;
  const addresses = (connected
    ? requested.addresses.map(({ address, channel }) => ({ address, channel }))
    : [toAddress(requested)]) as unknown as [Address, ...Address[]];
  const { variables } = requested;
  const empty = variables === undefined || Object.keys(variables).length === 0;
  return { addresses, connected, variables: empty ? null : variables };
}

function toAddress({ address, channel, name }: RequestedAddress): Address {
  return name === undefined ? { address, channel } : { address, channel, name };
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
        `For ${pathOf(ordinal).slice(2)}: ${describeTagValue(rendered.text)}`,
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
