/**
 * Turns a request with a correct shape into its messages, or into all of its problems. Pure: no
 * database, and the time is an argument. A refused request leaves nothing behind.
 *
 * ```
 *  content ─▶ tags ─▶ plan ─▶ schedule ─▶ callback ─▶ each recipient
 *     each step returns a value and its problems; the last one uses the values of the others
 * ```
 */
import type { OperationContent, ParsedContent } from '../domain/content.ts';
import type { ContentTemplate } from '../domain/content-template.ts';
import { ERRORS, type Problem } from '../domain/errors.ts';
import { countSteps } from '../domain/liquid-steps.ts';
import { RECIPIENTS_MAX, type SendPlan } from '../domain/operation.ts';
import { planSenders, type SenderChoice } from '../domain/sender.ts';
import { readSchedule } from '../domain/schedule.ts';
import { isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { RequestedRecipient, SendHead, SendRequest } from '../domain/send-request.ts';
import type { Work } from '../lib/fair-share.ts';
import { checkMessageId, createContentCheck, openContent, readContent } from './content.ts';
import { PLACES_IN_LIST, type Places } from './places.ts';
import { NO_PROBLEMS, problem, ProblemList, toProblem, valid, type Checked } from './problems.ts';
import { prepareRecipient, type PreparedRecipient, type RecipientPlan } from './recipients.ts';
import { createRouteFinder, type FindCarriage } from './routes.ts';
import { readTags } from './tags.ts';
import { createTimetable } from './timetable.ts';

/** What all recipients of a request share. */
export interface SendFacts {
  readonly content: OperationContent;
  readonly parsed: ParsedContent;
  readonly plan: SendPlan;
  readonly tags: Readonly<Record<string, string>>;
  readonly expireAt: Date | null;
  readonly statusCallback: string | null;
  /** The time templates see as "now". */
  readonly renderAt: Date;
}

export interface PreparedSend extends SendFacts {
  /** When all messages are due; null: at once, or not all at the same time. */
  readonly scheduledFor: Date | null;
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
  /** Whether it also goes to recipients who have opted out. */
  readonly ignoresSuppressions: boolean;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findTargetProblem: (url: string) => string | null;
  readonly findCarriage: FindCarriage;
}

/** A request whose recipients are prepared one after the other. */
export interface OpenSend {
  /** Null where the part that all recipients share is wrong. */
  readonly facts: SendFacts | null;
  /** When all messages are due; undefined where recipients may have times of their own. */
  readonly dueAt: Date | null | undefined;
  /** Null after too many steps of rendering, which is a problem as well. */
  prepare(requested: RequestedRecipient, ordinal: number): PreparedRecipient | null;
}

/**
 * Checks and plans the part of a request that all recipients share. Recipients are then prepared in the order of their
 * ordinals. All problems go to `list`.
 */
export function openSend(
  request: SendHead,
  places: Places,
  options: PrepareOptions,
  list: ProblemList,
): OpenSend {
  const content = list.take(readContent(request.content, options.template));
  const parsed = content === null ? null : list.take(openContent(content, '$.content'));
  const tags = list.take(readTags(request.tags ?? {}));
  const plan = list.take(choosePlan(request.from, options.choice));
  const schedule = readSchedule(request.schedule?.sendAt, request.expireAt, options.now);
  list.add(schedule.problems.map(toProblem));
  const { statusCallback = null } = request;
  list.add(checkCallback(statusCallback, options.findTargetProblem));

  const renderAt = schedule.scheduledFor ?? options.now;
  const rendering = { renderAt, requireVariables: options.requireVariables, places };
  const used = plan ?? { senders: [] };
  const timetable = createTimetable(schedule, options.choice.senders, options.now);
  const recipientPlan: RecipientPlan = {
    plan: used,
    checkContent: parsed === null ? null : createContentCheck(parsed, rendering),
    findRoutes: createRouteFinder(used, options.findCarriage),
    tags,
    timetable: timetable.dueAt,
    rendering,
  };
  let steps = 0;
  return {
    facts:
      list.total > 0 || content === null || parsed === null || plan === null
        ? null
        : {
            content,
            parsed,
            plan: options.ignoresSuppressions ? { ...plan, ignoresSuppressions: true } : plan,
            tags: request.tags ?? {},
            expireAt: schedule.expireAt,
            statusCallback,
            renderAt,
          },
    dueAt: timetable.common,
    prepare(requested, ordinal) {
      const stepsMax = STEPS_MAX + Math.max(0, ordinal - RECIPIENTS_MAX) * STEPS_PER_RECIPIENT;
      if (steps > stepsMax) return null;
      if (ordinal === 1 && parsed !== null) list.add(checkMessageId(parsed));
      const stepsBefore = countSteps();
      const prepared = list.take(prepareRecipient(requested, ordinal, recipientPlan));
      steps += countSteps() - stepsBefore;
      if (steps > stepsMax) list.add([tooManySteps(places.name(ordinal), stepsMax)]);
      return prepared;
    },
  };
}

/** Checks and plans a request. It finds all problems of all recipients, and returns the first hundred in full. */
export function* prepareSend(request: SendRequest, options: PrepareOptions): Work<PrepareResult> {
  const problems = new ProblemList();
  const { facts, prepare } = openSend(request, PLACES_IN_LIST, options, problems);
  const recipients: PreparedRecipient[] = [];
  for (const [ordinal, each] of request.to.entries()) {
    yield;
    const prepared = prepare(each, ordinal);
    if (prepared === null) break;
    recipients.push(prepared);
  }
  if (problems.total > 0 || facts === null)
    return { ok: false, problems: problems.first, total: problems.total };
  return { ok: true, send: { ...facts, scheduledFor: commonTime(recipients), recipients } };
}

function choosePlan(from: SendRequest['from'], choice: SenderChoice): Checked<SendPlan | null> {
  const result = planSenders(from ?? null, choice);
  if (result.ok) return valid(result.plan);
  return { value: null, problems: [toProblem(result)] };
}

function checkCallback(
  url: string | null,
  findTargetProblem: PrepareOptions['findTargetProblem'],
): readonly Problem[] {
  const reason = url && findTargetProblem(url);
  return reason ? [problem('statusCallback', reason, '$.statusCallback')] : NO_PROBLEMS;
}

/** When all that can be reached are due, if that is at the same time. */
function commonTime(recipients: readonly PreparedRecipient[]): Date | null {
  const reached = recipients.filter((each) => each.first !== null);
  const dueAt = reached[0]?.dueAt ?? null;
  return reached.every((each) => each.dueAt === dueAt) ? dueAt : null;
}

/** Maximum number of rendering steps of a request, so that one request does not delay all others; and more for each recipient of a streamed one. */
const STEPS_MAX = 2_000_000;
const STEPS_PER_RECIPIENT = STEPS_MAX / RECIPIENTS_MAX;

function tooManySteps(place: string, stepsMax: number): Problem {
  return problem(
    'template',
    `Rendering takes too long: up to ${place}, it took more than ${stepsMax} steps. Simplify the templates or split the request.`,
    '$.content',
  );
}

/** Marks recipients who have opted out: they become unaddressable. */
export function withoutSuppressed(
  recipients: readonly PreparedRecipient[],
  plan: SendPlan,
  index: SuppressionIndex,
): readonly PreparedRecipient[] {
  if (index.size === 0) return recipients;
  return recipients.map((each) =>
    isSuppressed(each.recipient.addresses, plan, index)
      ? { ...each, first: null, code: ERRORS.suppressed.code }
      : each,
  );
}

/** The same for a prepared send. */
export function leaveOutSuppressed(send: PreparedSend, index: SuppressionIndex): PreparedSend {
  return { ...send, recipients: withoutSuppressed(send.recipients, send.plan, index) };
}
