/** Schedule: the send time and the expiry of a request. Pure. */
import type { Temporal } from 'temporal-polyfill';
import { ERRORS, type Problem } from './errors.ts';
import { INSTANT_HINT, readInstant } from './instant.ts';
import { instantAt, readLocalTime } from './local-time.ts';

/** The maximum time ahead of a schedule. */
export const SCHEDULE_DAYS_MAX = 7;
const DAY_MS = 86_400_000;

export interface ScheduleProblem {
  readonly code: Problem['code'];
  readonly message: string;
  readonly path: string;
}

export interface Schedule {
  /** The same for all; null: at once, or by the clock of each recipient. An instant that has passed means now. */
  readonly scheduledFor: Date | null;
  /** The local time on each recipient's clock; null unless an expression of `sendAt` has no zone. */
  readonly local: Expression<Temporal.PlainDateTime> | null;
  /** The instant that `local` must be for each recipient; null unless expressions with and without a zone were given. */
  readonly instant: Expression<Date> | null;
  readonly expireAt: Date | null;
  readonly problems: readonly ScheduleProblem[];
}

/** An expression of `sendAt`, read. */
interface Expression<Time> {
  readonly time: Time;
  readonly text: string;
  /** Its JSON path. */
  readonly path: string;
}

/**
 * Reads `schedule.sendAt` and `expireAt`. Each expression is an RFC 3339 date-time: an instant, or without a zone each
 * recipient's local time. All of them must be the same time, since their intersection is the time of sending. The form is
 * already valid; this function checks the expressions against each other and the current time. `findClash` and
 * `findTimeProblem` check local times, once the zones are known.
 */
export function readSchedule(
  sendAt: readonly string[] | undefined,
  expireAt: string | undefined,
  now: Date,
): Schedule {
  const problems: ScheduleProblem[] = [];
  const add = (message: string, path: string) =>
    problems.push({ code: ERRORS.schedule.code, message, path });
  const expiry = expireAt === undefined ? null : readInstant(expireAt);
  if (expireAt !== undefined && expiry === null)
    add(`"${expireAt}" is not a date and time with zone; ${INSTANT_HINT}.`, '$.expireAt');
  let instant: Expression<Date> | null = null;
  let local: Expression<Temporal.PlainDateTime> | null = null;
  for (const [i, text] of (sendAt ?? []).entries()) {
    const path = `$.schedule.sendAt[${i}]`;
    const exact = readInstant(text);
    const onClocks =
      exact === null && readInstant(text, 'optional') !== null ? readLocalTime(text) : null;
    if (exact === null && onClocks === null)
      add(`"${text}" is not a date and time; ${INSTANT_HINT}.`, path);
    if (exact !== null) {
      instant ??= { time: exact, text, path };
      if (exact.getTime() !== instant.time.getTime()) add(excludes(text, instant), path);
    }
    if (onClocks !== null) {
      local ??= { time: onClocks, text, path };
      if (!onClocks.equals(local.time)) add(excludes(text, local), path);
    }
  }
  const scheduledFor = instant !== null && instant.time > now ? instant.time : null;
  if (local === null || instant !== null) {
    const problem = findTimeProblem(scheduledFor ?? now, expiry, now, instant?.path);
    if (problem !== null) problems.push(problem);
  }
  return {
    scheduledFor,
    local,
    instant: local === null ? null : instant,
    expireAt: expiry,
    problems,
  };
}

function excludes(text: string, other: Expression<unknown>, detail = ''): string {
  const position = /\d+/.exec(other.path)?.[0] ?? '';
  return `"${text}"${detail} excludes "${other.text}" (sendAt[${position}]): no time is both.`;
}

/** The problem of a local time that is not the instant of the schedule in a zone, or null. */
export function findClash({ local, instant }: Schedule, zone: string): ScheduleProblem | null {
  if (local === null || instant === null) return null;
  const at = instantAt(local.time, zone);
  if (at.getTime() === instant.time.getTime()) return null;
  return {
    code: ERRORS.schedule.code,
    message: excludes(local.text, instant, ` in ${zone} (${at.toISOString()})`),
    path: local.path,
  };
}

/** The problem of a send time, or null. `zone` is given for recipients' local times. */
export function findTimeProblem(
  at: Date,
  expireAt: Date | null,
  now: Date,
  path = '$.schedule.sendAt[0]',
  zone: string | null = null,
): ScheduleProblem | null {
  const name = `${at.toISOString()}${zone === null ? '' : ` (that time in ${zone})`}`;
  if (at.getTime() > now.getTime() + SCHEDULE_DAYS_MAX * DAY_MS)
    return {
      code: ERRORS.schedule.code,
      message: `${name} is more than ${SCHEDULE_DAYS_MAX} days ahead; choose an earlier time.`,
      path,
    };
  if (expireAt !== null && expireAt <= at)
    return {
      code: ERRORS.schedule.code,
      message: `${expireAt.toISOString()} is not after the time of sending, ${name}.`,
      path: '$.expireAt',
    };
  return null;
}
