/** Schedule: the send time and the expiry of a request. Pure. */
import type { Temporal } from 'temporal-polyfill';
import { ERRORS, type Problem } from './errors.ts';
import { INSTANT_HINT, readInstant } from './instant.ts';
import { readLocalTime } from './local-time.ts';

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
  /** The local time on each recipient's clock; null unless `sendAt` came without a zone. */
  readonly local: Temporal.PlainDateTime | null;
  readonly expireAt: Date | null;
  readonly problems: readonly ScheduleProblem[];
}

/**
 * Reads `schedule.sendAt` (one RFC 3339 date-time; without a zone it is each recipient's local time) and `expireAt`. The
 * form is already valid; this function checks them against each other and the current time. `findTimeProblem` checks
 * local times, once the zones are known.
 */
export function readSchedule(
  sendAt: readonly string[] | undefined,
  expireAt: string | undefined,
  now: Date,
): Schedule {
  const problems: ScheduleProblem[] = [];
  const add = (message: string, path: string) =>
    problems.push({ code: ERRORS.schedule.code, message, path });
  if (sendAt !== undefined && sendAt.length > 1)
    add(
      'More than one expression is not supported; give a single date and time.',
      '$.schedule.sendAt',
    );
  const expiry = expireAt === undefined ? null : readInstant(expireAt);
  if (expireAt !== undefined && expiry === null)
    add(`"${expireAt}" is not a date and time with zone; ${INSTANT_HINT}.`, '$.expireAt');
  const text = sendAt?.[0];
  const instant = text === undefined ? now : readInstant(text, 'optional');
  if (instant === null)
    add(`"${text}" is not a date and time; ${INSTANT_HINT}.`, '$.schedule.sendAt[0]');
  const zoned = text === undefined || readInstant(text) !== null;
  const local = zoned || instant === null ? null : readLocalTime(text);
  const scheduledFor = zoned && instant !== null && instant > now ? instant : null;
  if (local === null) {
    const problem = findTimeProblem(scheduledFor ?? now, expiry, now);
    if (problem !== null) problems.push(problem);
  }
  return { scheduledFor, local, expireAt: expiry, problems };
}

/** The problem of a send time, or null. `zone` is given for recipients' local times. */
export function findTimeProblem(
  at: Date,
  expireAt: Date | null,
  now: Date,
  zone: string | null = null,
): ScheduleProblem | null {
  const name = `${at.toISOString()}${zone === null ? '' : ` (that time in ${zone})`}`;
  if (at.getTime() > now.getTime() + SCHEDULE_DAYS_MAX * DAY_MS)
    return {
      code: ERRORS.schedule.code,
      message: `${name} is more than ${SCHEDULE_DAYS_MAX} days ahead; choose an earlier time.`,
      path: '$.schedule.sendAt[0]',
    };
  if (expireAt !== null && expireAt <= at)
    return {
      code: ERRORS.schedule.code,
      message: `${expireAt.toISOString()} is not after the time of sending, ${name}.`,
      path: '$.expireAt',
    };
  return null;
}
