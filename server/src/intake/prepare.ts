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
import type { SendPlan } from '../domain/operation.ts';
import { planSenders, type SenderChoice } from '../domain/sender.ts';
import { readSchedule } from '../domain/schedule.ts';
import { isSuppressed, type SuppressionIndex } from '../domain/suppression.ts';
import type { RequestedRecipient, SendRequest } from '../domain/send-request.ts';
import type { Work } from '../lib/fair-share.ts';
import { checkMessageId, createContentCheck, openContent, readContent } from './content.ts';
import { NO_PROBLEMS, problem, ProblemList, toProblem, valid, type Checked } from './problems.ts';
import { prepareRecipient, type PreparedRecipient, type RecipientPlan } from './recipients.ts';
import { createRouteFinder, type FindCarriage } from './routes.ts';
import { readTags } from './tags.ts';
import { createTimetable } from './timetable.ts';

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
  /** Whether it also goes to recipients who have opted out. */
  readonly ignoresSuppressions: boolean;
  /** Says why a URL may not be called, in words; null when it may. */
  readonly findTargetProblem: (url: string) => string | null;
  readonly findCarriage: FindCarriage;
}

/** Checks and plans a request. It finds all problems of all recipients, and returns the first hundred in full. */
export function* prepareSend(request: SendRequest, options: PrepareOptions): Work<PrepareResult> {
  const list = new ProblemList();
  const content = list.take(readContent(request.content, options.template));
  const parsed = content === null ? null : list.take(openContent(content, '$.content'));
  if (parsed !== null) list.add(checkMessageId(parsed, request.to.length));
  const tags = list.take(readTags(request.tags ?? {}));
  const plan = list.take(choosePlan(request.from, options.choice));
  const schedule = readSchedule(request.schedule?.sendAt, request.expireAt, options.now);
  list.add(schedule.problems.map(toProblem));
  const { statusCallback = null } = request;
  list.add(checkCallback(statusCallback, options.findTargetProblem));

  const renderAt = schedule.scheduledFor ?? options.now;
  const rendering = { renderAt, requireVariables: options.requireVariables };
  const used = plan ?? { senders: [] };
  const recipients = yield* prepareRecipients(request.to, list, {
    plan: used,
    checkContent: parsed === null ? null : createContentCheck(parsed, rendering),
    findRoutes: createRouteFinder(used, options.findCarriage),
    tags,
    timetable: createTimetable(schedule, options.choice.senders, options.now),
    rendering,
  });
  if (list.total > 0 || content === null || parsed === null || plan === null)
    return { ok: false, problems: list.first, total: list.total };
  return {
    ok: true,
    send: {
      content,
      parsed,
      plan: options.ignoresSuppressions ? { ...plan, ignoresSuppressions: true } : plan,
      tags: request.tags ?? {},
      scheduledFor: commonTime(recipients),
      expireAt: schedule.expireAt,
      statusCallback,
      renderAt,
      recipients,
    },
  };
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

/** Maximum number of rendering steps for all recipients of a request, so that one request does not delay all others. */
const STEPS_MAX = 2_000_000;

/** Prepares one recipient after the other. Their problems go to `list`: a request can have millions. */
function* prepareRecipients(
  to: readonly RequestedRecipient[],
  list: ProblemList,
  plan: RecipientPlan,
): Work<PreparedRecipient[]> {
  let steps = 0;
  const prepared: PreparedRecipient[] = [];
  for (const [ordinal, each] of to.entries()) {
    yield;
    const stepsBefore = countSteps();
    prepared.push(list.take(prepareRecipient(each, ordinal, plan)));
    steps += countSteps() - stepsBefore;
    if (steps > STEPS_MAX) {
      list.add([tooManySteps(ordinal + 1, to.length)]);
      break;
    }
  }
  return prepared;
}

function tooManySteps(done: number, all: number): Problem {
  return problem(
    'template',
    `Rendering takes too long: after recipient ${done} of ${all}, it took more than ${STEPS_MAX} steps. Simplify the templates or split the request.`,
    '$.content',
  );
}

/** Removes recipients who have opted out from a prepared send: they become unaddressable. */
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
